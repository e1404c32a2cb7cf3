"""Secrets at rest: sealed with AES-256-GCM under a key that is never in the store. No plaintext fallback."""
