"""Refunds are read whole: with the rows and the parts that say what each closes."""

from datetime import UTC, datetime
from decimal import Decimal

from adapters.zuora.asking.client import PAGE_SIZE_MAX
from adapters.zuora.reading.objects import ZuoraObjects
from sandbox.zuora.acts import NewRefund, refund_payment
from sandbox.zuora.objects import RefundApplication
from schemas.records import Found, RecordKind
from schemas.zuora import children_of, parent_of

FOUND = Found(by="callout", at=datetime(2026, 3, 10, tzinfo=UTC))


async def read(zuora, refund):
    return await ZuoraObjects(await zuora.client(), "acme").read(RecordKind.REFUND, refund.id, FOUND)


async def test_a_refund_comes_with_its_rows_and_parts(zuora):
    payment = zuora.payment(zuora.invoice())
    made = refund_payment(zuora.tenant, request=NewRefund(source=payment.id, amount=Decimal(10)))
    record = await read(zuora, made)
    assert (parent_of(record).refund_number, parent_of(record).amount) == (made.refund_number, 10)
    [row], [part] = children_of(record, "applications"), children_of(record, "parts")
    assert (row.payment_id, row.apply_amount, part.payment_id, part.amount) == (payment.id, 10, payment.id, 10)


async def test_more_rows_than_a_page_holds_are_all_read(zuora):
    payment = zuora.payment(zuora.invoice())
    made = refund_payment(zuora.tenant, request=NewRefund(source=payment.id, amount=Decimal(10)))
    with zuora.tenant.act("more rows than anybody has"):
        for _ in range(PAGE_SIZE_MAX):
            zuora.tenant.create(
                RefundApplication,
                refund_id=made.id,
                apply_amount=Decimal(1),
                effective_date=made.refund_date,
                payment_id=payment.id,
            )
    record = await read(zuora, made)
    assert len(children_of(record, "applications")) == len(children_of(record, "parts")) == PAGE_SIZE_MAX + 1


async def test_a_refund_that_is_not_there_is_none(zuora):
    objects = ZuoraObjects(await zuora.client(), "acme")
    assert await objects.read(RecordKind.REFUND, "8a0000000000000000000000000000ff", FOUND) is None
