"""Which fields of ours are to stand on an object in Zuora: the customer code on an account, the mark on a document.

Off unless the tenant's settings name a field. A mark moves no money and is none of the product's promises: nothing
waits for it. It must never come from anything but what the log says: a match, or a document that is in QAD. Credit and
debit memos have none: Actions know no memos, and a PUT takes no idempotency key. Source: zuora.md 2.5, 4, 6.
"""

from collections.abc import Iterable, Mapping

import msgspec

from schemas.ids import document_key, document_parts
from schemas.matching import Matched
from schemas.outcomes import Document, Ignored, Marked, Parked, Posted
from schemas.postings import Act, Posting
from schemas.reasons import Reason
from schemas.records import RecordKind
from streams.mark.spec import STAGE
from streams.stage import LIVE
from streams.standings import pass_number

TRANSFERRED = "TransferredToAccounting"
ACCOUNT = "Account"
# Zuora's names of what can be marked, by kind of document.
TYPES: Mapping[str, str] = {
    RecordKind.INVOICE: "Invoice",
    RecordKind.PAYMENT: "Payment",
    RecordKind.REFUND: "Refund",
}
_DOCUMENT = "document"


class WriteBack(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is written back to a tenant; nothing by default.

    Attributes:
        customer_code: Custom field of the account that gets the QAD customer code; "" writes none.
        transferred: Whether a document that is in QAD gets `TransferredToAccounting` = Yes.
        document_number: Custom field of documents that gets QAD's number, `2026/SINV/1042`; "" writes none.
    """

    customer_code: str = ""
    transferred: bool = False
    document_number: str = ""

    @property
    def on(self) -> bool:
        """Whether anything is written."""
        return bool(self.fields or self.transferred)

    @property
    def fields(self) -> tuple[str, ...]:
        """The custom fields that are written: what stands there is ours, and makes no new version of a record."""
        return tuple(name for name in (self.customer_code, self.document_number) if name)


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """What is to stand on one object.

    Attributes:
        connection: Whose object it is.
        type_name: Zuora's name of its type.
        id: Zuora's id.
        number: Zuora's number.
        fields: Texts by field.
        origin: Offset of what it comes from: in `matched` for an account, in `outcomes` for a document.
        input_pass: live, or which release.
    """

    connection: str
    type_name: str
    id: str
    number: str
    fields: dict[str, str]
    origin: int
    input_pass: str = LIVE

    @property
    def document(self) -> str:
        """Its object as the log names it."""
        return document_key(_KINDS[self.type_name], self.id)

    def marked(self, how: str) -> Marked:
        """Return the outcome that says that it stands there."""
        return Marked(
            connection=self.connection,
            stage=STAGE,
            subject=self.document,
            document=self.document,
            number=self.number,
            origin=self.origin,
            input_pass=self.input_pass,
            fields=self.fields,
            how="found" if how == "found" else "answer",
        )

    def still(self, how: type[Parked] | type[Ignored], reason: Reason) -> Parked | Ignored:
        """Return the outcome that says that it does not, and why."""
        return how(
            connection=self.connection,
            stage=STAGE,
            subject=self.document,
            document=self.document,
            number=self.number,
            origin=self.origin,
            input_pass=self.input_pass,
            reason=reason,
        )


_KINDS = {ACCOUNT: str(RecordKind.ACCOUNT), **{name: str(kind) for kind, name in TYPES.items()}}


def of_match(event: Matched, origin: int, settings: WriteBack) -> Mark | None:
    """Return what a match writes on its account: the customer that the account goes to now.

    What undoes a document keeps the customer of that document, and says nothing of the account.
    """
    if not settings.customer_code or not event.account_id or event.kept is True:
        return None
    return Mark(
        connection=event.connection,
        type_name=ACCOUNT,
        id=event.account_id,
        number=event.account_number,
        fields={settings.customer_code: event.customer},
        origin=origin,
    )


def may_mark(outcome: Posted, settings: WriteBack) -> bool:
    """Return whether a posting that is in QAD may mark its document, before its content is looked at."""
    kind, _ = document_parts(outcome.document)
    sent = outcome.how in ("answer", "look_up")
    return sent and kind in TYPES and (settings.transferred or bool(settings.document_number))


def of_posted(outcome: Posted, posting: Posting, origin: int, settings: WriteBack) -> Mark | None:
    """Return what a posting in QAD writes on its document: only the one that makes it there, no application of it."""
    if posting.id != outcome.subject or posting.act is not Act.POST or posting.step != _DOCUMENT:
        return None
    kind, zuora_id = document_parts(outcome.document)
    fields = {TRANSFERRED: "Yes"} if settings.transferred else {}
    if settings.document_number:
        fields[settings.document_number] = document_number(outcome.qad)
    return Mark(
        connection=outcome.connection,
        type_name=TYPES[kind],
        id=zuora_id,
        number=outcome.number,
        fields=fields,
        origin=origin,
    )


def released(mark: Mark, input_pass: str) -> Mark:
    """Return a mark as it is tried again after a person released it; its calls have names of their own."""
    return msgspec.structs.replace(mark, input_pass=f"release:{pass_number(input_pass) + 1}")


def document_number(qad: Document) -> str:
    """Return QAD's number of a document as people read it: year, daybook, voucher."""
    return f"{qad.year}/{qad.daybook}/{qad.voucher}"


def newest(marks: Iterable[Mark]) -> list[Mark]:
    """Return the last mark of each object: only the newest counts."""
    return list({(mark.type_name, mark.id): mark for mark in marks}.values())
