"""Movement of GL accounts, of a tenant and a company over HTTP: what people keyed and changed is told apart."""

from datetime import date
from decimal import Decimal

import msgspec

from sandbox.qad.books.documents import Journal, JournalLine
from tests.adapters.qad_company import ENTITY
from tests.pairs.house import house
from tests.pairs.judges import reconciled

D = Decimal


async def test_lines_and_periods_are_qads_own(tmp_path):
    async with house(tmp_path) as one:
        await one.invoice("100.00", tax="19.00", invoice_date="2026-01-20")
        await one.payment("60.00", effective_date="2026-02-05")
        await one.settle()
        found = await reconciled(one)
        january = await reconciled(one, first=date(2026, 1, 1), last=date(2026, 1, 31))
        lines = (
            JournalLine(gl_account_code="4100", debit_amount=D("5.00"), currency_code="USD"),
            JournalLine(gl_account_code="2300", credit_amount=D("5.00"), currency_code="USD"),
        )
        by_hand = Journal(
            entity_code=ENTITY, posting_date=date(2026, 1, 25), daybook_code="ZJRN", description="hand", lines=lines
        )
        one.qad.control.post_by_hand(ENTITY, by_hand, user="eve")
        keyed = await reconciled(one)
    told = {(line.period, line.account): (line.sent, line.qad, line.foreign) for line in found.movements}
    assert told["2026-01", "4100"] == (-100, -100, 0)
    assert told["2026-01", "2300"] == (-19, -19, 0)
    assert told["2026-02", "1010"] == (60, 60, 0)
    assert told["2026-01", "1200"] == (None, 119, 0)
    assert {line.period for line in january.movements} == {"2026-01"}
    assert all(line.base is not None for line in found.movements)
    assert found.differences == ()
    foreign = {line.account: line.foreign for line in keyed.movements if line.foreign}
    assert foreign == {"4100": 5, "2300": -5}
    assert [difference.part for difference in keyed.differences] == ["foreign"]


async def test_a_receipt_that_makes_no_entry_is_named(tmp_path):
    """QAD takes a payment in a status that posts nothing yet: it is there, and in no book."""
    async with house(tmp_path) as one:
        profile = one.qad.profile()
        receipt = profile.documents["receipt"]
        initial = msgspec.structs.replace(receipt, constants=receipt.constants | {"status": "Initial"})
        changed = msgspec.structs.replace(profile, documents=profile.documents | {"receipt": initial})
        one.sink.erp = await one.qad.erp(changed)
        await one.payment("60.00")
        await one.settle()
        found = await reconciled(one)
    assert ("movements", "has made no entry") in {
        (difference.part, difference.what.partition(" ")[2][: len("has made no entry")])
        for difference in found.differences
    }
