"""Whose customers a batch of the log asks for: accounts that changed, were linked or released, customers that changed.

However often one is named, it is looked at once, as it is now.
"""

from collections.abc import Iterable, Sequence

import msgspec

from schemas.decisions import CustomerLinked, CustomerUnlinked, DocumentReleased, MappingPublished
from schemas.errors import Unreadable
from schemas.events import read_decision, read_matched, read_qad_reference
from schemas.matching import AccountSeen
from schemas.references import Customer
from schemas.topics import Topic
from streams.customers.aligning import Shared
from streams.customers.bases import Bases
from streams.customers.known import document_of, wants


class Asked(msgspec.Struct, kw_only=True):
    """What a batch asks for.

    Attributes:
        accounts: Ids of accounts.
        released: Accounts that a person released, as the log names them.
        customers: Codes of customers that QAD shows otherwise than before.
        everything: A mapping was published: other fields may flow now, or other terms.
    """

    accounts: set[str] = msgspec.field(default_factory=set)
    released: set[str] = msgspec.field(default_factory=set)
    customers: set[str] = msgspec.field(default_factory=set)
    everything: bool = False

    def __bool__(self) -> bool:
        """Return whether it asks for anything."""
        return bool(self.accounts or self.released or self.customers or self.everything)

    def concerns(self, customer: str, accounts: Sequence[AccountSeen], bases: Bases) -> bool:
        """Return whether it asks for a customer; one that QAD shows otherwise only where that may be awaited."""
        if self.everything or any(one.id in self.accounts or document_of(one) in self.released for one in accounts):
            return True
        return customer in self.customers and _awaits(customer, map(document_of, accounts), bases)

    def looks_all_the_same(self, shared: Shared, bases: Bases) -> bool:
        """Return whether QAD is asked although Zuora says nothing new: something is open, or a person wants it."""
        if shared.passes:
            return True
        told = [bases.told.get(document) for document in shared.documents]
        return any(
            one is None or one.customer != shared.customer or one.left is None or one.parked for one in told
        ) or (shared.customer in self.customers and _awaits(shared.customer, shared.documents, bases))


def asked_by(records: Iterable[tuple[Topic, bytes]]) -> Asked:
    """Return what records ask for; what nobody can read is a dead letter already."""
    asked = Asked()
    for topic, value in records:
        if wants(topic, value):
            try:
                _take(asked, topic, value)
            except Unreadable:
                continue
    return asked


def _take(asked: Asked, topic: Topic, value: bytes) -> None:
    match topic:
        case Topic.MATCHED:
            event = read_matched(value)
            if isinstance(event, AccountSeen):
                asked.accounts.add(event.id)
        case Topic.QAD_REFERENCE:
            reference = read_qad_reference(value)
            if isinstance(reference, Customer):
                asked.customers.add(reference.code)
        case _:
            decision = read_decision(value)
            if isinstance(decision, CustomerLinked | CustomerUnlinked):
                asked.accounts.add(decision.account_id)
            elif isinstance(decision, DocumentReleased):
                asked.released.add(decision.document)
            elif isinstance(decision, MappingPublished):
                asked.everything = True


def _awaits(customer: str, documents: Iterable[str], bases: Bases) -> bool:
    """Return whether a change in QAD may mend something, or the customer was never looked at."""
    told = [bases.told.get(document) for document in documents]
    return any(one is None or one.customer != customer or one.left is None or one.left or one.parked for one in told)
