"""QAD: one tenant's dialect as a profile, the client and its token, and the sink's port over REST."""
