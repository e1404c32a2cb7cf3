"""Many values by name in little memory: what is under way as objects, what has ended as packed bytes.

A million ended documents as objects take gigabytes and a long time to write down. As rows, end to end in one heap, they
take what their bytes take, and a place in an index that is found by the digest of the name. Rows are appended and never
changed: what stands in the heap now can be written to a file in another thread while more is added.
"""

from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b, sha256
from typing import Any, Generic, Protocol, TypeVar

import msgspec

T = TypeVar("T")

# 128 bits: two names of one digest are not to be expected before the end of the world.
_DIGEST_BYTES = 16
_LENGTH_BYTES = 4
_HEAD_BYTES = _DIGEST_BYTES + _LENGTH_BYTES
_SLOTS_MIN = 1024
# A place in the index is the row's position plus one: 0 is no row.
_PLACE = "Q"
_PIECE_BYTES = 1 << 20
# Below this it is not worth while to throw out rows that newer ones replaced.
_COMPACT_BYTES_MIN = 1 << 20


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The first bytes of a buffer that only grows: they can be read in another thread."""

    buffer: bytes | bytearray
    size: int

    def pieces(self) -> Iterator[bytes]:
        """Yield the bytes, a part at a time."""
        for start in range(0, self.size, _PIECE_BYTES):
            yield bytes(self.buffer[start : min(start + _PIECE_BYTES, self.size)])


class Kept(Protocol):
    """State that can be written down as it stands and taken up again.

    Attributes:
        shape: Changes when anything in what is written changes its type.
    """

    shape: str

    def parts(self) -> Sequence[Snapshot]:
        """Return the state as it is now; quick, whatever its size."""
        ...

    def restore(self, parts: Iterator[bytearray]) -> None:
        """Take up, in the same order, what `parts` gave: this is empty before."""
        ...


def shape_of(*kinds: Any) -> str:
    """Return a digest of how values of these types are written."""
    return sha256(msgspec.json.encode([msgspec.json.schema(kind) for kind in kinds])).hexdigest()[:16]


def packed(value: object) -> Snapshot:
    """Return a small value as bytes of its own."""
    body = msgspec.msgpack.encode(value)
    return Snapshot(body, len(body))


class Rows:
    """Bytes by digest. The newest row of a digest counts."""

    def __init__(self) -> None:
        """Begin empty."""
        self._heap = bytearray()
        self._index = array(_PLACE, bytes(_SLOTS_MIN * 8))
        self._mask = _SLOTS_MIN - 1
        self._count = 0
        self._replaced_bytes = 0

    def __len__(self) -> int:
        """Return how many digests have a row."""
        return self._count

    def get(self, digest: bytes) -> bytes | None:
        """Return the row of a digest, or None."""
        place = self._index[self._slot(digest)]
        return self._row(place - 1) if place else None

    def put(self, digest: bytes, row: bytes) -> None:
        """Add a row, or one that replaces another."""
        slot = self._slot(digest)
        place = self._index[slot]
        if place:
            before = self._row(place - 1)
            if before == row:
                return
            self._replaced_bytes += _HEAD_BYTES + len(before)
        else:
            self._count += 1
        self._index[slot] = len(self._heap) + 1
        self._heap += digest + len(row).to_bytes(_LENGTH_BYTES, "little") + row
        if self._count * 3 > len(self._index) * 2:
            self._index_anew(len(self._index) * 2)
        if self._replaced_bytes > max(len(self._heap) // 2, _COMPACT_BYTES_MIN):
            self._compact()

    def __iter__(self) -> Iterator[tuple[bytes, bytes]]:
        """Yield (digest, row); nothing may be put meanwhile."""
        for place in self._index:
            if place:
                yield bytes(self._heap[place - 1 : place - 1 + _DIGEST_BYTES]), self._row(place - 1)

    def parts(self) -> Sequence[Snapshot]:
        """Return what is there now."""
        index = self._index.tobytes()
        return (
            packed((self._count, self._replaced_bytes)),
            Snapshot(index, len(index)),
            Snapshot(self._heap, len(self._heap)),
        )

    def restore(self, parts: Iterator[bytearray]) -> None:
        """Take up what `parts` gave."""
        self._count, self._replaced_bytes = msgspec.msgpack.decode(next(parts), type=tuple[int, int])
        self._index = array(_PLACE)
        self._index.frombytes(next(parts))
        self._mask = len(self._index) - 1
        self._heap = next(parts)

    def _slot(self, digest: bytes) -> int:
        """Return where in the index a digest is, or would be."""
        index, heap, mask = self._index, self._heap, self._mask
        slot = int.from_bytes(digest[:8], "little") & mask
        while (place := index[slot]) and heap[place - 1 : place - 1 + _DIGEST_BYTES] != digest:
            slot = (slot + 1) & mask
        return slot

    def _row(self, start: int) -> bytes:
        begin = start + _HEAD_BYTES
        length = int.from_bytes(self._heap[start + _DIGEST_BYTES : begin], "little")
        return bytes(self._heap[begin : begin + length])

    def _index_anew(self, slots: int) -> None:
        before, heap = self._index, self._heap
        index, mask = array(_PLACE, bytes(slots * 8)), slots - 1
        for place in before:
            if place:
                slot = int.from_bytes(heap[place - 1 : place + 7], "little") & mask
                while index[slot]:
                    slot = (slot + 1) & mask
                index[slot] = place
        self._index, self._mask = index, mask

    def _compact(self) -> None:
        """Leave out what was replaced. The old heap stays as it is for whoever still reads it."""
        heap = bytearray()
        for slot, place in enumerate(self._index):
            if place:
                start = place - 1
                length = int.from_bytes(self._heap[start + _DIGEST_BYTES : start + _HEAD_BYTES], "little")
                self._index[slot] = len(heap) + 1
                heap += self._heap[start : start + _HEAD_BYTES + length]
        self._heap, self._replaced_bytes = heap, 0


class Shelf(Generic[T]):
    """Values by name.

    Attributes:
        live: Those that have not ended, by name.
    """

    def __init__(self, kind: Any, *, ended: Callable[[T], bool]) -> None:
        """Begin empty.

        Args:
            kind: Type of the values; a struct that is changed is put again.
            ended: Whether a value has ended; it may be put again all the same.
        """
        self.live: dict[str, T] = {}
        self._ended = ended
        self._rows = Rows()
        self._live_type: Any = dict[str, kind]
        self._encode = msgspec.msgpack.Encoder().encode
        self._decode: Callable[[bytes], T] = msgspec.msgpack.Decoder(kind).decode

    def __len__(self) -> int:
        """Return how many names there are."""
        return len(self._rows) + sum(self._rows.get(_digest(name)) is None for name in self.live)

    def __contains__(self, name: str) -> bool:
        """Return whether there is a value of this name."""
        return name in self.live or self._rows.get(_digest(name)) is not None

    def __getitem__(self, name: str) -> T:
        """Return the value of a name.

        Raises:
            KeyError: There is none.
        """
        value = self.get(name)
        if value is None:
            raise KeyError(name)
        return value

    def __eq__(self, other: object) -> bool:
        """Compare what is in it, in whatever order it came."""
        return isinstance(other, Shelf) and self._content() == other._content()

    __hash__ = None  # type: ignore[assignment]  # What changes has no hash.

    def get(self, name: str) -> T | None:
        """Return the value of a name, or None."""
        value = self.live.get(name)
        if value is None and (row := self._rows.get(_digest(name))) is not None:
            return self._decode(row)
        return value

    def put(self, name: str, value: T) -> None:
        """Keep a value under a name, in place of the one before."""
        if self._ended(value):
            self._rows.put(_digest(name), self._encode(value))
            self.live.pop(name, None)
        else:
            # What it was when it had ended stays in the rows, and is covered by this.
            self.live[name] = value

    def values(self) -> Iterator[T]:
        """Yield all values; nothing may be put meanwhile."""
        yield from self.live.values()
        covered = {_digest(name) for name in self.live}
        for digest, row in self._rows:
            if digest not in covered:
                yield self._decode(row)

    def parts(self) -> Sequence[Snapshot]:
        """Return what is there now."""
        return (packed(self.live), *self._rows.parts())

    def restore(self, parts: Iterator[bytearray]) -> None:
        """Take up what `parts` gave."""
        self.live = msgspec.msgpack.decode(next(parts), type=self._live_type)
        self._rows.restore(parts)

    def _content(self) -> dict[bytes, T]:
        ended = {digest: self._decode(row) for digest, row in self._rows}
        return ended | {_digest(name): value for name, value in self.live.items()}


# The same few documents are asked for again and again while one input is decided.
@lru_cache(maxsize=1024)
def _digest(name: str) -> bytes:
    return blake2b(name.encode(), digest_size=_DIGEST_BYTES).digest()
