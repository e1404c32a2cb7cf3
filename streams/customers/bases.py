"""What the log says of customers and what flowed to them: folded from the decisions and outcomes of this house alone.

An account has a base of its own for its customer: one that comes to a customer that is there brings nothing along until
it was seen to say what QAD says. So a link that is wrong writes nothing over. Source: ACCOUNTING 5.
"""

from collections.abc import Iterable

import msgspec

from schemas.decisions import CustomerApproved
from schemas.ids import document_key
from schemas.outcomes import Aligned, Aligning, AnyOutcome, Parked, Written
from schemas.records import RecordKind
from streams.customers.comparing import FIELDS, WORDS, Base, fingerprint
from streams.customers.spec import ALIGN
from streams.customers.wanted import CUSTOMER, RELATION, Value

_NAMES = ("name", "search_name")


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What was last said of an account and its customer.

    Attributes:
        customer: The customer.
        base: Fingerprints by word of what both said alike.
        left: As of `Aligned`; None where nothing was compared yet.
        parked: Rule and message of what it is parked for.
    """

    customer: str
    base: dict[str, str] = msgspec.field(default_factory=dict)
    left: dict[str, str] | None = None
    parked: tuple[str, str] | None = None


class Bases:
    """Of one connection."""

    def __init__(self) -> None:
        """Start with nothing known."""
        self.told: dict[str, Told] = {}
        self._approved: dict[str, CustomerApproved] = {}
        self._meant: dict[str, dict[str, frozenset[str]]] = {}

    def approved(self, decision: CustomerApproved) -> None:
        """Take up which customer is made of an account."""
        self._approved[document_key(RecordKind.ACCOUNT, decision.account_id)] = decision

    def take(self, outcome: AnyOutcome) -> None:
        """Take up an outcome; those of other stages say nothing here."""
        match outcome:
            case Written():
                self._made(outcome)
            case Aligning():
                meant = self._meant.setdefault(outcome.customer, {})
                for word, found in outcome.words.items():
                    meant[word] = meant.get(word, frozenset()) | {found}
            case Aligned():
                self._meant.pop(outcome.customer, None)
                before = self._of(outcome.document, outcome.customer)
                self.told[outcome.document] = Told(
                    customer=outcome.customer, base={**before.base, **outcome.base}, left=dict(outcome.left)
                )
            case Parked() if outcome.stage == ALIGN:
                before = self._of(outcome.document, outcome.reason.value)
                reason = (outcome.reason.rule, outcome.reason.message)
                self.told[outcome.document] = msgspec.structs.replace(before, parked=reason)
            case _:
                pass

    def of(self, customer: str, documents: Iterable[str]) -> Base:
        """Return what is known of a customer and the accounts that share it."""
        bases = [self._of(document, customer).base for document in documents]
        first, *others = bases or [{}]
        alike = {word: found for word, found in first.items() if all(one.get(word) == found for one in others)}
        return Base(alike=alike, meant=self._meant.get(customer, {}))

    def _of(self, document: str, customer: str) -> Told:
        told = self.told.get(document)
        return told if told is not None and told.customer == customer else Told(customer=customer)

    def _made(self, outcome: Written) -> None:
        """Take up what a customer was made with: that is Zuora's, unless a person chose it."""
        decision = self._approved.get(outcome.document)
        if decision is None or outcome.how != "made":
            return
        if outcome.code != {RELATION: decision.relation, CUSTOMER: decision.customer}.get(outcome.part):
            return
        values: dict[str, Value] = {word: value for word, value in outcome.values.items() if word in WORDS}
        if decision.name or decision.search_name:
            values = {word: value for word, value in values.items() if word not in _NAMES}
        _, address = FIELDS["address"]
        if any(word in values for word in address):
            values = {**dict.fromkeys(address, ""), **values}
        base = {word: fingerprint(decision.customer, word, value) for word, value in values.items()}
        before = self._of(outcome.document, decision.customer)
        self.told[outcome.document] = msgspec.structs.replace(before, base={**before.base, **base})
