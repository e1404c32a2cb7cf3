"""What a tenant says of a document that is made: in which status it stands, and what of it is read back.

A document counts as posted only in a status that makes its GL entry. Nothing is asked here.
Source: ACCOUNTING 3 (bank), reference 2.5 (payment statuses).
"""

from typing import Any, Literal

from adapters.qad.profiles.part import Part, Value
from streams.ports import NoEntry


class Answered(Part, frozen=True, kw_only=True):
    """What the answer to a document shows beside its key: places of the record, or elements of the key's table.

    Attributes:
        currency: Where its currency stands, "" where it is not shown; so are all of these.
        total: Its total.
        tax: Of invoices and credit notes: the tax that the tenant reports.
        status: Its status, where `posted_when` says which count.
        negative: Amounts of these, by our words, that the tenant shows with the other sign.
    """

    currency: str = ""
    total: str = ""
    tax: str = ""
    status: str = ""
    negative: tuple[Literal["total", "tax"], ...] = ()


class Entries(Part, frozen=True, kw_only=True):
    """When a kind of document is in the books.

    Attributes:
        posted_when: Statuses in which a document has made its GL entry; in any other it waits. None where a document
            that is there has made it.
        refused_when: Statuses in which it never will: a person decides.
        read_back: Each document is looked up once QAD has said yes, and compared with what was sent.
        nets: Of credit notes: the tenant applies one at once to the invoice that its link (`item_year`, `item_daybook`,
            `item_voucher`) names. One is linked where Zuora applies it to that invoice as a whole, and no other.
    """

    posted_when: tuple[Value, ...] = ()
    refused_when: tuple[Value, ...] = ()
    read_back: bool = False
    nets: bool = False

    def no_entry(self, status: Any) -> NoEntry | None:
        """Return why a document in this status does not count, None where it does; None and "" are no status."""
        if not self.posted_when or is_one_of(status, self.posted_when):
            return None
        return NoEntry(status=_text(status)[:_STATUS_LENGTH], never=is_one_of(status, self.refused_when))


# Statuses are words; what is longer is something else, and not told.
_STATUS_LENGTH = 24


def is_one_of(status: Any, known: tuple[Value, ...]) -> bool:
    """Return whether a status is one of these: QAD's words are compared without case."""
    return _text(status).casefold() in {_text(value).casefold() for value in known}


def _text(value: Any) -> str:
    return "" if value is None else str(value).strip()
