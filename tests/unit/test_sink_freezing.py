"""What exactly is sent: the customers of the open items win, what is in doubt stays as it was, an inverse is exact."""

from decimal import Decimal

import msgspec
import pytest

from schemas.errors import Conflict, InvariantViolation, Rejected
from schemas.ids import machine_reference
from schemas.outcomes import Document, Parked, Waiting
from schemas.postings import CreditNoteContent, GlLine, InvoiceContent, TaxLine
from streams import waits
from streams.ports import FoundInQad
from streams.sink import answers, saying
from streams.sink.finding import check_control
from streams.sink.freezing import freeze, intended
from streams.sink.meanings import MEANINGS
from streams.sink.saying import Job
from tests.unit import sink_data as data
from tests.unit.sink_data import DAY, allocation, inverse, invoice, name, opening, posted, posting, qad, receipt, state

OFFERS = (("a1", "i1", "60.00"), ("a2", "i2", "30.00"))


def test_an_invoice_is_sent_as_it_was_built():
    built = posting("inv", invoice(customer="C5"), number="INV1")
    frozen = freeze(built, state=state())
    command = frozen.command
    assert (command.reference, command.number, command.customer) == (machine_reference(built.id), "INV1", "C5")
    assert (command.payload, frozen.kind, frozen.carried) == (built.content, "invoice", ())
    assert (frozen.total, frozen.currency, frozen.day) == (Decimal("100.00"), "EUR", DAY)


def test_a_posting_that_was_changed_is_never_sent():
    changed = msgspec.structs.replace(posting("inv", invoice()), content=invoice("101.00"))
    with pytest.raises(InvariantViolation, match="not what it was built as"):
        freeze(changed, state=state())


def test_an_opening_is_never_sent():
    with pytest.raises(InvariantViolation):
        freeze(posting("a", opening()), state=state())


def test_a_receipt_carries_what_is_in_qad_by_then():
    built = posting("pay", receipt(*OFFERS))
    assert freeze(built, state=state()).carried == ()
    half = freeze(built, state=state(posted("i1", 11), data.waiting("i2")))
    assert half.carried == (name("a1"),)
    assert half.command.payload.allocations == ((qad(11), Decimal("60.00")),)
    assert freeze(built, state=state(posted("i1"), posted("i2"))).carried == (name("a1"), name("a2"))


def test_a_receipt_does_not_carry_what_was_undone_before_it_came():
    built = posting("pay", receipt(*OFFERS))
    found = state(posted("i1"), posted("i2"), data.waiting("a1"), data.superseded("a1"))
    assert freeze(built, state=found).carried == (name("a2"),)


def test_a_payment_goes_to_the_customer_that_holds_the_open_item_whatever_the_link_says():
    built = posting("pay", receipt(*OFFERS, customer="NEW"))
    one = freeze(built, state=state(posted("i1", customer="OLD"), posted("i2", customer="OLD")))
    assert (one.command.customer, one.command.payload.customer) == ("OLD", "OLD")
    assert len(one.carried) == 2


@pytest.mark.parametrize(("matched", "carried"), [("A", ("a1",)), ("B", ("a2",)), ("X", ())])
def test_where_several_customers_hold_the_items_it_goes_to_the_one_that_is_matched(matched, carried):
    built = posting("pay", receipt(*OFFERS, customer=matched))
    frozen = freeze(built, state=state(posted("i1", customer="A"), posted("i2", customer="B")))
    assert frozen.command.customer == matched
    assert frozen.carried == tuple(name(one) for one in carried)


def test_what_may_have_been_sent_is_sent_again_as_it_was_or_not_at_all():
    """Since then the second invoice came, and the first went to another customer: none of it matters any more."""
    built = posting("pay", receipt(*OFFERS, customer="NEW"))
    intent = data.intended("pay", customer="OLD", carried=("a1",))
    frozen = freeze(built, state=state(posted("i1", customer="Z"), posted("i2", customer="Z")), intent=intent)
    assert (frozen.command.customer, frozen.carried) == ("OLD", (name("a1"),))
    nothing = freeze(built, state=state(posted("i1")), intent=data.intended("pay", customer="OLD"))
    assert (nothing.carried, nothing.command.payload.allocations) == ((), ())


def test_an_allocation_moves_between_the_items_as_they_stand_in_qad():
    found = state(posted("pay", 1, customer="PAYER"), posted("inv", 2, customer="OWES"))
    frozen = freeze(posting("a", allocation()), state=found)
    item, payer = frozen.command.payload.lines
    assert (item.document, item.customer, item.debit, item.credit) == (qad(2, "OWES"), "OWES", 0, Decimal("40.00"))
    assert (payer.document, payer.customer, payer.debit, payer.credit) == (
        qad(1, "PAYER"),
        "PAYER",
        Decimal("40.00"),
        0,
    )
    assert (frozen.kind, frozen.command.customer, frozen.total) == ("adjustment", "OWES", Decimal("40.00"))


