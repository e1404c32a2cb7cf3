"""What is looked at while it runs: how far behind, what drifts, which budgets are used; as a page and as metrics."""
