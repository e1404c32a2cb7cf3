"""The review list: accounts without a customer that fits, what waits for each, and which customers resemble it.

It shows and decides nothing; a link is a person's.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from decimal import Decimal

import msgspec

from adapters.kafka.reader import ByOffset
from adapters.store.projection import StandingRow
from adapters.store.readmodel import ReadModel
from console.customers.matching import Accounts, waiting_by_account, worth_of
from console.wiring import Wiring
from schemas.errors import Unreadable
from schemas.events import read_record
from schemas.matching import AccountSeen
from schemas.parties import party_of
from schemas.topics import Topic
from schemas.zuora import field_of
from streams.match.proposals import Proposal, Proposer


class Review(msgspec.Struct, frozen=True, kw_only=True):
    """One account to look at.

    Attributes:
        account: Its number.
        name: Its name in Zuora.
        currency: Its currency.
        customer: The customer that the rules name and that does not fit; "" where they name none.
        documents: How many wait for its customer.
        value: What they are over, by currency.
        proposals: Customers that resemble it, best first; none was chosen.
    """

    account: str
    name: str
    currency: str
    customer: str
    documents: int
    value: Mapping[str, Decimal]
    proposals: Sequence[Proposal]


async def review(
    wiring: Wiring, accounts: Accounts, model: ReadModel, *, only: str = "", limit: int
) -> tuple[Sequence[Review], int]:
    """Return the accounts for which most waits, and how many there are in all.

    Args:
        wiring: The adapters.
        accounts: What the log says of them.
        model: Says what waits.
        only: Number of the one account to look at, "" for all.
        limit: How many at most.
    """
    waiting = waiting_by_account(model, accounts.connection)
    to_review = most_first(accounts, waiting, only=only)
    shown = to_review[:limit]
    parties = await _records(wiring, accounts.connection, shown)
    proposer = Proposer(accounts.customers.by_code.values())
    rows = []
    for account in shown:
        name: str = ""
        proposals: Sequence[Proposal] = ()
        record = parties.get(account.origin)
        if record is not None:
            with suppress(Unreadable):
                found = read_record(record)
                party, field = party_of(found), accounts.rules.tax_id_field
                tax_id = field_of(found.parent, field) if field else ""
                name, proposals = party.name, proposer.proposals(party, tax_id=tax_id)
        standing = waiting.get(account.id, ())
        rows.append(
            Review(
                account=account.number,
                name=name,
                currency=account.currency,
                customer=accounts.customer_of(account),
                documents=len(standing),
                value=worth_of(standing),
                proposals=proposals,
            )
        )
    return rows, len(to_review)


def most_first(
    accounts: Accounts, waiting: Mapping[str, Sequence[StandingRow]], *, only: str = ""
) -> list[AccountSeen]:
    """Return the accounts to look at, those with most documents first; of as many, by number.

    Args:
        accounts: What the log says of them.
        waiting: What waits for each, by id.
        only: Number of the one account to look at, "" for all.
    """
    found = [
        account
        for account in accounts.own()
        if only in ("", account.number) and (account.id in waiting or not accounts.customer_of(account))
    ]
    return sorted(found, key=lambda account: (-len(waiting.get(account.id, ())), account.number))


async def _records(wiring: Wiring, connection: str, accounts: Sequence[AccountSeen]) -> dict[int, bytes]:
    """Return the records of accounts as they stand in the log, by offset."""
    if not accounts:
        return {}
    partitions = await wiring.partitions()
    async with ByOffset(wiring.site.cluster, Topic.RECORDS, partitions[connection]) as log:
        found = await log.get([account.origin for account in accounts])
    return {offset: record.value for offset, record in found.items()}
