"""Lines that go over a clearing account: the document carries its total there, a journal moves it on.

A document keeps the mode in which it was first built: what is in QAD is not known here, and a document with its own
lines beside a journal would book revenue twice. The journal never touches a control account: only the document does.
Source: ACCOUNTING 3, GL mode.
"""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from schemas.errors import CannotGoOn
from schemas.ids import PostingId
from schemas.mapping import Analysis, Mapping
from schemas.money import ZERO, sum_of
from schemas.postings import GlLine, JournalContent
from streams.ledger.known.made import CLEARING, Made
from streams.ledger.stopping import lacking


def clearing_of(made: Made, *, n: int, mapping: Mapping) -> Analysis | None:
    """Return the clearing account that post n of a document goes to, None where it carries its lines itself.

    Args:
        made: What was made of the document.
        n: Which posting of it is built, for the first time or anew.
        mapping: The mapping that counts for it.
    """
    if made.live and made.n == n:
        return made.journal.clearing if made.journal is not None else None
    return mapping.policy.clearing if mapping.policy.gl == "journal" else None


def through_clearing(
    lines: Sequence[GlLine], clearing: Analysis, *, number: str, currency: str, owed: Decimal
) -> tuple[tuple[GlLine, ...], tuple[GlLine, ...]]:
    """Return the lines of a document, which is one to the clearing account, and those of its journal.

    Args:
        lines: All lines of the document, where they belong.
        clearing: The clearing account.
        number: Its number, for the reason.
        currency: Its currency.
        owed: Its total: above zero owed by the customer, below zero owed to them.

    Raises:
        CannotGoOn: The clearing account would not be zero afterwards.
    """
    there = GlLine(
        account=clearing.account,
        sub_account=clearing.sub_account,
        cost_centre=clearing.cost_centre,
        project=clearing.project,
        text=clearing.text,
        credit=max(owed, ZERO),
        debit=max(-owed, ZERO),
        role=CLEARING,
    )
    journal = (there.inverse(), *lines)
    left = sum_of((one.credit - one.debit for one in (there, *journal) if one.account == clearing.account), currency)
    if left or any(line.account == clearing.account for line in lines):
        raise CannotGoOn(lacking.clearing_not_zero(number, clearing.account))
    return (there,), journal


def journal_content(
    lines: tuple[GlLine, ...],
    *,
    currency: str,
    document_date: date,
    dates: tuple[date, date | None],
    daybook: str,
    description: str,
    of: PostingId | None = None,
) -> JournalContent:
    """Return a journal of lines that balance.

    Args:
        lines: They.
        currency: Of all of them.
        document_date: Of the document.
        dates: Posting date, and the day it is of where that is another.
        daybook: Where it goes.
        description: For people.
        of: The document whose lines it moves on, where one carries them.
    """
    return JournalContent(
        currency=currency,
        total=sum_of((line.debit for line in lines), currency),
        document_date=document_date,
        posting_date=dates[0],
        daybook=daybook,
        description=description,
        lines=lines,
        original_date=dates[1],
        of=of,
    )
