"""I1 and I4 between Zuora and QAD: each document that counts is there or explained, and amounts are Zuora's.

Not the log's word counts here but QAD's totals and open amounts. What is explained, or moves, is kept apart; the rest
must be equal to the cent.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial

from console.verification.facts import DocumentFacts, Log, PostingFacts, written
from console.verification.report import Findings, SumLine
from console.verification.standing import Place, is_unread, place_of
from console.verification.systems import Qad
from console.verification.views import QadKey
from console.zuora_side import ZuoraDocument
from schemas.ids import document_parts
from schemas.money import ZERO

# Documents of a tenant that are another connection's, by name.
_OTHERS = "other_connection"


def compare_amounts(zuora: Mapping[str, ZuoraDocument], qad: Qad, log: Log, findings: Findings) -> tuple[SumLine, ...]:
    """Hold Zuora's documents against QAD's; return what each kind and currency comes to, and where it is."""
    equality = _Equality(zuora, qad, log, findings)
    for name in equality.names():
        equality.document(name)
    equality.pools()
    for currency, balance in sorted(qad.balances.items()):
        if balance:
            what = f"debit and credit of all accounts differ by {balance} {currency}"
            findings.name("I3", what, number=currency, evidence=("QAD balances",))
    return tuple(line for _, line in sorted(equality.sums.items()))


def is_others(facts: DocumentFacts | None) -> bool:
    """Return whether a document of the tenant is another connection's, by name."""
    return facts is not None and any(held.rule == _OTHERS for held in facts.held)


@dataclass
class _Pool:
    """Documents that stand in for one another: whether one of them stands still or moves, and which differ."""

    disturbed: bool = False
    differing: list[tuple[Decimal, Callable[[], None]]] = field(default_factory=list)


