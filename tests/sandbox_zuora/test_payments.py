"""Payments: received, applied, unapplied, transferred, canceled, failed; rows are history, parts are what is so now."""

from datetime import date
from decimal import Decimal

import pytest

from sandbox.zuora import Refused
from sandbox.zuora.acts import (
    Application,
    NewPayment,
    apply_payment,
    cancel_payment,
    create_payment,
    fail_payment,
    process_payment,
    transfer_payment,
    unapply_payment,
)


def pay(zuora, amount="100", applied=(), **fields):
    """Create a payment over so much, applied to (invoice, amount) pairs."""
    invoices = [Application(invoice=invoice.id, amount=Decimal(part)) for invoice, part in applied]
    request = {"account": "A-00000001", "amount": Decimal(amount), "invoices": invoices, **fields}
    return create_payment(zuora.tenant, request=NewPayment(**request))


def rows_of(zuora, payment):
    return zuora.tenant.payment_applications.children("payment_id", payment.id)


def parts_of(zuora, payment):
    parts = zuora.tenant.payment_parts.children("payment_id", payment.id)
    return {part.invoice_id: part.amount for part in parts}


async def test_a_payment_over_several_invoices_with_a_rest(zuora):
    first, second = zuora.posted(), zuora.posted("50", "0")
    payment = pay(zuora, "200", [(first, "119"), (second, "20")])
    assert (payment.status, payment.payment_number) == ("Processed", "P-00000001")
    assert (payment.applied_amount, payment.unapplied_amount) == (139, 61)
    assert (zuora.invoice(first.id).balance, zuora.invoice(second.id).balance) == (0, 30)
    assert zuora.invoice(second.id).payment_amount == 20
    assert parts_of(zuora, payment) == {first.id: 119, second.id: 20, None: 61}
    rows = rows_of(zuora, payment)
    assert [(row.invoice_id, row.apply_amount, row.payment_application_status) for row in rows] == [
        (first.id, 119, "Processed"),
        (second.id, 20, "Processed"),
    ]
    assert len({row.application_group_id for row in rows}) == 1
    assert all(row.cash_accounting_code_id and row.unapplied_payment_accounting_code_id for row in rows)
    account = zuora.account()
    assert (account.total_invoice_balance, account.unapplied_balance, account.balance) == (30, 61, -31)


async def test_an_application_moves_the_stamps_of_both(zuora):
    invoice, payment = zuora.posted(), pay(zuora)
    zuora.sandbox.clock.advance(60)
    apply_payment(
        zuora.tenant,
        payment=payment.id,
        invoices=[Application(invoice=invoice.id, amount=Decimal(30))],
        effective_date=date(2026, 3, 20),
    )
    assert zuora.invoice(invoice.id).updated_date > invoice.updated_date
    assert zuora.account().updated_date > payment.updated_date
    (row,) = rows_of(zuora, payment)
    assert row.effective_date == date(2026, 3, 20)


async def test_a_payment_can_settle_an_invoice_of_another_account(zuora):
    invoice = zuora.posted(account="A-00000002")
    payment = pay(zuora, "119", [(invoice, "119")])
    (row,) = rows_of(zuora, payment)
    assert row.account_id == zuora.account().id
    assert row.billing_document_owner_id == zuora.account("A-00000002").id
    assert zuora.account("A-00000002").balance == zuora.account().balance == 0


@pytest.mark.parametrize(("sign", "amount", "status"), [("negative", -40, "Processed"), ("positive", 40, "Unapplied")])
async def test_an_unapply_is_a_row_of_its_own(zuora, sign, amount, status):
    await zuora.settings(unapply_rows=sign)
    invoice = zuora.posted()
    payment = pay(zuora, "100", [(invoice, "100")])
    part = [Application(invoice=invoice.id, amount=Decimal(40))]
    after = unapply_payment(zuora.tenant, payment=payment.id, invoices=part)
    assert (after.applied_amount, after.unapplied_amount) == (60, 40)
    assert [(row.apply_amount, row.payment_application_status) for row in rows_of(zuora, payment)] == [
        (100, "Processed"),
        (amount, status),
    ]
    assert parts_of(zuora, payment) == {invoice.id: 60, None: 40}
    assert zuora.invoice(invoice.id).balance == 59
    unapply_payment(zuora.tenant, payment=payment.id)
    assert parts_of(zuora, payment) == {None: 100}
    assert zuora.invoice(invoice.id).balance == 119
    assert zuora.account().balance == 19
    assert [deed.amount for deed in zuora.tenant.chronicle if deed.verb == "unapplied"] == [40, 60]


