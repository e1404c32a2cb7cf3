"""What Zuora's answers mean: six shapes of error, HTTP 200 that says no, and pages that are not Zuora's at all.

A code ends in two digits that say whether another try helps. Source: zuora error handling guide, shapes in
tests/contracts/envelopes.
"""

import msgspec

from schemas.errors import ConnectorError, Misconfigured, Refused, Transient

# Categories (last two digits) that another try may cure: locks, internal, temporary, limits, external systems.
_RETRIABLE = frozenset({50, 60, 61, 70, 99})
_PERMISSION, _AUTHENTICATION, _NOT_FOUND = 10, 11, 40
# Code 90000011: "this resource is protected, please sign in first".
_TOO_MANY, _SERVER_ERRORS = 429, frozenset({500, 502, 503, 504})


class NotFound(ConnectorError):
    """Zuora has no such object."""


class SignedOut(ConnectorError):
    """The token is not accepted: a new one is fetched once."""


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
    error: str = ""


_decode = msgspec.json.Decoder(_Envelope).decode


def check_answer(status: int, content_type: str, body: bytes, *, what: str, retry_after_s: float | None = None) -> None:
    """Hold that an answer is a yes.

    Args:
        status: HTTP status.
        content_type: As answered.
        body: As answered.
        what: What was asked, for the message: method and path, no query.
        retry_after_s: What the answer asked to wait.

    Raises:
        SignedOut: The token is not accepted.
        NotFound: There is no such object.
        Refused: The user may not, or a feature is off.
        Transient: Another try may succeed.
        Misconfigured: We asked wrongly, or somebody else answered.
    """
    if status == _TOO_MANY:
        raise Transient(f"Zuora: too many requests ({what})", retry_after_s=retry_after_s)
    if 300 <= status < 400:
        raise Misconfigured(
            f"Zuora answered {what} with a redirect: the base URL is not that of this tenant's data centre"
        )
    if "json" not in content_type.lower():
        if status in _SERVER_ERRORS or status < 300:
            raise Transient(
                f"a page instead of an answer to {what} (HTTP {status}): a gateway before Zuora, or maintenance"
            )
        raise Misconfigured(f"HTTP {status} and no JSON for {what}: is the base URL right?")
    try:
        envelope = _decode(body)
    except (msgspec.DecodeError, RecursionError):
        if status < 300:
            # Lists and bare objects are checked where they are decoded; a cut body shows there.
            return
        raise Transient(f"HTTP {status} for {what} with a body that cannot be read") from None
    if status < 300 and envelope.success is not False and envelope.old_success is not False:
        return
    _raise(status, envelope, what=what, retry_after_s=retry_after_s)


def _raise(status: int, envelope: _Envelope, *, what: str, retry_after_s: float | None) -> None:
    codes = [str(reason.code) for reason in envelope.reasons] or [str(envelope.code)]
    categories = {int(code) % 100 for code in codes if code.isdigit()}
    said = _said(envelope)
    told = f"Zuora refused {what} (HTTP {status}, code {', '.join(codes)}): {said}"
    if status == 401 or _AUTHENTICATION in categories:
        raise SignedOut(told)
    if status == 404 or categories == {_NOT_FOUND}:
        raise NotFound(told)
    if status == 403 or _PERMISSION in categories:
        raise Refused(told)
    if status in _SERVER_ERRORS or (categories and categories <= _RETRIABLE) or "lock competition" in said.lower():
        raise Transient(told, retry_after_s=retry_after_s)
    raise Misconfigured(told)


def _said(envelope: _Envelope) -> str:
    texts = [reason.message for reason in envelope.reasons]
    texts += [error.message for error in envelope.old_errors]
    texts += [envelope.message, envelope.fault_message, envelope.error]
    # Their words may repeat what was asked; a short part is enough to know the rule.
    return "; ".join(text for text in texts if text)[:300] or "no reason given"
