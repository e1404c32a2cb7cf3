"""A tenant's way in: who may hand in a callout, and how that is told. Nothing of what is checked is ever said.

Each secret has two slots, so that it is changed without a callout that is refused: the next one is set, then Zuora is
told, and once callouts come with it, it is set as the current one too. All that is held is compared, as digests:
neither the time nor a strange character tells anything.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec

from adapters.credentials.secret import Secret

# The slots of a secret, in the order in which a door holds them.
SLOTS = ("current", "next")


class HmacRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the tenant signs its callouts; all of it is set in its callout templates.

    Attributes:
        header: Name of the header that carries the signature.
        algorithm: Hash.
        output: How the signature is written.
    """

    header: str = "X-ML-Signature"
    algorithm: Literal["sha256", "sha384", "sha512"] = "sha256"
    output: Literal["hex", "base64"] = "hex"


class Login(msgspec.Struct, frozen=True, kw_only=True):
    """User and password for Basic authentication."""

    user: Secret
    password: Secret


class Door(msgspec.Struct, frozen=True, kw_only=True):
    """One tenant's way in.

    Attributes:
        tenant: Its name.
        connection: Its first connection, in whose partition hints stand.
        logins: Who may come in: the current login, and the next one while they change.
        hmac_rule: How bodies are signed, if they are.
        hmac_secrets: The secrets they are signed with, likewise; a rule without one lets nobody in.
    """

    tenant: str
    connection: str
    logins: tuple[Login, ...]
    hmac_rule: HmacRule | None = None
    hmac_secrets: tuple[Secret, ...] = ()


def door_at(doors: Mapping[str, Door], path: str) -> Door | None:
    """Return the door at a path, which is as secret as a password."""
    asked, found = digest(path.encode(errors="surrogateescape")), None
    for known, door in doors.items():
        if hmac.compare_digest(digest(known.encode()), asked):
            found = door
    return found


def login_slot(authorization: str, door: Door) -> str:
    """Return the slot of the login that a header carries, "" where it is none of the door's."""
    scheme, _, coded = authorization.partition(" ")
    try:
        user, _, password = base64.b64decode(coded, validate=True).partition(b":")
    except (binascii.Error, ValueError):
        user, password = b"", b""
    held = [
        # Not `and`: both are always compared.
        _same(user, login.user) & _same(password, login.password)
        for login in door.logins
    ]
    return _slot(held) if scheme.lower() == "basic" else ""


def signature_slot(headers: Mapping[str, str], body: bytes, door: Door) -> str | None:
    """Return the slot of the secret that a body is signed with, over its raw bytes; None where no slot has it.

    A door without a rule asks for none: "".
    """
    rule = door.hmac_rule
    if rule is None:
        return ""
    given = headers.get(rule.header, "").encode(errors="surrogateescape")
    # Hexadecimal digits are the same in either case, and Zuora does not call again after a 401.
    given = given.lower() if rule.output == "hex" else given
    held = [hmac.compare_digest(digest(given), digest(_signature(rule, secret, body))) for secret in door.hmac_secrets]
    return _slot(held) or None


def digest(value: bytes) -> bytes:
    """Return what is compared in place of a value: it has one length, whatever the value's."""
    return hashlib.sha256(value).digest()


def _signature(rule: HmacRule, secret: Secret, body: bytes) -> bytes:
    made = hmac.new(secret.reveal().encode(), body, rule.algorithm).digest()
    return made.hex().encode() if rule.output == "hex" else base64.b64encode(made)


def _same(given: bytes, secret: Secret) -> bool:
    return hmac.compare_digest(digest(given), digest(secret.reveal().encode()))


def _slot(held: Iterable[bool]) -> str:
    return next((slot for slot, is_held in zip(SLOTS, held, strict=False) if is_held), "")
