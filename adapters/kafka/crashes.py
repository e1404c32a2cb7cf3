"""Which inputs a lane has crashed at, and how often; kept where the end of the process does not wipe it out.

The offset that is being decided stands in memory that is shared with a file: a process that is killed in the middle,
for want of memory or by a fault of a C library, leaves it there, and the next start counts it. Writing it costs nothing
that can be measured. It must never decide what becomes of an input: the lane does, after three crashes.

Not counted is what ends a process while outputs are written, and nothing is known on a machine that has
another directory: each worker then counts for itself.
"""

import mmap
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import structlog

from schemas.errors import InvariantViolation

log = structlog.get_logger(__name__)

# After this many crashes at one input it becomes a dead letter, at one posting it parks, and the others go on.
CRASHES_MAX = 3
# What an input or a posting itself can cause where nobody foresaw it. All else (no memory, no disk, a client that ends)
# would befall the next one just as well, and is no reason to go on without this one.
CAUSED_BY_CONTENT = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    InvariantViolation,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
    msgspec.MsgspecError,
)

_OFFSET_BYTES = 8
# No offset is negative.
_NONE = (-1).to_bytes(_OFFSET_BYTES, "little", signed=True)


class Crashes:
    """The crashes of one partition's lane."""

    def __init__(self, directory: Path | None = None) -> None:
        """Count on from what the directory says; without one, count in memory alone."""
        self._file = directory / "crashes.json" if directory else None
        self._times: dict[int, int] = {}
        self._now: mmap.mmap | bytearray = bytearray(_NONE)
        if directory is not None:
            directory.mkdir(parents=True, exist_ok=True)
            self._times = _counted(directory / "crashes.json")
            self._now = _shared(directory / "deciding")
            left = int.from_bytes(self._now[:], "little", signed=True)
            if left >= 0:
                self._count(left)
                self._now[:] = _NONE

    @contextmanager
    def at(self, offset: int) -> Iterator[None]:
        """Decide an input inside: whatever does not end well counts as a crash at it."""
        self._now[:] = offset.to_bytes(_OFFSET_BYTES, "little", signed=True)
        try:
            yield
        except Exception:
            self._count(offset)
            raise
        finally:
            self._now[:] = _NONE
        if self._times:
            self.forget((offset,))

    def too_many(self, offset: int) -> bool:
        """Return whether an input has crashed so often that the others must go on without it."""
        return self._times.get(offset, 0) >= CRASHES_MAX

    def forget(self, offsets: Iterable[int]) -> None:
        """Forget the crashes at inputs that are done with: one that comes again, after a fix, is tried again."""
        known = [offset for offset in offsets if offset in self._times]
        for offset in known:
            del self._times[offset]
        if known:
            self._save()

    def _count(self, offset: int) -> None:
        self._times[offset] = self._times.get(offset, 0) + 1
        self._save()

    def _save(self) -> None:
        if self._file is not None:
            new = self._file.with_suffix(".new")
            try:
                new.write_bytes(msgspec.json.encode(self._times))
                new.replace(self._file)
            except OSError as error:
                # What ends a lane is to be said, not that it could not be counted for the next process.
                log.warning("crashes are counted in memory alone", what=str(error))


def _counted(file: Path) -> dict[int, int]:
    """Return what was counted before; nothing where nobody can read it: then it is counted anew."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=dict[int, int])
    except (FileNotFoundError, msgspec.MsgspecError):
        return {}


def _shared(file: Path) -> mmap.mmap:
    """Return memory that the file shows, whoever of the two ends first."""
    if not file.exists() or file.stat().st_size != _OFFSET_BYTES:
        file.write_bytes(_NONE)
    with file.open("r+b") as opened:
        return mmap.mmap(opened.fileno(), _OFFSET_BYTES)
