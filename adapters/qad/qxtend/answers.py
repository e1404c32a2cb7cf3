"""What QXtend's answers mean: stored with a key, refused with a class, or neither and so unknown.

`result` success and warning mean that the document is stored. A fault Client was refused before it was looked at. A
fault Server may stand before the processing or behind it: only where the profile's classes say that it may be tried
again, or stops the connection, it is taken for one before; everything else is looked up. Source: reference 1.5, 4.
"""

import re
from collections.abc import Sequence
from typing import NoReturn
from xml.etree.ElementTree import Element

import msgspec

from adapters.qad.asking.answers import accepted
from adapters.qad.asking.client import Reply
from adapters.qad.asking.complaints import Complaint, all_shown, refusal, shown
from adapters.qad.asking.scrubbing import scrubbed, without_secrets
from adapters.qad.asking.sending import DONE_AND_SENT_ON
from adapters.qad.profiles.profile import Profile
from adapters.qad.profiles.qxtend import AnswerKey, QDocument
from adapters.qad.values import whole
from adapters.xml import read_xml, shape
from schemas.errors import Misconfigured, OutcomeUnknown, Overloaded, Refused, Rejected, Transient
from schemas.outcomes import Document
from streams.ports import Accepted

_SOAP = "{http://schemas.xmlsoap.org/soap/envelope/}"
_QDOC = "{urn:schemas-qad-com:xml-services}"
_COMMON = "{urn:schemas-qad-com:xml-services:common}"
_EXCEPTION = re.compile(r"\b(?:Process|Transaction)Exception\d{3}\b")
# Whatever these say: processing had begun, and nobody says how far it came. All others of these names, but for:
_BEFORE = "ProcessException001"  # The session did not begin.
_ROLLED_BACK = "TransactionException001"  # All of it; its message says why.


def judge_post(reply: Reply, *, profile: Profile, document: QDocument, secrets: Sequence[str]) -> Accepted:
    """Return what was made.

    Args:
        reply: As it came.
        profile: The tenant's profile.
        document: The kind that was sent.
        secrets: What was sent and must not be told, should the answer repeat it.

    Raises:
        Rejected: QAD refused it for a business reason and changed nothing.
        Transient: It certainly did not happen and may succeed later.
        Refused: The user may not, or it is called wrongly.
        OutcomeUnknown: Nobody can say what became of it.
    """
    judge = _Judge(reply, profile, document, secrets)
    try:
        response = judge.stored()
        return judge.made(response)
    except (Rejected, OutcomeUnknown) as error:
        error.answer = judge.kept()
        raise
    except Transient as error:
        error.retry_after_s = reply.retry_after_s
        raise


def judge_look(reply: Reply, *, profile: Profile, document: QDocument, secrets: Sequence[str]) -> tuple[str, ...]:
    """Return what QAD says beside its yes to a document that it only looked at; raises as `judge_post` does."""
    judge = _Judge(reply, profile, document, secrets)
    return judge.warnings(judge.stored())


