"""One document of which people decide, and which Zuora changes, in any order: its accounts end as the decisions say.

Two people move lines and correct, one of them alone now and then; Zuora unposts it, posts it again, deletes it;
mappings are published and decided again by; periods open and close; QAD refuses journals for a while. The sink goes on,
the ledger is killed while it writes, and both stages are started again, at any moment between. What people can decide
is what the commands let them decide.
"""

from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.reclassing import Wanted, reclass_of
from console.reconciliation.facts import LogSide
from console.reconciliation.reading import TAKE
from schemas.codec import encode
from schemas.decisions import DocumentCorrected, DocumentReclassified
from schemas.errors import Misconfigured
from schemas.events import read_decision
from schemas.mapping import Analysis
from schemas.postings import Act, GlLine
from schemas.references import Daybook
from schemas.topics import Topic
from streams.ledger.known.books import Books
from streams.ledger.known.corrections import Reclasses
from tests.unit import builders as zuora
from tests.unit.erp import Sink
from tests.unit.test_ledger_orders import STARTS, go_on, put
from tests.unit.world import World, world

INVOICE = "invoice:inv1"
ACCOUNTS = ("4000", "4090", "4100", "6800")
CLEARING = {"gl": "journal", "clearing": Analysis(account="1999")}
MAY = date(2026, 5, 4)


@dataclass
class Play:
    """A document with all that happens to it; `posts` counts Zuora's postings, `versions` published mappings."""

    moments: Random
    policy: dict[str, Any]
    found: World
    sink: Sink
    stamps: int = 0
    posted: bool = True
    deleted: bool = False
    versions: int = 1

    def act(self) -> None:
        """Let one thing happen."""
        acts = (self.move, self.move, self.move, self.correct, self.zuora, self.publish, self.periods, self.restart)
        self.moments.choice(acts)()
        go_on(self.sink, self.moments)

    def stamp(self) -> str:
        self.stamps += 1
        return f"2026-03-11T{self.stamps // 60:02}:{self.stamps % 60:02}:00Z"

    def record(self) -> None:
        """Show the document as it stands in Zuora."""
        stamp = self.stamp()
        if self.deleted:
            put(self.found, zuora.deleted("invoice", "inv1"), self.moments)
        elif self.posted:
            amount = f"{self.moments.choice([70, 100])}.00"
            lines = zuora.item(amount, "a", taxes=[zuora.tax("19.00")]), zuora.item("20.00", "b")
            put(self.found, zuora.invoice(*lines, postedDate=stamp, updated=stamp), self.moments)
        else:
            put(self.found, zuora.draft(updated=stamp), self.moments)

    def zuora(self) -> None:
        """Unpost it, post it again, or delete what is unposted."""
        if self.posted:
            self.posted = False
        elif self.moments.random() < 0.2:
            self.deleted = True
        else:
            self.posted, self.deleted = True, False
        self.record()

    def move(self) -> None:
        """Let two people move lines, or one, or two that say otherwise, as far as the command lets them."""
        if self.moments.random() < 0.5:
            # What is not in QAD is not moved.
            self.sink.run(order=self.moments)
        others, only = self.moments.sample(ACCOUNTS, 2), self.moments.choice([(), ("a",), ("b",)])
        to = Analysis(account=others[0], cost_centre=self.moments.choice(["", "CC1"]))
        said = [to, to] if self.moments.random() < 0.7 else [to, Analysis(account=others[1])]
        for account in self.moments.sample(ACCOUNTS, len(ACCOUNTS)):
            with suppress(Misconfigured):
                for person, where in zip(("ada", "bob"), said, strict=True):
                    self.decide(person, Wanted(document=INVOICE, account=account, to=where, only=only, day=MAY))
                return

    def decide(self, person: str, wanted: Wanted) -> None:
        log, decisions = LogSide(), [read_decision(value) for value in self.found.log[Topic.DECISIONS]]
        for offset, value in enumerate(self.found.log[Topic.POSTINGS]):
            TAKE[Topic.POSTINGS](log, value, offset)
        for outcome in self.sink.outcomes:
            TAKE[Topic.OUTCOMES](log, encode(outcome), 0)
        books = Books()
        for decision in decisions:
            books.decided(decision)
        books.accounts, books.daybooks = self.books.accounts, self.books.daybooks
        # Whether the period is open is looked at again when it is decided: it may have closed since.
        books.periods = {"2026-05": zuora.period(5)}
        plan = reclass_of(log, decisions, books, wanted, connection=zuora.CONNECTION, person=person)
        made = zuora.replayed(INVOICE)
        shown = {name: getattr(plan, name) for name in ("document", "number", "n", "m", "lines", "to", "day")}
        decision = DocumentReclassified(connection=made.connection, at=made.at, by=person, why="wrong", **shown)
        put(self.found, decision, self.moments)  # type: ignore[arg-type]  # It puts any event.

    @property
    def books(self) -> Books:
        return self.found.ledger.core._books  # type: ignore[attr-defined,no-any-return]

    def correct(self) -> None:
        """Let two people correct what stands, or one alone."""
        n = self.found.ledger.core.kept.of(INVOICE).n  # type: ignore[attr-defined]
        made = zuora.replayed(INVOICE)
        fields = {"connection": made.connection, "at": made.at, "document": INVOICE, "number": INVOICE}
        for person in self.moments.choice([("ada", "bob"), ("ada",), ("bob",)]):
            decision = DocumentCorrected(by=person, n=n, day=MAY, why="wrong account", **fields)
            put(self.found, decision, self.moments)  # type: ignore[arg-type]  # It puts any event.

    def publish(self) -> None:
        """Book revenue elsewhere from now on, and let it be decided again."""
        self.versions += 1
        first = zuora.LineRow(code="Subscription Revenue", account=self.moments.choice(ACCOUNTS), revenue="recognized")
        lines = (first, *zuora.lines()[1:])
        mapping = zuora.published(self.versions, policy=self.policy, lines=lines, daybooks=zuora.ALL_DAYBOOKS)
        self.found.put(mapping, zuora.replayed(INVOICE))

    def periods(self) -> None:
        """Close a period of the ledger's, or QAD's journals, or open them."""
        if self.moments.random() < 0.5:
            self.found.put(zuora.period(5, is_open=self.moments.random() < 0.5))
        else:
            self.sink.books.journals_closed = self.moments.random() < 0.5
            self.sink.release()

    def restart(self) -> None:
        self.found.restart(self.moments.choice(STARTS))

    def end(self) -> None:
        """Let everything that waits go on."""
        self.found.restart()
        self.found.put(zuora.period(5))
        self.sink.books.journals_closed = False
        self.sink.take_up()
        self.sink.release()

    def as_decided(self) -> dict[str, Decimal]:
        """Return what each account should hold: what was sent of the posting that stands, where people moved it."""
        made = self.found.ledger.core.kept.of(INVOICE)  # type: ignore[attr-defined]
        if not made.live:
            return {}
        sums: defaultdict[str, Decimal] = defaultdict(Decimal)
        for job in self.sink.jobs.values():
            posting = job.posting
            if (posting.document, posting.act, posting.n) == (INVOICE, Act.POST, made.n):
                _add(sums, posting.content.lines)
                sums["control"] += getattr(posting.content, "total", 0) if posting.step == "document" else 0
        approved = Reclasses()
        for value in self.found.log[Topic.DECISIONS]:
            decision = read_decision(value)
            if isinstance(decision, DocumentReclassified) and approved.take(decision) and decision.n == made.n:
                for line in decision.lines:
                    _add(sums, (line.inverse(), msgspec.structs.replace(line, account=decision.to.account)))
        return {account: amount for account, amount in sums.items() if amount}


