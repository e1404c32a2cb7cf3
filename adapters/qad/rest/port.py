"""The sink's port over QAD's REST interface: a command becomes one record by the profile, a reference is looked up.

One call commits one document. What a field is called, how dates are written and which browse finds a document again is
the profile's; nothing of a tenant stands here.
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import msgspec

from adapters.qad.asking.answers import judge_post
from adapters.qad.asking.client import QadClient
from adapters.qad.profiles.documents import Find, Lines
from adapters.qad.profiles.lists import OpenItems
from adapters.qad.profiles.profile import Profile
from adapters.qad.reading.browse import Row, browse, column, equals, first_row
from adapters.qad.values import amount, day, whole
from schemas.errors import Conflict, Misconfigured, Refused, Rejected, Transient
from schemas.outcomes import Document
from schemas.postings import CreditNoteContent, GlLine, InvoiceContent
from streams.ports import Accepted, Adjustment, BankMove, Command, FoundInQad, ItemLine, Receipt, Transfer
from streams.sink.answers import NO_SUCH_KIND

# Machine references are written in A-Z and 2-7: everything from "2" on is one, and nothing that is empty.
_FIRST_REFERENCE = "2"

_encode = msgspec.json.Encoder(decimal_format="number").encode


class RestQad:
    """One connection's QAD."""

    def __init__(self, client: QadClient, profile: Profile) -> None:
        """Speak through this client, in this tenant's words."""
        self._client = client
        self._profile = profile
        # Columns, by browse, that were seen in a row: a filter by them says what is there.
        self._seen: set[tuple[str, str]] = set()

    async def post(self, command: Command, *, not_after: float) -> Accepted:
        """Make one document; see streams/ports.py for what it raises."""
        waiting = self._profile.unconfirmed
        if waiting:
            raise Refused(f"the profile is not confirmed ({', '.join(waiting)}): ml-connector ping says what to do")
        kind = kind_of(command)
        if kind not in self._profile.documents:
            raise Rejected(NO_SUCH_KIND, (f"the profile has no [documents.{kind}]",))
        document = self._profile.documents[kind]
        body = _encode({"supplementaryMessages": [], document.list: [self.record(command)]})
        reply = await self._client.post(document.path, [("viewUri", document.view_uri)], body, not_after=not_after)
        try:
            return judge_post(reply.status, reply.body, profile=self._profile, document=document)
        except Transient as error:
            error.retry_after_s = reply.retry_after_s
            raise

    async def find(self, kind: str, reference: str) -> FoundInQad | None:
        """Return the document that carries a machine reference."""
        find = self._find(kind)
        found = [self._found(find, row) for row in await self._equal(find, find.reference, reference)]
        return _only(found, f"documents in QAD carry the reference {reference}")

    async def find_all(self, kind: str) -> AsyncIterator[Sequence[FoundInQad]]:
        """Yield all documents of a kind that carry a machine reference, page by page."""
        find = self._find(kind)
        async for page in self._where(find, find.reference, f"{find.reference},ge,{_FIRST_REFERENCE},literal"):
            yield [self._found(find, row) for row in page]

    async def find_opening(self, *, number: str, item_kind: str, currency: str) -> FoundInQad | None:
        """Return the opening item that others loaded under a Zuora number.

        Raises:
            Conflict: There are several: nobody but a person can say which is meant.
            Misconfigured: The profile does not say what QAD calls this kind.
        """
        items = self._profile.open_items
        if items is None:
            return None
        find, wanted = items.find, _item_type(items, item_kind)
        found = [
            self._found(find, row)
            for row in await self._equal(find, find.number, number)
            if column(row, items.type_column, browse_id=find.browse_id) == wanted
        ]
        same = [one for one in found if one.document.currency in ("", currency)]
        return _only(same, f"open items in QAD have the number {number}")

    def can_find(self, kind: str) -> bool:
        """Return whether a look-up is configured for a kind."""
        document = self._profile.documents.get(kind)
        return document is not None and document.find is not None

    def lists_of(self, kinds: Iterable[str]) -> Sequence[str]:
        """Return of these kinds the first of each browse, where a look-up is configured."""
        first: dict[tuple[str, str, str], str] = {}
        for kind in filter(self.can_find, kinds):
            find = self._find(kind)
            # The same rows: whatever else is read of them, no other document comes.
            first.setdefault((find.browse_id, find.prefix, find.reference), kind)
        return tuple(first.values())

    def record(self, command: Command) -> dict[str, Any]:
        """Return the record of a command, in the tenant's words."""
        document = self._profile.documents[kind_of(command)]
        words = {"reference": command.reference, "number": command.number, **_head(command)}
        record: dict[str, Any] = dict(document.constants)
        self._place(record, document.fields, words)
        for part, lines in (
            (document.lines, _lines(command)),
            (document.allocations, _allocations(command)),
            (document.opens, _opens(command)),
            (document.gl_lines, _gl_lines(command)),
        ):
            if part is not None:
                # Two parts may stand under one name: a transfer uses one item up and makes another.
                record.setdefault(part.under, []).extend(self._line(part, line) for line in lines)
        return record

    def _line(self, part: Lines, words: Mapping[str, Any]) -> dict[str, Any]:
        line: dict[str, Any] = dict(part.constants)
        self._place(line, part.fields, words)
        return line

    def _place(self, record: dict[str, Any], fields: Mapping[str, Any], words: Mapping[str, Any]) -> None:
        for word, targets in fields.items():
            value = words.get(word)
            if value is None or value == "":
                continue
            written = value.strftime(self._profile.date_format) if isinstance(value, date) else value
            for target in (targets,) if isinstance(targets, str) else targets:
                record[target] = written

    def _find(self, kind: str) -> Find:
        find = self._profile.documents[kind].find
        if find is None:
            raise Misconfigured(f"[documents.{kind}] has no [find]: a look-up is not configured")
        return find

    async def _equal(self, find: Find, name: str, value: str) -> list[Row]:
        """Return the rows whose column is this value; a browse that shows others too does not filter by it."""
        rows = [row async for page in self._where(find, name, equals(name, value)) for row in page]
        for row in rows:
            shown = str(column(row, name, browse_id=find.browse_id))
            # QAD compares texts without case and without blanks behind them.
            if shown.rstrip().casefold() != value.rstrip().casefold():
                raise Misconfigured(f"the browse {find.browse_id} does not filter by {name}: look at the profile")
        return rows

    async def _where(self, find: Find, name: str, condition: str) -> AsyncIterator[Sequence[Row]]:
        """Yield the rows that fulfil a condition on a column.

        QAD answers a condition on a column that it does not have with no rows and no error (reference 1.4). So
        nothing is believed to be absent before the column was seen: a misspelt one would send every document twice.
        """
        spec, found = {"browse_id": find.browse_id, "prefix": find.prefix}, False
        async for page in browse(self._client, **spec, filters=[condition], page_size=self._profile.limits.page_size):
            found = found or bool(page)
            yield page
        if not found and (find.browse_id, name) not in self._seen:
            row = await first_row(self._client, **spec)
            if row is not None:
                column(row, name, browse_id=find.browse_id)
                self._seen.add((find.browse_id, name))

    def _found(self, find: Find, row: Row) -> FoundInQad:
        def of(name: str) -> Any:
            return column(row, name, browse_id=find.browse_id) if name else None

        total, allocated = of(find.total), of(find.allocated)
        return FoundInQad(
            reference=str(of(find.reference) or ""),
            document=Document(
                year=whole(of(find.year), what="year"),
                daybook=str(of(find.daybook)),
                voucher=whole(of(find.voucher), what="voucher"),
                customer=str(of(find.customer) or ""),
                currency=str(of(find.currency) or ""),
                total=None if total is None else amount(total),
            ),
            day=day(of(find.posting_date), self._profile.date_format),
            allocated=None if allocated is None else amount(allocated),
        )


