"""What the contract asks of a sink's driver: its port, and its books as they stand, read without the product."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import NamedTuple, Protocol

from streams.ports import Command, Erp
from tests.adapters.commands import Commands


class Key(NamedTuple):
    """What makes a document unique."""

    year: int
    daybook: str
    voucher: int


class Line(NamedTuple):
    """A GL line as it was sent."""

    account: str
    sub_account: str
    cost_centre: str
    project: str
    text: str
    debit: Decimal
    credit: Decimal


class Tax(NamedTuple):
    """A row of the tax report, its amounts above zero where they raise the document's total."""

    code: str
    account: str
    base: Decimal
    tax: Decimal


@dataclass(frozen=True, kw_only=True)
class Booked:
    """A document as it stands in the books.

    Attributes:
        kind: What it is, by the tag of a payload.
        reference: The machine reference; "" on what others made.
        number: Zuora's number; None where documents of this kind have no place for one.
        customer: Whose it is; "" where it names none by itself.
        lines: The GL lines that were sent.
        taxes: Its rows of the tax report.
        off: Debits less credits of the whole entry, the customer's side included.
    """

    kind: str
    reference: str
    number: str | None
    customer: str
    currency: str
    total: Decimal
    day: date
    key: Key
    description: str
    lines: tuple[Line, ...]
    off: Decimal
    taxes: tuple[Tax, ...] = ()


class Driver(Protocol):
    """One sink under contract.

    Attributes:
        commands: Makes what is posted; the codes in it are set up.
        takes_tax_rows: It has a place for rows of the tax report.
    """

    commands: Commands
    takes_tax_rows: bool

    async def port(self) -> Erp:
        """Return the port, ready for its first call."""
        ...

    def booked(self) -> Sequence[Booked]:
        """Return every document in the books, also those of others."""
        ...

    def open_amounts(self) -> dict[Key, Decimal]:
        """Return what is open on each item: above zero what a customer owes, below what is owed to them."""
        ...

    def contradictions(self) -> Sequence[str]:
        """Return where the books contradict themselves."""
        ...

    def load_opening(self, number: str, *, kind: str, currency: str = "USD") -> Key:
        """Load an opening item of 70 for C0001, as others do: with Zuora's number and no machine reference."""
        ...

    def lose_answer(self) -> Callable[[], bool]:
        """Let the next document be made and not answered; returns what says whether that has happened."""
        ...

    async def refused(self, erp: Erp) -> tuple[Command, str, tuple[str, ...]]:
        """Return a command that this sink refuses, the class of the refusal, and the fields it names."""
        ...

    async def leave(self) -> None:
        """Be out of reach from now on."""
        ...

    async def come_back(self) -> None:
        """Be within reach again."""
        ...
