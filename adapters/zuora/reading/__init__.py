"""What is read of each kind: a list of what changed, one object whole, and which kinds a tenant has."""
