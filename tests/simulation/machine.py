"""What may happen, in any order: Zuora acts, the poller reads, people decide, QAD has its moods, and machines fail.

Hypothesis writes the history. At each step the invariants hold; at the end all faults end, everything is read and
released, and then both systems must agree; a replay of everything makes nothing new.
"""

from collections.abc import Sequence
from typing import TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from schemas.mapping import LineRow
from schemas.topics import Topic
from tests.simulation.cash import (
    ASSIGNED,
    BOUNCED,
    BOUNCED_APPLIED,
    CHARGED_BACK,
    CHARGED_BACK_AS_ERROR,
    MEMO_REFUNDED,
    OF_NOBODY,
    OPENING,
    OPENING_TRANSFERRED,
    REFUND_CANCELLED,
    REFUNDED,
    TRANSFERRED,
    Cash,
)
from tests.simulation.counting import Tally
from tests.simulation.deciding import CORRECTED, RECLASSIFIED, correct, move
from tests.simulation.disk import LOST_MARKS, NEVER, SPOILT_CHECKPOINTS
from tests.simulation.house import MONTHS, STAGES, House
from tests.simulation.process import ERRORS, POINTS
from tests.simulation.qad import FATES
from tests.simulation.zuora import (
    ACCOUNTS,
    APPLIED,
    CUSTOMERS,
    DRAFT_DELETED,
    MEMO_CANCELLED,
    MEMO_POSTED_AGAIN,
    MEMO_UNDONE,
    OVER_NOTHING,
    POSTED_AGAIN,
    UNAPPLIED,
    UNDONE,
)

One = TypeVar("One")

# Hypothesis picks by number: which of the documents there are.
which = st.integers(0, 5)
amounts = st.sampled_from([100, 60, 40, 25])
moments = st.sampled_from([0.0, 0.02, 0.1, 0.5, 2.0, 12.0])
# How long something stays so.
whiles = st.sampled_from([0.2, 3.0, 40.0])
AN_HOUR = 3600.0
# What Zuora does is read and so much time passes; or it is not read yet.
read = st.one_of(st.none(), moments)
stages = st.sampled_from(sorted(STAGES))
OTHER_ACCOUNT = (LineRow(code="Subscription Revenue", account="4100", revenue="by_service_period"),)


def one_of(names: Sequence[One], number: int) -> One:
    """Return the one that a number means."""
    return names[number % len(names)]


def hold(wrong: Sequence[str]) -> None:
    """Hold that nothing is wrong, in words that do not depend on who runs the test."""
    if wrong:
        raise AssertionError("\n".join(wrong))


