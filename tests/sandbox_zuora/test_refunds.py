"""Refunds: of payments and credit memos, with what they unapply first, and their undoing."""

from datetime import date
from decimal import Decimal

import pytest

from sandbox.zuora import Refused
from sandbox.zuora.acts import (
    Application,
    NewPayment,
    NewRefund,
    cancel_payment,
    cancel_refund,
    create_payment,
    fail_refund,
    refund_credit_memo,
    refund_payment,
    transfer_payment,
    write_off_invoice,
)
from sandbox.zuora.acts.credit_memos import unapply_credit_memo


def pay(zuora, amount="100", invoice=None, **fields):
    invoices = [Application(invoice=invoice.id, amount=Decimal(amount))] if invoice else []
    request = NewPayment(account="A-00000001", amount=Decimal(amount), invoices=invoices, **fields)
    return create_payment(zuora.tenant, request=request)


def refund(zuora, payment, amount, **fields):
    return refund_payment(zuora.tenant, request=NewRefund(source=payment.id, amount=Decimal(amount), **fields))


def rows_of(zuora, payment):
    return [
        (row.apply_amount, row.invoice_id)
        for row in zuora.tenant.payment_applications.children("payment_id", payment.id)
    ]


def newest(zuora, payment):
    return zuora.tenant.payments.latest[payment.id]


async def test_a_refund_of_what_is_unapplied_makes_no_application_row(zuora):
    payment = pay(zuora)
    made = refund(zuora, payment, "30", refund_date=date(2026, 3, 20))
    now = newest(zuora, payment)
    assert (now.amount, now.unapplied_amount, now.refund_amount) == (100, 70, 30)
    assert rows_of(zuora, payment) == []
    [row] = zuora.tenant.refund_applications.children("refund_id", made.id)
    assert (row.payment_id, row.apply_amount, row.effective_date) == (payment.id, 30, date(2026, 3, 20))
    assert (made.refund_number, made.status, made.source_type) == ("R-00000001", "Processed", "Payment")
    assert zuora.account().unapplied_balance == 70


async def test_a_refund_of_an_applied_payment_unapplies_it_by_a_row_of_its_own(zuora):
    invoice = zuora.posted()
    payment = pay(zuora, "119", invoice)
    refund(zuora, payment, "119")
    assert rows_of(zuora, payment) == [(119, invoice.id), (-119, invoice.id)]
    assert (newest(zuora, payment).refund_amount, newest(zuora, payment).unapplied_amount) == (119, 0)
    assert zuora.invoice(invoice.id).balance == 119


async def test_only_what_is_named_is_unapplied_for_a_refund(zuora):
    invoice = zuora.posted()
    payment = pay(zuora, "119", invoice)
    part = [Application(invoice=invoice.id, amount=Decimal("19"))]
    refund(zuora, payment, "19", invoices=part)
    assert zuora.invoice(invoice.id).balance == 19


async def test_a_cancelled_refund_gives_the_payment_back_what_it_took(zuora):
    payment = pay(zuora)
    made = refund(zuora, payment, "100")
    gone = cancel_refund(zuora.tenant, refund=made.id)
    assert (gone.status, gone.cancelled_on is not None) == ("Canceled", True)
    assert (newest(zuora, payment).refund_amount, newest(zuora, payment).unapplied_amount) == (0, 100)
    assert zuora.account().unapplied_balance == 100
    with pytest.raises(Refused):
        cancel_refund(zuora.tenant, refund=made.id)


async def test_an_electronic_refund_fails_and_an_external_one_is_cancelled(zuora):
    payment = pay(zuora, type="Electronic")
    electronic, external = refund(zuora, payment, "40", type="Electronic"), refund(zuora, payment, "10")
    with pytest.raises(Refused):
        cancel_refund(zuora.tenant, refund=electronic.id)
    with pytest.raises(Refused):
        fail_refund(zuora.tenant, refund=external.id)
    assert fail_refund(zuora.tenant, refund=electronic.id).status == "Error"
    assert newest(zuora, payment).unapplied_amount == 90


async def test_a_chargeback_leaves_the_payment_processed(zuora):
    payment = pay(zuora, type="Electronic")
    made = refund(zuora, payment, "100", type="Electronic", transaction="Chargeback")
    assert (newest(zuora, payment).status, made.reason_code) == ("Processed", "Chargeback")


async def test_no_more_is_refunded_than_there_is(zuora):
    payment = pay(zuora)
    for amount in ("0", "100.01"):
        with pytest.raises(Refused):
            refund(zuora, payment, amount)
    refund(zuora, payment, "1")
    with pytest.raises(Refused):
        cancel_payment(zuora.tenant, payment=payment.id)
    with pytest.raises(Refused):
        transfer_payment(zuora.tenant, payment=payment.id, account="A-00000002")


async def test_what_is_left_of_a_credit_memo_is_refunded(zuora):
    memo = write_off_invoice(zuora.tenant, invoice=zuora.posted().id).credit_memo
    request = NewRefund(source=memo.id, amount=Decimal(100))
    with pytest.raises(Refused):
        refund_credit_memo(zuora.tenant, request=request)
    unapply_credit_memo(zuora.tenant, credit_memo=memo.id)
    made = refund_credit_memo(zuora.tenant, request=request)
    now = zuora.tenant.credit_memos.latest[memo.id]
    assert (now.refund_amount, now.balance) == (100, 19)
    cancel_refund(zuora.tenant, refund=made.id)
    now = zuora.tenant.credit_memos.latest[memo.id]
    assert (now.refund_amount, now.balance) == (0, 119)
    assert zuora.account().unapplied_credit_memo_amount == 119


async def test_a_refund_is_read_with_its_applications_and_parts(zuora):
    payment = pay(zuora)
    made = refund(zuora, payment, "30")
    reply = await zuora.get(f"/object-query/refunds/{made.refund_number}?expand[]=refundapplications")
    [row] = reply.json["refundApplications"]
    assert (reply.json["status"], row["paymentId"], row["applyAmount"]) == ("Processed", payment.id, 30)
    parts = (await zuora.get(f"/v1/refunds/{made.id}/parts")).json["parts"]
    assert [(part["paymentId"], part["amount"]) for part in parts] == [(payment.id, 30)]
