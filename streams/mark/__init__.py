"""Writing back: which fields of ours are to stand on which objects in Zuora, and how a call that sets them is named."""
