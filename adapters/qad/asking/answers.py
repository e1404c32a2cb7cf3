"""What QAD's answers mean: a yes with a key, a no with a class, or something that is neither and so is unknown.

Judged by what the profile's envelope names, never by the HTTP status alone; a login page, an empty body or a cut one is
never success, and neither is one that says a name twice: readers differ in which of both they take.
"""

import json
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from adapters.qad.asking.complaints import Complaint, all_shown, means, refusal
from adapters.qad.asking.scrubbing import scrubbed
from adapters.qad.places import below, pick
from adapters.qad.profiles.calls import Envelope
from adapters.qad.profiles.documents import Document as DocumentProfile
from adapters.qad.profiles.documents import Step
from adapters.qad.profiles.entries import Answered, Entries
from adapters.qad.profiles.profile import Profile
from adapters.qad.profiles.refusals import PERMISSION, STOPS, WORKSPACE
from adapters.qad.values import amount, whole
from schemas.errors import Misconfigured, OutcomeUnknown, Overloaded, Refused, Rejected, Transient
from schemas.outcomes import Document
from streams.ports import Accepted

_decode = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal).decode


def read_object(body: bytes) -> dict[str, Any] | None:
    """Return a JSON object, amounts as Decimal, or None where the bytes are none."""
    try:
        return _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ArithmeticError):
        # Also a number whose exponent no Decimal has.
        return None


def _read_once_said(body: bytes) -> dict[str, Any] | None:
    """Return a JSON object that says nothing twice; None also where it does, for nobody knows which of both counts."""
    answer = read_object(body)
    try:
        json.loads(body, object_pairs_hook=_each_once, parse_int=str, parse_float=str)
    except (ValueError, RecursionError):
        return None
    return answer


def _each_once(pairs: list[tuple[str, Any]]) -> None:
    if len(pairs) != len({name for name, _ in pairs}):
        raise ValueError("a name is said twice")


def judge_post(
    status: int, body: bytes, *, profile: Profile, document: DocumentProfile, secrets: Sequence[str] = ()
) -> Accepted:
    """Return what was made.

    Args:
        status: HTTP status.
        body: As answered.
        profile: The tenant's profile.
        document: The kind that was posted.
        secrets: What was sent and must not be told, should the answer repeat it.

    Raises:
        Rejected: QAD refused it for a business reason and changed nothing.
        Transient: It certainly did not happen and may succeed later.
        Refused: The user may not, or the profile's path is not there.
        OutcomeUnknown: Nobody can say what became of it.
    """
    try:
        return _judged(status, _read_once_said(body), profile=profile, document=document)
    except (Rejected, OutcomeUnknown) as error:
        error.answer = scrubbed(status, body, secrets=secrets, words=profile.envelope.words)
        raise


def judge_saved(
    status: int, body: bytes, *, profile: Profile, path: str, list_name: str, secrets: Sequence[str] = ()
) -> None:
    """Return where a record of master data was saved; raises as `judge_post` does."""

    def made(answer: dict[str, Any]) -> bool:
        return bool(pick(answer, below(profile.envelope.records, list_name)))

    try:
        _agreed(status, _read_once_said(body), profile=profile, path=path, list_name=list_name, made=made)
    except (Rejected, OutcomeUnknown) as error:
        error.answer = scrubbed(status, body, secrets=secrets, words=profile.envelope.words)
        raise


def _judged(status: int, answer: dict[str, Any] | None, *, profile: Profile, document: DocumentProfile) -> Accepted:
    def made(said: dict[str, Any]) -> bool:
        return _made(said, document, profile.envelope) is not None

    agreed = _agreed(status, answer, profile=profile, path=document.path, list_name=document.list, made=made)
    return _accepted(agreed, document, profile.envelope)


def _agreed(
    status: int,
    answer: dict[str, Any] | None,
    *,
    profile: Profile,
    path: str,
    list_name: str,
    made: Callable[[dict[str, Any]], bool],
) -> dict[str, Any]:
    """Return an answer that says yes; raises what any other means."""
    envelope = profile.envelope
    _check_status(status, answer, profile, path=path)
    if status >= 500 or answer is None:
        raise OutcomeUnknown(f"HTTP {status} and no answer that says what became of it")
    said = _said(answer, envelope)
    if said is False:
        raise refusal(complaints(pick(answer, envelope.errors), envelope), profile.errors)
    if said is True:
        return answer
    if pick(answer, envelope.gateway_errors):
        if made(answer):
            raise OutcomeUnknown("QAD names errors and a document beside them")
        raise refusal(complaints(pick(answer, envelope.gateway_errors), envelope), profile.errors)
    if isinstance(pick(answer, below(envelope.records, list_name)), list) and status < 300:
        return answer
    raise OutcomeUnknown(f"HTTP {status} and an answer that is neither yes nor no")


def judge_step(
    status: int, body: bytes, *, profile: Profile, step: Step, secrets: Sequence[str] = ()
) -> dict[str, Any]:
    """Return what was answered to a call that changes nothing.

    Args:
        status: HTTP status.
        body: As answered.
        profile: The tenant's profile.
        step: What was asked: a read answers with an object, a validation with a yes.
        secrets: What was sent and must not be told, should the answer repeat it.

    Raises:
        Rejected: QAD refused it for a business reason.
        Transient: It does not say, and may later: nothing was changed.
        Refused: The user may not, or the profile's path is not there.
    """
    try:
        return _stepped(status, _read_once_said(body), profile=profile, step=step)
    except Rejected as error:
        error.answer = scrubbed(status, body, secrets=secrets, words=profile.envelope.words)
        raise


