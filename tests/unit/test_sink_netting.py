"""A credit note that QAD nets by its link: linked only where that is what Zuora did, its application recorded."""

from datetime import timedelta
from decimal import Decimal

import msgspec
import pytest

from adapters.kafka.sink_gate import Gate
from adapters.kafka.sink_holdings import Holdings
from schemas.outcomes import Document
from schemas.postings import CreditNoteContent, GlLine, Offer
from streams.ports import FoundInQad
from streams.sink.carrying import Carrying, offers_of
from streams.sink.freezing import freeze
from streams.sink.freezing import intended as intent_of
from streams.sink.saying import Job, jobs_of
from streams.sink.state import SinkState
from streams.sink.steps import CannotTell, CarriedBy, Ready, next_step
from tests.unit import builders as zuora
from tests.unit.sink_data import DAY, allocation, disputed, intended, name, posted, posting, qad, state, superseded
from tests.unit.world import world

LINKED = "invoice:inv"


def memo(total: str = "40.00", customer: str = "C1", refers_to: str = LINKED) -> CreditNoteContent:
    return CreditNoteContent(
        customer=customer,
        currency="EUR",
        total=Decimal(total),
        document_date=DAY,
        posting_date=DAY,
        due_date=DAY,
        daybook="ZCRN",
        description="Zuora CM1",
        lines=(GlLine(account="4000", debit=Decimal(total)),),
        refers_to=refers_to,
    )


def applied(amount: str = "40.00", item: str = "inv", row: str = "a", **more):
    content = msgspec.structs.replace(allocation("memo", item, amount), **more)
    return posting(row, content, "memo", item)


MEMO = posting("memo", memo(), "inv")
OFFER = Offer(allocation=name("a"), item=name("inv"), amount=Decimal("40.00"))
THERE = [posted("inv", 7)]


def test_what_applies_the_whole_of_it_on_its_day_to_the_invoice_that_it_refers_to_may_be_netted():
    assert offers_of(MEMO, [MEMO, applied()]) == (OFFER,)
    two = [applied("15.00"), applied("25.00", row="b")]
    assert [offer.amount for offer in offers_of(MEMO, [MEMO, *two])] == [Decimal("15.00"), Decimal("25.00")]


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [applied("39.99")],
        [applied(), applied("5.00", item="other", row="b")],
        [applied(item="other", item_document="invoice:other")],
        [applied(posting_date=DAY + timedelta(days=1))],
        [applied(), applied("40.00", row="b", reopens=True)],
        [applied("20.00"), applied("20.00", row="b", item_document="invoice:other")],
        [applied(payer=name("another"))],
    ],
    ids=["none", "a part", "more", "another invoice", "another day", "taken back", "two invoices", "another payer"],
)
def test_anything_else_is_posted_by_itself(rows):
    assert offers_of(MEMO, [MEMO, *rows]) == ()


def test_a_memo_that_refers_to_nothing_offers_nothing():
    assert offers_of(posting("memo", memo(refers_to="")), [applied()]) == ()


def test_it_is_linked_where_qad_nets_and_carries_its_application():
    frozen = freeze(MEMO, state=state(*THERE), netted=(OFFER,))
    assert (frozen.command.linked, frozen.carried) == (qad(7), (name("a"),))


@pytest.mark.parametrize(
    ("more", "content"),
    [
        ([superseded("a")], memo()),
        ([intended("a")], memo()),
        ([], memo(customer="C2")),
    ],
    ids=["undone", "went alone", "another customer"],
)
def test_it_stands_open_where_that_would_not_be_the_same(more, content):
    frozen = freeze(posting("memo", content, "inv"), state=state(*THERE, *more), netted=(OFFER,))
    assert (frozen.command.linked, frozen.carried) == (None, ())


def test_what_is_sent_where_nothing_is_netted_is_what_was_always_sent():
    """The same bytes: what was intended by an earlier version is sent again as it was."""
    plain, netted = freeze(MEMO, state=state(*THERE)), freeze(MEMO, state=state(*THERE), netted=(OFFER,))
    assert b"linked" not in msgspec.json.encode(plain.command)
    assert plain.content_hash != netted.content_hash


def test_a_second_attempt_is_linked_as_the_first_was():
    first = freeze(MEMO, state=state(*THERE), netted=(OFFER,))
    intent = intent_of(MEMO, first, connection="c", origin=0, index=0, attempt=1, mapping_version=1)
    assert freeze(MEMO, state=state(*THERE), netted=(OFFER,), intent=intent) == first
    alone = msgspec.structs.replace(intent, carried=())
    assert freeze(MEMO, state=state(*THERE), netted=(OFFER,), intent=alone).command.linked is None


