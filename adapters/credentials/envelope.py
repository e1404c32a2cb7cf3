"""One sealed secret: a fresh data key for each write, wrapped by the store's key, both with AES-256-GCM.

What the secret is for goes in as associated data: a record that is moved to another connection or field, or relabelled
as another version, does not open. That a whole old record was put back is for the store to notice.
"""

import os

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from adapters.credentials.keys import Key
from schemas.errors import Misconfigured

_NONCE_BYTES = 12
_DATA_KEY_BITS = 256
_ALGORITHM = "A256GCM"


class Sealed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A sealed secret as it stands in the store; bytes are base64."""

    owner: str
    field: str
    version: int
    key_id: str
    wrapped_key: bytes
    wrapped_nonce: bytes
    nonce: bytes
    sealed: bytes
    algorithm: str = _ALGORITHM


def seal(text: str, *, store: str, owner: str, field: str, version: int, key: Key) -> Sealed:
    """Seal a secret for one field of one owner."""
    data_key = AESGCM.generate_key(_DATA_KEY_BITS)
    nonce, wrapped_nonce = os.urandom(_NONCE_BYTES), os.urandom(_NONCE_BYTES)
    bound = _bound(store, owner, field, version, key.id)
    return Sealed(
        owner=owner,
        field=field,
        version=version,
        key_id=key.id,
        wrapped_key=AESGCM(key.material).encrypt(wrapped_nonce, data_key, bound + b"key"),
        wrapped_nonce=wrapped_nonce,
        nonce=nonce,
        sealed=AESGCM(data_key).encrypt(nonce, text.encode(), bound + b"secret"),
    )


def unseal(sealed: Sealed, *, store: str, key: Key) -> str:
    """Return the secret.

    Raises:
        Misconfigured: It was sealed under another key or by another algorithm, or the record was changed or moved.
    """
    if sealed.key_id != key.id:
        raise Misconfigured(
            f"{sealed.owner} {sealed.field} was sealed under key {sealed.key_id}, the key at hand is {key.id}: "
            "bring back the right key"
        )
    if sealed.algorithm != _ALGORITHM:
        raise Misconfigured(
            f"{sealed.owner} {sealed.field} does not open: {sealed.algorithm!r} is no algorithm of ours"
        )
    bound = _bound(store, sealed.owner, sealed.field, sealed.version, sealed.key_id)
    try:
        data_key = AESGCM(key.material).decrypt(sealed.wrapped_nonce, sealed.wrapped_key, bound + b"key")
        return AESGCM(data_key).decrypt(sealed.nonce, sealed.sealed, bound + b"secret").decode()
    except (InvalidTag, ValueError):
        raise Misconfigured(
            f"{sealed.owner} {sealed.field} does not open: the record was changed, moved or cut. Bring back a copy of "
            "the store, or delete it and set all secrets again"
        ) from None


def _bound(*parts: str | int) -> bytes:
    encoded = [str(part).encode() for part in parts]
    return b"".join(len(part).to_bytes(4, "big") + part for part in encoded)
