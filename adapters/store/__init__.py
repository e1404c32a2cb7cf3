"""The read model: one SQLite file that is rebuilt from the log whenever it is deleted."""