def test_a_deallocation_is_the_same_on_the_other_sides():
    found = state(posted("pay", 1), posted("inv", 2))
    there = freeze(posting("a", allocation()), state=found).command.payload.lines
    back = freeze(posting("b", allocation(reopens=True)), state=found).command.payload.lines
    assert [(line.document, line.debit, line.credit) for line in back] == [
        (line.document, line.credit, line.debit) for line in there
    ]
    for lines in (there, back):
        assert sum(line.debit - line.credit for line in lines) == 0


@pytest.mark.parametrize("missing", ["pay", "inv"])
def test_an_allocation_of_what_is_not_in_qad_is_never_sent(missing):
    there = "inv" if missing == "pay" else "pay"
    with pytest.raises(InvariantViolation, match="not in QAD"):
        freeze(posting("a", allocation()), state=state(posted(there), data.waiting(missing)))


@pytest.mark.parametrize("kind", [InvoiceContent, CreditNoteContent])
def test_an_inverse_is_exact(kind):
    original = invoice()
    if kind is CreditNoteContent:
        fields = {
            field: getattr(original, field) for field in CreditNoteContent.__struct_fields__ if hasattr(original, field)
        }
        original = CreditNoteContent(**{**fields, "lines": tuple(line.inverse() for line in original.lines)})
    found = state(posted("inv", customer="HELD"))
    frozen = freeze(posting("undo", inverse()), state=found, inverted=original)
    payload = frozen.command.payload
    assert type(payload) is (CreditNoteContent if kind is InvoiceContent else InvoiceContent)
    assert (frozen.command.customer, payload.customer) == ("HELD", "HELD")
    assert (payload.total, payload.currency, payload.daybook) == (original.total, "EUR", "ZCRN")
    assert payload.posting_date == payload.document_date == DAY
    for line, undone in zip(original.lines, payload.lines, strict=True):
        assert (undone.debit, undone.credit) == (line.credit, line.debit)
        assert analysis(undone) == analysis(line)


def analysis(line: GlLine) -> tuple[str, ...]:
    return line.account, line.sub_account, line.cost_centre, line.project, line.text


@pytest.mark.parametrize("inverted", [None, receipt(total="99.00"), allocation(), invoice("99.00")])
def test_an_inverse_of_something_else_is_never_sent(inverted):
    with pytest.raises(InvariantViolation, match="something else"):
        freeze(posting("undo", inverse()), state=state(posted("inv")), inverted=inverted)


def test_the_same_freezing_has_the_same_hash_and_another_has_another():
    found = state(posted("i1"), posted("i2"))
    built = posting("pay", receipt(*OFFERS))
    assert freeze(built, state=found).content_hash == freeze(built, state=found).content_hash
    assert freeze(built, state=found).content_hash != freeze(built, state=state(posted("i1"))).content_hash


def test_an_intent_says_all_that_a_look_up_needs():
    built = posting("pay", receipt(*OFFERS))
    frozen = freeze(built, state=state(posted("i1")))
    intent = intended(built, frozen, connection="c", origin=4, index=2, attempt=3, mapping_version=5)
    assert (intent.subject, intent.reference, intent.attempt) == (built.id, built.reference, 3)
    assert (intent.customer, intent.currency, intent.total, intent.day) == ("C1", "EUR", Decimal("100.00"), DAY)
    assert (intent.carried, intent.content_hash) == ((name("a1"),), frozen.content_hash)
    assert (intent.origin, intent.index, intent.mapping_version, intent.source_hash) == (4, 2, 5, "s")


def found_in_qad(**changes) -> FoundInQad:
    fields = {"customer": "C1", "currency": "EUR", "total": Decimal("100.00"), "day": DAY, **changes}
    day, tax = fields.pop("day"), fields.pop("tax", None)
    document = Document(year=2026, daybook="ZINV", voucher=1, **fields)
    return FoundInQad(reference="R", document=document, day=day, tax=tax)


@pytest.mark.parametrize(
    "change", [{}, {"customer": ""}, {"currency": ""}, {"total": None}, {"day": None}, {"tax": Decimal("0.00")}]
)
def test_a_document_with_equal_control_columns_is_ours(change):
    check_control(found_in_qad(**change), data.intended("a"))


