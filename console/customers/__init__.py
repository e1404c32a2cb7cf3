"""Billing accounts and their customers, for people: where each goes, who is looked at, what a link affects."""
