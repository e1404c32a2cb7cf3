"""What would flow from accounts to their customers now, and what would be left: looked at in both systems, unwritten.

It decides by the code that the worker decides by. It shows names of fields, and no value of them.
"""

from collections.abc import Sequence

import msgspec

from adapters.kafka.align_log import AlignLog
from adapters.kafka.align_look import look_at
from adapters.qad.rest.customers import RestCustomers
from console.customers.neighbours import same_customers
from console.wiring import Wiring
from schemas.errors import Misconfigured
from schemas.mapping import AlignField
from schemas.matching import AccountSeen
from streams.customers.comparing import FIELDS, Line, Said, State, joined
from streams.customers.known import Known, document_of
from streams.customers.saying import stated
from streams.customers.wanted import Rules

# What each state means to people, and what they may do.
_MEANING = {
    State.IN_LINE: ("both say the same", ""),
    State.WRITE: ("is written", ""),
    State.NOT_SAID: ("Zuora says nothing of it", ""),
    State.NOT_MAPPED: ("the profile names no field for it", "Name one in [customers] fields of the profile."),
    State.NEVER_IN_LINE: (
        "never was alike in both: QAD's stays",
        "Make both say the same once; from then on what changes in Zuora flows.",
    ),
    State.OWNED: ("was changed in QAD alone: QAD's stays", "Nothing; or make both say the same."),
    State.DIFFERS: ("was changed in both since they were alike: nothing is written", "Make both say the same."),
    State.DISAGREE: (
        "the accounts that share the customer do not say the same",
        "Make them say the same in Zuora, or link one of them to another customer.",
    ),
    State.SHARED: (
        "its business relation is that of other customers as well",
        "Change it in QAD; or give the customer a business relation of its own.",
    ),
    State.NOT_TOLD: (
        "who else stands under its business relation cannot be told",
        "Name the column for relation in [browses.customers] of the profile.",
    ),
    State.NOT_HELD: ("cannot be written", "Change it in Zuora, or mend [terms] of the mapping."),
}
_QUIET = (State.IN_LINE, State.NOT_SAID)
_CHUNK = 100


class FieldRow(msgspec.Struct, frozen=True, kw_only=True):
    """How one field stands.

    Attributes:
        state: As of streams/customers/comparing.py; "write" where it would be written now.
        words: What would be written, by our words.
        meaning: The state in words.
        next_step: What a person may do.
    """

    field: str
    state: str
    words: tuple[str, ...]
    meaning: str
    next_step: str


class CustomerRow(msgspec.Struct, frozen=True, kw_only=True):
    """One customer, the accounts that share it, and its fields."""

    customer: str
    accounts: tuple[str, ...]
    fields: tuple[FieldRow, ...]


class Dry(msgspec.Struct, frozen=True, kw_only=True):
    """What was found.

    Attributes:
        flows: Fields that the newest mapping lets flow.
        stops: Why nothing flows at all, whatever is shown; empty where it does.
        customers: Those of which anything is to be told.
        looked_at: How many were looked at.
        in_all: How many might be: where it is more than were looked at, the limit was reached before.
    """

    flows: tuple[str, ...]
    stops: tuple[str, ...]
    customers: Sequence[CustomerRow]
    looked_at: int
    in_all: int


async def look_dry(wiring: Wiring, connection: str, *, only: str = "", limit: int) -> Dry:
    """Return what would flow, of the fields that the mapping names, or of all where it names none.

    Args:
        wiring: The adapters.
        connection: Which.
        only: Number of the one account to look at, with all of its fields; "" for all that have anything to tell.
        limit: How many customers are shown at most.

    Raises:
        Misconfigured: The profile does not say how customers are read, or the account goes to no customer.
    """
    profile = wiring.profile(connection)
    if profile.customers is None:
        raise Misconfigured(
            f"the profile of {connection} has no [customers]: it does not say how a customer is read. "
            "See docs/customers.md"
        )
    partitions = await wiring.partitions()
    log = AlignLog(wiring.site.cluster, connection, partitions[connection])
    await log.catch_up()
    mapping = log.known.mapping
    if mapping is None:
        raise Misconfigured(f"no mapping is published for {connection}: ml-connector mapping publish FILE")
    rules = Rules(terms=mapping.terms, countries=profile.customers.countries, lengths=profile.customers.lengths)
    fields = mapping.customers.align or tuple(FIELDS)
    chosen = _chosen(log.known, only)
    rows: list[CustomerRow] = []
    looked_at = 0
    async with wiring.qad(connection, profile) as client:
        books = RestCustomers(client, profile)
        for begin in range(0, len(chosen), _CHUNK):
            if len(rows) == limit:
                break
            some = chosen[begin : begin + _CHUNK]
            parties = await log.parties(account for _, accounts in some for account in accounts)
            for customer, accounts in some:
                if len(rows) == limit:
                    break
                each = [stated(parties[account.id], rules) for account in accounts]
                said: dict[AlignField, Said] = {field: joined(field, [one[field] for one in each]) for field in fields}
                base = log.known.bases.of(customer, [document_of(account) for account in accounts])
                look = await look_at(books, customer, said, base)
                looked_at += 1
                shown = [line for line in look.lines if only or line.state not in _QUIET] if look else []
                if shown:
                    numbers = tuple(account.number for account in accounts)
                    rows.append(
                        CustomerRow(customer=customer, accounts=numbers, fields=tuple(_row(line) for line in shown))
                    )
    return Dry(
        flows=mapping.customers.align,
        stops=tuple(_stops(wiring, connection, log.known)),
        customers=rows,
        looked_at=looked_at,
        in_all=len(chosen),
    )


def _chosen(known: Known, only: str) -> list[tuple[str, list[AccountSeen]]]:
    found = sorted(known.sharing().items())
    if not only:
        return found
    chosen = [(customer, accounts) for customer, accounts in found if only in {one.number for one in accounts}]
    if not chosen:
        raise Misconfigured(
            f"account {only} goes to no customer of QAD, or the rules name several: ml-connector match review {only}"
        )
    return chosen


def _row(line: Line) -> FieldRow:
    meaning, next_step = _MEANING[line.state]
    return FieldRow(
        field=line.field,
        state=line.state.value,
        words=tuple(sorted(line.writes)),
        meaning=f"{meaning}: {line.why}" if line.why else meaning,
        next_step=next_step,
    )


def _stops(wiring: Wiring, connection: str, known: Known) -> list[str]:
    """Say why nothing flows whatever is shown."""
    profile, problems = wiring.profile(connection), list[str]()
    if known.mapping is None or not known.mapping.customers.align:
        problems.append("[customers] align of the newest mapping names no field")
    if not wiring.site.config.connections[connection].align_customers:
        problems.append(f"[connections.{connection}] align_customers is not on")
    if profile.customers is not None and not profile.customers.confirmed:
        problems.append("[customers] of the profile says confirmed = false")
    if others := same_customers(wiring, connection):
        problems.append(f"connection {', '.join(others)} has the same customers, or a profile that cannot be read")
    return problems
