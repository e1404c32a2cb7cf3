"""The credential store: one file of sealed secrets, written whole and safely, readable by its owner alone.

All records stand under one code made with a key: one that is changed, taken out or put back by other means opens none
of them. A whole older file in its place is not noticed. Who writes holds the lock and begins from what is there. The
keys are a ring: secrets are sealed anew under a new one while others read, and the old one goes once nothing needs it.
"""

import fcntl
import hmac
import os
import secrets
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from adapters.credentials.envelope import Sealed, seal, unseal
from adapters.credentials.files import replace_private
from adapters.credentials.keys import Key, KeyRing, add_key, drop_key, read_ring
from adapters.credentials.secret import Secret
from schemas.errors import InvariantViolation, Misconfigured

_FORMAT = 1
_FILE_MODE = 0o600


class KeyUse(msgspec.Struct, frozen=True, kw_only=True):
    """A key, and what is sealed under it.

    Attributes:
        id: Its name.
        active: It seals.
        at_hand: It is in the ring.
        secrets: How many are sealed under it.
    """

    id: str
    active: bool
    at_hand: bool
    secrets: int


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
        self._key_file = key_file
        self._ring: KeyRing
        self._file: _File
        self._look()

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
            self._look_and_open_all()
            known = self._find(owner, field)
            version = known.version + 1 if known else 1
            store = self._file.store
            sealed = seal(text, store=store, owner=owner, field=field, version=version, key=self._ring.active)
            kept = [other for other in self._file.records if (other.owner, other.field) != (owner, field)]
            self._write(self._signed(store, self._file.generation + 1, [*kept, sealed]))
        return version

    def key_uses(self) -> list[KeyUse]:
        """Return every key that is at hand or is needed, the active one first."""
        under = Counter(record.key_id for record in self._file.records)
        ids = dict.fromkeys((*self._ring.ids, *under))
        active = self._ring.active.id
        return [
            KeyUse(id=key_id, active=key_id == active, at_hand=key_id in self._ring.ids, secrets=under[key_id])
            for key_id in ids
        ]

    def rotate(self) -> str:
        """Seal every secret anew under a new key; return its name. The old keys stay until they are dropped.

        Where an earlier rotation was cut off, its key is the new one. Killed anywhere, everything opens: a key is on
        the disk before what it seals, and the store is replaced whole.

        Raises:
            Misconfigured: A secret does not open, the keys are not ours to change, or a file cannot be written.
        """
        with self._locked():
            self._look_and_open_all()
            # Step 1: the new key is in the ring, on the disk; nothing is under it.
            if all(record.key_id == self._ring.active.id for record in self._file.records):
                self._ring = add_key(self._key_file)
            # Step 2: each secret is sealed anew, and opened, before the store is replaced.
            store, active = self._file.store, self._ring.active
            records = [self._sealed_anew(record, active) for record in self._file.records]
            self._write(self._signed(store, self._file.generation + 1, records))
            # Step 3: what stands on the disk now opens by the new key.
            self._look_and_open_all()
            return active.id

    def drop(self, key_id: str) -> None:
        """Take an old key out of the ring, once every secret opens without it.

        Raises:
            Misconfigured: It is needed or unknown, a secret does not open, or the keys are not ours to change.
        """
        with self._locked():
            self._look_and_open_all()
            use = next((use for use in self.key_uses() if use.id == key_id and use.at_hand), None)
            if use is None:
                raise Misconfigured(f"there is no key {key_id} at hand; there are {', '.join(self._ring.ids)}")
            if use.active or use.secrets:
                raise Misconfigured(f"key {key_id} is needed ({use.secrets} secrets): ml-connector keys rotate first")
            self._ring = drop_key(self._key_file, key_id)

    def check(self) -> list[str]:
        """Open every secret; return a sentence for each that does not open."""
        problems = []
        for record in self._file.records:
            try:
                self._open(record)
            except Misconfigured as error:
                problems.append(str(error))
        return problems

    def _look(self) -> None:
        """Read keys and secrets as they are now."""
        self._ring = read_ring(self._key_file)
        self._file = self._read()
        # Another key may have come between the two looks.
        if any(record.key_id not in self._ring.ids for record in self._file.records):
            self._ring = read_ring(self._key_file)

    def _look_and_open_all(self) -> None:
        # Others may have written since this one was opened: what they set stays.
        self._look()
        for record in self._file.records:
            self._open(record)

    def _sealed_anew(self, record: Sealed, key: Key) -> Sealed:
        """Return a secret sealed under another key, with a data key of its own, once it is seen to open as before."""
        text, store = self._open(record), self._file.store
        fresh = seal(text, store=store, owner=record.owner, field=record.field, version=record.version, key=key)
        if unseal(fresh, store=store, key=key) != text:
            raise InvariantViolation(f"{record.owner} {record.field} does not open as it was sealed")
        return fresh

    def _open(self, record: Sealed) -> str:
        # The key's name is looked at first, in there: under another key nothing else can be told.
        text = unseal(record, store=self._file.store, key=self._ring.get(record.key_id) or self._ring.active)
        if not any(hmac.compare_digest(self._file.code.encode(), _code_of(self._file, key)) for key in self._ring):
            raise Misconfigured(
                f"{record.owner} {record.field} does not open: records of {self._path} were changed, taken out or put "
                "back by other means than ml-connector. Bring back a copy, or delete it and set all secrets again"
            )
        return text

    def _find(self, owner: str, field: str) -> Sealed | None:
        return next((r for r in self._file.records if (r.owner, r.field) == (owner, field)), None)

    def _signed(self, store: str, generation: int, records: list[Sealed]) -> _File:
        file = _File(store=store, generation=generation, records=records, code="")
        return msgspec.structs.replace(file, code=_code_of(file, self._ring.active).decode())

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
        """Write the store whole: a crash leaves the old file or the new one."""
        try:
            replace_private(self._path, msgspec.json.format(msgspec.json.encode(file), indent=2), mode=_FILE_MODE)
        except OSError as error:
            raise Misconfigured(f"credential store {self._path} cannot be written: {error.strerror}") from None
        self._file = file


def _code_of(file: _File, key: Key) -> bytes:
    # A key of its own, made from the store's: one key for two purposes is bad practice.
    own = hmac.digest(key.material, b"ml-connector credential store records", "sha256")
    return hmac.digest(own, msgspec.json.encode(msgspec.structs.replace(file, code="")), "sha256").hex().encode()
