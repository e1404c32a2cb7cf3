"""Allocations of three sides alone: ours as they were sent, and what people moved."""

from decimal import Decimal

import msgspec
import pytest

from console.reconciliation.facts import QadItemLine
from console.reconciliation.ground import key_of
from tests.console.sides import DAY, LAST

D = Decimal


@pytest.fixture
def allocated(sides):
    """30 of a receipt pay an invoice, by an adjustment of ours whose two lines QAD shows."""
    invoice = sides.posted("invoice", "100", open_amount="70", number="INV1")
    payment = sides.posted("payment", "80", open_amount="50", number="P1")
    posts = {one.document: one.id for one in sides.log.postings.values()}
    draft = sides.allocation(payment, invoice, "30")
    content = msgspec.structs.replace(draft.content, payer=posts[payment], item=posts[invoice])
    key = sides.put(sides.offer(payment, number="A", act=draft.act, n=1, step="allocate:r1", content=content))
    sides.items = {name: key_of(sides.log.standings[posts[name]].qad) for name in (invoice, payment)}
    sides.qad.item_lines = [line(key, sides.items[invoice], "-30"), line(key, sides.items[payment], "30")]
    return sides


def line(key, item, amount):
    return QadItemLine(key=key, item=item, day=DAY, amount=D(amount))


def test_an_allocation_as_it_was_sent_is_compared_and_no_difference(allocated):
    found = allocated.compared()
    assert (found.differences, found.checks["allocations"]) == ((), 1)


def test_an_allocation_whose_amount_was_changed_is_named(allocated):
    allocated.qad.item_lines[0] = msgspec.structs.replace(allocated.qad.item_lines[0], amount=D(-20))
    [difference] = allocated.compared().differences
    assert (difference.part, difference.number, difference.amount) == ("documents", "A", 10)
    assert "moved -20 on the open item 2026/ZINV/1, -30 was sent" in difference.what


def test_an_allocation_by_hand_is_foreign_by_our_document_whatever_its_daybook(allocated):
    allocated.qad.item_lines.append(line(allocated.key("HAND"), allocated.items["invoice:8a0000"], "-5"))
    [difference] = allocated.compared().differences
    assert (difference.part, difference.number, difference.amount) == ("foreign", "INV1", -5)
    assert (difference.rule, "2026/HAND/4, not ours, moved -5" in difference.what) == ("allocated_by_hand", True)


def test_what_people_do_to_items_that_are_not_ours_is_other_business(allocated):
    allocated.qad.item_lines.append(line(allocated.key("HAND"), (2026, "SHOP", 1), "-5"))
    assert allocated.compared().differences == ()


def test_without_the_browse_nothing_is_said_of_allocations(allocated):
    allocated.qad.item_lines = None
    found = allocated.compared()
    assert (found.differences, "allocations" in found.checks) == ((), False)


def test_a_document_that_zuora_dates_otherwise_is_named(sides):
    name = sides.posted("invoice", "100", number="INV1")
    sides.zuora[name] = msgspec.structs.replace(sides.zuora[name], day=str(LAST))
    [difference] = sides.compared().of("documents")
    assert difference.what == "it is dated 2026-03-31 in Zuora, and was posted with the document date 2026-03-10"
