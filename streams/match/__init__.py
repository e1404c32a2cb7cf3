"""Which QAD customer a Zuora record belongs to, and whose record it is at all."""
