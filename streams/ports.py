"""What the stages ask of the outside: implemented by the adapters, and by the simulation.

Money, matching and the sink's guarantees know these shapes alone, never a client library.
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Protocol

import msgspec

from schemas.outcomes import Document
from schemas.postings import CreditNoteContent, GlLine, InvoiceContent, JournalContent
from schemas.records import Found, ZuoraRecord
from schemas.references import QadReference


class ItemLine(msgspec.Struct, frozen=True, kw_only=True):
    """One side of an adjustment: an open item, and what changes on it.

    Attributes:
        document: Key of the open item in QAD.
        customer: Customer that holds it.
        debit: Amount that raises what the customer owes, or uses up what they have to their credit.
        credit: Amount that lowers what they owe, or gives back what they had to their credit.
    """

    document: Document
    customer: str
    debit: Decimal
    credit: Decimal


class Receipt(msgspec.Struct, frozen=True, kw_only=True, tag="receipt"):
    """A receipt with the allocations that it carries itself."""

    customer: str
    currency: str
    total: Decimal
    document_date: date
    posting_date: date
    daybook: str
    bank_account: str
    description: str
    allocations: tuple[tuple[Document, Decimal], ...] = ()


class Adjustment(msgspec.Struct, frozen=True, kw_only=True, tag="adjustment"):
    """Amounts moved between open items; debits equal credits."""

    currency: str
    total: Decimal
    document_date: date
    posting_date: date
    daybook: str
    description: str
    lines: tuple[ItemLine, ...]


class BankMove(msgspec.Struct, frozen=True, kw_only=True):
    """Bank against one open item, by a whole amount.

    Attributes:
        item: Key of the open item in QAD.
        customer: Customer that holds it.
    """

    customer: str
    currency: str
    total: Decimal
    document_date: date
    posting_date: date
    daybook: str
    bank_account: str
    description: str
    item: Document


class Refund(BankMove, frozen=True, kw_only=True, tag="refund"):
    """Money given back: it uses up a prepayment or credit note."""


class RefundReversal(BankMove, frozen=True, kw_only=True, tag="refund_reversal"):
    """A refund taken back: the item is open again."""


class Bounce(BankMove, frozen=True, kw_only=True, tag="bounce"):
    """A receipt taken back: the prepayment that is left of it goes, and the money from the bank."""


class Transfer(msgspec.Struct, frozen=True, kw_only=True, tag="transfer"):
    """A new prepayment of a customer, out of another's, or out of unassigned cash.

    Attributes:
        customer: Who has it now.
        item: Whose prepayment is used up, None where that is none's.
        unassigned: The line that takes it from unassigned cash, None where an item is used up.
    """

    customer: str
    currency: str
    total: Decimal
    document_date: date
    posting_date: date
    daybook: str
    description: str
    item: ItemLine | None = None
    unassigned: GlLine | None = None


Payload = (
    InvoiceContent
    | CreditNoteContent
    | Receipt
    | Adjustment
    | Refund
    | RefundReversal
    | Bounce
    | Transfer
    | JournalContent
)


class Command(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One call that commits.

    Attributes:
        reference: Machine reference that QAD is to carry.
        number: Zuora's number, for people.
        customer: Customer of the document; of an adjustment, the one that owes.
        payload: What is posted.
        linked: Of a credit note: the invoice to which QAD applies it at once, by its link; None where it is to stand
            open.
    """

    reference: str
    number: str
    customer: str
    payload: Payload
    linked: Document | None = None


