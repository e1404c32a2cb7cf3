"""Lots that fall the same way again: each topic draws from a sequence of its own, so that one never moves another."""

from random import Random


def lots(seed: int, *topics: str) -> Random:
    """Return the sequence of a topic, e.g. `lots(7, "emea", "october payments")`."""
    # A text as seed is hashed by a fixed rule, so the same topic draws the same on every machine.
    return Random(":".join((str(seed), *topics)))  # noqa: S311 - the story must repeat, and protects nothing.
