"""Application rows as allocations: their signs, what they are divided over, what frees them. No document is posted."""
