"""One call of QXtend as it goes out: header, session, and a dataset whose rows hang on one another.

The session carries user and password, so a message is never logged, shown or kept. Source: reference 1.5, 3.1.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Literal
from uuid import uuid4

import msgspec

from adapters.credentials.secret import Secret
from adapters.qad.profiles.documents import Lengths
from adapters.qad.profiles.profile import Profile
from adapters.qad.profiles.qxtend import QDocument, Qxtend, Table
from adapters.qad.values import padded
from adapters.qad.words import InWords, Words, no_tax_rows
from adapters.xml import can_carry, element
from schemas.errors import Rejected
from streams.sink.meanings import FIELD

# Done for good, or only looked at. The session's word for it and the dataset's must never contradict each other.
Action = Literal["save", "validate"]

_START = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    '<soapenv:Envelope xmlns="urn:schemas-qad-com:xml-services" xmlns:qcom="urn:schemas-qad-com:xml-services:common"'
    ' xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:wsa="http://www.w3.org/2005/08/addressing">'
)


class Login(msgspec.Struct, frozen=True, kw_only=True):
    """Whom QXtend's session works as."""

    username: Secret
    password: Secret


def write_message(
    words: InWords, *, profile: Profile, qxtend: Qxtend, document: QDocument, action: Action, login: Login
) -> bytes:
    """Return the message of a command.

    Raises:
        Rejected: A text is longer than the profile allows, or cannot stand in XML; or an amount has more decimals.
            Nothing was sent.
    """
    header = (
        "<wsa:Action/>"
        + element("To", f"urn:services-qad-com:{qxtend.receiver}", prefix="wsa:")
        # For tracing alone: nothing says that QXtend knows a message again.
        + element("MessageID", f"urn:services-qad-com::{words.head['reference']}-{uuid4()}", prefix="wsa:")
        + "<wsa:ReferenceParameters><qcom:suppressResponseDetail>false</qcom:suppressResponseDetail>"
        "</wsa:ReferenceParameters><wsa:ReplyTo>"
        + element("Address", "urn:services-qad-com:", prefix="wsa:")
        + "</wsa:ReplyTo>"
    )
    session = {
        **qxtend.context,
        "domain": profile.domain,
        "entity": profile.entity,
        "version": qxtend.version,
        "scopeTransaction": "true",
        "action": action.capitalize(),
        "username": login.username.reveal(),
        "password": login.password.reveal(),
    }
    info = {
        "tcCompanyCode": profile.entity,
        "tcAction": action,
        "tcCBFVersion": qxtend.cbf_version,
        "tcActivityCode": "Create",
        "tlPartialUpdate": "true" if qxtend.partial_update else "false",
    }
    context = "".join(
        "<qcom:ttContext>"
        + element("propertyQualifier", "QAD", prefix="qcom:")
        + element("propertyName", name, prefix="qcom:")
        + element("propertyValue", value, prefix="qcom:")
        + "</qcom:ttContext>"
        for name, value in session.items()
    )
    dataset = _Dataset(qxtend.date_format, profile.lengths, profile.numbers.decimals).written(words, document)
    return (
        f"{_START}<soapenv:Header>{header}</soapenv:Header><soapenv:Body><{document.api}>"
        f"<qcom:dsSessionContext>{context}</qcom:dsSessionContext>"
        f"<{document.root}>{_row('tContextInfo', info)}{dataset}</{document.root}>"
        f"</{document.api}></soapenv:Body></soapenv:Envelope>"
    ).encode()


class _Dataset:
    """Writes one dataset, and notes what QAD would not take."""

    def __init__(self, date_format: str, lengths: Lengths, decimals: int | None) -> None:
        self._date_format = date_format
        self._lengths = lengths
        self._decimals = decimals
        # What does not fit: the element and the sentence.
        self._unfit: list[tuple[str, str]] = []

    def written(self, words: InWords, document: QDocument) -> str:
        if words.tax_rows and not document.takes_tax_rows:
            raise no_tax_rows(words.head["number"])
        rows, rowid, of_table = [], 0, {"": ""}
        for table in document.tables:
            of_each = (words.head,) if table.rows == "document" else getattr(words, table.rows)
            for one in of_each:
                rowid += 1
                link = {"tc_Rowid": str(rowid), "tc_ParentRowid": of_table[table.parent]}
                rows.append(_row(table.table, {**self._fields(table, one), **link}))
            of_table[table.table] = str(rowid)
        if self._unfit:
            elements, sentences = zip(*dict.fromkeys(self._unfit), strict=True)
            raise Rejected(FIELD, sentences, elements)
        return "".join(rows)

    def _fields(self, table: Table, words: Words) -> dict[str, str]:
        fields = {name: _written(value, self._date_format) for name, value in table.constants.items()}
        for word, targets in table.fields.items():
            value = words.get(word)
            # What is left out, QAD fills; an empty element would be a blank.
            if value is None or value == "":
                continue
            names, text = (targets,) if isinstance(targets, str) else targets, self._text(value)
            self._unfit += [(names[0], sentence) for sentence in self._problems(word, value, text)]
            fields |= dict.fromkeys(names, text)
        return fields

    def _text(self, value: Any) -> str:
        if isinstance(value, Decimal) and self._decimals is not None:
            said = padded(value, self._decimals)
            value = value if said is None else said
        return _written(value, self._date_format)

    def _problems(self, word: str, value: Any, text: str) -> Iterator[str]:
        longest = self._lengths.get(word)
        if longest is not None and isinstance(value, str) and len(value) > longest:
            yield f"{word} has {len(value)} characters, and QAD takes {longest}: it was not sent"
        if isinstance(value, Decimal) and self._decimals is not None and padded(value, self._decimals) is None:
            yield f"{word} has more than the {self._decimals} decimals that QAD takes: it was not sent"
        if not can_carry(text):
            yield f"{word} holds a character that XML cannot carry: it was not sent"


def _row(name: str, fields: Mapping[str, str]) -> str:
    return f"<{name}>{''.join(element(*field) for field in fields.items())}</{name}>"


def _written(value: Any, date_format: str) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case Decimal():
            return f"{value:f}"
        case date():
            return value.strftime(date_format)
        case _:
            return str(value)
