"""What `ml-connector init` writes."""
