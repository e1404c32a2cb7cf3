"""What the match stage knows of one partition: folded from its own outputs, and learnt from side topics."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import msgspec

from schemas.decisions import (
    AnyDecision,
    CustomerLinked,
    CustomerUnlinked,
    DocumentReleased,
    DocumentReplayed,
    MappingPublished,
    StageReplayed,
)
from schemas.ids import document_key
from schemas.mapping import Mapping
from schemas.matching import AccountSeen, Matched, MatchedEvent, MatchRule
from schemas.records import RecordKind
from schemas.references import Customer, QadReference
from streams.match.rules import Customers
from streams.match.spec import STAGE
from streams.shelf import Shelf, Snapshot, shape_of
from streams.standings import Entry, Standings


class Result(msgspec.Struct, frozen=True, array_like=True):
    """What matching last said of a document."""

    record_id: str
    customer: str
    rule: MatchRule
    number: str
    e_invoice: str | None = None


def result_of(event: Matched) -> Result:
    """Return what is kept of an event."""
    e_invoice = None if event.e_invoice is msgspec.UNSET else event.e_invoice
    return Result(event.record_id, event.customer, event.rule, event.number, e_invoice)


def substance_of(seen: AccountSeen) -> AccountSeen:
    """Return what matters of an account: not which reading of it this was."""
    return msgspec.structs.replace(seen, origin=0, input_pass="", stamp="", sides={})


def asked_of(seen: AccountSeen) -> tuple[str, str, bool]:
    """Return what an account was asked for: which field, by which claims, whether for e-invoices."""
    return seen.customer_field, seen.claims, seen.e_invoices is not msgspec.UNSET


@dataclass
class MatchState:
    """Folded from `matched` and this stage's outcomes alone."""

    shape = shape_of(Entry, AccountSeen, Result)

    accounts: Shelf[AccountSeen] = field(default_factory=lambda: Shelf(AccountSeen, ended=lambda _: True))
    results: Shelf[Result] = field(default_factory=lambda: Shelf(Result, ended=lambda _: True))
    standings: Standings = field(default_factory=Standings)

    def take(self, event: MatchedEvent) -> None:
        """Take up one event of `matched`."""
        kind = RecordKind.ACCOUNT if isinstance(event, AccountSeen) else event.kind
        document = document_key(kind, event.id)
        decisions = event.sides.get("decisions", -1)
        self.standings.settle(
            document, origin=event.origin, input_pass=event.input_pass, stamp=event.stamp, decisions=decisions
        )
        if isinstance(event, AccountSeen):
            self.accounts.put(event.id, event)
        else:
            self.results.put(document, result_of(event))

    def parts(self) -> Sequence[Snapshot]:
        """Return the state as it is now."""
        return (*self.standings.parts(), *self.accounts.parts(), *self.results.parts())

    def restore(self, parts: Iterator[bytearray]) -> None:
        """Take up what `parts` gave."""
        self.standings.restore(parts)
        self.accounts.restore(parts)
        self.results.restore(parts)


@dataclass(slots=True)
class MatchKnowledge:
    """Learnt from `decisions` and `qad.reference`, with how far each was read."""

    links: dict[str, str] = field(default_factory=dict)
    mapping: Mapping | None = None
    # A mapping that was published once may count for older documents still.
    asks_for_e_invoices: bool = False
    customers: Customers = field(default_factory=Customers)
    sides: dict[str, int] = field(default_factory=dict)

    def customer_field(self) -> str:
        """Return the account's custom field that holds the customer code, "" when the rule is off."""
        return self.mapping.customers.account_field if self.mapping else ""

    def decided(self, decision: AnyDecision, offset: int, standings: Standings) -> None:
        """Take up a decision."""
        match decision:
            case CustomerLinked():
                self.links[decision.account_id] = decision.customer
            case CustomerUnlinked():
                self.links.pop(decision.account_id, None)
            case MappingPublished():
                self.mapping = decision.mapping
                self.asks_for_e_invoices |= decision.mapping.policy.post_when == "e_invoice_cleared"
            case DocumentReleased() | DocumentReplayed():
                standings.order(decision, offset)
            case StageReplayed() if decision.stage == STAGE:
                standings.order(decision, offset)
            case _:
                pass

    def shown(self, reference: QadReference) -> Customer | None:
        """Take up a reference of QAD; return a customer as it was shown before."""
        return self.customers.take(reference) if isinstance(reference, Customer) else None

    def known_sides(self) -> dict[str, int]:
        """Return how far each side topic was read, in one order, whichever was read first."""
        return dict(sorted(self.sides.items()))