async def test_what_cannot_be_applied(zuora):
    invoice, draft, foreign = zuora.posted(), zuora.draft(), zuora.posted(currency="USD")
    payment = pay(zuora, "100")

    def apply(target, amount, **fields):
        part = [Application(invoice=target.id, amount=Decimal(amount))]
        return apply_payment(zuora.tenant, payment=payment.id, invoices=part, **fields)

    for target, amount, fields, reason in (
        (invoice, "101", {}, "more than what is unapplied"),
        (invoice, "0", {}, "greater than 0"),
        (invoice, "-1", {}, "greater than 0"),
        (draft, "1", {}, "not Posted"),
        (foreign, "1", {}, "in USD"),
        (invoice, "1", {"effective_date": date(2026, 3, 1)}, "before the date of its source"),
    ):
        with pytest.raises(Refused, match=reason):
            apply(target, amount, **fields)
    big = pay(zuora, "500")
    with pytest.raises(Refused, match="more than the balance"):
        apply_payment(zuora.tenant, payment=big.id, invoices=[Application(invoice=invoice.id, amount=Decimal(120))])
    twice = [Application(invoice=invoice.id, amount=Decimal(1))] * 2
    with pytest.raises(Refused, match="named twice"):
        apply_payment(zuora.tenant, payment=payment.id, invoices=twice)
    assert not zuora.tenant.payment_applications.latest
    assert zuora.invoice(invoice.id) == invoice


async def test_what_cannot_be_unapplied(zuora):
    invoice, other = zuora.posted(), zuora.posted()
    payment = pay(zuora, "100", [(invoice, "10")])
    for target, amount in ((invoice, "11"), (invoice, "0"), (other, "1")):
        with pytest.raises(Refused):
            unapply_payment(
                zuora.tenant, payment=payment.id, invoices=[Application(invoice=target.id, amount=Decimal(amount))]
            )


@pytest.mark.parametrize("fields", [{"amount": "0"}, {"amount": "-5"}, {"account": None}, {"processing": True}])
async def test_a_payment_that_makes_no_sense(zuora, fields):
    with pytest.raises(Refused):
        pay(zuora, **fields)


async def test_an_electronic_payment_waits_for_its_gateway(zuora):
    invoice = zuora.posted()
    payment = pay(zuora, "119", type="Electronic", processing=True)
    assert (payment.status, payment.gateway_state, payment.unapplied_amount) == ("Processing", "MarkedForSubmission", 0)
    assert payment.payment_method_id == zuora.account().default_payment_method_id
    assert zuora.account().balance == 119
    part = [Application(invoice=invoice.id, amount=Decimal(119))]
    done = process_payment(zuora.tenant, payment=payment.id, invoices=part)
    assert (done.status, done.gateway_state, done.applied_amount) == ("Processed", "Settled", 119)
    assert zuora.account().balance == 0


async def test_a_payment_may_fail_before_or_after(zuora):
    invoice = zuora.posted()
    early = fail_payment(zuora.tenant, payment=pay(zuora, type="Electronic", processing=True).id, reason="No funds")
    assert (early.status, early.gateway_state, early.gateway_response) == ("Error", "FailedToSettle", "No funds")
    assert not parts_of(zuora, early)
    late = pay(zuora, "119", [(invoice, "100")], type="Electronic")
    failed = fail_payment(zuora.tenant, payment=late.id)
    assert (failed.status, failed.applied_amount, failed.unapplied_amount) == ("Error", 0, 0)
    assert [row.apply_amount for row in rows_of(zuora, late)] == [100, -100]
    assert not parts_of(zuora, late)
    assert (zuora.invoice(invoice.id).balance, zuora.account().balance) == (119, 119)
    with pytest.raises(Refused):
        fail_payment(zuora.tenant, payment=pay(zuora).id)


async def test_an_external_payment_can_be_canceled_while_it_is_unapplied(zuora):
    invoice = zuora.posted()
    payment = pay(zuora, "100", [(invoice, "10")])
    with pytest.raises(Refused):
        cancel_payment(zuora.tenant, payment=payment.id)
    unapply_payment(zuora.tenant, payment=payment.id)
    canceled = cancel_payment(zuora.tenant, payment=payment.id)
    assert (canceled.status, canceled.unapplied_amount, canceled.amount) == ("Canceled", 0, 100)
    assert canceled.cancelled_on
    assert zuora.account().balance == 119
    with pytest.raises(Refused):
        cancel_payment(zuora.tenant, payment=pay(zuora, type="Electronic").id)


async def test_money_without_an_account_waits_to_be_assigned(zuora):
    invoice = zuora.posted()
    payment = pay(zuora, "119", account=None, currency="EUR")
    part = [Application(invoice=invoice.id, amount=Decimal(1))]
    with pytest.raises(Refused, match="no account"):
        apply_payment(zuora.tenant, payment=payment.id, invoices=part)
    row = (await zuora.get(f"/object-query/payments/{payment.id}")).json
    assert "accountId" not in row
    transfer_payment(zuora.tenant, payment=payment.id, account="A-00000001")
    assert zuora.account().balance == 0
    found = await zuora.get("/object-query/payments", ("filter[]", f"accountid.EQ:{zuora.account().id}"))
    assert [one["id"] for one in found.json["data"]] == [payment.id]
    transfer_payment(zuora.tenant, payment=payment.id, account="A-00000002")
    assert (zuora.account().balance, zuora.account("A-00000002").balance) == (119, -119)
    apply_payment(zuora.tenant, payment=payment.id, invoices=part)
    with pytest.raises(Refused, match="not wholly unapplied"):
        transfer_payment(zuora.tenant, payment=payment.id)
    assert [deed.verb for deed in zuora.tenant.chronicle].count("transferred") == 2


async def test_without_settlement_there_are_no_unapplied_payments(zuora):
    await zuora.settings(invoice_settlement=False)
    with pytest.raises(Refused):
        pay(zuora)
