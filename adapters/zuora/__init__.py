"""Zuora: the client and its token, reading objects whole, polling, receiving callouts. It never writes money there."""
