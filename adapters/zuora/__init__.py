"""Zuora: how it is asked, what is read of it, how that is found, its callouts, and marks. It never writes money there.

Each room has its own word of what it is; which may import which is held by tests/unit/test_imports.py.
"""
