"""The judge: what both stand-ins' own books and the log say after a fault; the product is not asked.

Doubled, lost, other, order broken, not in balance, called without an intent: each finding is a sentence that names the
place and the document. An empty list is the only good answer.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from decimal import Decimal

from adapters.kafka.cluster import Cluster
from adapters.kafka.reader import read_whole
from sandbox.qad.books.documents import Document, DocumentKey, Kind
from schemas.events import read_outcome
from schemas.outcomes import AnyOutcome, Intended, Parked, Unknown
from schemas.topics import Topic
from streams.sink.meanings import UNCLASSIFIED
from streams.sink.state import CRASHED
from tests.faults.companies import Company
from tests.faults.filed import (
    FilePlace,
    contradictions_in_files,
    doubled_in_files,
    lost_in_files,
    uncalled_for_in_files,
    unequal_in_files,
)
from tests.faults.places import Place
from tests.faults.work import Made

USER = "connector"
# What QAD answers to an allocation that comes before what it refers to, or twice.
_OUT_OF_ORDER = {"ITEM_UNKNOWN", "OVER_ALLOCATION", "OVER_REOPENING"}
_CREDIT_NOTE = "CREDITNOTE"
ZERO = Decimal(0)


def lost_in(place: Place, made: Made) -> Iterator[str]:
    """Yield documents that are not in QAD."""
    there = {document.content.reference for document in _ours(place)}
    yield from (f"{place.name}: {number} is not in QAD" for number in made.numbers if number not in there)


def unequal(place: Place) -> Iterator[str]:
    """Yield documents with another total, or another open amount, in QAD than in Zuora."""
    tenant = place.zuora.tenant
    totals: defaultdict[str, Decimal] = defaultdict(Decimal)
    open_amounts: defaultdict[str, Decimal] = defaultdict(Decimal)
    invoices = _invoice_numbers(place)
    for document in _ours(place):
        if document.kind is not Kind.ADJUSTMENT:
            number = document.content.reference
            counts = _counts(document, invoices)
            totals[number] += counts * _amount(document)
            item = place.ledger.items.get(document.key)
            open_amounts[number] += counts * item.open_amount if item else ZERO
    sides = [
        *((row.invoice_number, row.amount, row.balance) for row in tenant.invoices.latest.values()),
        *((row.memo_number, row.total_amount, row.balance) for row in tenant.credit_memos.latest.values()),
        *((row.payment_number, row.amount, row.unapplied_amount) for row in tenant.payments.latest.values()),
    ]
    for number, total, rest in sides:
        if number in totals and totals[number] != total:
            yield f"{place.name}: {number} is over {total} in Zuora and {totals[number]} in QAD"
        elif number in totals and open_amounts[number] != rest:
            yield f"{place.name}: of {number} {rest} is open in Zuora and {open_amounts[number]} in QAD"


def doubled(place: Place) -> Iterator[str]:
    """Yield machine references and Zuora's numbers that stand on more than one document."""
    for found in place.qad.control.duplicates():
        yield f"{place.name}: {found['custom_short_0']} stands on {found['documents']}"
    invoices, counts = _invoice_numbers(place), Counter[str]()
    for one in _ours(place):
        if one.content.reference:
            counts[one.content.reference] += _counts(one, invoices)
    yield from (f"{place.name}: {number} is in QAD {count} times" for number, count in counts.items() if count > 1)


def out_of_order(place: Place) -> Iterator[str]:
    """Yield allocations that were tried before what they refer to, and documents that refer to a later one."""
    for call in place.qad.control.requests(limit=1_000_000):
        # A repeated call is refused for what it has done itself.
        errors = place.way.errors(call) if call.errors else frozenset()
        if _OUT_OF_ORDER & errors and "ALREADY_EXISTS" not in errors:
            yield f"{place.name}: call {call.number} of {call.references} was refused: {call.errors}"
    seen: set[DocumentKey] = set()
    for document in place.ledger.documents.values():
        for key in _refers_to(document):
            if key not in seen:
                yield f"{place.name}: {document.key} refers to {key}, which came later"
        seen.add(document.key)


def contradictions(place: Place) -> Iterator[str]:
    """Yield what QAD's books, reckoned anew, contradict themselves in."""
    for entity, found in place.qad.control.audit().items():
        yield from (f"{place.name}: {entity}: {one}" for one in found)
    yield from (f"{place.name}: {one}" for one in place.qad.installation.violations)


class Intents:
    """What the log has ever held of intents: they are remembered, for a topic may be cut off or made anew."""

    def __init__(self, cluster: Cluster, places: Sequence[Company], partitions: Mapping[str, int]) -> None:
        self._cluster = cluster
        self._places = places
        self._partitions = partitions
        self.by_place: dict[str, dict[str, int]] = {place.name: {} for place in places}
        self.unclassified: set[str] = set()

    async def read(self) -> None:
        """Read what stands in the log now."""
        for place in self._places:
            for at_ms, outcome in await outcomes_of(self._cluster, self._partitions[place.name]):
                if isinstance(outcome, Intended):
                    self.by_place[place.name].setdefault(outcome.reference, at_ms)
                elif isinstance(outcome, Parked) and outcome.reason.rule in (UNCLASSIFIED, CRASHED):
                    told = f"{outcome.reason.rule}: {outcome.said}"
                    self.unclassified.add(f"{place.name}: {outcome.number} parked as {told}")


