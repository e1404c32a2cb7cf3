"""State written down and taken up again, as a checkpoint does it."""

from collections.abc import Iterator, Sequence
from typing import Protocol, TypeVar

from streams.shelf import Snapshot


class Written(Protocol):
    """What can be written down."""

    def parts(self) -> Sequence[Snapshot]: ...

    def restore(self, parts: Iterator[bytearray]) -> None: ...


W = TypeVar("W", bound=Written)


def restored(kept: W, empty: W) -> W:
    """Return the empty one with what is kept in the other."""
    parts = [bytearray(b"".join(part.pieces())) for part in kept.parts()]
    left = iter(parts)
    empty.restore(left)
    assert next(left, None) is None, "a part was written and is not read"
    return empty
