"""Open items, opening items, customers and control accounts compared: what is owed on both sides, and what differs."""

from datetime import date
from decimal import Decimal

import msgspec
import pytest

from console.reconciliation.facts import QadDocument
from tests.adapters.ground import given
from tests.console.sides import READ

D = Decimal


# -- open items ------------------------------------------------------------------------------------------------------


def test_an_open_amount_that_differs_is_named_by_document(settled):
    settled.change_item("INV2", open=D(250))
    found = settled.compared()
    [difference] = found.differences
    assert (difference.part, difference.number, difference.amount) == ("open_items", "INV2", D("-0.50"))
    assert not found.clean


@pytest.mark.parametrize("status", [None, "intended", "waiting", "parked", "rejected"])
@pytest.mark.parametrize("reopens", [False, True])
def test_a_move_that_is_not_in_qad_yet_is_reckoned_with(sides, status, reopens):
    """Zuora has applied 60 (or has taken 60 back) already; QAD has not."""
    in_zuora, in_qad = ("100", "40") if reopens else ("40", "100")
    invoice = sides.posted("invoice", "100", open_amount=in_zuora, number="INV1")
    payment = sides.posted("payment", "80", open_amount="80" if reopens else "20", number="P1")
    sides.change_item("INV1", open=D(in_qad))
    sides.change_item("P1", open=D("20" if reopens else "80"))
    move = sides.allocation(payment, invoice, "60", reopens=reopens)
    if status is not None:
        sides.stands(move, status, "x")
    assert sides.compared().differences == ()


@pytest.mark.parametrize("status", ["posted", "superseded"])
def test_a_move_that_is_done_or_never_will_be_is_not_reckoned_with(sides, status):
    invoice = sides.posted("invoice", "100", open_amount="40", number="INV1")
    payment = sides.posted("payment", "80", open_amount="20", number="P1")
    sides.change_item("INV1", open=D(100))
    sides.stands(sides.allocation(payment, invoice, "60"), status)
    assert ("open_items", "INV1") in sides.compared().parts()


def test_what_settles_a_document_against_its_own_inverse_is_no_move_of_zuoras(sides):
    invoice = sides.posted("invoice", "100", number="INV1")
    sides.allocation(invoice, invoice, "100", row="")
    assert sides.compared().differences == ()


def test_an_open_amount_that_changed_after_the_last_poll_is_in_flight(sides):
    sides.posted("invoice", "100", open_amount="40", number="INV1", updated=READ)
    sides.change_item("INV1", open=D(100))
    assert sides.compared().parts() == [("in_flight", "INV1")]


@pytest.mark.parametrize(("status", "part"), [("parked", "parked"), ("waiting", "in_flight"), ("ignored", "ignored")])
def test_an_open_amount_of_a_document_that_is_held_says_so(sides, status, part):
    name = sides.posted("payment", "100", open_amount="40", number="P1")
    sides.change_item("P1", open=D(100))
    sides.held(name, status, "applications_differ")
    found = sides.compared()
    assert [(one.part, one.rule) for one in found.differences if one.amount] == [(part, "applications_differ")]
    assert found.clean


def test_an_open_item_that_is_not_listed_any_more_is_nothing_open(sides):
    sides.posted("invoice", "100", number="INV1")
    sides.qad.open_items.clear()
    sides.qad.balances.clear()
    assert sides.compared().parts() == [("open_items", "INV1")]


def test_an_open_item_that_is_not_listed_any_more_and_is_paid_in_zuora_agrees(sides):
    sides.posted("invoice", "100", open_amount="0", number="INV1")
    sides.qad.open_items.clear()
    assert sides.compared().differences == ()


def test_the_newest_posting_holds_the_open_item(sides):
    name = sides.document("invoice", "120", number="INV1")
    first = sides.posting(name, content=sides._content(msgspec.structs.replace(sides.zuora[name], total=D(100))))
    sides.put(first, open_amount="0")
    sides.put(sides.inverse(name, first, total="100"))
    sides.put(sides.posting(name, n=2), open_amount="70")
    [difference] = sides.compared().of("open_items")
    assert difference.amount == -50


# -- opening items ---------------------------------------------------------------------------------------------------

BEFORE = date(2025, 12, 20)


