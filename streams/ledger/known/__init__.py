"""What was made of each document, and what both systems showed: folded from the log by one rule. Nothing here plans."""
