"""What aligning knows of one connection: accounts, where each goes, the mapping, and what flowed before.

Folded from the log, a record at a time; other events are passed over unread, for there are many. It names a customer
for an account only where the rules name one and no other: a link, or all of the others alike.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Mapping as Table

from schemas.decisions import (
    AnyDecision,
    CustomerApproved,
    CustomerLinked,
    CustomerUnlinked,
    DocumentReleased,
    MappingPublished,
)
from schemas.errors import Unreadable
from schemas.events import read_decision, read_matched, read_outcome, read_qad_reference
from schemas.ids import document_key, document_parts
from schemas.mapping import Mapping
from schemas.matching import AccountSeen, MatchRule
from schemas.outcomes import Aligned
from schemas.records import RecordKind
from schemas.references import Customer
from schemas.topics import Topic
from streams.customers.bases import Bases
from streams.customers.spec import ALIGN
from streams.match.rules import Customers, candidates

# In this order a log is taken up: what an outcome means stands in a decision before it.
TOPICS = (Topic.DECISIONS, Topic.QAD_REFERENCE, Topic.MATCHED, Topic.OUTCOMES)
# By what the events that count are told from the others before they are decoded.
_MARKS = {
    Topic.QAD_REFERENCE: (b'"customer"',),
    Topic.MATCHED: (b'"account_seen"',),
    Topic.OUTCOMES: (b'"align"', b'"customers"'),
}


def wants(topic: Topic, value: bytes) -> bool:
    """Return whether a record may say something here, before it is decoded."""
    marks = _MARKS.get(topic, ())
    return not marks or any(mark in value for mark in marks)


class Known:
    """Of one connection."""

    def __init__(self, connection: str) -> None:
        """Start with nothing known."""
        self.connection = connection
        self.accounts: dict[str, AccountSeen] = {}
        self.links: dict[str, str] = {}
        self.mapping: Mapping | None = None
        self.customers = Customers()
        self.bases = Bases()
        self.released: Counter[str] = Counter()
        # Of many accounts it takes a second to tell, so it is kept until something changes it.
        self._sharing: dict[str, list[AccountSeen]] | None = None

    def take(self, topic: Topic, value: bytes) -> None:
        """Take up a record; what nobody can read is a dead letter already."""
        try:
            self._take(topic, value)
        except Unreadable:
            return

    def _take(self, topic: Topic, value: bytes) -> None:
        match topic:
            case Topic.DECISIONS:
                self._decided(read_decision(value))
            case Topic.QAD_REFERENCE:
                reference = read_qad_reference(value)
                if isinstance(reference, Customer):
                    self.customers.take(reference)
                    self._sharing = None
            case Topic.MATCHED:
                event = read_matched(value)
                if isinstance(event, AccountSeen):
                    self.accounts[event.id] = event
                    self._sharing = None
            case _:
                self.bases.take(read_outcome(value))

    def _decided(self, decision: AnyDecision) -> None:
        self._sharing = None
        match decision:
            case MappingPublished():
                self.mapping = decision.mapping
            case CustomerLinked():
                self.links[decision.account_id] = decision.customer
            case CustomerUnlinked():
                self.links.pop(decision.account_id, None)
            case CustomerApproved():
                self.bases.approved(decision)
            case DocumentReleased():
                self.released[decision.document] += 1
            case _:
                pass

    def customer_of(self, account: AccountSeen) -> str:
        """Return the one customer in QAD that the rules name for an account; "" where there is none, or several."""
        if self.mapping is None:
            return ""
        named = list(candidates(account, links=self.links, rules=self.mapping.customers, customers=self.customers))
        if named and named[0][1] is MatchRule.LINK:
            named = named[:1]
        found = {customer for customer, _ in named}
        customer = found.pop() if len(found) == 1 else ""
        return customer if customer in self.customers.by_code else ""

    def sharing(self) -> dict[str, list[AccountSeen]]:
        """Return the accounts of each customer, by number; also those that nobody, or two connections, claim.

        Those of another connection alone are for another QAD.
        """
        if self._sharing is not None:
            return self._sharing
        found: dict[str, list[AccountSeen]] = defaultdict(list)
        for account in self.accounts.values():
            if account.claimed_by == (self.connection,) or len(account.claimed_by) != 1:
                customer = self.customer_of(account)
                if customer:
                    found[customer].append(account)
        self._sharing = {customer: sorted(accounts, key=lambda one: one.number) for customer, accounts in found.items()}
        return self._sharing

    def left_by(self, accounts: Iterable[str]) -> set[str]:
        """Return the customers that accounts, by id, have gone from: what these stopped there may flow now."""
        found = set()
        for name in accounts:
            told = self.bases.told.get(document_key(RecordKind.ACCOUNT, name))
            account = self.accounts.get(name)
            if told is not None and account is not None and told.customer != self.customer_of(account):
                found.add(told.customer)
        return found

    def ended(self, sharing: Table[str, Sequence[AccountSeen]]) -> Iterator[Aligned]:
        """Yield, of accounts that are parked and go to no customer now, that nothing of them is left to do."""
        for document, told in self.bases.told.items():
            account = self.accounts.get(document_parts(document)[1]) if told.parked is not None else None
            if account is not None and account not in sharing.get(self.customer_of(account), ()):
                yield Aligned(
                    connection=self.connection,
                    stage=ALIGN,
                    subject=document,
                    document=document,
                    number=account.number,
                    origin=account.origin,
                    customer="",
                )


def document_of(account: AccountSeen) -> str:
    """Return an account as the log names it."""
    return document_key(RecordKind.ACCOUNT, account.id)