class Simulation(RuleBasedStateMachine):
    """One history."""

    # Of all histories of a session: how often each fault fired.
    tally = Tally()

    @initialize(seed=st.integers(0, 2**16), documents=st.booleans(), newer=st.sampled_from([2, 8, NEVER]))
    def begin(self, seed: int, documents: bool, newer: int) -> None:
        self._linked_elsewhere = self._outcomes_lost = False
        self.house = House(seed, records_newer=newer)
        self._open = self.house.open()
        self._open.__enter__()
        self.house.start_all()
        if documents:
            for name in ("i1", "i2"):
                self._zuora.bill(name, 100, account="acc1")
            self._zuora.receive("p1", 100, account="acc1")
            self._zuora.receive("cm2", 60, account="acc1")
        self._read(1.0)

    def teardown(self) -> None:
        if not hasattr(self, "house"):
            return
        try:
            if not self._wrong():
                self._come_to_rest()
        finally:
            self.tally.update(self.house.tally)
            self._open.__exit__(None, None, None)

    @invariant()
    def nothing_is_wrong(self) -> None:
        hold(self._wrong())

    def _wrong(self) -> list[str]:
        return [*self.house.judge.violations, *self.house.unexpected] if hasattr(self, "house") else []

    def _come_to_rest(self) -> None:
        house = self.house
        house.heal()
        hold(house.wrong())
        made = set(house.qad.documents)
        for stage in STAGES:
            house.replay(stage)
            house.settle()
        anew = [f"a replay made {reference} anew" for reference in house.qad.documents if reference not in made]
        hold([*house.wrong(), *anew])

    # Zuora.

    @rule(account=which, amount=amounts, moment=read)
    def an_invoice_is_posted(self, account: int, amount: int, moment: float | None) -> None:
        self._zuora.bill(f"i{len(self._zuora.invoices)}", amount, account=one_of(list(ACCOUNTS), account))
        self._read(moment)

    @rule(account=which, moment=read)
    def an_invoice_over_nothing_is_posted(self, account: int, moment: float | None) -> None:
        self._zuora.bill(f"i{len(self._zuora.invoices)}", 0, account=one_of(list(ACCOUNTS), account))
        self._did(OVER_NOTHING, True)
        self._read(moment)

    @rule(account=which, amount=amounts, moment=read)
    def a_payment_comes(self, account: int, amount: int, moment: float | None) -> None:
        self._zuora.receive(f"p{len(self._zuora.payers)}", amount, account=one_of(list(ACCOUNTS), account))
        self._read(moment)

    @rule(amount=amounts, moment=read)
    def a_payment_of_nobody_comes(self, amount: int, moment: float | None) -> None:
        self._zuora.receive(f"p{len(self._zuora.payers)}", amount, account="")
        self._did(OF_NOBODY, True)
        self._read(moment)

    @rule(account=which, amount=amounts, invoice=which, refers=st.booleans(), moment=read)
    def a_memo_is_posted(self, account: int, amount: int, invoice: int, refers: bool, moment: float | None) -> None:
        name = one_of([one for one, shown in self._zuora.invoices.items() if shown.posted], invoice)
        refers_to = name if refers and name != "iold" else ""
        account_name = self._zuora.about[name].account if refers_to else one_of(list(ACCOUNTS), account)
        self._zuora.receive(f"cm{len(self._zuora.payers)}", amount, account=account_name, refers_to=refers_to)
        self._read(moment)

    @rule(pair=which, amount=amounts, moment=read)
    def money_is_applied(self, pair: int, amount: int, moment: float | None) -> None:
        pairs = self._zuora.applicable()
        if pairs:
            self._did(APPLIED, self._zuora.apply(*one_of(pairs, pair), amount))
        self._read(moment)

    @rule(pair=which, amount=amounts, moment=read)
    def money_is_unapplied(self, pair: int, amount: int, moment: float | None) -> None:
        pairs = self._zuora.applications()
        if pairs:
            self._did(UNAPPLIED, self._zuora.unapply(*one_of(pairs, pair), amount))
        self._read(moment)

    @rule(invoice=which, moment=read)
    def an_invoice_is_undone(self, invoice: int, moment: float | None) -> None:
        posted = [name for name, one in self._zuora.invoices.items() if one.posted]
        self._did(UNDONE, self._zuora.undo(one_of(posted, invoice)))
        self._read(moment)

    @rule(invoice=which, amount=st.sampled_from([100, 60, 40, 25, 0]), moment=read)
    def an_invoice_is_posted_again(self, invoice: int, amount: int, moment: float | None) -> None:
        drafts = self._zuora.drafts()
        if drafts:
            self._zuora.post(one_of(drafts, invoice), amount)
            self._did(POSTED_AGAIN, True)
        self._read(moment)

    @rule(invoice=which, moment=read)
    def a_draft_is_deleted(self, invoice: int, moment: float | None) -> None:
        drafts = self._zuora.drafts()
        if drafts:
            self._zuora.delete(one_of(drafts, invoice))
            self._did(DRAFT_DELETED, True)
        self._read(moment)

    @rule(memo=which, amount=amounts, cancels=st.booleans(), moment=read)
    def a_memo_is_undone_or_posted_again(self, memo: int, amount: int, cancels: bool, moment: float | None) -> None:
        memos = [name for name in self._zuora.payers if name.startswith("cm") and name != "cmold"]
        if memos:
            name = one_of(memos, memo)
            if self._zuora.unpost_memo(name):
                self._did(MEMO_UNDONE, True)
            elif cancels:
                self._did(MEMO_CANCELLED, self._zuora.cancel_memo(name))
            else:
                self._did(MEMO_POSTED_AGAIN, self._zuora.repost_memo(name, amount))
        self._read(moment)

    @rule(payer=which, amount=amounts, moment=read)
    def money_is_given_back(self, payer: int, amount: int, moment: float | None) -> None:
        name = one_of(list(reversed(self._zuora.payers)), payer)
        self._did(MEMO_REFUNDED if name.startswith("cm") else REFUNDED, self._zuora.refund(name, amount))
        self._read(moment)

    @rule(payment=which, as_error=st.booleans(), moment=read)
    def a_payment_is_charged_back(self, payment: int, as_error: bool, moment: float | None) -> None:
        payments = self._zuora.payments()
        if payments:
            done = self._zuora.charge_back(one_of(payments, payment), as_error=as_error)
            self._did(CHARGED_BACK_AS_ERROR if as_error else CHARGED_BACK, done)
        self._read(moment)

    @rule(refund=which, status=st.sampled_from(["Canceled", "Error"]), moment=read)
    def a_refund_is_cancelled(self, refund: int, status: str, moment: float | None) -> None:
        refunds = list(self._zuora.refunds)
        if refunds:
            self._did(REFUND_CANCELLED, self._zuora.cancel_refund(one_of(refunds, refund), status=status))
        self._read(moment)

    @rule(payment=which, status=st.sampled_from(["Canceled", "Error"]), unapplies=st.booleans(), moment=read)
    def a_payment_bounces(self, payment: int, status: str, unapplies: bool, moment: float | None) -> None:
        payments = self._zuora.payments()
        if payments:
            name = one_of(payments, payment)
            done = self._zuora.bounce(name, status=status, unapplies=unapplies)
            self._did(BOUNCED if unapplies else BOUNCED_APPLIED, done)
        self._read(moment)

    @rule(payment=which, account=which, moment=read)
    def a_payment_is_transferred(self, payment: int, account: int, moment: float | None) -> None:
        payments = [name for name in self._zuora.payments() if self._zuora.about[name].account]
        if payments:
            name = one_of(payments, payment)
            done = self._zuora.transfer(name, one_of(list(ACCOUNTS), account))
            self._did(OPENING_TRANSFERRED if name == OPENING else TRANSFERRED, done)
        self._read(moment)

    @precondition(lambda self: hasattr(self, "house") and self.house.zuora.of_nobody())
    @rule(payment=which, account=which, moment=read)
    def a_payment_is_assigned(self, payment: int, account: int, moment: float | None) -> None:
        name = one_of(self._zuora.of_nobody(), payment)
        self._did(ASSIGNED, self._zuora.transfer(name, one_of(list(ACCOUNTS), account)))
        self._read(moment)

    @rule(day=st.sampled_from(sorted(MONTHS)))
    def another_day_comes(self, day: int) -> None:
        self._zuora.today = MONTHS[day]

    # The poller.

    @rule(document=which, newest=st.booleans(), moment=moments)
    def a_document_is_read(self, document: int, newest: bool, moment: float) -> None:
        unread = self._zuora.unread()
        if unread:
            self.house.tell(Topic.RECORDS, self._zuora.read(one_of(unread, document), newest=newest))
            self.house.run_for(moment)

    @rule(count=st.integers(1, 8), backwards=st.booleans(), moment=moments)
    def many_are_read(self, count: int, backwards: bool, moment: float) -> None:
        """Kinds are polled apart: payments may come before what they pay."""
        for document in sorted(self._zuora.unread(), reverse=backwards)[:count]:
            self.house.tell(Topic.RECORDS, self._zuora.read(document))
        if backwards:
            self.house.tally.fired("kinds are read in another order")
        self.house.run_for(moment)

    @rule(document=st.integers(0, 30))
    def an_old_version_is_read_again(self, document: int) -> None:
        known = self._zuora.read_before()
        if known:
            self.house.tally.fired("a version is read again")
            version = one_of(known, document)
            self.house.tell(Topic.RECORDS, version)
            self._zuora.look_again(version)

    # People.

    @rule(account=which, customer=st.sampled_from(["C1", "C2"]))
    def an_account_is_linked(self, account: int, customer: str) -> None:
        # What was sent under one customer and is decided again under another, with no trace of it in the log, stands in
        # QAD as a conflict: a person's, and nobody here is one.
        name = one_of(list(ACCOUNTS), account)
        if customer != CUSTOMERS[name]:
            if self._outcomes_lost:
                return
            self._linked_elsewhere = True
        self.house.tally.fired("an account is linked")
        self.house.link(name, customer)

    @rule(invoice=which, moment=moments)
    def two_people_correct_an_invoice(self, invoice: int, moment: float) -> None:
        name = one_of(list(self._zuora.invoices) or ["i0"], invoice)
        self.house.decide(correct(name, self.house.judge), CORRECTED)
        self.house.run_for(moment)

    @rule(invoice=which, moment=moments)
    def two_people_move_revenue(self, invoice: int, moment: float) -> None:
        name = one_of(list(self._zuora.invoices) or ["i0"], invoice)
        self.house.decide(move(name, self.house.judge), RECLASSIFIED)
        self.house.run_for(moment)

    @rule(rows=st.sampled_from(["none", "other"]), lasts=whiles, moment=moments)
    def a_mapping_is_published(self, rows: str, lasts: float, moment: float) -> None:
        self.house.tally.fired(f"a mapping is published with {rows} rows")
        self.house.publish(lines={"none": (), "other": OTHER_ACCOUNT}[rows])
        self.house.for_a_while(lasts, self.house.publish)
        self.house.run_for(moment)

    @rule()
    def what_is_parked_is_released(self) -> None:
        self.house.release()

    @rule(stage=stages)
    def a_stage_is_replayed(self, stage: str) -> None:
        self.house.tally.fired(f"replay: {stage}")
        self.house.replay(stage)

    # QAD.

    @rule(fates=st.lists(st.sampled_from(FATES), min_size=1, max_size=4), moment=moments)
    def calls_go_wrong(self, fates: list[str], moment: float) -> None:
        self.house.qad.fates.extend(fates)
        self.house.run_for(moment)

    @rule(lasts=st.sampled_from([0.2, 3.0, 40.0, 0.2, 3.0, 40.0, AN_HOUR]), moment=moments)
    def qad_goes_away(self, lasts: float, moment: float) -> None:
        """An hour passes whole, for nothing else in a history takes so long."""
        self.house.qad.down = True
        self.house.for_a_while(lasts, self.house.qad.come_back)
        self.house.run_for(lasts + moment if lasts == AN_HOUR else moment)
        if lasts == AN_HOUR:
            self.house.tally.fired("QAD is away for an hour")

    @rule(lasts=whiles, moment=moments)
    def the_password_expires(self, lasts: float, moment: float) -> None:
        self.house.qad.locked = True
        self.house.for_a_while(lasts, self.house.qad.unlock)
        self.house.run_for(moment)

    @rule(what=st.sampled_from(["C1", "C2", "4000", "?"]), lasts=whiles, moment=moments)
    def qad_refuses_something(self, what: str, lasts: float, moment: float) -> None:
        self.house.qad.refused.add(what)
        self.house.for_a_while(lasts, lambda: self.house.qad.refused.discard(what))
        self.house.run_for(moment)

    @rule(month=st.sampled_from(sorted(MONTHS)), shown=st.booleans(), lasts=whiles, moment=moments)
    def a_period_is_closed(self, month: int, shown: bool, lasts: float, moment: float) -> None:
        """QAD closes it; the poller shows that at once, or never before it is opened again."""
        self.house.close_period(month, shown=shown)
        self.house.for_a_while(lasts, lambda: self.house.open_period(month))
        self.house.run_for(moment)

    @rule(document=st.integers(0, 9), lasts=whiles, moment=moments)
    def a_document_is_changed_by_hand(self, document: int, lasts: float, moment: float) -> None:
        """Who looks it up meanwhile finds a conflict; then it is changed back."""
        references = [reference for reference, found in self.house.qad.documents.items() if found]
        if references:
            reference = one_of(references, document)
            self.house.qad.changed.add(reference)
            self.house.for_a_while(lasts, lambda: self.house.qad.changed.discard(reference))
        self.house.run_for(moment)

    # Machines.

    @rule(places=st.lists(st.sampled_from(POINTS), min_size=1, max_size=4), passings=st.integers(0, 2), moment=moments)
    def processes_are_killed(self, places: list[tuple[str, str]], passings: int, moment: float) -> None:
        """Now, or when they come there."""
        self.house.broker.fuses.update(dict.fromkeys(places, passings))
        self.house.run_for(moment)

    @rule(stage=stages, moment=moments)
    def a_process_is_stopped_and_another_takes_over(self, stage: str, moment: float) -> None:
        if self.house.running(stage):
            self.house.freeze(stage)
        self.house.run_for(moment)

    @precondition(lambda self: hasattr(self, "house") and self.house.zombies)
    @rule(moment=moments)
    def the_stopped_go_on(self, moment: float) -> None:
        self.house.thaw()
        self.house.run_for(moment)

    @rule(stage=stages, moment=moments)
    def partitions_are_assigned_anew(self, stage: str, moment: float) -> None:
        process = self.house.running(stage)
        if process:
            self.house.tally.fired(f"rebalance: {stage}")
            self.house.loop.call_soon(process.rebalance)
        self.house.run_for(moment)

    @rule(error=st.sampled_from(ERRORS), moment=moments)
    def the_broker_fails(self, error: str, moment: float) -> None:
        self.house.broker.errors.append(error)
        self.house.run_for(moment)

    @rule(records=st.integers(1, 6), mark=st.sampled_from(LOST_MARKS))
    def the_end_of_outcomes_is_lost(self, records: int, mark: str) -> None:
        """What the deciding stages said last is gone with it, and nowhere else: people have them decide again."""
        # With no mark and no commit left, nothing tells such a log from that of a first start.
        nothing_left = mark != "stays" and not self.house.broker.groups["sink"].committed
        if nothing_left or self._linked_elsewhere:
            return
        self._outcomes_lost = True
        self.house.cut(records, mark=mark)
        self.house.replay("match", "ledger")

    @rule(stage=stages, how=st.sampled_from(SPOILT_CHECKPOINTS), number=st.integers(0, 9), moment=moments)
    def a_checkpoint_is_spoilt(self, stage: str, how: str, number: int, moment: float) -> None:
        """It changes nothing but time; who starts next finds it so."""
        process = self.house.running(stage)
        if self.house.disk.spoil(stage, how, number) and process:
            self.house.loop.call_soon(process.die)
        self.house.run_for(moment)

    @rule(moment=moments)
    def time_passes(self, moment: float) -> None:
        self.house.run_for(moment)

    @rule()
    def all_comes_to_rest(self) -> None:
        self.house.run_for(60.0)

    @property
    def _zuora(self) -> Cash:
        return self.house.zuora

    def _did(self, act: str, is_done: bool) -> None:
        """Count what Zuora did; what it refuses changes nothing."""
        if is_done:
            self.house.tally.fired(act)

    def _read(self, moment: float | None) -> None:
        if moment is not None:
            for document in self._zuora.unread():
                self.house.tell(Topic.RECORDS, self._zuora.read(document))
            self.house.run_for(moment)