def test_an_opening_item_is_compared_by_its_number_and_is_in_no_sum(sides):
    name = sides.document("invoice", "100", open_amount="60", number="OLD-1", day=BEFORE)
    sides.opening(name)
    sides.item(sides.key("HINV", total="100"), "60", number="OLD-1")
    found = sides.compared()
    assert (found.sums, found.differences) == ((), ())
    assert found.checks["open items"] == 1


def test_an_opening_item_that_differs_is_named(sides):
    sides.document("invoice", "100", open_amount="60", number="OLD-1", day=BEFORE)
    sides.item(sides.key("HINV", total="100"), "100", number="OLD-1")
    [difference] = sides.compared().differences
    assert (difference.part, difference.number, difference.amount) == ("open_items", "OLD-1", 40)


def test_an_opening_item_that_nobody_loaded_is_named(sides):
    sides.document("invoice", "100", open_amount="60", number="OLD-1", day=BEFORE)
    [difference] = sides.compared().differences
    assert (difference.part, difference.amount) == ("open_items", 60)
    assert "cut-over" in difference.what


def test_an_old_document_that_is_settled_needs_no_opening_item(sides):
    sides.document("invoice", "100", open_amount="0", number="OLD-1", day=BEFORE)
    assert sides.compared().differences == ()


def test_a_payment_on_an_opening_item_that_is_under_way_is_reckoned_with(sides):
    invoice = sides.document("invoice", "100", open_amount="40", number="OLD-1", day=BEFORE)
    sides.item(sides.key("HINV", total="100"), "100", number="OLD-1")
    payment = sides.posted("payment", "60", open_amount="0", number="P1")
    sides.change_item("P1", open=D(60))
    sides.allocation(payment, invoice, "60")
    assert sides.compared().differences == ()


def test_an_opening_item_that_was_loaded_twice_is_named(sides):
    sides.document("invoice", "100", open_amount="60", number="OLD-1", day=BEFORE)
    for _ in range(2):
        sides.item(sides.key("HINV", total="100"), "60", number="OLD-1")
    assert {number for _, number in sides.compared().parts()} == {"OLD-1"}


# -- customers and control accounts ----------------------------------------------------------------------------------


def test_a_customers_balance_is_qads_and_not_what_was_compared_already(sides):
    """An item of our customer that stands under no document of Zuora: its balance is not what Zuora says."""
    sides.posted("invoice", "100", number="INV1")
    sides.item(sides.key("ZINV", total="25"), "25", number="UNKNOWN")
    given(sides.compared().of("open_items") == [], "each document agrees by itself")
    assert [(one.number, one.amount) for one in sides.compared().of("customers")] == [("C1", 25)]


def test_open_items_that_differ_from_their_control_account_are_named(settled):
    settled.balance("1200", "0.01")
    found = settled.compared()
    [difference] = found.differences
    assert (difference.part, difference.number, difference.currency) == ("control_accounts", "1200", "EUR")
    assert difference.amount == D("-0.01")
    assert not found.clean


def test_control_accounts_are_compared_by_currency(settled):
    settled.balance("1200", "5", currency="JPY")
    settled.balance("1200", "-5")
    assert [(one.currency, one.amount) for one in settled.compared().differences] == [("EUR", 5), ("JPY", -5)]


def test_a_profile_without_balances_compares_none(settled):
    settled.qad.balances.clear()
    assert settled.compared().differences == ()


def test_an_account_without_a_balance_has_none(settled):
    del settled.qad.balances["2400", "EUR"]
    assert settled.compared().parts() == [("control_accounts", "2400")]


def keyed_by_hand(sides, *, daybook="ZINV", amount="25", listed=True):
    """Put an item into QAD that is not ours, with its document where QAD lists that."""
    key = sides.key(daybook, total=amount)
    if listed:
        sides.qad.documents.append(QadDocument(key=key, kind="invoice", reference="", number="HAND", day=None))
    sides.item(key, amount, number="HAND")
    return key


def test_a_foreign_item_is_named_once_and_is_no_fault_of_the_customers_balance(sides):
    sides.posted("invoice", "100", number="INV1")
    keyed_by_hand(sides)
    found = sides.compared()
    assert [one.part for one in found.differences] == ["foreign"]
    assert found.clean


def test_items_of_other_daybooks_are_other_business(sides):
    sides.posted("invoice", "100", number="INV1")
    keyed_by_hand(sides, daybook="SHOP", listed=False)
    assert sides.compared().differences == ()


