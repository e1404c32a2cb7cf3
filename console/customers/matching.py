"""What the log says of a connection's billing accounts: where each goes, by which rule, and which documents went."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from decimal import Decimal

import msgspec

from adapters.kafka.reader import LogRecord, read_whole
from adapters.store.projection import StandingRow
from adapters.store.readmodel import ReadModel
from console.wiring import Wiring
from schemas.decisions import AnyDecision, CustomerLinked, CustomerUnlinked, MappingPublished
from schemas.errors import Misconfigured, Unreadable
from schemas.events import read_decision, read_matched, read_qad_reference
from schemas.ids import document_key
from schemas.mapping import CustomerRules
from schemas.matching import AccountSeen, Matched
from schemas.references import Customer
from schemas.topics import Topic
from streams.match.rules import Customers, candidates
from streams.match.spec import STAGE

# The rules by which a document stands still for want of a customer.
_FOR_A_CUSTOMER = ("no_customer", "customer_unfit")
_TOPICS = [Topic.DECISIONS, Topic.QAD_REFERENCE, Topic.MATCHED]


class Accounts(msgspec.Struct, kw_only=True):
    """The accounts of one connection.

    Attributes:
        seen: As matching last saw them, by id.
        links: Customer by account id, as people decided.
        documents: What was matched, the newest of each document, by account id.
        customers: QAD's, as last shown.
        rules: Of the newest mapping.
    """

    connection: str
    seen: dict[str, AccountSeen] = msgspec.field(default_factory=dict)
    links: dict[str, str] = msgspec.field(default_factory=dict)
    documents: dict[str, dict[str, Matched]] = msgspec.field(default_factory=lambda: defaultdict(dict))
    customers: Customers = msgspec.field(default_factory=Customers)
    rules: CustomerRules = CustomerRules()

    def numbered(self, number: str) -> AccountSeen:
        """Return the account with this number.

        Raises:
            Misconfigured: It has not been read, or is another connection's.
        """
        found = next((one for one in self.seen.values() if one.number == number), None)
        if found is None:
            raise Misconfigured(f"account {number} has not been read for {self.connection}: is it the account number?")
        if found.claimed_by != (self.connection,):
            owners = " and ".join(found.claimed_by) or "no connection"
            raise Misconfigured(f"account {number} is claimed by {owners}, not by {self.connection} alone")
        return found

    def own(self) -> Iterator[AccountSeen]:
        """Yield the accounts that are this connection's."""
        return (one for one in self.seen.values() if one.claimed_by == (self.connection,))

    def customer_of(self, account: AccountSeen) -> str:
        """Return the first customer that the rules name for an account, fit or not; "" for none."""
        named = candidates(account, links=self.links, rules=self.rules, customers=self.customers)
        return next((customer for customer, _ in named), "")


async def read_accounts(wiring: Wiring, connection: str) -> Accounts:
    """Return what the log says now; what nobody can read there is a dead letter already."""
    partitions = await wiring.partitions()
    accounts = Accounts(connection=connection)
    for record in await read_whole(wiring.site.cluster, partitions[connection], _TOPICS):
        try:
            _take(accounts, record)
        except Unreadable:
            continue
    return accounts


def waiting_by_account(model: ReadModel, connection: str) -> dict[str, list[StandingRow]]:
    """Return the documents that stand still for want of a customer, by account id."""
    waiting: dict[str, list[StandingRow]] = defaultdict(list)
    for standing in model.standings(statuses=("parked",), connection=connection):
        row = standing.row
        if row.stage == STAGE and row.rule in _FOR_A_CUSTOMER and row.account:
            waiting[row.account].append(row)
    return waiting


def worth_of(rows: Iterable[StandingRow]) -> dict[str, Decimal]:
    """Return what documents are over, by currency, whichever way the money goes."""
    value: dict[str, Decimal] = defaultdict(Decimal)
    for row in rows:
        if row.value is not None and row.currency:
            value[row.currency] += abs(row.value)
    return dict(sorted(value.items()))


def _take(accounts: Accounts, record: LogRecord) -> None:
    match record.topic:
        case Topic.DECISIONS:
            _take_decision(accounts, read_decision(record.value))
        case Topic.QAD_REFERENCE:
            reference = read_qad_reference(record.value)
            if isinstance(reference, Customer):
                accounts.customers.take(reference)
        case _:
            event = read_matched(record.value)
            if isinstance(event, AccountSeen):
                accounts.seen[event.id] = event
            elif event.account_id:
                accounts.documents[event.account_id][document_key(event.kind, event.id)] = event


def _take_decision(accounts: Accounts, decision: AnyDecision) -> None:
    match decision:
        case CustomerLinked():
            accounts.links[decision.account_id] = decision.customer
        case CustomerUnlinked():
            accounts.links.pop(decision.account_id, None)
        case MappingPublished():
            accounts.rules = decision.mapping.customers
        case _:
            pass
