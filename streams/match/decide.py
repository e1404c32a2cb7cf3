"""The match stage: each Zuora record gets its QAD customer, or a reason why it cannot.

Never looks at amounts or accounts of the ledger; never lets an older version of a document pass a newer one. Serves
promises 1 (complete: what has no customer is parked by name) and 4 (in order).
"""

from collections.abc import Iterable, Sequence

import msgspec

from schemas.errors import CannotGoOn, Unreadable
from schemas.events import read_decision, read_matched, read_outcome, read_qad_reference, read_record
from schemas.ids import document_key
from schemas.matching import AccountSeen, Matched, MatchRule
from schemas.outcomes import Ignored, Parked
from schemas.reasons import Reason
from schemas.records import RecordKind, ZuoraRecord
from schemas.topics import Topic, key
from schemas.zuora import Account, Payment, field_of, parent_of
from streams import waits
from streams.documents import Facts, facts_of
from streams.identity import identify, newest_stamp
from streams.match import reasons
from streams.match.claims import Claim, claimed_by, claims_hash, owner_elsewhere
from streams.match.e_invoices import account_e_invoices, e_invoice_of
from streams.match.fitness import Wanted, purpose_of
from streams.match.rules import Match, find_customer
from streams.match.spec import SPEC, STAGE
from streams.match.state import MatchKnowledge, MatchState, asked_of, substance_of
from streams.outcomes import SETTLED, Subject, Verdict, dead_letter, outcome_key, outcome_of
from streams.stage import Input, Output
from streams.standings import Entry, next_pass