def test_an_item_in_a_daybook_of_ours_where_nothing_was_posted_yet_counts(sides):
    sides.log.daybooks = {"invoice": {"ZINV"}}
    keyed_by_hand(sides, listed=False)
    assert [(one.part, one.number, one.amount) for one in sides.compared().differences] == [("customers", "C1", 25)]


def test_a_document_whose_answer_was_lost_is_no_fault_of_the_customers_balance(sides):
    name = sides.document("invoice", "100", number="INV1")
    posting = sides.posting(name)
    sides.put(posting, open_amount="100")
    sides.stands(posting, "unknown")
    assert [one.part for one in sides.compared().differences] == ["in_flight"]


def test_one_item_stands_for_one_document(sides):
    """Two documents that found the same opening item: it is owed once."""
    for _ in range(2):
        sides.document("invoice", "60", number="OLD-1", day=BEFORE)
    sides.item(sides.key("HINV", total="60"), "60", number="OLD-1")
    assert [(one.part, one.number, one.amount) for one in sides.compared().differences] == [("customers", "C1", -60)]


# -- what was taken back ---------------------------------------------------------------------------------------------


def reversed_in_qad(sides, *, invoice="100", note="100"):
    """Put a document into QAD, take it back there, and let Zuora forget it."""
    name = sides.posted("invoice", "100", number="INV1", open_amount=invoice)
    [posting] = list(sides.log.postings.values())
    inverse = sides.inverse(name, posting, total="100", number="INV1")
    key = sides.put(inverse)
    sides.item(key, note, kind="credit_memo", number="INV1")
    del sides.zuora[name]
    return name


@pytest.mark.parametrize("left", ["100", "0"])
def test_a_document_and_its_inverse_come_to_nothing(sides, left):
    """Also while both are still open, and are settled against each other only later."""
    reversed_in_qad(sides, invoice=left, note=left)
    assert sides.compared().differences == ()


def test_what_stays_open_of_a_document_that_was_taken_back_is_named(sides):
    reversed_in_qad(sides, invoice="40", note="100")
    [difference] = sides.compared().differences
    assert (difference.part, difference.number, difference.amount) == ("open_items", "INV1", -60)


def test_an_application_that_is_still_to_be_undone_is_reckoned_with(sides):
    name = reversed_in_qad(sides, invoice="40", note="100")
    payment = sides.posted("payment", "60", open_amount="60", number="P1")
    sides.change_item("P1", open=D(0))
    sides.allocation(payment, name, "60", reopens=True)
    assert sides.compared().differences == ()


def test_an_application_is_reckoned_with_also_where_the_document_itself_is_closed(sides):
    """QAD lists no closed item: only the inverse is there, and its sign is not the document's."""
    name = reversed_in_qad(sides, invoice="0", note="60")
    del sides.qad.open_items[0]
    payment = sides.posted("payment", "60", open_amount="60", number="P1")
    sides.change_item("P1", open=D(0))
    sides.allocation(payment, name, "60", reopens=True)
    assert sides.compared().differences == ()


def test_a_document_that_is_not_taken_back_yet_says_where_that_is(sides):
    name = sides.posted("invoice", "100", number="INV1")
    [posting] = list(sides.log.postings.values())
    sides.stands(sides.inverse(name, posting, total="100"), "parked", "period")
    del sides.zuora[name]
    found = sides.compared()
    assert {(one.part, one.rule) for one in found.differences} == {("parked", "period")}
    assert found.clean


def test_a_document_that_is_posted_anew_is_compared_when_it_is_there(sides):
    name = sides.document("invoice", "120", number="INV1")
    first = sides.posting(name, content=sides._content(msgspec.structs.replace(sides.zuora[name], total=D(100))))
    sides.put(first, open_amount="100")
    sides.stands(sides.inverse(name, first, total="100"), "intended")
    sides.posting(name, n=2)
    found = sides.compared()
    assert {part for part, _ in found.parts()} == {"in_flight"}
    assert found.clean


def test_a_second_posting_that_was_undone_before_it_was_made_leaves_the_first(sides):
    name = sides.posted("invoice", "100", number="INV1")
    sides.stands(sides.posting(name, n=2), "superseded", "undone")
    assert sides.compared().of("open_items") == []
    assert sides.compared().checks["open items"] == 1
