"""The ERP itself: master data, documents, open items, general ledger. It knows nothing of HTTP, JSON or dialects."""
