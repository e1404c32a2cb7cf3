"""The ledger stage: each matched document becomes canonical postings by the published mapping, or stands with a reason.

Never talks to QAD and does not know what became of its postings; never rounds; never builds a posting that does not
balance. Serves promises 2 (once: ids and n), 3 (exact) and 5 (explained: mapping version and sides stand in each
output).
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal

import msgspec
from msgspec import UNSET

from schemas.decisions import (
    AnyDecision,
    DocumentCorrected,
    DocumentReclassified,
    DocumentReleased,
    DocumentReplayed,
    StageReplayed,
)
from schemas.errors import CannotGoOn, Unreadable
from schemas.events import (
    read_decision,
    read_matched,
    read_outcome,
    read_qad_reference,
    read_record,
    read_zuora_reference,
)
from schemas.ids import PostingId, document_key, document_parts
from schemas.matching import AccountSeen, Matched
from schemas.outcomes import Ignored
from schemas.postings import (
    Act,
    AllocationContent,
    InverseContent,
    InvoiceContent,
    JournalContent,
    OpeningContent,
    Posting,
    PostingSet,
    RefundContent,
)
from schemas.records import RecordKind, ZuoraRecord
from schemas.topics import Topic, key
from streams import waits
from streams.documents import Facts, facts_of
from streams.ledger.applying.applications import NO_APPLICATIONS, Applications
from streams.ledger.applying.charged import spread
from streams.ledger.billing.clearance import e_invoice_at
from streams.ledger.billing.documents import plan_billing
from streams.ledger.billing.reclassing import with_reclassed
from streams.ledger.building.postings import AtHand, Plan
from streams.ledger.building.rebuilding import with_rebuilt
from streams.ledger.cash.payments import PaymentDocument, plan_payment
from streams.ledger.cash.refunds import plan_refund
from streams.ledger.deletions import DELETED, facts_of_deleted, plan_deleted
from streams.ledger.known.books import Books
from streams.ledger.known.made import fingerprint
from streams.ledger.known.state import LedgerState, is_refund
from streams.ledger.known.written import read_known_postings
from streams.ledger.reading import billing_document, payment_document, refund_document
from streams.ledger.spec import SPEC, STAGE
from streams.ledger.stopping import reasons
from streams.ledger.unsettled.adjustments import plan_adjustment
from streams.ledger.unsettled.applied_refunds import plan_applied_refund
from streams.ledger.unsettled.credit_balance import plan_credit_balance
from streams.ledger.unsettled.given_back import given_back, returned
from streams.ledger.unsettled.records import UNSETTLED, adjustment_document, is_unsettled, movements_of
from streams.outcomes import SETTLED, Subject, Verdict, dead_letter, outcome_key, outcome_of
from streams.stage import Input, Output
from streams.standings import RECLASS, next_pass


class LedgerCore:
    """The ledger stage of one partition."""

    def __init__(self, *, connection: str) -> None:
        """Start with nothing known."""
        self._connection = connection
        self._state = LedgerState()
        self._books = Books()
        self._sides: dict[str, int] = {}
        self._changed: list[str] = []

    @property
    def kept(self) -> LedgerState:
        """What is folded from the stage's own outputs."""
        return self._state

    def fold(self, topic: Topic, value: bytes) -> None:
        """Take up an output of this stage."""
        if topic is Topic.POSTINGS:
            self._state.take(read_known_postings(value))
            return
        outcome = read_outcome(value)
        if outcome.stage == STAGE:
            self._state.standings.stand(outcome)
            self._state.complete(outcome)

    def learn(self, topic: Topic, offset: int, value: bytes) -> Sequence[str]:
        """Take up a decision or a reference."""
        self._sides[topic.value] = offset
        if topic is Topic.DECISIONS:
            return self._decided(read_decision(value), offset)
        if topic is Topic.QAD_REFERENCE:
            reference = read_qad_reference(value)
            self._books.shown_by_qad(reference)
            return waits.changed_by_qad(reference)
        shown = read_zuora_reference(value)
        self._books.shown_by_zuora(shown)
        return waits.changed_by_zuora(shown)

    def held_by(self, keys: Iterable[str]) -> Sequence[tuple[int, str]]:
        """Return the inputs that these keys release, and memos and refunds that wait for what will not come."""
        keys = tuple(keys)
        held = dict(self._state.standings.held_by(keys))
        for one in (one for name in keys for one in self._state.referring.get(name, ())):
            held[self._state.standings.entries[one].origin] = "release"
        return sorted(held.items())

    def unsettled(self) -> Sequence[tuple[int, str]]:
        """Return all inputs that stand still, were asked for again, lack their outcome, or wait for nothing."""
        incomplete = {made.incomplete: "" for made in self._state.made.live.values()}
        referred = (key for key in self._state.referring if self._state.makes_no_posting(waits.named(key)))
        gone = (
            key
            for key in self._state.referring
            if waits.is_taken_back(key) and self._state.was_taken_back(waits.named(key))
        )
        let_go = self.held_by((*referred, *gone, *self._state.standings.documents_waited_for()))
        return sorted((dict(let_go) | incomplete | dict(self._state.standings.unsettled())).items())

    def changed(self) -> Sequence[str]:
        """Return the documents that were decided since the last call to make no posting, or whose rows were renewed."""
        changed, self._changed = self._changed, []
        return changed

    def decide(self, item: Input) -> Sequence[Output]:
        """Decide one matched document."""
        try:
            matched = read_matched(item.value)
            if isinstance(matched, AccountSeen):
                return ()
            record = read_record(item.material)
            document = document_key(matched.kind, matched.id)
            facts = self._facts_of(record, document, matched.number)
        except Unreadable as error:
            letter = dead_letter(item, connection=self._connection, spec=SPEC, reason=str(error))
            return (Output(Topic.DEAD_LETTERS, item.key, letter),)
        entry = self._state.standings.entries.get(document)
        again = item.again or self._state.standings.again(item.offset, document)
        if entry is not None:
            done = item.offset <= entry.origin and self._state.of(document).incomplete != item.offset
            if (done and not again) or (matched.stamp, item.offset) < (entry.stamp, entry.origin):
                return ()
        subject = Subject(
            connection=self._connection,
            stage=STAGE,
            document=document,
            number=matched.number,
            origin=item.offset,
            input_pass=next_pass(entry, item.offset, again),
            stamp=matched.stamp,
        )
        plan, verdict = self._judge(matched, record, facts, again=again)
        return self._write(plan, verdict, subject=subject, matched=matched, facts=facts)

    def _decided(self, decision: AnyDecision, offset: int) -> Sequence[str]:
        approved = self._books.decided(decision)
        match decision:
            case DocumentReleased() | DocumentReplayed():
                self._state.standings.order(decision, offset)
            case DocumentCorrected() | DocumentReclassified() if approved:
                self._state.standings.order(decision, offset)
                return (waits.release(decision.document),)
            case StageReplayed() if decision.stage == STAGE:
                self._state.standings.order(decision, offset)
            case _:
                pass
        return waits.changed_by_decision(decision)

    def _judge(self, matched: Matched, record: ZuoraRecord, facts: Facts, *, again: str) -> tuple[Plan, Verdict]:
        at_hand = AtHand(
            connection=self._connection,
            kind=matched.kind,
            id=matched.id,
            number=matched.number,
            account=facts.account_id,
            currency=facts.currency,
            customer=matched.customer,
            payment_term=matched.payment_term,
            # What people move beside a posting is no reason to build that anew.
            again="" if again == RECLASS else again,
            e_invoice=e_invoice_at(matched, facts),
        )
        try:
            plan = self._plan(at_hand, record, facts)
        except CannotGoOn as stop:
            plan = Plan(stops=(stop,))
        except Unreadable as error:
            plan = Plan(stops=(CannotGoOn(reasons.unreadable(matched.number, str(error))),))
        if at_hand.again:
            plan = with_rebuilt(plan, at_hand, state=self._state, books=self._books)
        plan = with_reclassed(plan, at_hand, state=self._state, books=self._books)
        if not plan.stops:
            return plan, SETTLED
        how, reason = reasons.verdict_of(plan.stops)
        return plan, Verdict(how=how, reason=reason, currency=facts.currency, value=facts.value, whose=plan.whose)

    def _closed_in_zuora(self, postings: Iterable[Posting]) -> dict[PostingId, str]:
        contents = ((posting.id, posting.content) for posting in postings)
        closed = {
            name: self._books.closed_in_zuora(content.posting_date)
            for name, content in contents
            if not isinstance(content, OpeningContent)
        }
        return {name: period for name, period in closed.items() if period}

    def _facts_of(self, record: ZuoraRecord, document: str, number: str) -> Facts:
        return facts_of_deleted(self._state.of(document), number=number) if record.deleted else facts_of(record)

    def _plan(self, at_hand: AtHand, record: ZuoraRecord, facts: Facts) -> Plan:
        state, books = self._state, self._books
        if record.deleted:
            return plan_deleted(at_hand, state=state, books=books)
        if record.kind == RecordKind.PAYMENT:
            payment = payment_document(record, facts)
            if is_unsettled(record):
                return self._plan_applied(at_hand, payment, record, facts)
            rows = self._spread(at_hand, payment.applications)
            payment = msgspec.structs.replace(payment, applications=rows)
            return plan_payment(at_hand, payment, state=state, books=books)
        if record.kind == RecordKind.REFUND:
            return plan_refund(at_hand, refund_document(record, facts), state=state, books=books)
        if record.kind in UNSETTLED:
            return self._plan_unsettled(at_hand, record, facts)
        document = billing_document(record, facts, books)
        document = msgspec.structs.replace(document, applications=self._spread(at_hand, document.applications))
        return plan_billing(at_hand, document, state=state, books=books)

    def _spread(self, at_hand: AtHand, applications: Applications) -> Applications:
        """Return applications of a tenant with Invoice Settlement, divided where charges came before that."""
        state, cut_over = self._state, self._books.cut_over()
        return spread(at_hand.number, at_hand.document, applications, cut_over=cut_over, state=state, settled=True)

    def _plan_applied(self, at_hand: AtHand, payment: PaymentDocument, record: ZuoraRecord, facts: Facts) -> Plan:
        """Plan a payment that was applied when it was made; one that is taken back frees what stands."""
        state, books = self._state, self._books
        rows, back = NO_APPLICATIONS, returned(record, facts)
        if payment.posted:
            rows = spread(
                at_hand.number,
                at_hand.document,
                payment.applications,
                cut_over=books.cut_over(),
                state=state,
                given_back=back,
            )
        gone = given_back(back, rows.rows)
        payment = msgspec.structs.replace(payment, applications=rows, given_back=gone)
        plan = plan_payment(at_hand, payment, state=state, books=books)
        if rows.stops and plan.postings and not state.of(at_hand.document).live:
            version = books.version_for(at_hand.number, payment.day)
            if version.mapping.policy.cash_waits:
                # A receipt that waits for what it pays waits for what that is divided over, too.
                return Plan(stops=plan.stops)
        return msgspec.structs.replace(plan, given_back=gone, divides=True)

    def _plan_unsettled(self, at_hand: AtHand, record: ZuoraRecord, facts: Facts) -> Plan:
        """Plan what only tenants without Invoice Settlement have."""
        state, books = self._state, self._books
        if record.kind == RecordKind.APPLIED_REFUND:
            return plan_applied_refund(at_hand, facts, state=state, books=books)
        if record.kind == RecordKind.CREDIT_BALANCE:
            plan = plan_credit_balance(at_hand, movements_of(record, facts), state=state, books=books)
        else:
            plan = plan_adjustment(at_hand, adjustment_document(record, facts), state=state, books=books)
        return msgspec.structs.replace(plan, divides=True)

    def _write(
        self, plan: Plan, verdict: Verdict, *, subject: Subject, matched: Matched, facts: Facts
    ) -> Sequence[Output]:
        changed = tuple(
            posting
            for posting in plan.postings
            if self._state.of(posting.document).hashes.get(posting.id) != fingerprint(posting)
        )
        outcome = outcome_of(verdict, subject, self._state.standings.entries.get(subject.document))
        outputs: list[Output] = []
        back = self._given_back(plan, changed, subject.document)
        if changed or back:
            event = PostingSet(
                connection=self._connection,
                kind=matched.kind,
                id=matched.id,
                number=matched.number,
                origin=subject.origin,
                input_pass=subject.input_pass,
                record=matched.origin,
                record_id=matched.record_id,
                stamp=matched.stamp,
                account=facts.account_id,
                customer=matched.customer,
                posted_stamp=plan.posted_stamp,
                mapping_version=plan.mapping_version,
                currency=facts.currency,
                value=facts.value,
                dropped_zero_lines=plan.dropped_zero,
                sides=dict(sorted(self._sides.items())),
                postings=changed,
                more=outcome is not None,
                closed_in_zuora=self._closed_in_zuora(changed) or UNSET,
                deleted=True if facts.status == DELETED else UNSET,
                given_back=back or UNSET,
                divides=True if plan.divides and any(map(_is_row, changed)) else UNSET,
            )
            outputs.append(Output(Topic.POSTINGS, key(self._connection, matched.kind, matched.id), event))
            self._state.take(event)
            if any(posting.document != subject.document for posting in changed):
                # Rows of others stand again: what undid them may have been passed over.
                self._changed.append(waits.document(subject.document))
            self._changed += [
                waits.document(document) for posting in changed for document in self._money_moved(posting)
            ]
            self._changed += [name for posting in changed for name in _changed_by(posting)]
            self._changed += [waits.room(item) for item in plan.given_back.items if back]
        if outcome is not None:
            outputs.append(Output(Topic.OUTCOMES, outcome_key(outcome), outcome))
            self._state.standings.stand(outcome)
            self._state.complete(outcome)
            if self._state.makes_no_posting(subject.document):
                self._changed.append(waits.document(subject.document))
            if isinstance(outcome, Ignored):
                self._changed += [name for name in outcome.reason.waits_for if waits.is_room(name)]
        return outputs

    def _money_moved(self, posting: Posting) -> Sequence[str]:
        """Return the documents of whose money another part is there, elsewhere or given back than before.

        Their refunds, and they themselves, may wait for that.
        """
        if is_refund(posting.document):
            refund = self._state.of(posting.document).refund
            return (refund.content.closes_document,) if refund and isinstance(refund.content, RefundContent) else ()
        is_payment = document_parts(posting.document)[0] == RecordKind.PAYMENT
        return (posting.document,) if is_payment and posting.act in (Act.POST, Act.TRANSFER) else ()

    def _given_back(self, plan: Plan, changed: Iterable[Posting], document: str) -> dict[str, Decimal]:
        """Return what is news of what refunds gave back, of rows that stand or are made now."""
        known = self._state.of(document).rows
        made = {one.content.row for one in changed if isinstance(one.content, AllocationContent)}
        return {
            row: amount
            for row, amount in plan.given_back.rows.items()
            if (known[row].given_back != amount if row in known else row in made and amount)
        }


def _changed_by(posting: Posting) -> Sequence[str]:
    """Return the keys that a posting changes: more can be applied to a document than before, or it came to its end."""
    match posting.content:
        case InvoiceContent(charges=charged):
            # It takes more itself where it is posted anew over more.
            room = (waits.room(posting.document), waits.room(charged)) if charged else (waits.room(posting.document),)
            return (*room, *_posted_anew(posting))
        case JournalContent(of=None):
            # It takes nothing itself, and is known to: its charges do.
            return (waits.room(posting.document), *_posted_anew(posting))
        case AllocationContent(reopens=True, item_document=item):
            return (waits.room(item),)
        case InverseContent():
            return (waits.taken_back(posting.document),)
        case _:
            return ()


def _posted_anew(posting: Posting) -> Sequence[str]:
    """Return the key of what lay on an earlier posting of a document: it may go to this one now."""
    return (waits.taken_back(posting.document),) if posting.n > 1 else ()


def _is_row(posting: Posting) -> bool:
    return isinstance(posting.content, AllocationContent) and bool(posting.content.row)
