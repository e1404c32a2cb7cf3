"""The sink's port over QAD's REST interface."""
