"""What the judge says: violations named by document with evidence, and what it counted on the way."""

from collections import Counter
from decimal import Decimal

import msgspec

# What each invariant holds, in the order in which they are told (reliability reference 2.1, as this house reads them).
INVARIANTS = {
    "I1": "complete: each posted document is in QAD, or stands still with a reason",
    "I2": "once: each posting has one document in QAD, with the content that was intended",
    "I3": "balanced: each GL entry and each currency, exactly",
    "I4": "equal: amounts in QAD are Zuora's, less what stands still",
    "I5": "in order: nothing before what it refers to",
    "I6": "accounted for: each call was intended before, each event names its cause, each decision its person",
    "I7": "explained: what stands still names rule, sentence and next step",
    "I10": "classified: no refusal and no crash that nobody knows",
}

# So many of one invariant are named; the others are counted. A broken site has thousands of the same.
NAMED_MAX = 1000


class Violation(msgspec.Struct, frozen=True, kw_only=True):
    """One broken promise.

    Attributes:
        invariant: I1 to I7, I10.
        connection: Whose.
        document: `kind:id` of the Zuora document, "" where there is none.
        number: Zuora's number of it, or QAD's key where QAD alone has it.
        what: What is broken, in a sentence.
        evidence: Where to look: `topic partition:offset`, `QAD year/daybook/voucher`.
    """

    invariant: str
    connection: str
    what: str
    document: str = ""
    number: str = ""
    evidence: tuple[str, ...] = ()


class SumLine(msgspec.Struct, kw_only=True):
    """Zuora = in QAD + explained + on its way + missing, for one kind and currency."""

    kind: str
    currency: str
    documents: int = 0
    zuora: Decimal = Decimal(0)
    in_qad: Decimal = Decimal(0)
    explained: Decimal = Decimal(0)
    on_its_way: Decimal = Decimal(0)
    missing: Decimal = Decimal(0)


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What was found about one connection.

    Attributes:
        connection: Whose.
        read: How many events of each topic, documents of Zuora and of QAD were read.
        sums: Zuora's totals and where they are.
        broken: How many violations there are of each invariant.
        violations: The first of each invariant by name.
        on_its_way: What no verdict is possible on yet: it moves, or is still to be worked on. Empty at rest.
        adopted: Documents that were found in QAD without an intent in the log: outcomes was cut or made anew.
    """

    connection: str
    read: dict[str, int]
    sums: tuple[SumLine, ...]
    broken: dict[str, int]
    violations: tuple[Violation, ...]
    on_its_way: tuple[str, ...]
    adopted: int = 0

    @property
    def holds(self) -> bool:
        """Whether every promise holds."""
        return not self.broken


class Findings:
    """Violations as they are found."""

    def __init__(self, connection: str) -> None:
        """Begin with nothing."""
        self.connection = connection
        self.broken: Counter[str] = Counter()
        self.violations: list[Violation] = []
        self.on_its_way: dict[str, None] = {}
        self.adopted = 0

    def name(
        self, invariant: str, what: str, *, document: str = "", number: str = "", evidence: tuple[str, ...] = ()
    ) -> None:
        """Name one violation."""
        self.broken[invariant] += 1
        if self.broken[invariant] <= NAMED_MAX:
            self.violations.append(
                Violation(
                    invariant=invariant,
                    connection=self.connection,
                    what=what,
                    document=document,
                    number=number,
                    evidence=evidence,
                )
            )

    def moves(self, what: str) -> None:
        """Take note that there is no verdict on something yet."""
        self.on_its_way[what] = None
