"""The same work side by side: the product's way, and what else would do it."""
