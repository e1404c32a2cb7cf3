"""How one call is made: client, token, budget and pace, what may be posted at all, and what answers mean."""
