"""The keys that seal the credential store: from a file or the environment, checked before use, never made up.

A key is 32 random bytes, base64. Several, with blanks between them, are a ring: the first one seals, each opens what it
sealed. They stand in a file that only its owner can read, in a folder where nobody else can put another in its place;
or in the environment (which other processes of the same user can see, so that is said). A key's id is a part of its
hash, and so its check value: a wrong key has another id, and is named before it is used.
"""

import base64
import binascii
import hashlib
import os
import secrets
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

import structlog

from adapters.credentials.files import replace_private
from schemas.errors import Misconfigured

log = structlog.get_logger(__name__)

KEY_BYTES = 32
KEY_VARIABLE = "ML_CONNECTOR_KEY"
# Room for some 90 keys; far more than one has, so that what is no key is told by its length.
_FILE_BYTES_MAX = 4096
_FILE_MODE = 0o400


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


class KeyRing:
    """The keys at hand, the one that seals first."""

    __slots__ = ("_keys",)

    def __init__(self, keys: Sequence[Key]) -> None:
        """Hold these; a key that stands there twice is one."""
        self._keys = {key.id: key for key in keys}

    @property
    def active(self) -> Key:
        """The key that seals."""
        return next(iter(self._keys.values()))

    @property
    def ids(self) -> tuple[str, ...]:
        """The names of all keys, the active one first."""
        return tuple(self._keys)

    def get(self, key_id: str) -> Key | None:
        """Return a key by its name, None where it is not at hand."""
        return self._keys.get(key_id)

    def __iter__(self) -> Iterator[Key]:
        return iter(self._keys.values())


def make_key_file(path: Path) -> Key:
    """Write a new key to a file that only its owner can read.

    Raises:
        Misconfigured: The file exists: a key is never written over; or others can write to its folder.
    """
    key = _key(secrets.token_bytes(KEY_BYTES))
    path.parent.mkdir(parents=True, exist_ok=True)
    _check_folder(path.parent)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _FILE_MODE)
    except FileExistsError:
        raise Misconfigured(f"{path} exists: a key is never written over") from None
    with os.fdopen(descriptor, "wb") as file:
        file.write(_written([key]))
    return key


def add_key(path: Path | None) -> KeyRing:
    """Put a new key before those of the file, and return all; it is on the disk before anything is sealed under it.

    Raises:
        Misconfigured: The keys are not ours to change, or the file cannot be written.
    """
    ring = read_ring(path)
    return _replace(path, [_key(secrets.token_bytes(KEY_BYTES)), *ring])


def drop_key(path: Path | None, key_id: str) -> KeyRing:
    """Take a key out of the file, and return the others. Whether it may go is the store's to know.

    Raises:
        Misconfigured: The keys are not ours to change, or the file cannot be written.
    """
    return _replace(path, [key for key in read_ring(path) if key.id != key_id])


def _replace(path: Path | None, keys: Sequence[Key]) -> KeyRing:
    by_hand = "put the new key first, a blank, then the old one, where the keys come from, and ask again"
    if os.environ.get(KEY_VARIABLE) or path is None:
        raise Misconfigured(f"the keys come from {KEY_VARIABLE}, which is not ours to change: {by_hand}")
    try:
        replace_private(path, _written(keys), mode=_FILE_MODE)
    except OSError as error:
        raise Misconfigured(f"key file {path} cannot be written ({error.strerror}): {by_hand}") from None
    return KeyRing(keys)


def read_ring(path: Path | None) -> KeyRing:
    """Return the keys from the environment, else from the file.

    Raises:
        Misconfigured: There is none, one is not 32 bytes in base64, or others can read or replace them.
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


def _parse(text: bytes, where: str) -> KeyRing:
    # A file without any key holds one that is too short.
    return KeyRing([_key(_material(part, where)) for part in text.split() or [b""]])


def _material(text: bytes, where: str) -> bytes:
    try:
        material = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Misconfigured(f"the key in {where} is not base64") from None
    if len(material) != KEY_BYTES:
        raise Misconfigured(f"the key in {where} has {len(material)} bytes, not {KEY_BYTES}")
    return material


def _key(material: bytes) -> Key:
    return Key("k" + hashlib.sha256(b"ml-connector key id" + material).hexdigest()[:12], material)


def _written(keys: Sequence[Key]) -> bytes:
    return b"".join(base64.b64encode(key.material) + b"\n" for key in keys)
