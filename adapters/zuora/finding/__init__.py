"""Which objects are read and when: polls, backfills, re-reads, callouts that failed. No position moves early."""