class NoEntry(msgspec.Struct, frozen=True, kw_only=True):
    """QAD has a document that has made no GL entry: it does not count as posted.

    Attributes:
        status: In which status it stands, in QAD's word; "" where QAD did not say.
        never: It never will make one: it was refused or cancelled there.
    """

    status: str
    never: bool = False


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """QAD said yes and named the document.

    Attributes:
        document: Its key, currency and total, where the answer shows them.
        warnings: What was said beside the yes.
        tax: Of an invoice or credit note: the tax that QAD reports of it; None where the answer does not show that.
        no_entry: Why it does not count as posted yet, None where it does.
        read_back: It is to be looked up before anything is said of it.
    """

    document: Document
    warnings: tuple[str, ...] = ()
    tax: Decimal | None = None
    no_entry: NoEntry | None = None
    read_back: bool = False


class FoundInQad(msgspec.Struct, frozen=True, kw_only=True):
    """A document found by its machine reference, with its control columns as QAD has them.

    Attributes:
        reference: The machine reference it carries.
        document: Its key, customer, currency and total, where the browse shows them.
        day: Its posting date, or None where the browse shows none.
        allocated: What a receipt itself carries, or a credit note was netted by its link, as it was made, whatever was
            moved since; None where the browse does not show that.
        tax: Of an invoice or credit note: the tax that QAD reports of it; None where the browse does not show that.
        no_entry: Why it does not count as posted, None where it does.
    """

    reference: str
    document: Document
    day: date | None = None
    allocated: Decimal | None = None
    tax: Decimal | None = None
    no_entry: NoEntry | None = None


class Erp(Protocol):
    """QAD as the sink sees it. A kind is the tag of a payload: `invoice`, `credit_note`, `receipt`, `refund` ..."""

    async def post(self, command: Command, *, not_after: float) -> Accepted:
        """Make one document.

        Args:
            command: What to post.
            not_after: Boot-time clock in seconds after which no byte may be sent any more.

        Raises:
            Rejected: A business refusal; nothing was changed.
            Transient: It certainly did not happen and may be tried again.
            OutcomeUnknown: It may have happened.
            Refused: Credentials or permission.
            NotSent: No byte was sent: the intent was too old, or no connection could be made.
        """
        ...

    async def find(self, kind: str, reference: str) -> FoundInQad | None:
        """Return the document that carries a machine reference.

        Raises:
            Transient: Nobody can say now.
            Refused: Credentials or permission.
            Conflict: Several carry it.
        """
        ...

    def find_all(self, kind: str) -> AsyncIterator[Sequence[FoundInQad]]:
        """Yield, page by page, all documents of a kind that carry a machine reference."""
        ...

    async def find_opening(self, *, number: str, item_kind: str, currency: str) -> FoundInQad | None:
        """Return the opening item that others loaded under a Zuora number.

        Raises:
            Conflict: Two items carry it.
            Misconfigured: The profile names a column that QAD does not show, or no type for that kind.
        """
        ...

    def can_find(self, kind: str) -> bool:
        """Return whether a look-up is configured for a kind; without one its unknowns are for a person."""
        ...

    def nets(self, kind: str) -> bool:
        """Return whether QAD applies a document of this kind at once to the one that its link names."""
        ...

    def lists_of(self, kinds: Iterable[str]) -> Sequence[str]:
        """Return those of these kinds that `find_all` is to be asked for to see them all.

        Of several that QAD shows in one list it is the first: reading that reads the others as well. A kind without a
        look-up is none of them.
        """
        ...


class References(Protocol):
    """What the other side of the sink shows of its reference data; polled, for the stages to go by."""

    def read(self, name: str) -> AsyncIterator[Sequence[QadReference]]:
        """Yield, page by page, one whole list: customers, gl_accounts, daybooks, periods or currencies.

        Raises:
            Transient: It cannot be read now.
            Refused: Credentials or permission.
            Misconfigured: It is missing, or not what it should be.
        """
        ...


class Zuora(Protocol):
    """Zuora as the read stage sees it."""

    @property
    def rests(self) -> bool:
        """Whether reading waits on purpose: for its share of the tenant's limits, or as long as Zuora asked for."""
        ...

    async def read(self, kind: str, zuora_id: str, found: Found) -> ZuoraRecord | None:
        """Return one object with all its children, or None where Zuora has none."""
        ...


