"""Zuora's own periods decide nothing: what comes after Zuora closed is posted, and named (ACCOUNTING 4)."""

from datetime import date

import pytest
from msgspec import UNSET

from schemas.references import AccountingPeriod
from tests.unit import builders as zuora
from tests.unit.world import World, world


def period(month: int, status: str = "Closed", **more) -> AccountingPeriod:
    fields = {"id": f"p{month}", "name": f"2026-{month:02}", "first_day": date(2026, month, 1)}
    return AccountingPeriod(**{**fields, "last_day": date(2026, month, 28), "status": status, **more})


def named(found: World) -> list[list[str]]:
    """Return, set by set, the periods that were named."""
    return [sorted((one.closed_in_zuora or {}).values()) for one in found.sets]


def test_a_document_of_a_period_that_zuora_has_closed_posts_and_is_named():
    found = world().put(period(3), zuora.simple_invoice())
    [event] = found.sets
    assert event.closed_in_zuora == {event.postings[0].id: "2026-03"}
    assert found.standing("invoice:inv1") == ("", "")


@pytest.mark.parametrize(
    "shown", [(), (period(2),), (period(3, "Open"),), (period(3, "PendingClose"),), (period(3, "SomethingNew"),)]
)
def test_what_zuora_has_not_closed_is_not_named(shown):
    found = world().put(*shown, zuora.simple_invoice())
    assert [one.closed_in_zuora for one in found.sets] == [UNSET]


def test_a_period_that_is_opened_again_or_gone_names_nothing_any_more():
    found = world().put(period(3), period(3, "Open"), zuora.simple_invoice())
    found.put(period(3), period(3, gone=True), zuora.simple_invoice(name="inv2"))
    assert named(found) == [[], []]


def test_a_period_that_is_closed_later_leaves_what_was_posted_as_it_is():
    found = world().put(zuora.simple_invoice(), period(3))
    found.restart()
    assert named(found) == [[]]


def test_each_posting_is_named_by_its_own_date():
    """The receipt is of March, the application of April: Zuora has closed March alone."""
    found = world().put(zuora.simple_invoice(), period(3))
    found.put(zuora.payment("50.00", zuora.row("50.00", effectiveDate="2026-04-02")))
    _, of_payment = found.sets
    receipt, allocation = of_payment.postings
    assert of_payment.closed_in_zuora == {receipt.id: "2026-03"}
    assert allocation.content.posting_date == date(2026, 4, 2)


def test_what_was_moved_to_an_open_period_is_named_by_where_it_went():
    found = world(policy={"closed_period": "first_open"})
    found.put(zuora.period(3, is_open=False), period(3), zuora.simple_invoice())
    assert named(found) == [[]]
