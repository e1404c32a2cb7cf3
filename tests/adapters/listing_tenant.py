"""The lists of a tenant that shows whatever a test tells it."""

from contextlib import asynccontextmanager
from types import SimpleNamespace

from adapters.zuora.reading.kinds import BILL_RUN
from schemas.records import RecordKind
from tests.adapters.strange import Told
from tests.adapters.zuora_tenant import speaking_to

LISTS = {
    RecordKind.ACCOUNT: "accounts",
    RecordKind.INVOICE: "invoices",
    RecordKind.DEBIT_MEMO: "debit-memos",
    RecordKind.CREDIT_MEMO: "credit-memos",
    RecordKind.PAYMENT: "payments",
    RecordKind.REFUND: "refunds",
    BILL_RUN: "billing-runs",
}


@asynccontextmanager
async def listing(strange):
    """A tenant that lists what a test tells it, and a client of it."""
    strange.tell("/v1/accounting-codes", Told(b'{"accountingCodes": []}'))
    for objects in LISTS.values():
        strange.tell(f"/object-query/{objects}", Told(b'{"data": []}'))
    async with speaking_to(strange) as client:
        yield SimpleNamespace(
            client=client,
            tell=lambda kind, *rows: strange.tell(
                f"/object-query/{LISTS[kind]}", Told(f'{{"data": [{", ".join(rows)}]}}'.encode())
            ),
        )