class Stands(msgspec.Struct, frozen=True, kw_only=True):
    """What stands on an object in Zuora.

    Attributes:
        stamp: When it was changed last, as Zuora writes it.
        values: Texts by field, as the asker spells it; "" where nothing stands.
    """

    stamp: str
    values: dict[str, str]


class MarkAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What Zuora says of one object that was to be marked.

    Attributes:
        ok: Whether it is marked.
        may_pass: Where it is not: whether another try, under another name, may succeed.
        said: Zuora's words.
    """

    ok: bool
    may_pass: bool = False
    said: str = ""


class Marks(Protocol):
    """Zuora as the marking sees it."""

    async def read(self, type_name: str, ids: Sequence[str], fields: Sequence[str]) -> Mapping[str, Stands]:
        """Return what stands on objects, by their ids; those that Zuora does not have are left out.

        Raises:
            Transient: Nobody can say now.
            Refused: Credentials or permission.
            Misconfigured: We asked wrongly, or somebody else answers.
        """
        ...

    async def write(self, type_name: str, objects: Sequence[Mapping[str, str]], name: str) -> Sequence[MarkAnswer]:
        """Set fields, and return what became of each object, in their order.

        Args:
            type_name: Zuora's name of their type.
            objects: `Id` of each, and what is set.
            name: The name of this call: under the same one it is done once, whatever is repeated.

        Raises:
            Transient: No answer says what became of it: ask again under the same name.
            Refused: Credentials or permission.
            Misconfigured: Zuora takes no such call.
        """
        ...


class HeldRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A record of a customer as QAD has it.

    Attributes:
        values: By our words; "" where it is blank.
        fixed: The template's fields, by the tenant's names.
        version: What says that nobody has changed it since.
        record: As it was read: it is sent back whole.
    """

    values: Mapping[str, str | bool]
    fixed: Mapping[str, str | bool]
    version: str
    record: Mapping[str, Any]

    def __repr__(self) -> str:
        """Return its version: its values may be a person's."""
        return f"HeldRecord(version={self.version!r})"


class CustomerBooks(Protocol):
    """QAD as the stage of customers sees it: records by the parts of streams/customers/wanted.py."""

    def template(self, part: str) -> Mapping[str, str | bool]:
        """Return the fixed values of a record, by the tenant's fields."""
        ...

    def content_hash(self, codes: Mapping[str, str], values: Mapping[str, Mapping[str, str | bool]]) -> str:
        """Return a hash of all that would be written, from codes and values by record."""
        ...

    async def read(self, part: str, code: str) -> HeldRecord | None:
        """Return a record by its code.

        Raises:
            Transient: Nobody can say now.
            Refused: Credentials or permission.
            Misconfigured: The profile is wrong.
        """
        ...

    async def holders(self, account_number: str) -> Sequence[str]:
        """Return the codes of the customers that hold a Zuora account number; raises as `read` does."""
        ...

    async def under(self, relation: str) -> Sequence[str] | None:
        """Return the codes of the customers of a business relation; raises as `read` does.

        None where the profile does not say how that is told.
        """
        ...

    async def make(self, part: str, code: str, values: Mapping[str, str | bool]) -> None:
        """Make a record under this code.

        Raises:
            Rejected: QAD refused it and changed nothing.
            Transient: It certainly was not made.
            Refused: Credentials or permission.
            OutcomeUnknown: Nobody can say: read it.
        """
        ...

    async def change(self, part: str, code: str, held: HeldRecord, changes: Mapping[str, str | bool]) -> None:
        """Change a record that was read; raises as `make` does, Transient also where somebody has changed it since."""
        ...


class ReadAgain(Protocol):
    """A topic read by offset, within the lane's partition."""

    async def get(self, offsets: Sequence[int]) -> Mapping[int, bytes]:
        """Return the values at these offsets."""
        ...
