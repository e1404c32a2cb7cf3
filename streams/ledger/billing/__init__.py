"""Invoices and memos: posted, unposted, posted again, and what lies on them then. Money in has its own room."""
