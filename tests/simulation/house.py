"""One connection whole: Zuora, the log, three processes and QAD, on a clock of their own; and what may befall them.

The stages and lanes are the product's own (streams/, adapters/kafka/); Kafka's clients, both systems and people are in
memory. Each thing that befalls them happens at once; time passes only when it is told to.
"""

import asyncio
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from random import Random
from typing import Any

import structlog
from aiokafka.errors import KafkaError

from adapters.kafka.lane import StageLane, StateDiffersError
from adapters.kafka.reader import LogShorterError
from adapters.kafka.sink_calls import Limits
from adapters.kafka.sink_lane import SinkLane
from schemas.codec import Event, encode
from schemas.decisions import Decision
from schemas.mapping import Analysis
from schemas.references import Daybook, GlAccount, QadCurrency
from schemas.topics import Topic
from streams.ledger.decide import LedgerCore
from streams.ledger.spec import SPEC as LEDGER
from streams.match.claims import Claim
from streams.match.decide import MatchCore
from streams.match.spec import SPEC as MATCH
from streams.sink.spec import SPEC as SINK
from streams.stage import StageSpec
from tests.simulation.cash import BANK, LESS, MOVED, REVENUE, UNASSIGNED, Cash
from tests.simulation.clock import VirtualLoop, virtual_time
from tests.simulation.counting import Tally
from tests.simulation.deciding import moved
from tests.simulation.disk import NEVER, Disk, MemoryBookmark, MemoryCheckpoint
from tests.simulation.judge import Judge
from tests.simulation.kafka import Entry, Log, MemoryCluster
from tests.simulation.process import Broker, Group, Lane, Process
from tests.simulation.qad import ErrorOfOursError, Line, Qad
from tests.simulation.zuora import ACCOUNTS, CUSTOMERS, DAYS
from tests.unit import builders as zuora

CLAIMS = (Claim(connection=zuora.CONNECTION),)
STAGES: dict[str, StageSpec] = {spec.name: spec for spec in (MATCH, LEDGER, SINK)}
# The settle time is above a call's longest life: 3 s of waiting, or 6 s until a late commit, and the age of an intent.
LIMITS = Limits(concurrency=2, intended_ahead=5, age_s=1.0, settle_s=8.0)
MONTHS = {3: DAYS[0], 4: DAYS[1]}
# As few as go: each start of a stage reads them all.
REFERENCES = (
    *(zuora.customer(code, zuora_account=number) for code, number in (("C1", "A-1"), ("C2", ""))),
    *(GlAccount(code=code, active=True) for code in (*BANK, *UNASSIGNED, *REVENUE, *LESS, *MOVED)),
    *(Daybook(code=code, active=True) for code in (*zuora.DAYBOOKS, "ZBNK", "ZJRN")),
    *(zuora.period(month) for month in (*MONTHS, 5)),
    QadCurrency(code="EUR", decimals=2),
)
# The site takes cash of nobody, and has daybooks for all that money does.
SITE: dict[str, Any] = {
    "policy": {"unassigned_cash": Analysis(account=UNASSIGNED[0]), "zero_total": "journal"},
    "daybooks": zuora.ALL_DAYBOOKS,
}

_RESTART_S = 1.0
# What a worker that was stopped does before it learns that its partitions are another's.
_ZOMBIE_S = 2.0
# At rest is what nobody wrote to and asked of QAD for so long: more than the longest pause with a settle time, and than
# the sink's audit of what is behind its commit.
_REST_S = 75.0
_RESTS_MAX = 50
# A release may show the next thing to mend; more often than this it is not mended by a release.
_RELEASES = 3
# What may go wrong where a fault is meant to.
_FAULTS = (KafkaError, LogShorterError, StateDiffersError, ErrorOfOursError)