class Netting:
    """An ERP that nets credit notes."""

    def nets(self, kind: str) -> bool:
        return kind == "credit_note"


def carrying(
    found_state: SinkState,
    allocated: str | None,
    *carried: str,
    lost: bool = False,
    offers: tuple[Offer, ...] = (OFFER,),
) -> Carrying:
    job = Job(connection="c", posting=MEMO, origin=0, index=0, mapping_version=1, offers=offers)
    holdings = Holdings(Netting(), found_state, gate=Gate(), moved=lambda: None)
    if lost:
        holdings.look_for(frozenset(), below=10)
    intent = intent_of(
        MEMO, freeze(MEMO, state=state(*THERE)), connection="c", origin=0, index=0, attempt=1, mapping_version=1
    )
    intent = msgspec.structs.replace(intent, carried=tuple(map(name, carried)))
    amount = Decimal(allocated) if allocated is not None else None
    found = FoundInQad(reference=MEMO.reference, document=Document(year=2026, daybook="Z", voucher=1), allocated=amount)
    return holdings.carrying(job, intent, found)


@pytest.mark.parametrize(
    ("allocated", "known"),
    [
        ("40.00", Carrying(carried=(name("a"),))),
        ("0", Carrying()),
        ("30.00", Carrying(untold=(name("a"),))),
        (None, Carrying(untold=(name("a"),))),
    ],
)
def test_qad_says_how_much_it_has_netted(allocated, known):
    sent = msgspec.structs.replace(intended("memo"), carried=(name("a"),))
    assert carrying(state(sent), allocated, "a") == known


@pytest.mark.parametrize(
    ("allocated", "known"),
    [("40.00", Carrying(carried=(name("a"),))), ("0", Carrying()), (None, Carrying(untold=(name("a"),)))],
)
def test_what_was_sent_says_what_it_was_linked_for_not_newer_content(allocated, known):
    """A newer mapping builds the credit note anew, and not its row: a record of the credit note alone offers none."""
    found = state(msgspec.structs.replace(intended("memo"), carried=(name("a"),)), disputed("memo"))
    assert found.postings[MEMO.id].may_be_there
    assert carrying(found, allocated, "a", offers=()) == known


def test_of_one_that_was_not_linked_nothing_is_asked():
    assert carrying(state(intended("memo")), None) == Carrying()


@pytest.mark.parametrize(("allocated", "known"), [("40.00", (("a",), ())), (None, ((), ("a",)))])
def test_where_the_log_has_lost_its_intent_qads_column_says_it(allocated, known):
    carried, untold = (tuple(map(name, names)) for names in known)
    assert carrying(state(), allocated, lost=True) == Carrying(carried=carried, untold=untold)


def test_its_application_is_recorded_and_what_takes_that_back_is_sent():
    note = posted("memo", 8, carried=("a",))
    found = state(*THERE, note)
    step = next_step(applied(), found)
    assert isinstance(step, CarriedBy)
    assert step.qad == qad(8)
    found.take(posted("a", 8))
    back = posting("back", allocation("memo", "inv", reopens=True), "memo", "inv", "a")
    assert next_step(back, found) == Ready()
    payload = freeze(back, state=found).command.payload
    assert [(line.document.voucher, line.debit, line.credit) for line in payload.lines] == [(7, 40, 0), (8, 0, 40)]


def test_one_of_which_nobody_can_tell_parks_by_its_amount():
    note = posted("memo", 8, untold=("a",))
    step = next_step(msgspec.structs.replace(applied(), number="CM1"), state(*THERE, note))
    assert isinstance(step, CannotTell)
    assert step.reason.value == "40"


@pytest.mark.parametrize(("amount", "netted"), [("40.00", ["40.00"]), ("30.00", [])], ids=["whole", "a part"])
def test_what_the_ledger_makes_of_a_memo_and_its_application_is_offered(amount, netted):
    """One input, one record: the memo that an invoice is credited by, and the row that applies it."""
    found = (
        world()
        .put(zuora.simple_invoice())
        .put(zuora.memo(zuora.memo_item("40.00"), rows=[zuora.row(amount)], invoiceId="inv1"))
    )
    [jobs] = [jobs_of(one, 0) for one in found.sets if one.kind == "credit_memo"]
    note, applied_by = jobs
    assert note.posting.content.refers_to == "invoice:inv1"
    assert [str(offer.amount) for offer in note.offers] == netted
    assert [offer.allocation for offer in note.offers] == [applied_by.name][: len(netted)]
