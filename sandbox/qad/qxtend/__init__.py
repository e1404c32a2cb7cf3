"""QXtend inbound: the same books by SOAP."""
