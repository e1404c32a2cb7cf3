"""The sink's port over QXtend inbound (SOAP)."""