def kind_of(command: Command) -> str:
    """Return the kind of a command, as profiles name it."""
    return str(command.payload.__struct_config__.tag)


def _only(found: Sequence[FoundInQad], what: str) -> FoundInQad | None:
    if len(found) > 1:
        raise Conflict(f"{len(found)} {what}", expected="1", actual=str(len(found)))
    return found[0] if found else None


def _item_type(items: OpenItems, kind: str) -> str:
    name = items.type_of(kind)
    if name is None:
        raise Misconfigured(f"[open_items] types of the profile does not say what QAD calls a {kind}")
    return name


def _head(command: Command) -> dict[str, Any]:
    payload = command.payload
    words = {
        "customer": command.customer,
        "currency": payload.currency,
        "total": payload.total,
        "document_date": payload.document_date,
        "posting_date": payload.posting_date,
        "daybook": payload.daybook,
        "description": payload.description,
    }
    if isinstance(payload, InvoiceContent | CreditNoteContent):
        words |= {"due_date": payload.due_date, "terms": getattr(payload, "terms", "")}
    if isinstance(payload, Receipt | BankMove):
        words |= {"bank_account": payload.bank_account}
    if isinstance(payload, BankMove):
        words |= _item(payload.item)
    return words


def _lines(command: Command) -> list[dict[str, Any]]:
    payload = command.payload
    match payload:
        case Adjustment():
            return [_item_line(line) for line in payload.lines]
        case Transfer():
            return [_item_line(payload.item)] if payload.item is not None else []
        case Receipt() | BankMove():
            return []
        case _:
            return [_gl_line(line, sequence, payload.currency) for sequence, line in enumerate(payload.lines, 1)]


def _opens(command: Command) -> list[dict[str, Any]]:
    payload = command.payload
    return [{"customer": payload.customer, "credit": payload.total}] if isinstance(payload, Transfer) else []


def _gl_lines(command: Command) -> list[dict[str, Any]]:
    payload = command.payload
    line = payload.unassigned if isinstance(payload, Transfer) else None
    return [_gl_line(line, 1, payload.currency)] if line is not None else []


def _item_line(line: ItemLine) -> dict[str, Any]:
    return {**_item(line.document), "customer": line.customer, "debit": line.debit, "credit": line.credit}


def _gl_line(line: GlLine, sequence: int, currency: str) -> dict[str, Any]:
    return {
        "currency": currency,
        "sequence": sequence,
        "account": line.account,
        "sub_account": line.sub_account,
        "cost_centre": line.cost_centre,
        "project": line.project,
        "text": line.text,
        "debit": line.debit,
        "credit": line.credit,
    }


def _allocations(command: Command) -> list[dict[str, Any]]:
    payload = command.payload
    if isinstance(payload, BankMove):
        return [{**_item(payload.item), "customer": payload.customer, "amount": payload.total}]
    if not isinstance(payload, Receipt):
        return []
    return [{**_item(document), "amount": allocated} for document, allocated in payload.allocations]


def _item(document: Document) -> dict[str, Any]:
    return {"item_year": document.year, "item_daybook": document.daybook, "item_voucher": document.voucher}
