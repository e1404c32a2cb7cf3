"""The keys that seal the credential store: from a file or the environment, checked before use, never made up.

A key is 32 random bytes, base64. It stands in a file that only its owner can read, in a folder where nobody else can
put another in its place; or in the environment (which other processes of the same user can see, so that is said). Its
id is a part of its hash: a wrong key is named before it is used.
"""

import base64
import binascii
import hashlib
import os
import secrets
import stat
from pathlib import Path

import structlog

from schemas.errors import Misconfigured

log = structlog.get_logger(__name__)

KEY_BYTES = 32
KEY_VARIABLE = "ML_CONNECTOR_KEY"
# Far more than a key in base64 has, so that what is no key is told by its length.
_FILE_BYTES_MAX = 4096


class Key:
    """One key, and the id under which records name it; like a secret, it is shown and written nowhere."""

    __slots__ = ("_material", "id")

    def __init__(self, id: str, material: bytes) -> None:  # noqa: A002 - what records call it
        """Wrap a key."""
        self.id = id
        self._material = material

    @property
    def material(self) -> bytes:
        """The key itself, for the one call that needs it."""
        return self._material

    def __repr__(self) -> str:
        return f"Key({self.id})"

    def __reduce__(self) -> str:
        raise TypeError("a key is not written anywhere")


def make_key_file(path: Path) -> Key:
    """Write a new key to a file that only its owner can read.

    Raises:
        Misconfigured: The file exists: a key is never written over; or others can write to its folder.
    """
    material = secrets.token_bytes(KEY_BYTES)
    path.parent.mkdir(parents=True, exist_ok=True)
    _check_folder(path.parent)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400)
    except FileExistsError:
        raise Misconfigured(f"{path} exists: a key is never written over") from None
    with os.fdopen(descriptor, "wb") as file:
        file.write(base64.b64encode(material) + b"\n")
    return _key(material)


def read_key(path: Path | None) -> Key:
    """Return the key from the environment, else from the file.

    Raises:
        Misconfigured: There is none, it is not 32 bytes in base64, or others can read or replace it.
    """
    text = os.environ.get(KEY_VARIABLE)
    if text:
        log.warning("the key comes from the environment, where other processes of this user can read it")
        return _parse(text.encode(errors="surrogateescape"), KEY_VARIABLE)
    if path is None or not path.exists():
        where = f"the file {path}" if path else "no file"
        raise Misconfigured(
            f"no key for the credential store: {KEY_VARIABLE} is not set and {where} is not there. "
            "Nothing starts without it: bring it back from where you keep it, or begin anew with ml-connector init"
        )
    return _parse(_read_private(path), str(path))


def _read_private(path: Path) -> bytes:
    try:
        # Without waiting: a pipe in its place would hold the start for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise Misconfigured(f"key file {path} cannot be read: {error.strerror}") from None
    try:
        facts = os.fstat(descriptor)
        if not stat.S_ISREG(facts.st_mode):
            raise Misconfigured(f"key file {path} is no file")
        if facts.st_uid not in (os.geteuid(), 0):
            raise Misconfigured(f"key file {path} belongs to somebody else")
        if stat.S_IMODE(facts.st_mode) & 0o077:
            raise Misconfigured(f"key file {path} can be read by others: chmod 400 {path}")
        _check_folder(path.parent)
        return os.read(descriptor, _FILE_BYTES_MAX)
    finally:
        os.close(descriptor)


def _check_folder(folder: Path) -> None:
    """Hold that nobody else can put another file in a key's place."""
    facts = folder.stat()
    if facts.st_uid not in (os.geteuid(), 0):
        raise Misconfigured(f"the folder {folder} of the key belongs to somebody else")
    # Under the sticky bit others can add files and not replace ours. Our own group is, on most systems, we alone.
    by_group = facts.st_mode & stat.S_IWGRP and facts.st_gid != os.getegid()
    if (by_group or facts.st_mode & stat.S_IWOTH) and not facts.st_mode & stat.S_ISVTX:
        raise Misconfigured(f"others can write to the folder {folder} of the key: chmod go-w {folder}")


def _parse(text: bytes, where: str) -> Key:
    try:
        material = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        raise Misconfigured(f"the key in {where} is not base64") from None
    if len(material) != KEY_BYTES:
        raise Misconfigured(f"the key in {where} has {len(material)} bytes, not {KEY_BYTES}")
    return _key(material)


def _key(material: bytes) -> Key:
    return Key("k" + hashlib.sha256(b"ml-connector key id" + material).hexdigest()[:12], material)
