"""What a callout hints at, so that it is read back from Zuora: a hint is never believed."""
