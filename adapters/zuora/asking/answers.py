"""What Zuora's answers mean: six shapes of error, HTTP 200 that says no, and pages that are not Zuora's at all.

A code ends in two digits that say whether another try helps. An object counts as gone only where Zuora itself says so
by code. What the other side says is told in part, and never with a secret in it. Source: zuora error handling guide,
shapes in tests/contracts/test_zuora_envelopes.py.
"""

import re
from collections.abc import Sequence
from typing import TypeVar
from urllib.parse import quote, quote_plus

import aiohttp
import msgspec

from adapters.zuora.asking.headers import seconds_of
from adapters.zuora.asking.regions import named
from schemas.errors import ConnectorError, Misconfigured, NotAllowed, Refused, Transient, Unreadable

Decoded = TypeVar("Decoded")

# Categories (last two digits) that another try may cure: locks, internal, temporary, limits, external systems.
_RETRIABLE = frozenset({50, 60, 61, 70, 99})
_PERMISSION, _AUTHENTICATION, _NOT_FOUND = 10, 11, 40
# Of the same category as an object that is gone, but about the path: a feature that this tenant does not have.
_NO_ENDPOINT = re.compile(r"\bendpoint\b.*\bdoes not exist", re.IGNORECASE)
# A 401 that Zuora documents as passing by itself: the token is good.
_NOT_THE_TOKEN = "failed to get user info"  # noqa: S105 - words of an answer
# The longest page is some megabytes; what is longer than a topic takes could not be written anyway.
BODY_BYTES_MAX = 64 * 1024 * 1024
# Shorter secrets are found in ordinary words: striking those out would tell what they are.
_SECRET_MIN = 12
# Enough of their words to know the rule, too little to fill a log.
_SAID_MAX, _CODES_MAX = 300, 100


class NotFound(ConnectorError):
    """Zuora has no such object."""


class SignedOut(ConnectorError):
    """The token is not accepted: a new one is fetched once."""


class TooMany(Transient):
    """A limit of the tenant, or of the address, is reached."""


class Answered(Transient):
    """Zuora itself said no, and another try may succeed; under an idempotency key it says the same for a day."""


class _Reason(msgspec.Struct):
    code: int | str = ""
    message: str = ""


class _LegacyError(msgspec.Struct, rename="pascal"):
    code: str = ""
    message: str = ""


class _Envelope(msgspec.Struct):
    """All the shapes in one: fields that are absent stay empty."""

    success: bool | None = None
    reasons: list[_Reason] = msgspec.field(default_factory=list)
    message: str = ""
    code: int | str = ""
    old_success: bool | None = msgspec.field(name="Success", default=None)
    old_errors: list[_LegacyError] = msgspec.field(name="Errors", default_factory=list)
    fault_code: str = msgspec.field(name="FaultCode", default="")
    fault_message: str = msgspec.field(name="FaultMessage", default="")
    # Actions are seen with either spelling.
    fault_code_too: str = msgspec.field(name="faultCode", default="")
    fault_message_too: str = msgspec.field(name="faultMessage", default="")
    error: str = ""
    # Of any shape: what Zuora's support asks for decides nothing here.
    process_id: object = msgspec.field(name="processId", default=None)


class _Verdict(msgspec.Struct):
    """Yes or no alone: what else stands in a no may be of any shape."""

    success: bool | None = None
    old_success: bool | None = msgspec.field(name="Success", default=None)


_envelope = msgspec.json.Decoder(_Envelope)
_verdict = msgspec.json.Decoder(_Verdict)


async def read_answer(answer: aiohttp.ClientResponse, *, what: str, secrets: Sequence[str]) -> bytes:
    """Return the body of an answer that is a yes.

    Args:
        answer: As it arrived.
        what: What was asked, for the message: method and path, no query.
        secrets: What was sent and must not be told, should the answer repeat it.

    Raises:
        SignedOut: The token is not accepted.
        NotFound: There is no such object.
        Refused: A feature is off; NotAllowed where the user may not.
        Transient: Another try may succeed; Answered where Zuora itself said no.
        Misconfigured: We asked wrongly, or somebody else answered.
    """
    body = await _whole(answer, what)
    retry_after_s = seconds_of(answer.headers.get("Retry-After"))
    if answer.status == 429:
        raise TooMany(f"Zuora: too many requests ({what})", retry_after_s=retry_after_s)
    if answer.status == 409:
        # The first call under the same idempotency key is under way: no yes, and no failure.
        raise Transient(f"Zuora is still at {what} (HTTP 409)", retry_after_s=retry_after_s)
    if 300 <= answer.status < 400:
        centre = named(answer.headers.get("Location"))
        raise Misconfigured(
            f"Zuora answered {what} with a redirect, which is not followed: base_url is not that of this tenant's data "
            f"centre" + (f"; it names {centre}" if centre else "")
        )
    is_json = "json" in answer.content_type.lower()
    envelope = _envelope_of(body) if is_json else None
    # Lists, bare objects and bodies that are cut have no envelope: they are checked where they are decoded.
    if answer.status < 300 and is_json and _is_yes(body):
        return body
    if answer.status == 401 and envelope is not None and _NOT_THE_TOKEN in _said(envelope).lower():
        raise Transient(f"Zuora could not look up the user of {what} (HTTP 401)")
    if answer.status == 401:
        raise SignedOut(f"Zuora refused {what} (HTTP 401)")
    if envelope is not None:
        error = _refusal(answer.status, envelope, what=what, retry_after_s=retry_after_s, secrets=secrets)
        error.codes = tuple(code for code, _ in _reasons(envelope) if code)
        error.process_id = told_of(str(envelope.process_id or ""), secrets)[:_CODES_MAX]
        raise error
    if is_json:
        # Also a no whose words are of another shape: it is no object, and no list.
        raise Transient(f"HTTP {answer.status} for {what} with a body that cannot be read", retry_after_s=retry_after_s)
    if answer.status >= 500 or answer.status < 300:
        raise Transient(
            f"a page instead of an answer to {what} (HTTP {answer.status}): a gateway before Zuora, or maintenance",
            retry_after_s=retry_after_s,
        )
    raise Misconfigured(f"HTTP {answer.status} and no JSON for {what}: is the base URL right?")


