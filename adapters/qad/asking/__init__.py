"""How one call is made: client, token; what its answer means."""
