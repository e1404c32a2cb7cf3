"""What a matched document becomes: canonical, balanced postings by the published mapping (ACCOUNTING 1 to 4)."""
