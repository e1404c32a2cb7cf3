"""The demo: the whole product on this machine, between two stand-in companies, from nothing to a reconciliation.

It types the product's own commands and lets the story of `sandbox/world` happen beside them. It starts nothing that it
does not stop, and nothing outlives it.
"""
