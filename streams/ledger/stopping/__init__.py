"""Why a document stands still, what it waits for, and words of Zuora that are not known. It never says that it does."""
