"""Rows as the JSON that v1 writes: its own field names, names for accounting codes, moments without a zone.

Each form lists its fields; where v1 and Object Query share a name the list holds the name only. What is not set is
left out, unless the tenant writes null.
"""
