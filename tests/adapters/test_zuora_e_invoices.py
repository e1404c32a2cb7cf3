"""What waits for its e-invoice is asked for again by its id, whatever its stamp does, and written when it is news."""

import pytest

from adapters.zuora.finding.e_invoices import TenantEInvoices
from sandbox.zuora.acts import delete_invoice, set_e_invoice, unpost_invoice, update_account
from schemas.errors import Transient
from schemas.records import RecordKind
from schemas.zuora import parent_of
from tests.adapters.ground import given
from tests.adapters.zuora_tenant import MemoryLog, poller


class Waiting:
    """What the log says waits."""

    def __init__(self):
        self.there = {}
        self.fails = None

    async def refresh(self):
        if self.fails:
            raise self.fails
        return dict(self.there)


@pytest.fixture
def log():
    return MemoryLog()


@pytest.fixture
def waiting():
    return Waiting()


@pytest.fixture
async def asking(zuora, log, waiting):
    return TenantEInvoices(await zuora.client(), "acme", write=log, waiting=waiting)


def statuses(log, name):
    return [parent_of(record).e_invoice_status for record in log.kept if record.id == name]


async def test_the_status_and_the_profile_are_read_of_every_kind_that_has_them(zuora):
    update_account(zuora.tenant, account="A-00000001", e_invoice_profile_id="p1")
    for kind, row in (
        (RecordKind.INVOICE, zuora.invoice()),
        (RecordKind.CREDIT_MEMO, zuora.credit_memo()),
        (RecordKind.DEBIT_MEMO, zuora.debit_memo()),
    ):
        assert parent_of(await zuora.read(kind, row.id)).e_invoice_status is None
        set_e_invoice(zuora.tenant, document=row.id, status="Success")
        assert parent_of(await zuora.read(kind, row.id)).e_invoice_status == "Success"
    account = zuora.tenant.accounts.find("A-00000001")
    assert parent_of(await zuora.read(RecordKind.ACCOUNT, account.id)).e_invoice_profile_id == "p1"


async def test_polls_see_a_status_only_where_it_moves_the_stamp(zuora, log):
    polling = poller(await zuora.client(), log)
    first, second = zuora.invoice(), zuora.invoice()
    zuora.later(hours=2)
    await polling.round()
    set_e_invoice(zuora.tenant, document=first.id, status="Success")
    zuora.use(e_invoice_moves_document=True)
    set_e_invoice(zuora.tenant, document=second.id, status="Success")
    zuora.later(hours=2)
    await polling.round()
    assert statuses(log, second.id) == [None, "Success"]
    assert statuses(log, first.id) == [None], "and nobody would ever see it"


async def test_what_waits_is_asked_for_and_written_when_its_status_is_another(zuora, log, waiting, asking):
    invoice = zuora.invoice()
    set_e_invoice(zuora.tenant, document=invoice.id, status="Processing")
    waiting.there = {f"invoice:{invoice.id}": "Processing"}
    assert await asking.round() == 0
    assert (log.kept, len(zuora.requests(f"^/object-query/invoices/{invoice.id}"))) == ([], 1)
    set_e_invoice(zuora.tenant, document=invoice.id, status="Success")
    assert await asking.round() == 1
    [record] = log.kept
    assert (statuses(log, invoice.id), record.found.by, record.found.evidence) == (["Success"], "reread", "e_invoices")
    assert record.children["items"], "read whole, as ever"


async def test_without_a_status_it_is_written_each_time_for_its_account_may_have_changed(zuora, log, waiting, asking):
    invoice = zuora.invoice()
    waiting.there = {f"invoice:{invoice.id}": ""}
    assert [await asking.round() for _ in range(4)] == [1, 1, 0, 1]


async def test_it_is_asked_for_less_and_less_often(zuora, log, waiting, asking):
    invoice = zuora.invoice()
    set_e_invoice(zuora.tenant, document=invoice.id, status="Processing")
    waiting.there = {f"invoice:{invoice.id}": "Processing"}
    asked = []
    for number in range(60):
        before = len(zuora.requests("^/object-query/invoices/"))
        await asking.round()
        if len(zuora.requests("^/object-query/invoices/")) > before:
            asked.append(number)
    assert asked == [0, 1, 3, 7, 15, 27, 39, 51]


async def test_nothing_waits_and_nothing_is_asked(zuora, asking):
    zuora.invoice()
    assert await asking.round() == 0
    assert zuora.requests("^/object-query/") == []


async def test_what_is_gone_is_left_to_the_re_read(zuora, log, waiting, asking):
    invoice = zuora.invoice()
    unpost_invoice(zuora.tenant, invoice=invoice.id)
    delete_invoice(zuora.tenant, invoice=invoice.id)
    waiting.there = {f"invoice:{invoice.id}": "Processing"}
    assert (await asking.round(), log.kept, asking.failed) == (0, [], False)


async def test_what_cannot_be_read_is_tried_in_the_next_round_and_holds_no_other(zuora, log, waiting, asking):
    first, second = zuora.invoice(), zuora.invoice()
    for one in (first, second):
        set_e_invoice(zuora.tenant, document=one.id, status="Success")
    waiting.there = {f"invoice:{one.id}": "Processing" for one in (first, second)}
    armed = zuora.arm("no_route", f"^/object-query/invoices/{first.id}")
    assert await asking.round() == 1
    given(armed.fired > 0, "it is refused")
    assert (statuses(log, second.id), asking.failed) == (["Success"], True)
    zuora.sandbox.faults.disarm()
    waiting.there.pop(f"invoice:{second.id}")
    assert (await asking.round(), statuses(log, first.id), asking.failed) == (1, ["Success"], False)


async def test_a_log_that_cannot_be_read_is_said_and_tried_again(zuora, log, waiting, asking):
    waiting.fails = Transient("the broker is away")
    assert (await asking.round(), asking.failed) == (0, True)
    waiting.fails = None
    assert (await asking.round(), asking.failed) == (0, False)
