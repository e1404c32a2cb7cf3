"""Match and ledger on a log in memory: what adapters/kafka/lane.py does with a core, without a broker and a clock.

A crash keeps a part of what was written and throws the core away; the next one is folded from the log alone.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from schemas.codec import Event, encode
from schemas.events import read_matched, read_outcome, read_postings
from schemas.matching import Matched
from schemas.outcomes import AnyOutcome
from schemas.postings import Posting, PostingSet
from schemas.records import ZuoraRecord
from schemas.references import AccountingCode, AccountingPeriod, BillRun
from schemas.topics import Topic
from streams.ledger.decide import LedgerCore
from streams.ledger.spec import SPEC as LEDGER
from streams.match.claims import Claim
from streams.match.decide import MatchCore
from streams.match.spec import SPEC as MATCH
from streams.stage import Core, Input, Output, StageSpec
from tests.unit import builders as zuora

CLAIMS = (Claim(connection=zuora.CONNECTION),)


class Log(defaultdict[Topic, list[bytes]]):
    """Topics by name, and in which order all of it was written."""

    def __init__(self) -> None:
        super().__init__(list)
        self.written: list[tuple[Topic, int]] = []

    def write(self, topic: Topic, value: bytes) -> None:
        self.written.append((topic, len(self[topic])))
        self[topic].append(value)


# A reader of several topics promises an order within each, and none between them.
AS_WRITTEN, PRODUCT_FIRST, OUTCOMES_FIRST = "as written", "product first", "outcomes first"


class Crash(Exception):
    """The process was killed."""


class Lane:
    """One stage of one connection, as long as its process lives."""

    def __init__(self, spec: StageSpec, make_core: Callable[[], Core], log: Log) -> None:
        self.spec = spec
        self.log = log
        self.make_core = make_core
        self.taken = 0
        self.write_at_most: int | None = None
        self.start()

    def start(self, order: str = AS_WRITTEN) -> None:
        """Begin with nothing but the log, as after a crash."""
        self.core = self.folded(order)
        self.read = {topic: len(self.log[topic]) for topic in self.spec.sides}
        self._again(self.core.unsettled())

    def folded(self, order: str = AS_WRITTEN) -> Core:
        """Return a core that knows the log and has decided nothing yet."""
        core = self.make_core()
        for topic, offset in self._own(order):
            value = self.log[topic][offset]
            if topic is not Topic.OUTCOMES or read_outcome(value).stage == self.spec.name:
                core.fold(topic, value)
        for topic in self.spec.sides:
            for offset, value in enumerate(self.log[topic]):
                core.learn(topic, offset, value)
        return core

    def step(self) -> bool:
        """Take what came, side topics first; return whether there was anything."""
        keys = self._learn()
        if keys:
            self._again(self.core.held_by(keys))
        values = self.log[self.spec.source][self.taken :]
        if values:
            self._decide([self.input(self.taken + index) for index in range(len(values))])
            self.taken += len(values)
        return bool(keys or values)

    def input(self, offset: int, again: str = "") -> Input:
        value = self.log[self.spec.source][offset]
        refers = self.spec.refers_to(value) if self.spec.refers_to else None
        material = None if refers is None else self.log[self.spec.material or self.spec.source][refers]
        return Input(offset, 0, b"", value, material, again)

    def _own(self, order: str) -> list[tuple[Topic, int]]:
        own = [place for place in self.log.written if place[0] in self.spec.writes]
        if order == AS_WRITTEN:
            return own
        return sorted(own, key=lambda place: (place[0] is Topic.OUTCOMES) is (order == PRODUCT_FIRST))

    def _learn(self) -> list[str]:
        keys: list[str] = []
        for topic in self.spec.sides:
            for offset in range(self.read[topic], len(self.log[topic])):
                keys.extend(self.core.learn(topic, offset, self.log[topic][offset]))
            self.read[topic] = len(self.log[topic])
        return keys

    def _again(self, held: Sequence[tuple[int, str]]) -> None:
        if held:
            self._decide([self.input(offset, why) for offset, why in held])

    def _decide(self, items: Iterable[Input]) -> None:
        outputs: list[Output] = []
        for one in items:
            outputs.extend(self.core.decide(one))
        self._write(outputs)
        changed = self.core.changed()
        if changed:
            self._again(self.core.held_by(changed))

    def _write(self, outputs: Sequence[Output]) -> None:
        for output in outputs:
            if self.write_at_most is not None:
                if self.write_at_most == 0:
                    self.write_at_most = None
                    raise Crash
                self.write_at_most -= 1
            self.log.write(output.topic, encode(output.event))


class World:
    """A connection with its log and both stages; what is put in is decided at once."""

    def __init__(self, *, claims: tuple[Claim, ...] = CLAIMS, bare: bool = False) -> None:
        """Begin with what QAD shows and an account; or, `bare`, with nothing."""
        self.log = Log()
        self.claims = claims
        self.match = Lane(MATCH, self._match_core, self.log)
        self.ledger = Lane(LEDGER, lambda: LedgerCore(connection=zuora.CONNECTION), self.log)
        if not bare:
            for event in (*zuora.references(), *zuora.codes(), zuora.account()):
                self.append(event)
            self.settle()

    def _match_core(self) -> MatchCore:
        return MatchCore(connection=zuora.CONNECTION, claims=self.claims)

    def put(self, *events: Event) -> "World":
        """Write records, references or decisions where they belong, each decided before the next comes."""
        for event in events:
            self.append(event)
            self.settle()
        return self

    def append(self, event: Event) -> None:
        """Write an event where it belongs and decide nothing."""
        self.log.write(_topic_of(event), encode(event))

    def settle(self) -> None:
        """Run both stages until nothing comes any more."""
        while self.match.step() | self.ledger.step():
            pass

    def restart(self, order: str = AS_WRITTEN) -> None:
        """Throw both cores away and begin from the log."""
        self.match.start(order)
        self.ledger.start(order)
        self.settle()

    @property
    def matched(self) -> list[Matched]:
        return [event for value in self.log[Topic.MATCHED] if isinstance(event := read_matched(value), Matched)]

    @property
    def sets(self) -> list[PostingSet]:
        return posting_sets(self.log)

    @property
    def postings(self) -> list[Posting]:
        """All postings, in the order in which they were written."""
        return [posting for event in self.sets for posting in event.postings]

    @property
    def outcomes(self) -> list[AnyOutcome]:
        return [read_outcome(value) for value in self.log[Topic.OUTCOMES]]

    def standing(self, document: str, stage: str = "ledger") -> tuple[str, str]:
        """Return (tag, rule) of the newest outcome of a document; ("", "") where there is none."""
        for outcome in reversed(self.outcomes):
            if (outcome.stage, outcome.subject) == (stage, document):
                return _tag(outcome), getattr(getattr(outcome, "reason", None), "rule", "")
        return "", ""

    def contents(self, kind: str = "") -> list[Any]:
        """Return the contents of all postings, or of one kind, in order."""
        found = [posting.content for posting in self.postings]
        return [content for content in found if not kind or _tag(content) == kind]


def posting_sets(log: Log) -> list[PostingSet]:
    return [read_postings(value) for value in log[Topic.POSTINGS]]


def world(*, policy: dict[str, Any] | None = None, **changes: Any) -> World:
    """Return a world whose mapping is published, with these changes."""
    return World().put(zuora.published(policy=policy, **changes))


def _topic_of(event: Event) -> Topic:
    if isinstance(event, ZuoraRecord):
        return Topic.RECORDS
    if isinstance(event, AccountingCode | AccountingPeriod | BillRun):
        return Topic.ZUORA_REFERENCE
    return Topic.DECISIONS if hasattr(event, "by") else Topic.QAD_REFERENCE


def _tag(event: Any) -> str:
    return str(event.__struct_config__.tag)
