"""Names of things: hashes of what a thing is, so that the same thing has the same name whoever computes it, and when.

A posting's id holds no mapping version: the same act under another mapping is never a second document.
"""

import base64
import hashlib
from typing import NewType

ConnectionName = NewType("ConnectionName", str)
ZuoraId = NewType("ZuoraId", str)
RecordId = NewType("RecordId", str)
PostingId = NewType("PostingId", str)

# 20 characters fit the custom field of 20 that QAD offers for the machine reference; base32 gives 5 bits each: 100
# bits.
REFERENCE_LENGTH = 20


def hash_of(*parts: bytes) -> str:
    """Return 128 bits of SHA-256 over the parts as 32 hex digits.

    The length of each part goes in, so that parts cannot run together.
    """
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.hexdigest()[:32]


def record_id(connection: str, *, kind: str, zuora_id: str, content: bytes) -> RecordId:
    """Name one version of a Zuora record: the same content read again has the same name."""
    return RecordId(hash_of(b"record", connection.encode(), kind.encode(), zuora_id.encode(), content))


def posting_id(connection: str, *, kind: str, zuora_id: str, act: str, n: int, step: str) -> PostingId:
    """Name one step of one business act (ACCOUNTING 2): one QAD document at most, whatever is repeated."""
    parts = (connection, kind, zuora_id, act, str(n), step)
    return PostingId(hash_of(b"posting", *(part.encode() for part in parts)))


def machine_reference(posting: PostingId) -> str:
    """Return the 20 characters (A-Z, 2-7) of a posting's id that QAD carries and look-ups go by."""
    return base64.b32encode(bytes.fromhex(posting)[:13]).decode("ascii")[:REFERENCE_LENGTH]


def document_key(kind: str, zuora_id: str) -> str:
    """Return how a Zuora document is written within its connection, e.g. `invoice:8a...`."""
    return f"{kind}:{zuora_id}"


def document_parts(document: str) -> tuple[str, str]:
    """Return (kind, Zuora id) of a document key."""
    kind, _, zuora_id = document.partition(":")
    return kind, zuora_id
