"""What our outcomes of one connection ended with, in a small file beside the workers: a log that lost its end shows.

The file is written before and after each group of outcomes, so what the log may hold beyond it is one group, and no
call was made on the strength of that. It is no state: without it, or with another's, QAD is asked before anything is
sent. So it is with one from before this machine was started, unless its owner ended in good order: where the power
failed, file and log may both have gone back, to a moment at which they agree.
"""

import os
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import msgspec
import structlog

from adapters.clock import boot_id
from adapters.kafka.reader import LogRecord
from adapters.kafka.writer import COUNT_HEADER

log = structlog.get_logger(__name__)

# More outcomes than one group holds: so many beyond a mark were written by another owner, and are not kept here.
_GROUP_MAX = 10_000
# A mark takes half of it.
_BODY_BYTES = 440


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a log, and what it cannot say.

    Attributes:
        offset: Where our last outcome stands, -1 where there is none.
        digest: Of its bytes.
        pending: Digest of a group that may follow it: whoever writes it has made no call yet that relies on it.
        look_below: Postings from before this offset may have been sent without a trace, until they are accounted for.
        accounted: Every posting from before this offset has an outcome.
        first_start: No trace of an owner before was found when that was noted.
        boot: Under which start of the machine it was written.
        closed: Its owner ended in good order, and the file was on the disk before anything else could be written.
    """

    offset: int = -1
    digest: str = ""
    pending: str = ""
    look_below: int = 0
    accounted: int = 0
    first_start: bool = False
    boot: str = ""
    closed: bool = False

    @property
    def must_look(self) -> bool:
        """Whether QAD has to be asked before first attempts."""
        return self.accounted < self.look_below


class Bookmark:
    """The mark of one connection, in memory and in its file: whoever owns the connection on this machine writes it."""

    def __init__(self, path: Path | None, *, boot: str | None = None) -> None:
        """Name the file; with no path, what is known lives as long as this object.

        Args:
            path: The file.
            boot: Names this start of the machine; without it, the machine is asked.
        """
        self._path = path
        self._boot = boot_id() if boot is None else boot
        self._file: int | None = None
        self._failed = False
        self._mark: Mark | None = None

    def read(self) -> Mark | None:
        """Return the mark as whoever was the last owner here left it, or None where there is none."""
        self._mark = self._load()
        return self._mark

    def set(self, mark: Mark) -> None:
        """Replace the mark."""
        opens = self.known.closed
        self._mark = msgspec.structs.replace(mark, boot=self._boot, closed=False)
        self._store(self._mark, durable=opens)

    def may_have_gone_back(self, mark: Mark) -> bool:
        """Return whether the machine may have lost its power since the mark was written, and what stood there then."""
        return not mark.closed and mark.boot != self._boot

    def begins(self, values: Sequence[bytes]) -> None:
        """Note that a group is about to be written."""
        self.set(msgspec.structs.replace(self.known, pending=_digest(*values)))

    def committed(self, values: Sequence[bytes], last_offset: int) -> None:
        """Note that a group is in the log."""
        self.set(msgspec.structs.replace(self.known, offset=last_offset, digest=_digest(values[-1]), pending=""))

    def account(self, offset: int) -> None:
        """Note that every posting from before this offset has an outcome."""
        if offset > self.known.accounted:
            self.set(msgspec.structs.replace(self.known, accounted=offset))

    @property
    def known(self) -> Mark:
        """The mark, which is there once the log was read."""
        return self._mark or Mark()

    def close(self) -> None:
        """Note that the owner ends in good order, and let the file go until it is written again.

        A mark that another owner wrote meanwhile is left alone.
        """
        if self._mark is not None and self._load() == self._mark:
            self._mark = msgspec.structs.replace(self._mark, closed=True)
            self._store(self._mark, durable=True)
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _load(self) -> Mark | None:
        return _read(self._path) if self._path is not None else self._mark

    def _store(self, mark: Mark, *, durable: bool) -> None:
        if self._path is not None:
            self._write(self._path, mark, durable=durable)

    def _write(self, path: Path, mark: Mark, *, durable: bool) -> None:
        """Write over the file. Where that fails or is cut short it is behind, which shows and costs a look at QAD.

        In place: it is written twice for every group, and to put another file in its place takes milliseconds. So does
        waiting for the disk, which is for the first and the last of an owner alone.
        """
        body = msgspec.json.encode(mark).ljust(_BODY_BYTES)
        try:
            if self._file is None:
                path.parent.mkdir(parents=True, exist_ok=True)
                self._file = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
            os.pwrite(self._file, _digest(body).encode() + b"\n" + body, 0)
            if durable:
                os.fsync(self._file)
        except OSError as error:
            if not self._failed:
                log.error("the bookmark of the outcomes log cannot be written", file=str(path), what=error.strerror)
            self._failed = True
        else:
            self._failed = False


class Witness:
    """Holds a log against a mark, outcome by outcome of ours, in order."""

    def __init__(self, mark: Mark | None, *, from_start: bool = True) -> None:
        """Begin at the start of the log, or anywhere before the outcome that the mark names."""
        self._mark = mark
        self._before = 0 if from_start else None
        self._met = mark is not None and mark.offset < 0
        self._has_gap = False
        self._beyond: list[bytes] = []
        self.last = Mark()

    def see(self, record: LogRecord) -> None:
        """Take note of one outcome of ours."""
        count, before = _count(record), self._before
        # What comes behind a new beginning was written by an owner who knew of the gap, and had asked QAD.
        self._has_gap = count > 1 and (self._has_gap or (before is not None and count != before + 1))
        self._before = count
        self.last = Mark(offset=record.offset, digest=_digest(record.value))
        if self._mark is None or record.offset < self._mark.offset:
            return
        if record.offset == self._mark.offset:
            self._met = self.last.digest == self._mark.digest
        elif len(self._beyond) < _GROUP_MAX:
            self._beyond.append(record.value)

    @property
    def count(self) -> int:
        """The number that the last outcome carries, 0 where it carries none."""
        return self._before or 0

    @property
    def met(self) -> bool:
        """Whether the outcome that the mark names stands where it says."""
        return self._met

    @property
    def whole(self) -> bool:
        """Whether the log ends as the mark says, or with the group that was being written, and nothing is missing.

        What is lost under a lane that writes on is missing in the middle: the mark was moved past it.
        """
        if self._mark is None or not self._met or self._has_gap:
            return False
        return not self._beyond or _digest(*self._beyond) == self._mark.pending


def _count(record: LogRecord) -> int:
    return next((int(value) for name, value in record.headers if name == COUNT_HEADER), 0)


def _read(path: Path) -> Mark | None:
    try:
        digest, _, body = path.read_bytes().partition(b"\n")
        if digest.decode() == _digest(body):
            return msgspec.json.decode(body, type=Mark)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, msgspec.DecodeError) as error:
        log.warning("the bookmark of the outcomes log cannot be read", file=str(path), what=type(error).__name__)
        return None
    log.warning("the bookmark of the outcomes log is garbled", file=str(path))
    return None


def _digest(*values: bytes) -> str:
    found = sha256()
    for value in values:
        found.update(len(value).to_bytes(8, "big"))
        found.update(value)
    return found.hexdigest()
