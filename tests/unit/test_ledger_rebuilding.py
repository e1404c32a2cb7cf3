"""What no record says again (reversals, transfers) goes by the newest mapping until it is intended (ACCOUNTING 2)."""

from datetime import date

import msgspec
import pytest

from schemas.mapping import Daybooks
from schemas.records import RecordKind
from tests.unit import builders as zuora
from tests.unit.erp import Sink
from tests.unit.test_ledger_bounces import APPLIED, LATER, LATEST, gone
from tests.unit.transferred import CASH, moved, world
from tests.unit.world import AS_WRITTEN, OUTCOMES_FIRST, PRODUCT_FIRST, World

# A daybook of its own for each name, all of which QAD shows.
OTHER = Daybooks(
    invoice="XINV", credit_note="XCRN", receipt="XPAY", adjustment="XADJ", banking="XBNK", journal="XJRN", bounce="XBNC"
)
DELETED_INVOICE, DELETED_PAYMENT = zuora.deleted(RecordKind.INVOICE, "inv1"), zuora.deleted(RecordKind.PAYMENT, "pay1")


def newer_mapping(found: World, document: str, *, books: Daybooks = OTHER, **policy: str) -> World:
    """Publish other daybooks, which QAD has, and let a person release the document."""
    shown = (zuora.Daybook(code=code, active=True) for code in msgspec.structs.astuple(books))
    mapping = zuora.published(2, daybooks=books, policy={**CASH, **policy})
    return found.put(*shown, mapping, zuora.released(document))


def daybooks(found: World) -> dict[str, str]:
    """Return the daybook that the newest content of each posting names, by document, number and step."""
    return {f"{one.document.split(':')[0]} {one.act}#{one.n} {one.step}": one.content.daybook for one in found.postings}


REVERSED = {
    "cancelled": (
        "payment:pay1",
        [zuora.simple_invoice(), zuora.payment("100.00", APPLIED), gone(APPLIED)],
        {"payment reverse#1 deallocate:r1": "XADJ", "payment reverse#1 inverse": "XBNC"},
    ),
    "deleted": (
        "payment:pay1",
        [zuora.simple_invoice(), zuora.payment("100.00", APPLIED), DELETED_PAYMENT],
        {"payment reverse#1 deallocate:r1": "XADJ", "payment reverse#1 inverse": "XBNC"},
    ),
    "nobody's": (
        "payment:pay1",
        [zuora.payment(accountId=None), zuora.payment(accountId=None, status="Canceled", updated=LATER)],
        {"payment reverse#1 inverse": "XJRN"},
    ),
    "assigned": (
        "payment:pay1",
        [zuora.payment(accountId=None), zuora.payment(), gone()],
        {"payment transfer#1 transfer": "XADJ", "payment reverse#1 inverse": "XBNC"},
    ),
    "transferred": (
        "payment:pay1",
        [zuora.payment(), moved(), moved(status="Canceled", updated=LATEST)],
        {"payment transfer#1 transfer": "XADJ", "payment reverse#1 inverse": "XBNC"},
    ),
    "refund": (
        "refund:ref1",
        [zuora.payment(), zuora.refund("30.00"), zuora.refund("30.00", status="Canceled", updated=LATER)],
        {"refund reverse#1 inverse": "XBNK"},
    ),
    "invoice": (
        "invoice:inv1",
        [zuora.simple_invoice(), zuora.payment("40.00", zuora.row("40.00")), zuora.draft(updated=LATER)],
        {
            "invoice reverse#1 deallocate:r1": "XADJ",
            "invoice reverse#1 inverse": "XCRN",
            "invoice reverse#1 settle": "XADJ",
        },
    ),
    "invoice deleted": (
        "invoice:inv1",
        [zuora.simple_invoice(), DELETED_INVOICE],
        {"invoice reverse#1 inverse": "XCRN"},
    ),
    "posted again": (
        "invoice:inv1",
        [zuora.simple_invoice(), zuora.draft(updated=LATER), zuora.simple_invoice("-7.00", updated=LATEST)],
        {"invoice reverse#1 inverse": "XCRN", "invoice post#2 document": "XCRN"},
    ),
    "memo": (
        "credit_memo:cm1",
        [zuora.memo(zuora.memo_item("30.00")), zuora.memo(zuora.memo_item("30.00"), status="Draft", updated=LATER)],
        {"credit_memo reverse#1 inverse": "XINV"},
    ),
}


@pytest.mark.parametrize("order", [AS_WRITTEN, PRODUCT_FIRST, OUTCOMES_FIRST])
@pytest.mark.parametrize("name", REVERSED)
def test_a_newer_mapping_rebuilds_what_undoes_a_document_also_after_a_restart(name, order):
    document, records, expected = REVERSED[name]
    found = world(**CASH).put(*records)
    before = len(found.postings)
    found.put(zuora.replayed(document))
    found.restart(order)
    assert len(found.postings) == before
    newer_mapping(found, document)
    now = daybooks(found)
    assert {step: now[step] for step in expected} == expected
    written = len(found.postings)
    found.put(zuora.replayed(document))
    found.restart(order)
    assert len(found.postings) == written


def test_what_is_intended_keeps_its_daybook_and_what_is_not_goes_by_the_newer():
    found = world().put(zuora.simple_invoice(), zuora.payment("100.00", APPLIED), gone(APPLIED))
    sink = Sink(found)
    sink.take_up()
    for posting in found.postings[:-1]:
        sink._step(sink.jobs[posting.id])
    newer_mapping(found, "payment:pay1")
    sink.run()
    assert [command.payload.daybook for command in sink.sent] == ["ZINV", "ZPAY", "ZADJ", "XBNC"]
    newer_mapping(found, "payment:pay1", books=zuora.ALL_DAYBOOKS)
    assert (sink.run().stuck, len(sink.sent)) == ([], 4)


def test_another_mapping_moves_a_reversal_out_of_a_closed_period_and_nothing_else_does():
    found = world(closed_period="first_open").put(zuora.payment(), gone())
    found.put(zuora.period(3, is_open=False), zuora.replayed("payment:pay1"))
    assert len(found.postings) == 2
    newer_mapping(found, "payment:pay1", closed_period="first_open")
    inverse = found.postings[-1].content
    assert (inverse.posting_date, inverse.original_date) == (date(2026, 4, 1), date(2026, 3, 12))


def test_a_reversal_whose_newer_daybook_is_not_there_parks():
    found = world().put(zuora.payment(), gone())
    found.put(zuora.published(2, daybooks=OTHER), zuora.replayed("payment:pay1"))
    assert (found.standing("payment:pay1"), len(found.postings)) == (("parked", "daybook_unfit"), 2)
