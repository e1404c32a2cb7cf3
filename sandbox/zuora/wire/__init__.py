"""Zuora's HTTP: the gate that every call passes, and the endpoints behind it."""