class House:
    """The whole of it."""

    def __init__(self, seed: int, *, records_newer: int = NEVER) -> None:
        """Furnish it.

        Args:
            seed: Of what is drawn beside the history: how long things take.
            records_newer: So many newer records are worth a checkpoint; without it, every start reads the whole log.
        """
        self.tally = Tally()
        self.loop = VirtualLoop()
        self.random = Random(seed)
        self.zuora = Cash()
        self.log = Log(now=self.loop.time)
        self.qad = Qad(self.tally, self.random)
        self.judge = Judge(self.log, self.qad, self.zuora)
        self.judge.moved = partial(moved, self.judge, self.log)
        self.broker = Broker(self.log, self.tally, self.random)
        self.disk = Disk(self.tally, self.random, records_newer=records_newer)
        self.processes: dict[str, Process] = {}
        self.zombies: list[Process] = []
        self.unexpected: list[str] = []
        self.version = 1
        # The dead as well: what hangs of them must not be swept up in the middle of a history.
        self._ever: list[Process] = []
        self._ailing: list[asyncio.TimerHandle] = []
        self._up = False
        self.loop.set_exception_handler(lambda _, context: self.unexpected.append(repr(context)))
        self.qad.books.opening("IOLD", "100", owed=True)
        self.qad.books.opening("CMOLD", "60", owed=False)
        self.qad.books.opening("POLD", "80", owed=False)
        for event in REFERENCES:
            self.tell(Topic.QAD_REFERENCE, event)
        self.tell(Topic.DECISIONS, zuora.published(**SITE))
        for account, number in ACCOUNTS.items():
            self.tell(Topic.RECORDS, zuora.account(account, number=number))
            self.link(account, CUSTOMERS[account])

    # What comes in from outside.

    def tell(self, topic: Topic, event: Event) -> None:
        """Write an event where it belongs."""
        self.log.append(topic.value, Entry(b"", encode(event)))

    def read_all(self) -> None:
        """Read every version of every document that was not read yet."""
        for document in self.zuora.unread():
            while document in self.zuora.unread():
                self.tell(Topic.RECORDS, self.zuora.read(document))

    def publish(self, **changes: Any) -> None:
        """Publish another mapping."""
        self.version += 1
        self.tell(Topic.DECISIONS, zuora.published(self.version, **{**SITE, **changes}))

    def link(self, account: str, customer: str) -> None:
        """Link an account to a customer."""
        self.judge.customers[account].add(customer)
        self.tell(Topic.DECISIONS, zuora.linked(customer, account))

    def decide(self, decisions: Sequence[Decision], what: str) -> None:
        """Let people decide something of a document, if there is anything."""
        for decision in decisions:
            self.tell(Topic.DECISIONS, decision)
        if decisions:
            self.tally.fired(what)

    def close_period(self, month: int, *, shown: bool) -> None:
        """Close a period in QAD; the poller may show it."""
        self.qad.closed_months.add(month)
        self.tally.fired("a period is closed")
        if shown:
            self.tell(Topic.QAD_REFERENCE, zuora.period(month, is_open=False))

    def open_period(self, month: int) -> None:
        """Open a period in QAD, and show it."""
        self.qad.closed_months.discard(month)
        self.tell(Topic.QAD_REFERENCE, zuora.period(month))

    def for_a_while(self, seconds: float, undo: Callable[[], None]) -> None:
        """Undo something when so much time has passed."""
        self._ailing.append(self.loop.call_later(seconds, undo))

    # Processes.

    def start_all(self) -> None:
        """Start what does not run."""
        self._up = True
        for stage in STAGES:
            if stage not in self.processes:
                self.loop.call_soon(self._start, stage)

    def stop_all(self) -> None:
        """Kill every process, and let nobody start one."""
        self._up = False
        for process in (*self.processes.values(), *self.zombies):
            self.loop.call_soon(self._kill, process)
        self.processes, self.zombies = {}, []
        self.loop.run_for(0)

    def freeze(self, stage: str) -> None:
        """Stop a process for longer than its session lasts: another takes its place."""
        process = self.processes.pop(stage)
        process.stop()
        self.zombies.append(process)
        self.loop.call_soon(self._start, stage)

    def thaw(self) -> None:
        """Let the stopped ones go on: they do what they were about to, until they learn that they own nothing."""
        for process in self.zombies:
            self.tally.fired(f"zombie: {process.spec.name}")
            process.go_on()
            self.loop.call_later(self.random.uniform(0, _ZOMBIE_S), self._kill, process)
        self.zombies = []

    def running(self, stage: str) -> Process | None:
        """Return the process of a stage, if one runs."""
        return self.processes.get(stage)

    def cut(self, records: int, *, mark: str = "stays") -> None:
        """Lose the end of `outcomes` between two starts; what the machine knew of it stays, is lost or goes back."""
        self.stop_all()
        if self.log.cut(Topic.OUTCOMES.value, records):
            self.tally.fired(f"the end of outcomes is lost, the mark {mark}")
        if mark == "is lost":
            self.disk.mark = None
        elif mark == "goes back":
            self.disk.lose_power(len(self.log.topics[Topic.OUTCOMES.value]))
        self.judge.read_again()
        self.start_all()

    def replay(self, *stages: str) -> None:
        """Have stages decide all their input again."""
        self.stop_all()
        for stage in stages:
            self._order_replay(stage)
        self.start_all()

    def _order_replay(self, stage: str) -> None:
        source = self.log.topics[STAGES[stage].source.value]
        self.tell(Topic.DECISIONS, zuora.stage_replayed(stage, len(source)))
        self.broker.groups[stage] = Group()

    # Time.

    def run_for(self, seconds: float) -> None:
        """Let time pass."""
        self.loop.run_for(seconds)

    def rest(self) -> None:
        """Let time pass until nothing happens any more."""
        for _ in range(_RESTS_MAX):
            before = (self.log.written, self.qad.asked)
            if self.loop.run_for(_REST_S) or before == (self.log.written, self.qad.asked):
                return
        self.judge.violations.append("it does not come to rest")

    def wrong(self) -> list[str]:
        """Return all that is wrong now that everything has come to rest."""
        return [*self.judge.violations, *self.unexpected, *self.judge.at_rest()]

    def heal(self) -> None:
        """End all faults, mend all that people can mend, and read all that Zuora has."""
        for timer in self._ailing:
            timer.cancel()
        self.broker.errors.clear()
        self.qad.heal()
        self.broker.fuses.clear()
        self.thaw()
        for month in MONTHS:
            self.open_period(month)
        for event in REFERENCES[:2]:
            self.tell(Topic.QAD_REFERENCE, event)
        self.publish()
        for document in self.zuora.unread():
            self.tell(Topic.RECORDS, self.zuora.read(document, newest=True))
        self.settle()

    def settle(self) -> None:
        """Come to rest; have people release what is parked, until nothing is, or it stays."""
        self.rest()
        for _ in range(_RELEASES):
            if not self.release():
                return
            self.rest()

    def release(self) -> bool:
        """Have people release what is parked; return whether anything was."""
        for content in self.judge.elsewhere():
            self.qad.move_opening(content.number, content.customer)
        parked = self.judge.parked()
        for document in parked:
            self.tell(Topic.DECISIONS, zuora.released(document))
        return bool(parked)

    @contextmanager
    def open(self) -> Iterator["House"]:
        """Have the clock and the logs while the block runs; end all at its end."""
        before = structlog.get_config()
        structlog.configure(processors=[self._heard])
        try:
            with virtual_time(self.loop):
                yield self
                self.stop_all()
                self.loop.run_for(_REST_S)
                # Only what hangs is still there: it must not end in the middle of another test.
                for task in asyncio.all_tasks(self.loop):
                    task.cancel()
                self.loop.run_for(_REST_S)
        finally:
            structlog.configure(**before)
            self.loop.close()

    def _heard(self, logger: Any, method: str, event: dict[str, Any]) -> Any:
        """Keep what nobody expected: an error of ours that a lane outlives is one all the same."""
        error = event.get("exc_info")
        if method == "exception" or error:
            found = sys.exc_info()[1]
            if not _is_fault(found):
                self.unexpected.append(f"{event.get('event')}: {found!r}")
        raise structlog.DropEvent

    def _start(self, stage: str) -> None:
        if stage in self.processes or not self._up:
            return
        process = Process(STAGES[stage], self.broker, died=self._died)
        self.processes[stage] = process
        self._ever.append(process)
        process.start(self._make_lane)

    def _kill(self, process: Process) -> None:
        process.die()

    def _died(self, process: Process) -> None:
        stage = process.spec.name
        if self.processes.get(stage) is process:
            del self.processes[stage]
            self.loop.call_later(_RESTART_S, self._start, stage)

    def _make_lane(self, process: Process) -> Lane:
        cluster = MemoryCluster("memory", log=self.log, host=process)
        place: dict[str, Any] = {"cluster": cluster, "connection": zuora.CONNECTION, "partition": 0, "worker": process}
        place["checkpoint"] = MemoryCheckpoint(self.disk, process, cluster=cluster, connection=zuora.CONNECTION)
        if process.spec is SINK:
            return SinkLane(
                limits=LIMITS,
                erp=Line(process, self.qad),
                end_process=self._fenced(process),
                bookmark=MemoryBookmark(self.disk, process),
                **place,
            )
        make_core: Callable[[], Any] = (
            (lambda: MatchCore(connection=zuora.CONNECTION, claims=CLAIMS))
            if process.spec is MATCH
            else (lambda: LedgerCore(connection=zuora.CONNECTION))
        )
        return StageLane(spec=process.spec, make_core=make_core, **place)

    def _fenced(self, process: Process) -> Callable[[str], None]:
        def end(reason: str) -> None:
            self.tally.fired("fenced")
            process.die()

        return end


def _is_fault(error: BaseException | None) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return all(map(_is_fault, error.exceptions))
    return isinstance(error, _FAULTS)


@contextmanager
def running_house() -> Iterator[House]:
    """Yield a connection that runs and has read what stands in Zuora."""
    with House(1).open() as house:
        house.start_all()
        house.read_all()
        house.run_for(1.0)
        yield house