def _add(sums: defaultdict[str, Decimal], lines: tuple[GlLine, ...]) -> None:
    for line in lines:
        sums[line.account] += line.debit - line.credit


def played(seed: int, *, policy: dict[str, Any], acts: int) -> Play:
    found = world(policy=policy or None, daybooks=zuora.ALL_DAYBOOKS)
    found.put(Daybook(code="ZJRN", active=True))
    play = Play(Random(seed), policy, found, Sink(found))
    play.record()
    play.sink.run()
    for _ in range(acts):
        play.act()
    play.end()
    return play


@pytest.mark.parametrize("policy", [{}, CLEARING])
@given(seed=st.integers(0, 2**32), acts=st.integers(1, 12))
@settings(max_examples=100, deadline=None)
def test_in_any_order_each_account_ends_as_the_decisions_say(policy, seed, acts):
    play = played(seed, policy=policy, acts=acts)
    booked = {account: amount for (_, account), amount in play.sink.books.ledger.items() if amount}
    assert (booked, play.sink.stuck) == (play.as_decided(), [])
    assert len({one.reference for one in play.sink.sent}) == len(play.sink.sent)


def test_such_orders_move_and_take_back():
    """The property says something: lines are moved, moved on, and taken back with their document."""
    steps = [{one.step for one in played(seed, policy={}, acts=10).found.postings} for seed in range(60)]
    assert sum("journal:2" in one for one in steps) >= 5
    assert sum("inverse:journal:1" in one for one in steps) >= 10
