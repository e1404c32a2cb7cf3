"""Counts what happens in a history, by its words."""

from collections import Counter


class Tally(Counter[str]):
    """How often each thing happened."""

    def fired(self, what: str) -> None:
        """Count one."""
        self[what] += 1
