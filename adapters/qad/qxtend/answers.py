"""What QXtend's answers mean: stored with a key, refused with a class, or neither and so unknown.

`result` success and warning mean that the document is stored. A fault Client was refused before it was looked at. A
fault Server may stand before the processing or behind it: only what is listed as before it is tried again, everything
else is looked up. Source: reference 1.5, 4.
"""

import re
from collections.abc import Callable, Iterator
from typing import NoReturn
from xml.etree.ElementTree import Element

from adapters.qad.asking.answers import Complaint, refusal, shown
from adapters.qad.asking.client import Reply
from adapters.qad.profiles.profile import Profile
from adapters.qad.profiles.qxtend import AnswerKey, QDocument, Qxtend, Trouble
from adapters.qad.qxtend.xml import read_xml
from adapters.qad.values import whole
from schemas.errors import Misconfigured, OutcomeUnknown, Refused, Transient
from schemas.outcomes import Document
from streams.ports import Accepted

_FAULT = "{http://schemas.xmlsoap.org/soap/envelope/}Fault"
_BODY = "{http://schemas.xmlsoap.org/soap/envelope/}Body"
_EXCEPTION = re.compile(r"\b(?:Process|Transaction)Exception\d{3}\b")
# What QAD's documents say of all sites; a profile's troubles come first. TransactionException001 is none of them:
# everything was rolled back, and its message says why.
_KNOWN = (
    Trouble(means="transient", codes=("ProcessException001",)),
    Trouble(
        means="unknown",
        codes=(
            "ProcessException009",
            "TransactionException006",
            "TransactionException007",
            "TransactionException009",
        ),
    ),
)
_ROLLED_BACK = "TransactionException001"
_WARNINGS_MAX = 20

Hide = Callable[[str], str]


def judge(reply: Reply, *, profile: Profile, qxtend: Qxtend, document: QDocument, hide: Hide) -> Element:
    """Return the response of what was stored, or found right.

    Args:
        reply: As it came.
        profile: The tenant's profile.
        qxtend: Its QXtend.
        document: The kind that was sent.
        hide: Takes out of words what nobody may read.

    Raises:
        Rejected: QAD refused it for a business reason and changed nothing.
        Transient: It certainly did not happen and may succeed later.
        Refused: The user may not, or it is called wrongly.
        OutcomeUnknown: Nobody can say what became of it.
    """
    envelope = read_xml(reply.body)
    body = envelope.find(_BODY) if envelope is not None else None
    if body is None:
        _judge_status(reply, profile, qxtend)
    fault = body.find(_FAULT)
    if fault is not None:
        _judge_fault(fault, profile, qxtend, hide, reply)
    response = body.find(f"{{*}}{document.api}Response")
    result = _text(response, "result").strip() if response is not None else ""
    if response is None or reply.status >= 300 or result not in ("success", "warning", "error"):
        raise OutcomeUnknown(f"HTTP {reply.status} and an answer that is neither yes nor no")
    if result == "error":
        if made(response, document.key) is not None:
            raise OutcomeUnknown("QAD names errors and a document beside them")
        _judge_complaints(_said(response, hide), profile, qxtend)
    return response


def accepted(response: Element, key: AnswerKey, hide: Hide) -> Accepted:
    """Return what was made.

    Raises:
        OutcomeUnknown: QAD said yes and did not name it.
    """
    document = made(response, key)
    if document is None:
        raise OutcomeUnknown("QAD said yes and did not name the document")
    return Accepted(document=document, warnings=warnings(response, hide))


def warnings(response: Element, hide: Hide) -> tuple[str, ...]:
    """Return what QAD said beside a yes."""
    return tuple(shown(one.message) for one in list(_said(response, hide))[:_WARNINGS_MAX])


