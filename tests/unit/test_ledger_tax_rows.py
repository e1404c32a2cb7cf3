"""Tax as rows of QAD's tax report: with what it was reckoned on, also where it is nothing."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from schemas.mapping import Analysis, TaxRow
from tests.unit import builders as zuora
from tests.unit.erp import Sink
from tests.unit.world import World
from tests.unit.world import world as plain_world

INVOICE = "invoice:inv1"
LATER = "2026-03-11T10:00:00Z"
ROWS = {"tax": "qad_tax_rows"}
TAXES = (
    TaxRow(account="2310", qad_code="V19", tax_type="VAT", tax_class="STD", tax_usage="S", tax_environment="DE"),
    TaxRow(code="EXEMPT", account="2310", sub_account="X", qad_code="V00"),
)


def world(policy: dict[str, Any] = ROWS, **changes: Any) -> World:
    return plain_world(policy=policy, **{"tax": TAXES, "daybooks": zuora.ALL_DAYBOOKS, **changes})


def taxed(**more: Any) -> zuora.ZuoraRecord:
    """Return an invoice over a taxed line and an exempt one."""
    exempt = zuora.tax("0.00", "tx2", taxCode="EXEMPT")
    lines = zuora.item("100.00", "a", taxes=[zuora.tax("19.00")]), zuora.item("40.00", "b", taxes=[exempt])
    return zuora.invoice(*lines, **more)


def booked(sink: Sink) -> dict[str, Decimal]:
    return {account: amount for (_, account), amount in sink.books.ledger.items() if amount}


def test_tax_travels_as_rows_with_their_base_and_so_does_what_is_exempt():
    [content] = world().put(taxed()).contents("invoice")
    assert [(line.account, line.credit) for line in content.lines] == [("4000", 100), ("4000", 40)]
    first, exempt = content.tax_rows
    assert (first.code, first.account, first.base, first.tax, first.source) == ("V19", "2310", 100, 19, "tx1")
    assert (first.tax_type, first.tax_class, first.tax_usage, first.tax_environment) == ("VAT", "STD", "S", "DE")
    assert (exempt.code, exempt.sub_account, exempt.base, exempt.tax) == ("V00", "X", 40, 0)
    assert (content.total, content.tax) == (159, 19)


def test_of_a_credit_memo_the_rows_are_above_zero_where_they_raise_what_it_gives():
    memo = zuora.memo(zuora.memo_item("50.00", taxes=[zuora.tax("9.50")]))
    found = world().put(memo)
    [content] = found.contents("credit_note")
    [row] = content.tax_rows
    assert (row.base, row.tax, content.total) == (50, Decimal("9.50"), Decimal("59.50"))
    assert booked(Sink(found).run()) == {"control": Decimal("-59.50"), "4000": 50, "2310": Decimal("9.50")}


def test_an_invoice_below_zero_is_a_credit_note_and_its_rows_turn_with_it():
    [content] = world().put(zuora.invoice(zuora.item("-100.00", taxes=[zuora.tax("-19.00")]))).contents("credit_note")
    assert [(row.base, row.tax) for row in content.tax_rows] == [(100, 19)]


def test_the_same_tax_lies_on_the_same_account_as_a_line_would_and_a_reversal_takes_it_back():
    found = world().put(taxed())
    sink = Sink(found).run()
    assert (sink.stuck, booked(sink)) == ([], {"control": 159, "4000": -140, "2310": -19})
    found.put(zuora.draft(updated=LATER))
    sink.run()
    assert (sink.stuck, booked(sink)) == ([], {})


@pytest.mark.parametrize(("currency", "net", "tax"), [("JPY", "1000", "100"), ("KWD", "10.125", "0.506")])
def test_rows_have_the_decimals_of_their_currency(currency, net, tax):
    [content] = (
        world().put(zuora.invoice(zuora.item(net, taxes=[zuora.tax(tax)]), currency=currency)).contents("invoice")
    )
    assert [(row.base, row.tax) for row in content.tax_rows] == [(Decimal(net), Decimal(tax))]


def test_a_row_without_a_code_of_qad_parks_and_goes_on_with_the_mapping():
    found = world(tax=(TaxRow(account="2310"),)).put(taxed())
    assert found.standing(INVOICE) == ("parked", "no_qad_tax_code")
    found.put(zuora.published(2, policy=ROWS, tax=TAXES))
    assert len(found.contents("invoice")[0].tax_rows) == 2


def test_tax_rows_of_a_document_over_nothing_go_in_no_journal():
    lines = (
        zuora.item("100.00", "a", taxes=[zuora.tax("19.00")]),
        zuora.item("-100.00", "b", taxes=[zuora.tax("-19.00", "tx2")]),
    )
    found = world({**ROWS, "zero_total": "journal"}).put(zuora.invoice(*lines))
    assert (found.standing(INVOICE), found.postings) == (("parked", "not_supported"), [])


def test_rows_and_a_journal_are_refused_together():
    with pytest.raises(ValueError, match="qad_tax_rows"):
        zuora.mapping(policy={**ROWS, "gl": "journal", "clearing": Analysis(account="1990")})


def test_rows_that_do_not_come_to_the_total_make_no_document():
    [content] = world().put(taxed()).contents("invoice")
    with pytest.raises(ValueError, match="not what its lines come to"):
        type(content)(**{**msgspec.structs.asdict(content), "tax_rows": content.tax_rows[1:]})
