"""Customers in QAD: which are made of a billing account that a person approved, and what of it flows there later."""
