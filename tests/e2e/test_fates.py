"""Debit memos, corrections and deletions on a product that runs: receivables move once, and the judges agree.

What each fate becomes is told by test_invoice_fates.py and test_memo_fates.py in tests/adapters; here it goes through
the broker into QAD.
"""

from decimal import Decimal

import pytest
import pytest_asyncio

from sandbox.world.chapters.trouble_days import DAY
from sandbox.world.charges import priced, services
from tests.conftest import eventually
from tests.e2e.at_work import at_work
from tests.e2e.judging import broken_in_books, documents_of, totals_in_qad

pytestmark = pytest.mark.asyncio(loop_scope="module")

SITE = "emea"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def work(kafka, tmp_path_factory):
    directory = tmp_path_factory.mktemp("fates") / "house"
    async with at_work(directory, kafka=kafka, eventually=eventually) as found:
        yield found
        assert "Traceback" not in found.log


@pytest.mark.timeout(300)
async def test_a_deleted_invoice_a_reversed_one_and_a_paid_debit_memo_leave_books_that_agree(work):
    scene = work.scene(SITE)
    account = scene.cast["neighbour"]

    deleted, kept = await work.bill(SITE), await work.bill(SITE, amount=70)
    reversed_number = await work.bill(SITE, amount=40)
    debit = await scene.debit(account, scene.taxed(account, services(priced(60, account), DAY)), DAY)
    total = Decimal(debit["totalAmount"])
    await scene.pay(account, total, DAY, to={debit["memoNumber"]: total - 1})
    for number in (deleted, kept, reversed_number, str(debit["memoNumber"])):
        await work.comes_into_qad(SITE, number)

    await scene.zuora.act("unpost_invoice", invoice=deleted)
    await scene.zuora.act("delete_invoice", invoice=deleted)
    await scene.zuora.act("reverse_invoice", invoice=reversed_number, memo_date=DAY, apply_effective_date=DAY)
    await work.rest()

    async def is_taken_back() -> None:
        of_deleted = [
            document for document in await documents_of(scene) if document["content"].get("reference") == deleted
        ]
        assert [document["content"]["invoice_type"] for document in of_deleted] == ["INVOICE", "CREDITNOTE"]

    # Only the re-read tells what was deleted.
    await work.eventually(is_taken_back, within_s=120, every_s=0.5)
    await work.rest()
    totals = await totals_in_qad(scene)
    posted = {row["invoiceNumber"]: Decimal(row["amount"]) for row in await scene.zuora.book("invoices")}
    assert deleted not in posted
    assert totals["invoice", account.currency].amount == posted[kept] + posted[reversed_number]
    assert totals["credit_memo", account.currency].amount == posted[reversed_number]
    assert totals["debit_memo", account.currency].amount == total

    for report in await work.house.product.ask("reconcile", codes=(0,)):
        assert report["differences"] == []
    for verdict in await work.house.product.ask("verify", codes=(0,)):
        assert (verdict["broken"], verdict["on_its_way"]) == ({}, [])
    assert await broken_in_books(work.wiring, SITE, scene) == []
