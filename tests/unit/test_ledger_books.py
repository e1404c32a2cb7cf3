"""What QAD allows: currencies, accounts, daybooks, periods. What is not so waits or parks, and goes on when it is."""

from datetime import date

import msgspec
import pytest

from schemas.mapping import LineRow
from schemas.references import Daybook, GlAccount, QadCurrency
from tests.unit import builders as zuora
from tests.unit.world import World, world

INVOICE = "invoice:inv1"


@pytest.mark.parametrize(
    ("shown", "mended", "rule"),
    [
        (GlAccount(code="4000", active=False), GlAccount(code="4000", active=True), "gl_account_unfit"),
        (GlAccount(code="4000", active=True, gone=True), GlAccount(code="4000", active=True), "gl_account_unfit"),
        (
            GlAccount(code="4000", active=True, sub_account_required=True),
            GlAccount(code="4000", active=True),
            "gl_account_unfit",
        ),
        (
            GlAccount(code="4000", active=True, cost_centre_required=True),
            GlAccount(code="4000", active=True),
            "gl_account_unfit",
        ),
        (
            GlAccount(code="4000", active=True, project_required=True),
            GlAccount(code="4000", active=True),
            "gl_account_unfit",
        ),
        (Daybook(code="ZINV", active=False), Daybook(code="ZINV", active=True), "daybook_unfit"),
        (Daybook(code="ZINV", active=True, gone=True), Daybook(code="ZINV", active=True), "daybook_unfit"),
        (QadCurrency(code="EUR", decimals=0), QadCurrency(code="EUR", decimals=2), "currency_refused"),
        (QadCurrency(code="EUR", decimals=2, active=False), QadCurrency(code="EUR", decimals=2), "currency_refused"),
        (QadCurrency(code="EUR", decimals=2, gone=True), QadCurrency(code="EUR", decimals=2), "currency_refused"),
    ],
)
def test_what_qad_does_not_take_parks_and_goes_when_qad_shows_it_mended(shown, mended, rule):
    found = world().put(shown, zuora.simple_invoice())
    assert found.standing(INVOICE) == ("parked", rule)
    assert found.postings == []
    found.put(mended)
    assert (found.standing(INVOICE), len(found.postings)) == (("released", ""), 1)


def test_account_analysis_is_carried_where_the_account_asks_for_it():
    asks = {"sub_account_required": True, "cost_centre_required": True, "project_required": True}
    whole = {"sub_account": "S1", "cost_centre": "CC", "project": "P1"}
    row = LineRow(code="Subscription Revenue", account="4000", revenue="recognized", **whole)
    found = world(lines=(row,)).put(GlAccount(code="4000", active=True, **asks), zuora.simple_invoice())
    (line,) = found.contents()[0].lines
    assert (line.sub_account, line.cost_centre, line.project) == ("S1", "CC", "P1")


@pytest.mark.parametrize("missing", [GlAccount, Daybook, QadCurrency, zuora.Period])
def test_a_list_of_qad_that_was_never_read_is_waited_for(missing):
    lists = [one for one in zuora.references() if not isinstance(one, missing)]
    found = World(bare=True).put(*lists, zuora.account(), zuora.published(), zuora.simple_invoice())
    assert found.standing(INVOICE) == ("waiting", "reference_not_read")
    found.put(*(one for one in zuora.references() if isinstance(one, missing)))
    assert len(found.postings) == 1


def test_the_tax_and_bank_accounts_are_checked_as_well():
    found = world().put(GlAccount(code="2300", active=False), GlAccount(code="1010", active=False))
    found.put(zuora.invoice(zuora.item("100.00", taxes=[zuora.tax("19.00")])), zuora.payment())
    assert found.standing(INVOICE) == found.standing("payment:pay1") == ("parked", "gl_account_unfit")


def closed(month: int, **policy: str) -> World:
    return world(policy=policy).put(zuora.period(month, is_open=False))


def test_a_closed_period_holds_by_default_and_goes_on_when_qad_opens_it():
    found = closed(3).put(zuora.simple_invoice())
    assert found.standing(INVOICE) == ("waiting", "period_closed")
    found.put(zuora.period(3))
    assert found.contents()[0].posting_date == date(2026, 3, 10)
    assert found.contents()[0].original_date is None