def made(response: Element, key: AnswerKey) -> Document | None:
    """Return the document that an answer names; voucher 0 is what was sent, `QAD assigns`, and names none."""
    row = next(response.iter(f"{{urn:schemas-qad-com:xml-services}}{key.table}"), None)
    if row is None:
        return None
    try:
        year, voucher = (whole(_text(row, name), what=name) for name in (key.year, key.voucher))
    except Misconfigured:
        return None
    daybook = _text(row, key.daybook)
    return Document(year=year, daybook=daybook, voucher=voucher) if voucher and daybook else None


def _judge_status(reply: Reply, profile: Profile, qxtend: Qxtend) -> NoReturn:
    """Judge what is no answer of QXtend's: somebody before it spoke, or nobody."""
    status = reply.status
    if status in profile.definite:
        raise Transient(f"QXtend is not ready (HTTP {status})", retry_after_s=reply.retry_after_s)
    if status in (401, 403):
        raise Refused(f"QXtend does not let this user in (HTTP {status}): look at who may call {qxtend.url}")
    if status in (404, 405) or 300 <= status < 400:
        raise Refused(f"there is no QXtend at {qxtend.url} (HTTP {status}): look at [qxtend] url of the profile")
    raise OutcomeUnknown(f"HTTP {status} and no answer that says what became of it")


def _judge_fault(fault: Element, profile: Profile, qxtend: Qxtend, hide: Hide, reply: Reply) -> NoReturn:
    said = hide(" ".join(" ".join(fault.itertext()).split()))
    text = hide(_text(fault, "faultstring")) or said
    named = _EXCEPTION.search(said)
    where = _text(fault, "faultcode").rpartition(":")[2].partition(".")[0]
    complaint = Complaint(named[0] if named else where, "", text)
    trouble = _trouble(complaint, qxtend)
    if trouble is not None:
        _raise_trouble(trouble, complaint, reply.retry_after_s)
    if where == "Client" or complaint.code == _ROLLED_BACK:
        raise refusal([complaint], profile.errors)
    raise OutcomeUnknown(f"QXtend failed ({where}), and does not say before or behind what: {shown(text)}")


def _judge_complaints(said: Iterator[Complaint], profile: Profile, qxtend: Qxtend) -> NoReturn:
    """Judge an error: one that may be behind the processing outweighs all others beside it."""
    complaints = list(said)
    troubles = [trouble for one in complaints if (trouble := _trouble(one, qxtend)) is not None]
    for means in ("unknown", "refused"):
        for one in complaints:
            trouble = _trouble(one, qxtend)
            if trouble is not None and trouble.means == means:
                _raise_trouble(trouble, one, None)
    if troubles and len(troubles) == len(complaints):
        _raise_trouble(troubles[0], complaints[0], None)
    raise refusal(complaints, profile.errors)


def _raise_trouble(trouble: Trouble, complaint: Complaint, retry_after_s: float | None) -> NoReturn:
    words = f"{shown(complaint.message)} [{complaint.code}]"
    if trouble.means == "transient":
        raise Transient(f"QXtend asks to try again: {words}", retry_after_s=retry_after_s)
    if trouble.means == "refused":
        raise Refused(f"QXtend does not take our calls: {words}; look at [qxtend] of the profile, and its credentials")
    raise OutcomeUnknown(f"QXtend does not know what became of it: {words}")


def _trouble(complaint: Complaint, qxtend: Qxtend) -> Trouble | None:
    message = complaint.message.casefold()
    for known in (*qxtend.troubles, *_KNOWN):
        if complaint.code in known.codes or any(word.casefold() in message for word in known.words):
            return known
    return None


def _said(response: Element, hide: Hide) -> Iterator[Complaint]:
    for message in response.iter("{urn:schemas-qad-com:xml-services:common}temp_err_msg"):
        number, field, text = (_text(message, f"tt_msg_{name}") for name in ("nbr", "field", "desc"))
        yield Complaint(hide(number.strip()), hide(field.strip()), hide(text))


def _text(parent: Element, name: str) -> str:
    """Return the text of a child, whatever its namespace: sites declare them in more ways than one."""
    return parent.findtext(f"{{*}}{name}") or ""
