"""`ping`: what is tried of each system, from the outside in, and what to do where something does not work."""
