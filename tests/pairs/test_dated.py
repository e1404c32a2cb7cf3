"""Balances as of a day and how they rolled forward, of a tenant and a company over HTTP."""

from datetime import date
from decimal import Decimal

from tests.adapters.qad_company import ENTITY
from tests.pairs.house import CHILD, house
from tests.pairs.judges import reconciled

D = Decimal
FIRST, END = date(2026, 1, 1), date(2026, 1, 31)


async def test_balances_are_told_as_of_a_day_by_effective_dates(tmp_path):
    async with house(tmp_path) as one:
        invoice = await one.invoice("100.00", invoice_date="2026-01-20")
        await one.payment("60.00", invoice | {"balance": D("60.00")}, effective_date="2026-01-25")
        childs = await one.invoice("70.00", account=CHILD, invoice_date="2026-01-22")
        await one.settle()
        # In February the parent pays for its child, and part of what was paid goes back.
        paid = await one.payment("90.00", childs, effective_date="2026-02-05")
        await one.act("refund_payment", source=paid["id"], amount=D("20.00"), refund_date="2026-02-09")
        await one.credit_memo("5.00", memo_date="2026-02-03")
        await one.settle()
        january = await reconciled(one, first=FIRST, last=END, on=END)
        february = await reconciled(one, first=date(2026, 2, 1), last=date(2026, 2, 28), on=date(2026, 2, 28))
    owed = {line.customer: (line.zuora, line.qad, line.other) for line in january.balances}
    assert owed == {"C0001": (40, 40, 0), "C0003": (70, 70, 0)}
    owed = {line.customer: (line.zuora, line.qad, line.other) for line in february.balances}
    assert owed == {"C0001": (35, 35, 0)}
    for line in january.roll_forward:
        assert (line.opening, line.invoices, line.receipts, line.closing) == (0, 170, -60, 110)
    for line in february.roll_forward:
        assert (line.opening, line.credit_notes, line.receipts, line.refunds) == (110, -5, -90, 20)
        assert (line.other, line.closing) == (0, 35)
    assert (january.differences, february.differences) == ((), ())
    assert [line.zuora for line in january.sums if line.kind == "invoice"] == [170]


async def test_what_was_moved_out_of_a_closed_period_is_timing(tmp_path):
    async with house(tmp_path, policy={"closed_period": "first_open"}) as one:
        one.qad.control.set_period(ENTITY, 2026, 1, status="LOCKED")
        async for page in (await one.qad.references()).read("periods"):
            for period in page:
                one.world.append(period)
        await one.invoice("50.00", invoice_date="2026-01-28")
        await one.settle()
        assert one.standing() == []
        found = await reconciled(one, first=FIRST, last=END, on=END)
    [line] = found.balances
    assert (line.zuora, line.qad, line.timing, line.other) == (50, 0, -50, 0)
    [timing] = found.differences
    assert (timing.part, timing.rule) == ("timing", "shifted")
    assert "2026-01-28 (2026-01) and was posted on 2026-02-01 (2026-02)" in timing.what