class MatchCore:
    """The match stage of one partition."""

    def __init__(self, *, connection: str, claims: tuple[Claim, ...], written_back: tuple[str, ...] = ()) -> None:
        """Start with nothing known.

        Args:
            connection: The connection whose partition this is.
            claims: Claims of all connections of its tenant, in the tenant's order.
            written_back: Custom fields that we write ourselves: what stands there makes no new version.
        """
        self._connection = connection
        self._claims = claims
        self._claims_hash = claims_hash(claims)
        self._written_back = frozenset(name.casefold() for name in written_back)
        self._state = MatchState()
        self._knowledge = MatchKnowledge()
        self._changed: list[str] = []
        # Versions that brought nothing new leave no output: the newest of each is known while this core lives. It holds
        # back an older one that was read at the same time and is written later.
        self._seen: dict[str, tuple[str, int]] = {}

    @property
    def kept(self) -> MatchState:
        """What is folded from the stage's own outputs."""
        return self._state

    def fold(self, topic: Topic, value: bytes) -> None:
        """Take up an output of this stage."""
        if topic is Topic.MATCHED:
            self._state.take(read_matched(value))
            return
        outcome = read_outcome(value)
        if outcome.stage == STAGE:
            self._state.standings.stand(outcome)

    def learn(self, topic: Topic, offset: int, value: bytes) -> Sequence[str]:
        """Take up a decision or a reference of QAD."""
        self._knowledge.sides[topic.value] = offset
        if topic is Topic.DECISIONS:
            decision = read_decision(value)
            self._knowledge.decided(decision, offset, self._state.standings)
            return waits.changed_by_decision(decision)
        reference = read_qad_reference(value)
        before = self._knowledge.shown(reference)
        return (*waits.changed_by_qad(reference), *(waits.changed_by_qad(before) if before else ()))

    def held_by(self, keys: Iterable[str]) -> Sequence[tuple[int, str]]:
        """Return the inputs that these keys release; a new mapping may ask another field of every account."""
        keys = tuple(keys)
        held = dict(self._state.standings.held_by(keys))
        if waits.MAPPING in keys:
            held |= self._accounts_asked_otherwise()
        return sorted(held.items())

    def unsettled(self) -> Sequence[tuple[int, str]]:
        """Return all inputs that stand still or were asked for again, or whose account changed and told nobody yet."""
        settling = dict(self._state.standings.unsettled())
        return sorted((self._of_accounts_that_moved() | settling | self._accounts_asked_otherwise()).items())

    def changed(self) -> Sequence[str]:
        """Return the accounts that came or changed since the last call."""
        changed, self._changed = self._changed, []
        return changed

    def decide(self, item: Input) -> Sequence[Output]:
        """Decide one record."""
        try:
            record = read_record(item.value)
            record_id, stamp = identify(record, self._written_back), newest_stamp(record)
        except Unreadable as error:
            letter = dead_letter(item, connection=self._connection, spec=SPEC, reason=str(error))
            return [Output(Topic.DEAD_LETTERS, item.key, letter)]
        document = document_key(record.kind, record.id)
        entry = self._state.standings.entries.get(document)
        again = item.again or self._state.standings.again(item.offset, document)
        if entry is not None and not again and item.offset <= entry.origin:
            return ()
        if record.deleted:
            if entry is None or record.kind == RecordKind.ACCOUNT:
                return ()
            # Of what is gone Zuora tells no stamp: it comes after whatever was seen of it.
            stamp, _ = self._newest(document, entry, asked=item.offset)
        if entry is not None and (stamp, item.offset) < self._newest(document, entry, asked=item.offset):
            return ()
        version = _Version(
            record=record,
            document=document,
            origin=item.offset,
            input_pass=next_pass(entry, item.offset, again),
            record_id=record_id,
            stamp=stamp,
            again=bool(again),
        )
        outputs = self._outputs_of(version)
        if self._state.standings.entries[document].origin < item.offset:
            self._seen[document] = (stamp, item.offset)
        else:
            self._seen.pop(document, None)
        return outputs

    def _outputs_of(self, version: "_Version") -> Sequence[Output]:
        if version.record.deleted:
            return self._deleted(version)
        return self._account(version) if version.record.kind == RecordKind.ACCOUNT else self._document(version)

    def _newest(self, document: str, entry: Entry, *, asked: int) -> tuple[str, int]:
        """Return the newest version that was seen; of what is asked for again, the newest that brought something."""
        decided = (entry.stamp, entry.origin)
        return decided if asked == entry.origin else max(decided, self._seen.get(document, decided))

    def _account(self, version: "_Version") -> Sequence[Output]:
        try:
            account: Account = parent_of(version.record)
        except Unreadable as error:
            return self._stand(version, number="", verdict=_parked(reasons.unreadable(str(error))))
        customer_field = self._knowledge.customer_field()
        seen = AccountSeen(
            connection=self._connection,
            id=account.id,
            number=account.account_number,
            origin=version.origin,
            input_pass=version.input_pass,
            record_id=version.record_id,
            stamp=version.stamp,
            currency=account.currency,
            payment_term=account.payment_term or "",
            claimed_by=claimed_by(version.record, self._claims),
            claims=self._claims_hash,
            customer_field=customer_field,
            customer_code=field_of(version.record.parent, customer_field) if customer_field else "",
            sides=self._knowledge.known_sides(),
            e_invoices=account_e_invoices(account) if self._knowledge.asks_for_e_invoices else msgspec.UNSET,
        )
        known = self._state.accounts.get(account.id)
        product: list[Output] = []
        if known is None or substance_of(known) != substance_of(seen):
            product = [Output(Topic.MATCHED, key(self._connection, RecordKind.ACCOUNT, account.id), seen)]
            self._state.take(seen)
            self._changed.append(waits.account(account.id))
        return [*product, *self._stand(version, number=account.account_number, verdict=SETTLED)]

    def _document(self, version: "_Version") -> Sequence[Output]:
        try:
            facts = facts_of(version.record)
        except Unreadable as error:
            reason = _from(self._giver(version, account_id=""), reasons.unreadable(str(error)))
            return self._stand(version, number=version.record.id, verdict=_parked(reason))
        last = self._state.results.get(version.document)
        asks = self._knowledge.asks_for_e_invoices
        e_invoice = e_invoice_of(facts, self._state.accounts.get(facts.account_id)) if asks else None
        told = last is not None and (last.record_id, last.e_invoice) == (version.record_id, e_invoice)
        if told and not version.again:
            return self._unchanged(version, facts.number)
        if not facts.posted and last is None and not _was_posted(facts):
            verdict = Verdict(how=Ignored, reason=reasons.not_posted(facts), currency=facts.currency, value=facts.value)
            return self._stand(version, number=facts.number, verdict=verdict)
        giver = self._giver(version, account_id=facts.account_id)
        try:
            match = self._customer(facts, version.record.kind, giver=giver)
        except CannotGoOn as stop:
            if facts.posted or last is None:
                # Of all that has an account, payments alone change it: what went on from here is not another's alone.
                moved = last is not None and version.record.kind == RecordKind.PAYMENT
                given = moved and stop.reason.rule == reasons.OTHER_CONNECTION
                reason = reasons.given_away(facts, stop.reason) if given else _from(giver, stop.reason)
                return self._stand(version, number=facts.number, verdict=_held(reason, facts))
            # What undoes a document goes where the document went, whatever the links say today.
            match = Match(customer=last.customer, rule=last.rule, kept=True)
        if told and last is not None and last.customer == match.customer:
            return self._stand(version, number=facts.number, verdict=SETTLED)
        matched = self._matched(version, facts, match, e_invoice=e_invoice)
        self._state.take(matched)
        product = Output(Topic.MATCHED, key(self._connection, version.record.kind, version.record.id), matched)
        return [product, *self._stand(version, number=facts.number, verdict=SETTLED)]

    def _unchanged(self, version: "_Version", number: str) -> Sequence[Output]:
        """Say nothing of the version that is matched already, whatever became of its customer; unless it comes back."""
        entry = self._state.standings.entries[version.document]
        if entry.standing is None or entry.standing.record_id == version.record_id:
            return ()
        return self._stand(version, number=number, verdict=SETTLED)

    def _deleted(self, version: "_Version") -> Sequence[Output]:
        """Pass on that a document is gone to where it went; one that went nowhere is done."""
        last = self._state.results.get(version.document)
        if last is None:
            standing = self._state.standings.entries[version.document].standing
            number = standing.number if standing else ""
            verdict = Verdict(how=Ignored, reason=reasons.deleted(number, version.record.kind))
            return self._stand(version, number=number, verdict=verdict)
        if last.record_id == version.record_id and not version.again:
            return self._unchanged(version, last.number)
        matched = Matched(
            connection=self._connection,
            kind=version.record.kind,
            id=version.record.id,
            number=last.number,
            origin=version.origin,
            input_pass=version.input_pass,
            record_id=version.record_id,
            stamp=version.stamp,
            account_id="",
            account_number="",
            customer=last.customer,
            rule=last.rule,
            sides=self._knowledge.known_sides(),
        )
        self._state.take(matched)
        product = Output(Topic.MATCHED, key(self._connection, version.record.kind, version.record.id), matched)
        return [product, *self._stand(version, number=last.number, verdict=SETTLED)]

    def _giver(self, version: "_Version", *, account_id: str) -> str:
        """Return the connection whose payment it was when it was seen last, and that received it; "" where none was.

        An account that comes to us by a change of claims takes its payments along: of these none was transferred.
        """
        entry = self._state.standings.entries.get(version.document)
        is_new = version.record.kind == RecordKind.PAYMENT and version.document not in self._state.results
        if not is_new or entry is None or entry.standing is None:
            return ""
        reason = entry.standing.reason
        if reason.rule != reasons.OTHER_CONNECTION:
            return reasons.giver_told_by(reason)
        before = [self._state.accounts.get(name) for name in waits.accounts_among(reason.waits_for)]
        # What none or two claim parks where it is named: nobody received it.
        left = any(seen and seen.id != account_id and seen.claimed_by == (reason.value,) for seen in before)
        return reason.value if left else ""

    def _customer(self, facts: Facts, kind: str, *, giver: str) -> Match:
        """Return the customer of a document.

        Args:
            facts: The document's.
            kind: Its kind.
            giver: The connection that received it from the bank, where that is another.

        Raises:
            CannotGoOn: Its account is not known, not ours, or has no customer that fits; or it was received elsewhere.
        """
        if not facts.account_id:
            return self._of_nobody(facts, kind)
        account = self._state.accounts.get(facts.account_id)
        if account is None:
            raise CannotGoOn(reasons.account_not_read(facts))
        whose = owner_elsewhere(account.claimed_by, claims=self._claims, connection=self._connection)
        if giver and not whose:
            raise CannotGoOn(reasons.taken_over(facts, giver=giver))
        if account.claimed_by != (self._connection,):
            raise CannotGoOn(reasons.not_ours(account, facts, claims=self._claims, connection=self._connection))
        mapping = self._knowledge.mapping
        if mapping is None:
            raise CannotGoOn(reasons.no_mapping(facts))
        wanted = Wanted(
            number=facts.number,
            currency=facts.currency,
            purpose=purpose_of(kind, facts.value),
            payment_term=account.payment_term,
        )
        known = self._knowledge
        return find_customer(account, wanted, links=known.links, mapping=mapping, customers=known.customers)

    def _of_nobody(self, facts: Facts, kind: str) -> Match:
        """Return no customer for a payment that has no account yet, where the site has an account for such cash.

        Raises:
            CannotGoOn: It has none; or several connections share the tenant, and each would post it.
        """
        mapping = self._knowledge.mapping
        takes = mapping is not None and mapping.policy.unassigned_cash is not None and len(self._claims) == 1
        if kind == RecordKind.PAYMENT and takes:
            return Match(customer="", rule=MatchRule.UNASSIGNED)
        raise CannotGoOn(reasons.no_account(facts))

    def _matched(self, version: "_Version", facts: Facts, match: Match, *, e_invoice: str | None) -> Matched:
        account = self._state.accounts.get(facts.account_id)
        return Matched(
            connection=self._connection,
            kind=version.record.kind,
            id=version.record.id,
            number=facts.number,
            origin=version.origin,
            input_pass=version.input_pass,
            record_id=version.record_id,
            stamp=version.stamp,
            account_id=facts.account_id,
            account_number=account.number if account else "",
            customer=match.customer,
            rule=match.rule,
            payment_term=account.payment_term if account else "",
            passed_over=match.passed_over,
            sides=self._knowledge.known_sides(),
            kept=True if match.kept else msgspec.UNSET,
            e_invoice=msgspec.UNSET if e_invoice is None else e_invoice,
        )

    def _stand(self, version: "_Version", *, number: str, verdict: Verdict) -> Sequence[Output]:
        subject = Subject(
            connection=self._connection,
            stage=STAGE,
            document=version.document,
            number=number,
            origin=version.origin,
            input_pass=version.input_pass,
            stamp=version.stamp,
            record_id=version.record_id,
        )
        outcome = outcome_of(verdict, subject, self._state.standings.entries.get(version.document))
        if outcome is None:
            return ()
        self._state.standings.stand(outcome)
        return (Output(Topic.OUTCOMES, outcome_key(outcome), outcome),)

    def _accounts_asked_otherwise(self) -> dict[int, str]:
        asked = (self._knowledge.customer_field(), self._claims_hash, self._knowledge.asks_for_e_invoices)
        accounts = self._state.accounts.values()
        return {seen.origin: "replay" for seen in accounts if asked_of(seen) != asked}

    def _of_accounts_that_moved(self) -> dict[int, str]:
        """Return the documents that are ignored as another connection's, although their account is not, or another's.

        A process that is killed between an account and its documents leaves them so.
        """
        moved: dict[int, str] = {}
        for seen in self._state.accounts.values():
            owner = owner_elsewhere(seen.claimed_by, claims=self._claims, connection=self._connection)
            for entry in self._state.standings.waiting_for(waits.account(seen.id)):
                reason = entry.standing.reason if entry.standing is not None else None
                if reason is not None and reason.rule == reasons.OTHER_CONNECTION and reason.value != owner:
                    moved[entry.origin] = "release"
        return moved


class _Version(msgspec.Struct, frozen=True, kw_only=True):
    """One version of one record on its way through `decide`."""

    record: ZuoraRecord
    document: str
    origin: int
    input_pass: str
    record_id: str
    stamp: str
    again: bool


def _from(giver: str, reason: Reason) -> Reason:
    """Have a reason that says nothing else say from which connection a payment came."""
    return msgspec.structs.replace(reason, value=giver) if giver and not reason.value else reason


def _was_posted(facts: Facts) -> bool:
    """Return whether a document that does not count was posted before it was first read.

    Only what was Processed can be refunded: what gives it back must not wait for it.
    """
    return isinstance(facts.parent, Payment) and bool(facts.parent.refund_amount)


def _parked(reason: Reason) -> Verdict:
    return Verdict(how=Parked, reason=reason)


def _held(reason: Reason, facts: Facts) -> Verdict:
    """Sort a stop: what comes by itself waits, what is another's is ignored, what needs a person parks."""
    how = reasons.HOW.get(reason.rule, Parked)
    return Verdict(how=how, reason=reason, currency=facts.currency, value=facts.value)