@pytest.mark.parametrize(
    ("change", "name_of_it"),
    [
        ({"customer": "C2"}, "customer"),
        ({"currency": "USD"}, "currency"),
        ({"total": Decimal("100.01")}, "total"),
        ({"total": Decimal(0)}, "total"),
        ({"total": Decimal("-100.00")}, "total"),
        ({"day": DAY.replace(day=11)}, "date"),
        ({"tax": Decimal("0.01")}, "tax"),
    ],
)
def test_a_document_with_another_control_column_is_a_conflict_that_says_which(change, name_of_it):
    with pytest.raises(Conflict) as stop:
        check_control(found_in_qad(**change), data.intended("a"))
    assert stop.value.expected.startswith(f"{name_of_it}=")
    assert stop.value.actual.startswith(f"{name_of_it}=")
    assert "PAY1" in answers.conflict(stop.value, number="PAY1").message


def test_tax_that_was_sent_must_be_the_tax_that_qad_reports():
    rows = (TaxLine(account="2310", code="V19", base=Decimal("100.00"), tax=Decimal("19.00")),)
    taxed = {**msgspec.structs.asdict(invoice()), "total": Decimal("119.00"), "tax_rows": rows}
    built = posting("inv", InvoiceContent(**taxed))
    frozen = freeze(built, state=state())
    intent = intended(built, frozen, connection="c", origin=1, index=0, attempt=1, mapping_version=1)
    assert intent.tax == Decimal("19.00")
    check_control(found_in_qad(total=Decimal("119.00"), tax=Decimal("19.00")), intent)
    check_control(found_in_qad(total=Decimal("119.00")), intent)
    with pytest.raises(Conflict, match="other content"):
        check_control(found_in_qad(total=Decimal("119.00"), tax=Decimal("18.99")), intent)


@pytest.mark.parametrize("reason_class", sorted(MEANINGS))
def test_every_refusal_says_what_and_who_mends_it(reason_class):
    how, reason = answers.refusal(
        Rejected(reason_class, ("qad said",), ("field1",)), posting("inv", invoice(), number="INV1")
    )
    assert how is (Waiting if reason_class in ("period_closed", "locked") else Parked)
    assert reason.message.startswith("INV1: ")
    assert (reason.rule, reason.field, bool(reason.next_step)) == (reason_class, "field1", True)


@pytest.mark.parametrize(
    ("reason_class", "shown"),
    [
        ("period_closed", "period"),
        ("gl_account", "gl_account"),
        ("customer", "customer"),
        ("daybook", "daybook"),
        ("currency", "currency"),
    ],
)
def test_a_refusal_that_qad_can_mend_is_released_by_qads_change(reason_class, shown):
    _, reason = answers.refusal(Rejected(reason_class, ()), posting("inv", invoice()))
    assert waits.qad_reference(shown) in reason.waits_for


def test_a_refusal_for_a_customer_is_released_by_that_customer_and_no_other():
    _, reason = answers.refusal(Rejected("customer", ()), posting("inv", invoice()), customer="C7")
    assert reason.waits_for == (waits.qad_reference("customer", "C7"),)


@pytest.mark.parametrize(
    ("content", "items"), [(allocation(), ("pay", "inv")), (receipt(*OFFERS), ("i1", "i2")), (invoice(), ())]
)
def test_what_an_open_item_does_not_allow_is_tried_again_when_that_item_is_moved(content, items):
    _, reason = answers.refusal(Rejected("open_item", ()), posting("a", content))
    assert set(reason.waits_for) == {waits.item(name(one)) for one in items}


def test_a_refusal_that_nobody_knows_parks_as_unclassified():
    how, reason = answers.refusal(Rejected("brand_new", ("x",), ("a", "b")), posting("inv", invoice()))
    assert (how, reason.rule, reason.field) == (Parked, "unclassified", "a, b")


def job(content, text="a") -> Job:
    return Job(connection="c", posting=posting(text, content), origin=4, index=2, mapping_version=1)


def test_what_the_sink_says_names_its_posting_and_what_it_is_worth():
    still = saying.say_still(job(allocation(amount="7.50")), Parked, data.REASON, said=("no",))
    assert (still.subject, still.document, still.origin, still.index) == (name("a"), "test:a", 4, 2)
    assert (still.currency, still.value, still.said, still.stage) == ("EUR", Decimal("7.50"), ("no",), "sink")


def test_what_was_there_before_is_posted_without_a_call():
    there = saying.say_there(job(opening()), qad(9, "C3"), customer="C3", how="opening")
    assert (there.qad, there.customer, there.attempt, there.how, there.total) == (qad(9, "C3"), "C3", 0, "opening", 0)


def test_what_is_posted_is_said_as_it_was_intended():
    intent = data.intended("a", customer="C8", attempt=2, carried=("x",), origin=6, index=3)
    said = saying.say_posted(job(receipt()), intent, qad(1), how="look_up", warnings=("w",))
    assert (said.customer, said.attempt, said.carried, said.origin, said.index) == ("C8", 2, (name("x"),), 6, 3)
    assert (said.total, said.currency, said.how, said.warnings) == (intent.total, "EUR", "look_up", ("w",))
