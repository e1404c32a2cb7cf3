"""The credential store: one file of sealed secrets, written whole and safely, readable by its owner alone.

All records stand under one code made with the key: one that is changed, taken out or put back by other means opens
none of them. A whole older file in its place is not noticed. Who writes holds the lock and begins from what is there.
"""

import fcntl
import hmac
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

from adapters.credentials.envelope import Sealed, seal, unseal
from adapters.credentials.keys import Key, read_key
from adapters.credentials.secret import Secret
from schemas.errors import Misconfigured

_FORMAT = 1


class _File(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """The file: which store it is, how often it was written, and the code of all that stands in it."""

    store: str
    generation: int
    records: list[Sealed]
    code: str
    v: int = _FORMAT


class CredentialStore:
    """Secrets by owner (`zuora/<tenant>`, `qad/<connection>`) and field."""

    def __init__(self, path: Path, key_file: Path | None) -> None:
        """Open the store.

        Args:
            path: The file; it need not exist yet.
            key_file: The file of the key, if it does not come from the environment.

        Raises:
            Misconfigured: No key, or the file is not a store.
        """
        self._path = path
        self._key: Key = read_key(key_file)
        self._file = self._read()

    def names(self) -> list[tuple[str, str, int]]:
        """Return (owner, field, version) of every secret."""
        return sorted((record.owner, record.field, record.version) for record in self._file.records)

    def get(self, owner: str, field: str) -> Secret:
        """Return a secret.

        Raises:
            Misconfigured: It was never set, or does not open.
        """
        record = self._find(owner, field)
        if record is None:
            raise Misconfigured(f"{owner} {field} is not set: ml-connector credentials set {owner} {field}")
        return Secret(self._open(record))

    def get_optional(self, owner: str, field: str) -> Secret | None:
        """Return a secret, or None when it was never set."""
        return self.get(owner, field) if self._find(owner, field) else None

    def set(self, owner: str, field: str, text: str) -> int:
        """Seal a secret and write the store; return its version.

        Raises:
            Misconfigured: The store was changed by other means, is under another key, or cannot be written.
        """
        with self._locked():
            # Others may have written since this one was opened: what they set stays.
            self._file = self._read()
            for record in self._file.records:
                self._open(record)
            known = self._find(owner, field)
            version = known.version + 1 if known else 1
            store = self._file.store
            sealed = seal(text, store=store, owner=owner, field=field, version=version, key=self._key)
            kept = [other for other in self._file.records if (other.owner, other.field) != (owner, field)]
            self._write(self._signed(store, self._file.generation + 1, [*kept, sealed]))
        return version

    def check(self) -> list[str]:
        """Open every secret; return a sentence for each that does not open."""
        problems = []
        for record in self._file.records:
            try:
                self._open(record)
            except Misconfigured as error:
                problems.append(str(error))
        return problems

    def _open(self, record: Sealed) -> str:
        # The key's name is looked at first, in there: under another key nothing else can be told.
        text = unseal(record, store=self._file.store, key=self._key)
        if not hmac.compare_digest(self._file.code.encode(), self._code_of(self._file).encode()):
            raise Misconfigured(
                f"{record.owner} {record.field} does not open: records of {self._path} were changed, taken out or put "
                "back by other means than ml-connector. Bring back a copy, or delete it and set all secrets again"
            )
        return text

    def _find(self, owner: str, field: str) -> Sealed | None:
        return next((r for r in self._file.records if (r.owner, r.field) == (owner, field)), None)

    def _signed(self, store: str, generation: int, records: list[Sealed]) -> _File:
        file = _File(store=store, generation=generation, records=records, code="")
        return msgspec.structs.replace(file, code=self._code_of(file))

    def _code_of(self, file: _File) -> str:
        # A key of its own, made from the store's: one key for two purposes is bad practice.
        key = hmac.digest(self._key.material, b"ml-connector credential store records", "sha256")
        return hmac.digest(key, msgspec.json.encode(msgspec.structs.replace(file, code="")), "sha256").hex()

    def _read(self) -> _File:
        try:
            content = self._path.read_bytes()
        except FileNotFoundError:
            return self._signed(secrets.token_hex(8), 0, [])
        except OSError as error:
            raise Misconfigured(f"credential store {self._path} cannot be read: {error.strerror}") from None
        try:
            file = msgspec.json.decode(content, type=_File)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Misconfigured(f"credential store {self._path} is damaged ({error}); bring back a copy") from None
        if file.v != _FORMAT:
            raise Misconfigured(f"credential store {self._path} is of format {file.v}, this version knows {_FORMAT}")
        return file

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Keep all others from writing: the folder is locked, since the file itself is replaced."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield
        finally:
            os.close(folder)

    def _write(self, file: _File) -> None:
        """Write beside, then rename: a crash leaves the old file or the new one, whole."""
        beside = self._path.with_suffix(".part")
        try:
            # What a crash or somebody left there is not written to: it may lead elsewhere, or be open to all.
            beside.unlink(missing_ok=True)
            _write_private(beside, msgspec.json.format(msgspec.json.encode(file), indent=2))
            beside.replace(self._path)
            _sync_folder(self._path.parent)
        except OSError as error:
            with suppress(OSError):
                beside.unlink(missing_ok=True)
            raise Misconfigured(f"credential store {self._path} cannot be written: {error.strerror}") from None
        self._file = file


def _write_private(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as target:
        target.write(content)
        target.flush()
        os.fsync(target.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
