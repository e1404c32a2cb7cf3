"""What is read of QAD: browses, reference data."""