class _Judge:
    """One answer."""

    def __init__(self, reply: Reply, profile: Profile, document: QDocument, secrets: Sequence[str]) -> None:
        self._reply = reply
        self._profile = profile
        self._document = document
        self._secrets = secrets
        envelope = read_xml(reply.body)
        self._body = _only(envelope, f"{_SOAP}Body") if envelope is not None else None

    def stored(self) -> Element:
        """Return the response to what was stored, or found right; raises as `judge_post` does."""
        if self._body is None:
            self._judge_status()
        fault = self._body.find(f"{_SOAP}Fault")
        if fault is not None:
            self._judge_fault(fault)
        response = _only(self._body, f"{_QDOC}{self._document.api}Response")
        said = _only(response, "{*}result") if response is not None else None
        result = (said.text or "").strip() if said is not None else ""
        if response is None or self._reply.status >= 300 or result not in ("success", "warning", "error"):
            raise OutcomeUnknown(f"HTTP {self._reply.status} and an answer that is neither yes nor no")
        if result == "error":
            self._judge_error(response)
        return response

    def made(self, response: Element) -> Accepted:
        """Return what was made."""
        key = self._document.key
        made, row = _made(response, key), _row(response, key)
        if made is None or row is None:
            raise OutcomeUnknown("QAD said yes and did not name the document")
        return accepted(made, self.warnings(response), self._document, key, lambda name: _text(row, name))

    def warnings(self, response: Element) -> tuple[str, ...]:
        """Return what QAD said beside a yes."""
        return all_shown([one.message for one in self._complaints(response)])

    def kept(self) -> str:
        """Return what is kept of the answer."""
        # What is in XML is kept as what is in JSON: names, and the words of envelopes.
        body = self._reply.body if self._body is None else msgspec.json.encode(shape(self._body))
        return scrubbed(self._reply.status, body, secrets=self._secrets)

    def _judge_status(self) -> NoReturn:
        """Judge what is no answer of QXtend's: somebody before it spoke, or nobody."""
        status = self._reply.status
        if status in self._profile.definite:
            raise Overloaded(f"QXtend is not ready (HTTP {status})")
        if status in (401, 403):
            raise Refused(f"QXtend does not let us in (HTTP {status}): look at who may call its url")
        if status in DONE_AND_SENT_ON:
            raise OutcomeUnknown(f"QXtend answered with a redirect (HTTP {status}): is [qxtend] url right?")
        if status in (404, 405) or 300 <= status < 400:
            raise Refused(f"there is no QXtend here (HTTP {status}): look at [qxtend] url of the profile")
        raise OutcomeUnknown(f"HTTP {status} and no answer that says what became of it")

    def _judge_fault(self, fault: Element) -> NoReturn:
        text = self._told(_text(fault, "faultstring"))
        named = _EXCEPTION.search(" ".join(fault.itertext()))
        where = _text(fault, "faultcode").strip().rpartition(":")[2].partition(".")[0]
        complaint = Complaint(named[0] if named else where, "", text)
        _check_begun(complaint)
        meant = refusal([complaint], self._profile.errors)
        if isinstance(meant, Rejected) and where != "Client" and complaint.code != _ROLLED_BACK:
            raise OutcomeUnknown(f"QXtend failed ({shown(where)}), and not certainly before anything: {shown(text)}")
        raise meant

    def _judge_error(self, response: Element) -> NoReturn:
        if _made(response, self._document.key) is not None:
            raise OutcomeUnknown("QAD names errors and a document beside them")
        complaints = self._complaints(response)
        for one in complaints:
            _check_begun(one)
        raise refusal(complaints, self._profile.errors)

    def _complaints(self, response: Element) -> list[Complaint]:
        return [
            Complaint(
                code=_text(one, "tt_msg_nbr").strip(),
                field=_text(one, "tt_msg_field").strip(),
                message=self._told(_text(one, "tt_msg_desc")),
                value=_text(one, "tt_msg_data"),
            )
            for one in response.iter(f"{_COMMON}temp_err_msg")
        ]

    def _told(self, text: str) -> str:
        return without_secrets(text, self._secrets)


def _check_begun(complaint: Complaint) -> None:
    if _EXCEPTION.fullmatch(complaint.code) and complaint.code not in (_BEFORE, _ROLLED_BACK):
        raise OutcomeUnknown(f"QXtend does not say how far it came: {shown(complaint.message)} [{complaint.code}]")


def _made(response: Element, key: AnswerKey) -> Document | None:
    """Return the document that an answer names; voucher 0 is what was sent, `QAD assigns`, and names none."""
    row = _row(response, key)
    if row is None:
        return None
    try:
        year, voucher = (whole(_text(row, name), what=name) for name in (key.year, key.voucher))
    except Misconfigured:
        return None
    daybook = _text(row, key.daybook)
    return Document(year=year, daybook=daybook, voucher=voucher) if voucher and daybook else None


def _only(parent: Element, path: str) -> Element | None:
    """Return a child that is there once: of two, nobody knows which counts."""
    found = parent.findall(path)
    return found[0] if len(found) == 1 else None


def _row(response: Element, key: AnswerKey) -> Element | None:
    return next(response.iter(f"{_QDOC}{key.table}"), None)


def _text(parent: Element, name: str) -> str:
    """Return the text of a child, whatever its namespace: a fault's have none, an exception's are the common one."""
    return parent.findtext(f"{{*}}{name}") or ""