def _stepped(status: int, answer: dict[str, Any] | None, *, profile: Profile, step: Step) -> dict[str, Any]:
    envelope = profile.envelope
    _check_status(status, answer, profile, path=step.path)
    if status >= 500 or answer is None:
        raise Transient(f"HTTP {status} and no answer from {step.path}: nothing was sent to be posted")
    said = _said(answer, envelope)
    if said is False:
        raise refusal(complaints(pick(answer, envelope.errors), envelope), profile.errors)
    if pick(answer, envelope.gateway_errors):
        raise refusal(complaints(pick(answer, envelope.gateway_errors), envelope), profile.errors)
    if status >= 300 or (step.does == "validate" and said is not True):
        raise Transient(f"HTTP {status} from {step.path}, and neither yes nor no: nothing was sent to be posted")
    return answer


def _check_status(status: int, answer: dict[str, Any] | None, profile: Profile, *, path: str) -> None:
    """Raise where the status alone says that nobody took the call up."""
    if status in profile.definite:
        raise Overloaded(f"QAD is not ready (HTTP {status})")
    if status == 403:
        raise _not_let_in(answer, profile, path)
    if status in (404, 405):
        raise Refused(f"QAD has no {path} (HTTP {status}): the profile's path or viewUri is wrong")


def _said(answer: dict[str, Any], envelope: Envelope) -> bool | None:
    """Return whether QAD says that it was done, None where it does not say."""
    told = pick(answer, envelope.success) if envelope.success else None
    # By type as well: 1 is not true, and a text is not the value that it spells.
    if any(type(told) is type(word) and told == word for word in envelope.no):
        return False
    return True if any(type(told) is type(word) and told == word for word in envelope.yes) else None


def complaints(errors: Any, envelope: Envelope) -> list[Complaint]:
    """Return QAD's errors in one shape; both envelopes spell them alike."""
    if not isinstance(errors, list):
        return []
    return [
        Complaint(
            code=_text(error.get(envelope.code)),
            field=_text(error.get(envelope.field)),
            message=_text(error.get(envelope.message)),
            value=_text(error.get(envelope.value)),
            label=_text(error.get(envelope.label)),
        )
        for error in errors
        if isinstance(error, dict)
    ]


def _accepted(answer: dict[str, Any], document: DocumentProfile, envelope: Envelope) -> Accepted:
    made = _made(answer, document, envelope)
    if made is None:
        raise OutcomeUnknown("QAD said yes and did not name the document")
    record = pick(answer, below(envelope.records, document.list))[0]
    return accepted(made, _warnings(answer, envelope), document, document.key, lambda place: pick(record, place))


def accepted(
    made: Document, warnings: tuple[str, ...], entries: Entries, answered: Answered, shown: Callable[[str], Any]
) -> Accepted:
    """Return what a yes says of a document.

    Args:
        made: Its key.
        warnings: What was said beside the yes.
        entries: What its kind says of statuses.
        answered: Where the answer shows what.
        shown: Returns what stands at such a place.

    Raises:
        OutcomeUnknown: An amount is none.
    """

    def money(word: str) -> Decimal | None:
        told = shown(place) if (place := getattr(answered, word)) else None
        try:
            found = None if told in (None, "") else amount(told)
        except Misconfigured as error:
            raise OutcomeUnknown(f"QAD said yes and shows no {word} that is an amount") from error
        return -found if found is not None and word in answered.negative else found

    status = shown(answered.status) if answered.status else None
    currency = shown(answered.currency) if answered.currency else None
    return Accepted(
        document=msgspec.structs.replace(made, currency=_text(currency), total=money("total")),
        warnings=warnings,
        tax=money("tax"),
        no_entry=entries.no_entry(status),
        # A document that does not say its status is asked for it.
        read_back=entries.read_back or bool(entries.posted_when and status in (None, "")),
    )


def _made(answer: dict[str, Any], document: DocumentProfile, envelope: Envelope) -> Document | None:
    """Return the document that an answer names; voucher 0 is what was sent, `QAD assigns`, and names none."""
    records, key = pick(answer, below(envelope.records, document.list)), document.key
    record = records[0] if isinstance(records, list) and records else None
    if not isinstance(record, dict):
        return None
    try:
        year = whole(pick(record, key.year), what=key.year)
        voucher = whole(pick(record, key.voucher), what=key.voucher)
    except Misconfigured:
        return None
    daybook = pick(record, key.daybook)
    return Document(year=year, daybook=str(daybook), voucher=voucher) if voucher and daybook else None


def _warnings(answer: dict[str, Any], envelope: Envelope) -> tuple[str, ...]:
    """Return what was said beside a yes: warnings, and lists of confirmations (`priceListConfs`)."""
    told = [pick(answer, envelope.warnings)] if envelope.warnings else []
    if envelope.confirmations:
        told += [listed for name, listed in answer.items() if name.endswith(envelope.confirmations)]
    return all_shown([_warning(one, envelope) for listed in told if isinstance(listed, list) for one in listed])


def _warning(told: Any, envelope: Envelope) -> Any:
    return told.get(envelope.message) or told.get("messageText") or told if isinstance(told, dict) else told


def _not_let_in(answer: dict[str, Any] | None, profile: Profile, path: str) -> Refused:
    said = complaints(pick(answer or {}, profile.envelope.gateway_errors), profile.envelope)
    words = "; ".join(all_shown([complaint.message for complaint in said])) or "no reason given"
    step = STOPS[WORKSPACE] if means(said, profile.errors) == {WORKSPACE} else STOPS[PERMISSION]
    return Refused(f"QAD does not let this user post to {path}: {words}. {step}")


def _text(value: Any) -> str:
    return "" if value is None else str(value)
