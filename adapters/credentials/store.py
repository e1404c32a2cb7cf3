"""The credential store: one file of sealed secrets, written whole and safely, readable by its owner alone."""

import os
import secrets
from pathlib import Path

import msgspec

from adapters.credentials.envelope import Sealed, seal, unseal
from adapters.credentials.keys import Key, read_key
from adapters.credentials.secret import Secret
from schemas.errors import Misconfigured


class _File(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The file: which store it is, and how often it was written."""

    store: str
    generation: int = 0
    records: list[Sealed] = msgspec.field(default_factory=list)
    v: int = 1


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
        return Secret(unseal(record, store=self._file.store, key=self._key))

    def get_optional(self, owner: str, field: str) -> Secret | None:
        """Return a secret, or None when it was never set."""
        return self.get(owner, field) if self._find(owner, field) else None

    def set(self, owner: str, field: str, text: str) -> int:
        """Seal a secret and write the store; return its version."""
        record = self._find(owner, field)
        version = record.version + 1 if record else 1
        sealed = seal(text, store=self._file.store, owner=owner, field=field, version=version, key=self._key)
        kept = [other for other in self._file.records if (other.owner, other.field) != (owner, field)]
        self._write(_File(store=self._file.store, generation=self._file.generation + 1, records=[*kept, sealed]))
        return version

    def check(self) -> list[str]:
        """Open every secret; return a sentence for each that does not open."""
        problems = []
        for record in self._file.records:
            try:
                unseal(record, store=self._file.store, key=self._key)
            except Misconfigured as error:
                problems.append(str(error))
        return problems

    def _find(self, owner: str, field: str) -> Sealed | None:
        return next((r for r in self._file.records if (r.owner, r.field) == (owner, field)), None)

    def _read(self) -> _File:
        try:
            content = self._path.read_bytes()
        except FileNotFoundError:
            return _File(store=secrets.token_hex(8))
        except OSError as error:
            raise Misconfigured(f"credential store {self._path} cannot be read: {error.strerror}") from None
        try:
            return msgspec.json.decode(content, type=_File)
        except msgspec.DecodeError as error:
            raise Misconfigured(f"credential store {self._path} is damaged ({error}); bring back a copy") from None

    def _write(self, file: _File) -> None:
        """Write beside, then rename: a crash leaves the old file or the new one, whole."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        beside = self._path.with_suffix(".part")
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as target:
            target.write(msgspec.json.format(msgspec.json.encode(file), indent=2))
            target.flush()
            os.fsync(target.fileno())
        beside.replace(self._path)
        directory = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
        self._file = file