class _Equality:
    def __init__(self, zuora: Mapping[str, ZuoraDocument], qad: Qad, log: Log, findings: Findings) -> None:
        self._all = zuora
        self._qad = qad
        self._log = log
        self._findings = findings
        self._moves = _moves_of(log)
        self._pools: defaultdict[str, _Pool] = defaultdict(_Pool)
        self.sums: dict[tuple[str, str], SumLine] = {}

    def names(self) -> Sequence[str]:
        """Return the documents that count in Zuora from the cut-over on, and those that we brought into QAD."""
        counting = dict.fromkeys(name for name, document in self._all.items() if self._counts(name, document))
        brought = dict.fromkeys(name for name in self._log.documents if self._effects(name))
        return list(counting | brought)

    def _counts(self, name: str, document: ZuoraDocument) -> bool:
        return document.counts and document.day >= self._log.cut_over and not is_others(self._log.documents.get(name))

    def _effects(self, name: str) -> list[PostingFacts]:
        facts = self._log.documents.get(name)
        postings = [self._log.postings[one] for one in facts.postings] if facts is not None else []
        if document_parts(name)[0] != "payment":
            # No journal of a document moves an amount of it, and nor does what turns one.
            journals = {posting.id for posting in postings if posting.kind == "journal"}
            postings = [one for one in postings if one.kind != "journal" and not journals.intersection(one.needs)]
        return [posting for posting in postings if posting.is_effect]

    def document(self, name: str) -> None:
        """Hold one document against what QAD has of it."""
        known, effects = self._all.get(name), self._effects(name)
        document = known if known is not None and self._counts(name, known) else None
        number = document.number if document is not None else effects[0].number
        currency = document.currency if document is not None else effects[0].currency
        total = document.total if document is not None else ZERO
        in_qad = (-1 if total < 0 else 1) * sum(map(self._brought, effects), ZERO)
        place = place_of(name, known, self._log)
        self._sum(document_parts(name)[0], currency, total, in_qad, place)
        if place.how == "lost" and (document is not None or total != in_qad):
            self._findings.name("I1", place.why, document=name, number=number, evidence=place.at)
        elif total != in_qad and place.how == "on_its_way":
            self._findings.moves(f"{number}: {place.why}")
        elif total != in_qad and place.how == "there":
            evidence = tuple(map(self._key, effects))
            what = f"Zuora has {total} {currency} of it, QAD {in_qad}"
            self._findings.name("I4", what, document=name, number=number, evidence=evidence)
        if document is not None and self._qad.open is not None:
            self._open(name, document, effects, self._qad.open)

    def _brought(self, posting: PostingFacts) -> Decimal:
        """Return what a posting brought into QAD, by QAD's own total where it shows one; an inverse takes it away."""
        shown = self._qad.documents.get(posting.reference)
        if shown is None or posting.status != "posted":
            return ZERO
        there = shown.total if shown.total is not None else posting.sent_total or ZERO
        return -there if posting.act == "reverse" else there

    def _key(self, posting: PostingFacts) -> str:
        shown = self._qad.documents.get(posting.reference)
        return written(shown.key) if shown is not None else f"no document for {posting.step}"

    def _sum(self, kind: str, currency: str, total: Decimal, in_qad: Decimal, place: Place) -> None:
        line = self.sums.setdefault((kind, currency), SumLine(kind=kind, currency=currency))
        line.documents += 1
        line.zuora += total
        line.in_qad += in_qad
        rest = total - in_qad
        if place.how == "explained":
            line.explained += rest
        elif place.how == "on_its_way":
            line.on_its_way += rest
        else:
            line.missing += rest

    def _open(
        self,
        name: str,
        document: ZuoraDocument,
        effects: Sequence[PostingFacts],
        items: Mapping[QadKey, Decimal],
    ) -> None:
        """Hold that as much of it is open in QAD as in Zuora, and what applications on their way will take."""
        standing = self._holder(name, effects)
        if standing is None or standing.kind == "journal" or not standing.is_call or standing.qad is None:
            return
        pool = self._pools[document.pool or name]
        pool.disturbed |= self._is_disturbed(name)
        pending = sum(map(_taken_later, self._moves[name]), ZERO)
        # An item that QAD no longer lists is closed.
        should, there = abs(document.open) + pending, items.get(standing.qad, ZERO)
        if should != there:
            what = f"{there} {document.currency} is open of it in QAD, {should} should be"
            evidence = (written(standing.qad),)
            tell = partial(self._findings.name, "I4", what, document=name, number=document.number, evidence=evidence)
            pool.differing.append((there - should, tell))

    def pools(self) -> None:
        """Name what is open otherwise than in Zuora, but where only documents that stand in for one another differ."""
        for pool in self._pools.values():
            if not pool.disturbed and sum((difference for difference, _ in pool.differing), ZERO):
                for _, tell in pool.differing:
                    tell()

    def _holder(self, name: str, effects: Sequence[PostingFacts]) -> PostingFacts | None:
        """Return the posting whose open item stands for a document: its newest transfer, else its newest post."""
        facts = self._log.documents.get(name)
        own = [self._log.postings[one] for one in facts.postings] if facts is not None else []
        moved = [one for one in own if one.kind == "transfer"]
        return max(moved or [one for one in effects if one.act == "post"], key=lambda one: one.n, default=None)

    def _is_disturbed(self, name: str) -> bool:
        """Return whether a document, or one that pays it, stands still or moves: then its open amount says nothing."""
        facts = self._log.documents[name]
        return any(self._is_unsettled(one) for one in (name, *facts.payers))

    def _is_unsettled(self, name: str) -> bool:
        facts, document = self._log.documents[name], self._all.get(name)
        if facts.moving or facts.held or facts.dead is not None:
            return True
        if document is not None and is_unread(name, document, self._log):
            return True
        committed = self._log.committed
        return facts.matched_at >= committed.get("ledger", 0) or facts.read_at >= committed.get("match", 0)


def _taken_later(posting: PostingFacts) -> Decimal:
    """Return what an application, or a refund, that is not in QAD will take from its items; taken back, it gives."""
    if posting.status in ("posted", "superseded", "ignored") or posting.left is None:
        return ZERO
    return -posting.left if posting.reopens or posting.kind == "inverse" else posting.left


def _moves_of(log: Log) -> defaultdict[str, list[PostingFacts]]:
    """Return Zuora's applications by each of the documents that they move, and refunds by what they close."""
    moves: defaultdict[str, list[PostingFacts]] = defaultdict(list)
    for posting in log.postings.values():
        # What settles a document against its own inverse is no application of Zuora's.
        if posting.kind == "allocation" and posting.row:
            moves[posting.payer_document].append(posting)
            moves[posting.item_document].append(posting)
        elif posting.kind == "refund":
            moves[posting.closes_document].append(posting)
        elif posting.kind == "inverse" and document_parts(posting.document)[0] == "refund":
            for refund in (log.postings[name] for name in posting.needs if log.postings[name].kind == "refund"):
                moves[refund.closes_document].append(posting)
    return moves
