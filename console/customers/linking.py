"""What changing the customer of an account affects, looked at before it is decided: nothing that is in QAD moves.

Old items settle where they are (ACCOUNTING 2, 5): what was posted keeps its customer, and so does what pays or undoes
it. Where items are open, or nobody can tell, a second named person approves (ACCOUNTING 9).
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal

import msgspec

from adapters.qad.reading.browse import column
from adapters.qad.reading.filtered import Filtered
from adapters.qad.values import amount
from adapters.store.readmodel import ReadModel
from console.customers.matching import Accounts, worth_of
from console.decisions import is_same_person
from console.reconciliation.site import SiteBooks
from console.wiring import Wiring
from schemas.errors import ConnectorError, Misconfigured
from schemas.matching import AccountSeen, Matched


class Effects(msgspec.Struct, frozen=True, kw_only=True):
    """What a change of an account's customer affects.

    Attributes:
        customers: Where its documents went so far.
        documents: How many were matched.
        posted: How many of them are in QAD.
        open_items: How many items of it are open there under another customer; None where that could not be told.
        open_value: What is open of them, by currency.
        cannot_tell: Why that could not be told.
        waiting: How many documents stand still and are decided again.
        waiting_value: What those are over, by currency.
    """

    customers: tuple[str, ...]
    documents: int
    posted: int
    open_items: int | None
    open_value: Mapping[str, Decimal]
    cannot_tell: str = ""
    waiting: int
    waiting_value: Mapping[str, Decimal]

    @property
    def needs_approval(self) -> bool:
        """Whether a second person must approve."""
        return self.open_items is None or self.open_items > 0


async def effects(
    wiring: Wiring, accounts: Accounts, model: ReadModel, account: AccountSeen, *, customer: str = ""
) -> Effects:
    """Return what sending an account to another customer affects.

    Args:
        wiring: The adapters.
        accounts: What the log says of the accounts.
        model: Says what is posted and what stands still.
        account: Which.
        customer: Where it is to go; "" where the rules are to say.
    """
    documents = accounts.documents.get(account.id, {})
    still = [
        standing.row
        for standing in model.standings(statuses=("waiting", "parked"), connection=accounts.connection)
        if standing.row.account == account.id or standing.row.document in documents
    ]
    posted = (
        {standing.row.document for standing in model.standings(statuses=("posted",), connection=accounts.connection)}
        if documents
        else set()
    )
    elsewhere = [one for one in documents.values() if one.customer != customer]
    found: list[tuple[str, Decimal]] | None = []
    cannot_tell = ""
    if elsewhere:
        try:
            found = await _open_items(wiring, accounts.connection, elsewhere)
        except ConnectorError as error:
            found, cannot_tell = None, str(error)
    return Effects(
        customers=tuple(sorted({one.customer for one in documents.values() if one.customer})),
        documents=len(documents),
        posted=len(posted & documents.keys()),
        open_items=None if found is None else len(found),
        open_value=_sum(found or ()),
        cannot_tell=cannot_tell,
        waiting=len(still),
        waiting_value=worth_of(still),
    )


def approval_problem(effects: Effects, *, person: str, approved_by: str) -> str:
    """Return why a change may not be decided yet, "" where it may."""
    if approved_by and is_same_person(approved_by, person):
        return f"{approved_by} decides it, so another person must approve: --approved-by NAME"
    if not effects.needs_approval or approved_by.strip():
        return ""
    why = f"{effects.open_items} items are open in QAD" if effects.open_items else "open items cannot be told"
    return f"{why}: a second person must approve (--approved-by NAME). Until roles exist nobody authenticates the name"


def _sum(amounts: Iterable[tuple[str, Decimal]]) -> dict[str, Decimal]:
    total: dict[str, Decimal] = {}
    for currency, value in amounts:
        total[currency] = total.get(currency, Decimal(0)) + value
    return dict(sorted(total.items()))


async def _open_items(wiring: Wiring, connection: str, documents: list[Matched]) -> list[tuple[str, Decimal]]:
    """Return currency and open amount of the items in QAD that carry these documents' numbers.

    Raises:
        ConnectorError: QAD cannot be asked now, or the profile does not say where it shows them.
    """
    numbers: dict[str, set[str]] = {}
    for one in documents:
        if one.customer:
            numbers.setdefault(one.customer, set()).add(one.number.casefold())
    files = wiring.files(connection)
    if files is not None:
        listed = await SiteBooks(wiring.site.path(files.directory), files).open_items()
        return [
            (item.key.currency, abs(item.open))
            for item in listed
            if item.open and item.number.strip().casefold() in numbers.get(item.key.customer, ())
        ]
    profile = wiring.profile(connection)
    items = profile.open_items
    if items is None or not items.find.customer:
        raise Misconfigured("the profile does not say where QAD shows the open items of a customer")
    find, found = items.find, []
    async with wiring.qad(connection, profile) as client:
        filtered = Filtered(client, profile)
        for customer, theirs in numbers.items():
            pages = filtered.equal(find, find.customer, customer, known=find.daybook)
            async for page in pages:
                for row in page:
                    number = str(column(row, find.number, browse_id=find.browse_id) or "")
                    value = amount(column(row, items.open_amount, browse_id=find.browse_id))
                    if value and number.strip().casefold() in theirs:
                        found.append((str(column(row, find.currency, browse_id=find.browse_id)), abs(value)))
    return found
