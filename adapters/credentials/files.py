"""Writes a file that only its owner can read, whole: a crash leaves the old file or the new one, never a part."""

import os
from contextlib import suppress
from pathlib import Path


def replace_private(path: Path, content: bytes, *, mode: int) -> None:
    """Write beside, then rename; what stands in the file afterwards has reached the disk.

    Raises:
        OSError: It could not be written; what was there stands.
    """
    beside = path.with_suffix(".part")
    try:
        # What a crash or somebody left there is not written to: it may lead elsewhere, or be open to all.
        beside.unlink(missing_ok=True)
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
        with os.fdopen(descriptor, "wb") as target:
            target.write(content)
            target.flush()
            os.fsync(target.fileno())
        beside.replace(path)
        _sync_folder(path.parent)
    except OSError:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
        raise


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
