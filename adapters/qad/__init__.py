"""QAD: one tenant's dialect as a profile, how it is asked, what is read of it, and the sink's port over REST."""
