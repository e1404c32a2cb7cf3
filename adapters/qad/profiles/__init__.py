"""A tenant of QAD in words of a file: what may stand there, what is checked of it."""