def uncalled_for(place: Place, intended: Mapping[str, int]) -> Iterator[str]:
    """Yield calls of QAD that no intent stands before in the log."""
    for call in place.qad.control.requests(limit=1_000_000):
        # Stand-in and broker share the machine's clock; a call is stamped in microseconds, a record in milliseconds.
        at_ms = call.at.timestamp() * 1000 + 1
        for reference in call.references if call.user == USER else ():
            if reference and not intended.get(reference, at_ms + 1) <= at_ms:
                yield f"{place.name}: call {call.number} carried {reference} before an intent stood in the log"


async def outcomes_of(cluster: Cluster, partition: int) -> list[tuple[int, AnyOutcome]]:
    """Return the outcomes of a connection with their times, oldest first."""
    records = await read_whole(cluster, partition, [Topic.OUTCOMES])
    return [(record.timestamp_ms, read_outcome(record.value)) for record in records]


async def open_intents(cluster: Cluster, partition: int, *, at: float) -> set[str]:
    """Return the postings that had an intent and no outcome at a moment, in seconds since the epoch."""
    found: set[str] = set()
    for at_ms, outcome in await outcomes_of(cluster, partition):
        if outcome.stage != "sink" or at_ms > at * 1000:
            continue
        if isinstance(outcome, Intended | Unknown):
            found.add(outcome.subject)
        else:
            found.discard(outcome.subject)
    return found


class Verdict:
    """What the judge found, by invariant."""

    def __init__(self) -> None:
        self.found: dict[str, list[str]] = {
            name: []
            for name in ("doubled", "lost", "unequal", "order broken", "out of balance", "no intent", "unexpected")
        }

    def add(self, invariant: str, findings: Iterator[str] | Sequence[str]) -> None:
        """Add findings."""
        self.found[invariant].extend(findings)

    @property
    def findings(self) -> list[str]:
        """All of them."""
        return [one for found in self.found.values() for one in found]


async def judge(places: Sequence[Place], filed: FilePlace, made: Mapping[str, Made], intents: Intents) -> Verdict:
    """Judge all that has happened so far."""
    verdict = Verdict()
    await intents.read()
    verdict.add("unexpected", sorted(intents.unclassified))
    for place in places:
        verdict.add("lost", lost_in(place, made[place.name]))
        verdict.add("doubled", doubled(place))
        verdict.add("unequal", unequal(place))
        verdict.add("order broken", out_of_order(place))
        verdict.add("out of balance", contradictions(place))
        verdict.add("no intent", uncalled_for(place, intents.by_place[place.name]))
    verdict.add("lost", lost_in_files(filed, made[filed.name]))
    try:
        standing = filed.standing()
    except ValueError as error:
        verdict.add("unequal", [f"{filed.name}: {error}"])
        return verdict
    ours = filed.ours()
    verdict.add("doubled", doubled_in_files(filed, ours))
    verdict.add("unequal", unequal_in_files(filed, ours))
    verdict.add("out of balance", contradictions_in_files(filed, standing))
    verdict.add("no intent", uncalled_for_in_files(filed, ours, intents.by_place[filed.name]))
    return verdict


def _ours(place: Place) -> list[Document]:
    return [document for document in place.ledger.documents.values() if document.created_by == USER]


def _amount(document: Document) -> Decimal:
    content = document.content
    amount: Decimal = getattr(content, "original_amount", getattr(content, "amount", ZERO))
    return amount


def _counts(document: Document, invoices: Set[str]) -> int:
    """Return 1 for what stands for Zuora's document, -1 for what takes it back: a credit note of an invoice's number.

    So an invoice that was unposted and posted again is in QAD three times, and once in sum.
    """
    is_credit_note = getattr(document.content, "invoice_type", "") == _CREDIT_NOTE
    return -1 if is_credit_note and document.content.reference in invoices else 1


def _invoice_numbers(place: Place) -> set[str]:
    return {row.invoice_number for row in place.zuora.tenant.invoices.latest.values()}


def _refers_to(document: Document) -> Iterator[DocumentKey]:
    content, entity = document.content, document.key.entity_code
    for allocation in getattr(content, "allocations", ()):
        yield DocumentKey(
            entity, allocation.invoice_posting_year, allocation.invoice_daybook_code, allocation.invoice_voucher
        )
    for line in getattr(content, "lines", ()):
        if getattr(line, "item_voucher", 0):
            yield DocumentKey(entity, line.item_posting_year, line.item_daybook_code, line.item_voucher)
