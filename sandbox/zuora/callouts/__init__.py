"""Callout notifications: what is configured, what arrives, and how it is delivered."""
