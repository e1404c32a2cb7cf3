"""The directory that the site's import takes documents from: who may write there now, what stands there, and how.

The site moves a file that it has taken into `done`, one that it refuses into `refused`, with the reason in a file of
the same name and `.reason.txt` behind it. We move nothing, write nothing over, and remove only what we left half done.
"""

import errno
import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from adapters.clock import boot_time_s
from adapters.files.document import Named, read_name
from adapters.files.profile import LOCK_S
from schemas.errors import (
    ConnectorError,
    InvariantViolation,
    Misconfigured,
    NotSent,
    OutcomeUnknown,
    Refused,
    Transient,
)

DONE, REFUSED, LISTS = "done", "refused", "lists"
_LOCK = ".lock"
_PAUSE_S = 0.01
_REASON_MAX = 200
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_FORBIDDEN = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
_NOT_THERE = frozenset({errno.ENOENT, errno.ENOTDIR})


class Standing(NamedTuple):
    """A document in the directory."""

    named: Named
    path: Path
    refused: bool


class Directory:
    """One connection's directory; all of it blocks, and belongs into a thread."""

    def __init__(self, path: Path) -> None:
        """Take this one."""
        self.path = path

    @contextmanager
    def held(self, *, until: float, alone: bool) -> Iterator[None]:
        """Hold the directory, alone or beside others that only look, while the body runs.

        Whoever was stopped while it wrote holds it still: nothing is looked up, or written, past it.

        Args:
            until: Boot-time clock up to which it is waited for.
            alone: Whether to write.

        Raises:
            NotSent: Another process has it.
            Refused: It may not be written.
            Misconfigured: It is not there, or not whole.
        """
        with said(self.path):
            self.check()
            # Opened anew each time: two holders in one process keep each other out as well.
            descriptor = os.open(self.path / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o660)
        try:
            _lock(descriptor, fcntl.LOCK_EX if alone else fcntl.LOCK_SH, until=until)
            yield
        finally:
            os.close(descriptor)

    def check(self) -> None:
        """Hold that it is the whole directory: one that is not mounted looks as if nothing had ever been written.

        Raises:
            Misconfigured: It is not.
        """
        for part in (self.path, *(self.path / name for name in (DONE, REFUSED, LISTS))):
            if not part.is_dir():
                raise Misconfigured(f"{part} is no directory: mount or make it, with done, refused and lists in it")

    def documents(self, containing: str = "", *, taken: bool = True) -> dict[str, Standing]:
        """Return the documents by file name, in whatever folder the site has moved them to.

        Args:
            containing: What their names contain; an archive may have many.
            taken: Also those that the site has taken, else only what is to be taken or refused.
        """
        found: dict[str, Standing] = {}
        with said(self.path):
            # The site moves files downwards, and what stands above is listed first: what moves meanwhile is seen.
            for folder, below, names in os.walk(self.path, onerror=_stop):
                if not taken and Path(folder) == self.path:
                    below[:] = [name for name in below if name == REFUSED]
                refused = Path(folder).relative_to(self.path).parts[:1] == (REFUSED,)
                for name in names:
                    named = read_name(name) if containing in name else None
                    if named is not None and (refused or name not in found):
                        found[name] = Standing(named, Path(folder, name), refused)
        return found

    def next_voucher(self, book: str) -> int:
        """Return the next voucher of a year and daybook, by what was noted; where nothing was, by all that is there.

        Raises:
            Misconfigured: The note is not one of ours.
        """
        note = self._note(book)
        with said(self.path):
            try:
                return int(note.read_text(encoding="ascii")) + 1
            except FileNotFoundError:
                named = (one.named for one in self.documents(f".{book}-").values())
                return max((one.voucher for one in named if one.book == book), default=0) + 1
            except ValueError:
                raise Misconfigured(f"{note} holds no voucher: write the last one there that was used") from None

    def put(self, name: str, content: bytes, *, not_after: float) -> None:
        """Write a file whole under another name, note its voucher as used, then give it its own name.

        The note stays when files are cleared away, so no voucher is allotted twice. Where it is noted and the file gets
        no name after all, it leaves a gap.

        Args:
            name: Its name; nothing has it.
            content: What it says.
            not_after: Boot-time clock after which it gets no name any more.

        Raises:
            NotSent: It was too late; nothing is there.
            Refused: The disk is full, or the directory may not be written; nothing is there.
            Transient: It could not be written; nothing is there.
            OutcomeUnknown: It may be there.
        """
        named = read_name(name)
        if named is None:
            raise InvariantViolation(f"{name} is no name of a document")
        unnamed, note = self.path / f".{named.reference}.part", self._note(named.book)
        try:
            with said(self.path):
                _write(unnamed, content)
                half = note.with_name(f"{note.name}.part")
                _write(half, str(named.voucher).encode())
                half.replace(note)
            if boot_time_s() > not_after:
                raise NotSent("the intent was too old when its file was written")
        except ConnectorError:
            with suppress(OSError):
                unnamed.unlink(missing_ok=True)
            raise
        try:
            unnamed.rename(self.path / name)
            _keep(self.path)
        except OSError as error:
            raise OutcomeUnknown(f"{name} may be in {self.path}: {error.strerror}") from error

    def _note(self, book: str) -> Path:
        return self.path / f".last.{book}"


def reason_of(path: Path) -> str:
    """Return why the site refused a file, in one line."""
    try:
        told = path.with_name(f"{path.name}.reason.txt").read_text(encoding="utf-8", errors="replace")
    except OSError:
        told = ""
    return " ".join(told.split())[:_REASON_MAX] or "no reason given"


@contextmanager
def said(path: Path) -> Iterator[None]:
    """Say what the system refuses at a place, in a sentence that tells what to do."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise Refused(f"{path}: the disk is full; make room, it goes on by itself") from error
        if error.errno in _FORBIDDEN:
            raise Refused(f"{path}: this user may not write or read there; give it the right") from error
        if error.errno in _NOT_THERE:
            raise Misconfigured(
                f"{error.filename or path} is not there: mount or make it, or mend the profile"
            ) from error
        raise Transient(f"{path} cannot be used now: {error.strerror}") from error


def _stop(error: OSError) -> None:
    """Raise what `os.walk` would pass over: a folder that cannot be read is not an empty one."""
    raise error


def _lock(descriptor: int, how: int, *, until: float) -> None:
    until = min(until, boot_time_s() + LOCK_S)
    while True:
        try:
            fcntl.flock(descriptor, how | fcntl.LOCK_NB)
        except BlockingIOError:
            if boot_time_s() > until:
                raise NotSent("another process holds the directory: it is tried again by itself") from None
            time.sleep(_PAUSE_S)
        else:
            return


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _keep(directory: Path) -> None:
    """Let the names in a directory outlast the machine's end."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
