"""The control API: how tests and demos act on the stand-in, and what a judge reads."""