async def _whole(answer: aiohttp.ClientResponse, what: str) -> bytes:
    """Return the body, unpacked, as long as it can be one of Zuora's: a few bytes may unpack to any number."""
    body = bytearray()
    async for piece in answer.content.iter_any():
        body += piece
        if len(body) > BODY_BYTES_MAX:
            answer.close()
            raise Misconfigured(
                f"the answer to {what} is larger than {BODY_BYTES_MAX} bytes: none of Zuora's is; is base_url right?"
            )
    return bytes(body)


def decoded(body: bytes | msgspec.Raw, decoder: "msgspec.json.Decoder[Decoded]", what: str) -> "Decoded":
    """Return what an answer holds.

    Raises:
        Transient: It is cut.
        Unreadable: It is whole, and not what Zuora documents.
    """
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise Unreadable(f"Zuora's answer to {what} is not what it documents: {error}") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Transient(f"Zuora's answer to {what} is cut") from None


def _envelope_of(body: bytes) -> _Envelope | None:
    try:
        return _envelope.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _is_yes(body: bytes) -> bool:
    try:
        verdict = _verdict.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return True
    return verdict.success is not False and verdict.old_success is not False


def _refusal(
    status: int, envelope: _Envelope, *, what: str, retry_after_s: float | None, secrets: Sequence[str]
) -> ConnectorError:
    codes = [code for code, _ in _reasons(envelope)]
    categories = {category_of(code) for code in codes}
    said = told_of(_said(envelope), secrets) or "no reason given"
    told = f"Zuora refused {what} (HTTP {status}, code {told_of(', '.join(codes), secrets)[:_CODES_MAX]}): {said}"
    if _AUTHENTICATION in categories:
        return SignedOut(told)
    if categories == {_NOT_FOUND}:
        return Refused(told) if _NO_ENDPOINT.search(said) else NotFound(told)
    if status == 403 or _PERMISSION in categories:
        return NotAllowed(told)
    if status >= 500 or all(_passes(code, message) for code, message in _reasons(envelope)):
        # A gateway may speak JSON too, without a code.
        family = Answered if any(codes) else Transient
        return family(told, retry_after_s=retry_after_s)
    return Misconfigured(told)


def _reasons(envelope: _Envelope) -> list[tuple[str, str]]:
    """Return code and message of each reason, whatever the shape."""
    reasons = [(str(reason.code), reason.message) for reason in envelope.reasons]
    reasons += [(error.code, error.message) for error in envelope.old_errors]
    message = envelope.message or envelope.fault_message or envelope.fault_message_too or envelope.error
    return reasons or [(str(envelope.code or envelope.fault_code or envelope.fault_code_too), message)]


def _passes(code: str, message: str) -> bool:
    # A lock is also told as a plain wrong value.
    return category_of(code) in _RETRIABLE or "lock competition" in message.lower()


def category_of(code: str) -> int | None:
    """Return the last two digits of a code: what kind of refusal it is; None where it is no such code."""
    return int(code[-2:]) if code.isascii() and code.isdecimal() else None


def _said(envelope: _Envelope) -> str:
    texts = [reason.message for reason in envelope.reasons]
    texts += [error.message for error in envelope.old_errors]
    texts += [envelope.message, envelope.fault_message, envelope.fault_message_too, envelope.error]
    return "; ".join(text for text in texts if text)


def told_of(words: str, secrets: Sequence[str]) -> str:
    """Return the beginning of their words on one line, secrets struck out: an answer may repeat what it was sent."""
    for secret in secrets:
        if len(secret) >= _SECRET_MIN:
            for form in (secret, quote(secret, safe=""), quote_plus(secret)):
                words = words.replace(form, "***")
    return " ".join(words.split())[:_SAID_MAX]