def test_a_closed_period_moves_to_the_first_open_day_and_keeps_the_document_date():
    found = closed(3, closed_period="first_open").put(zuora.period(4, is_open=False), zuora.simple_invoice())
    content = found.contents()[0]
    assert (content.document_date, content.posting_date) == (date(2026, 3, 10), date(2026, 5, 1))
    assert content.original_date == date(2026, 3, 10)
    assert content.due_date == date(2026, 4, 9)


def test_each_kind_has_its_own_word_on_closed_periods():
    found = world(policy={"closed_period": {"payment": "first_open"}}).put(zuora.period(3, is_open=False))
    found.put(zuora.simple_invoice(), zuora.payment())
    assert found.standing(INVOICE) == ("waiting", "period_closed")
    [receipt] = found.contents()
    assert (receipt.posting_date, receipt.original_date) == (date(2026, 4, 1), receipt.document_date)
    # What waits goes on when the period opens; what was moved stays where it is.
    found.put(zuora.period(3))
    dates = {type(content).__name__: content.posting_date for content in found.contents()}
    assert dates == {"ReceiptContent": date(2026, 4, 1), "InvoiceContent": date(2026, 3, 10)}


def test_a_reversal_follows_the_word_on_what_it_reverses():
    found = world(policy={"closed_period": {"invoice": "first_open"}}).put(zuora.simple_invoice())
    found.put(zuora.period(3, is_open=False), zuora.simple_invoice(status="Draft"))
    assert [content.posting_date for content in found.contents()][-1] == date(2026, 4, 1)


@pytest.mark.parametrize("policy", ["hold", "first_open"])
def test_a_document_of_the_future_waits_until_its_period_is_open(policy):
    found = world(policy={"closed_period": policy})
    found.put(*(zuora.period(month, is_open=False) for month in range(5, 13)))
    found.put(zuora.simple_invoice(invoiceDate="2026-06-15"))
    assert found.standing(INVOICE) == ("waiting", "period_closed")
    found.put(zuora.period(5))
    assert found.postings == []
    found.put(zuora.period(6))
    assert found.contents()[0].posting_date == date(2026, 6, 15)


def test_a_day_that_qads_calendar_does_not_have_waits_for_it():
    found = world().put(zuora.simple_invoice(invoiceDate="2027-01-05"))
    assert found.standing(INVOICE) == ("waiting", "period_not_defined")
    found.put(zuora.period(1, year=2027))
    assert len(found.postings) == 1


@pytest.mark.parametrize("day", ["2026-03-01", "2026-03-31", "2026-02-28", "2026-12-31"])
def test_first_and_last_days_belong_to_their_period(day):
    found = world().put(zuora.invoice(zuora.item("5.00", serviceEndDate=None), invoiceDate=day))
    assert found.contents()[0].posting_date == date.fromisoformat(day)


def test_a_day_in_two_periods_parks_and_goes_on_when_the_calendar_is_mended():
    other = msgspec.structs.replace(zuora.period(3), code="2026-03A", open=False)
    found = world().put(other, zuora.simple_invoice())
    assert found.standing(INVOICE) == ("parked", "periods_overlap")
    found.put(msgspec.structs.replace(other, gone=True))
    assert (found.standing(INVOICE), len(found.postings)) == (("released", ""), 1)


def test_a_mapping_counts_from_its_first_document_date():
    found = world()
    found.put(
        zuora.published(
            2,
            lines=(LineRow(code="Subscription Revenue", account="4100", revenue="recognized"),),
            first_document_date=date(2026, 3, 10),
        )
    )
    found.put(zuora.simple_invoice(invoiceDate="2026-03-09"), zuora.simple_invoice(name="inv2"))
    assert [content.lines[0].account for content in found.contents()] == ["4000", "4100"]
    assert [event.mapping_version for event in found.sets] == [1, 2]


def test_of_two_mappings_for_one_day_the_newer_counts():
    found = world().put(zuora.published(2, lines=(LineRow(code="Subscription Revenue", account="4100"),)))
    assert found.put(zuora.simple_invoice()).contents()[0].lines[0].account == "4100"


def test_a_document_before_every_mapping_waits_for_one():
    found = world(first_document_date=date(2026, 4, 1)).put(zuora.simple_invoice())
    assert found.standing(INVOICE) == ("waiting", "no_mapping")
    assert len(found.put(zuora.published(2)).postings) == 1
