"""The keys that seal the credential store: from a file or the environment, checked before use, never made up.

A key is 32 random bytes, base64. It stands in a file that only its owner can read, or in the environment (which other
processes of the same user can see, so that is said). Its id is a part of its hash: a wrong key is named before it is
used.
"""

import base64
import binascii
import hashlib
import os
import secrets
import stat
from pathlib import Path

import msgspec
import structlog

from schemas.errors import Misconfigured

log = structlog.get_logger(__name__)

KEY_BYTES = 32
KEY_VARIABLE = "ML_CONNECTOR_KEY"


class Key(msgspec.Struct, frozen=True):
    """One key and the id under which records name it."""

    id: str
    material: bytes

    def __repr__(self) -> str:
        return f"Key({self.id})"


def make_key_file(path: Path) -> Key:
    """Write a new key to a file that only its owner can read.

    Raises:
        Misconfigured: The file exists: a key is never written over.
    """
    material = secrets.token_bytes(KEY_BYTES)
    path.parent.mkdir(parents=True, exist_ok=True)
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
        Misconfigured: There is none, it is not 32 bytes in base64, or others can read it.
    """
    text = os.environ.get(KEY_VARIABLE)
    if text:
        log.warning("the key comes from the environment, where other processes of this user can read it")
        return _parse(text, KEY_VARIABLE)
    if path is None or not path.exists():
        where = f"the file {path}" if path else "no file"
        raise Misconfigured(
            f"no key for the credential store: {KEY_VARIABLE} is not set and {where} is not there. "
            "Nothing starts without it: bring it back from where you keep it, or begin anew with ml-connector init"
        )
    return _parse(_read_private(path), str(path))


def _read_private(path: Path) -> str:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError as error:
        raise Misconfigured(f"key file {path} cannot be read: {error.strerror}") from None
    with os.fdopen(descriptor) as file:
        facts = os.fstat(file.fileno())
        if facts.st_uid not in (os.geteuid(), 0):
            raise Misconfigured(f"key file {path} belongs to somebody else")
        if stat.S_IMODE(facts.st_mode) & 0o077:
            raise Misconfigured(f"key file {path} can be read by others: chmod 400 {path}")
        return file.read()


def _parse(text: str, where: str) -> Key:
    try:
        material = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        raise Misconfigured(f"the key in {where} is not base64") from None
    if len(material) != KEY_BYTES:
        raise Misconfigured(f"the key in {where} has {len(material)} bytes, not {KEY_BYTES}")
    return _key(material)


def _key(material: bytes) -> Key:
    return Key("k" + hashlib.sha256(b"ml-connector key id" + material).hexdigest()[:12], material)
