"""What QAD's answers mean: a yes with a key, a no with a class, or something that is neither and so is unknown.

Judged by `submitResult`, never by the HTTP status alone; a login page, an empty body or a cut one is never success.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec

from adapters.qad.profiles.documents import Document as DocumentProfile
from adapters.qad.profiles.profile import Profile
from adapters.qad.profiles.refusals import TRANSIENT, ErrorClass
from adapters.qad.values import whole
from schemas.errors import Misconfigured, OutcomeUnknown, Refused, Rejected, Transient
from schemas.outcomes import Document
from streams.ports import Accepted

UNCLASSIFIED = "unclassified"

# What QAD says goes into the log and is kept for ever: as much of it as a person reads.
_WORDS_LENGTH = 300
_WORDS_COUNT = 20

_decode = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal).decode


class Complaint(msgspec.Struct, frozen=True):
    """One error of QAD."""

    code: str
    field: str
    message: str


def read_object(body: bytes) -> dict[str, Any] | None:
    """Return a JSON object, amounts as Decimal, or None where the bytes are none."""
    try:
        return _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def judge_post(status: int, body: bytes, *, profile: Profile, document: DocumentProfile) -> Accepted:
    """Return what was made.

    Args:
        status: HTTP status.
        body: As answered.
        profile: The tenant's profile.
        document: The kind that was posted.

    Raises:
        Rejected: QAD refused it for a business reason and changed nothing.
        Transient: It certainly did not happen and may succeed later.
        Refused: The user may not, or the profile's path is not there.
        OutcomeUnknown: Nobody can say what became of it.
    """
    answer = read_object(body)
    if status in profile.definite:
        raise Transient(f"QAD is not ready (HTTP {status})")
    if status == 403:
        raise Refused(f"QAD does not let this user post to {document.path}: {_words(answer)}")
    if status in (404, 405):
        raise Refused(f"QAD has no {document.path} (HTTP {status}): the profile's path or viewUri is wrong")
    if status >= 500 or answer is None:
        raise OutcomeUnknown(f"HTTP {status} and no answer that says what became of it")
    result = answer.get("submitResult")
    if isinstance(result, dict) and result.get("success") is False:
        raise refusal(complaints(result.get("errors")), profile.errors)
    if isinstance(result, dict) and result.get("success") is True:
        return _accepted(answer, document)
    if answer.get("errors"):
        if _made(answer, document) is not None:
            raise OutcomeUnknown("QAD names errors and a document beside them")
        raise refusal(complaints(answer["errors"]), profile.errors)
    if isinstance(answer.get(document.list), list) and status < 300:
        return _accepted(answer, document)
    raise OutcomeUnknown(f"HTTP {status} and an answer that is neither yes nor no")


def complaints(errors: Any) -> list[Complaint]:
    """Return QAD's errors in one shape; both envelopes spell them alike."""
    if not isinstance(errors, list):
        return []
    return [
        Complaint(str(error.get("code", "")), str(error.get("fieldName", "")), str(error.get("message", "")))
        for error in errors
        if isinstance(error, dict)
    ]


def refusal(said: Sequence[Complaint], classes: tuple[ErrorClass, ...]) -> Rejected | Transient:
    """Return what a business refusal means, by the profile's classes."""
    means = [_class_of(complaint, classes) for complaint in said]
    messages = tuple(f"{shown(complaint.message)} [{shown(complaint.code)}]" for complaint in said[:_WORDS_COUNT])
    if means and all(meaning == TRANSIENT for meaning in means):
        return Transient("QAD asks to try again: " + "; ".join(messages))
    # Several complaints at once: one that nobody knows makes the whole unclassified, or a person would be misled.
    classified = [meaning for meaning in means if meaning != TRANSIENT]
    known = classified[0] if classified and UNCLASSIFIED not in classified else UNCLASSIFIED
    return Rejected(known, messages, tuple(shown(one.field) for one in said[:_WORDS_COUNT] if one.field))


def _class_of(complaint: Complaint, classes: tuple[ErrorClass, ...]) -> str:
    field, message = complaint.field.casefold(), complaint.message.casefold()
    for known in classes:
        if complaint.code and complaint.code in known.codes:
            return known.means
    for known in classes:
        if any(name.casefold() == field for name in known.fields) or any(
            word.casefold() in message for word in known.words
        ):
            return known.means
    return UNCLASSIFIED


def _accepted(answer: dict[str, Any], document: DocumentProfile) -> Accepted:
    made = _made(answer, document)
    if made is None:
        raise OutcomeUnknown("QAD said yes and did not name the document")
    return Accepted(document=made, warnings=_warnings(answer))


def _made(answer: dict[str, Any], document: DocumentProfile) -> Document | None:
    """Return the document that an answer names; voucher 0 is what was sent, `QAD assigns`, and names none."""
    records, key = answer.get(document.list), document.key
    record = records[0] if isinstance(records, list) and records else None
    if not isinstance(record, dict):
        return None
    try:
        year, voucher = whole(record.get(key.year), what=key.year), whole(record.get(key.voucher), what=key.voucher)
    except Misconfigured:
        return None
    daybook = record.get(key.daybook)
    return Document(year=year, daybook=str(daybook), voucher=voucher) if voucher and daybook else None


def _warnings(answer: dict[str, Any]) -> tuple[str, ...]:
    told = answer.get("supplementaryMessages")
    if not isinstance(told, list):
        return ()
    return tuple(
        shown(message.get("message", message) if isinstance(message, dict) else message)
        for message in told[:_WORDS_COUNT]
    )


def shown(words: Any) -> str:
    """Return words of QAD's on one line, cut to what a person reads."""
    text = " ".join(str(words).split())
    return text if len(text) <= _WORDS_LENGTH else f"{text[:_WORDS_LENGTH]}…"


def _words(answer: dict[str, Any] | None) -> str:
    said = complaints((answer or {}).get("errors"))[:_WORDS_COUNT]
    return "; ".join(shown(complaint.message) for complaint in said) or "no reason given"
