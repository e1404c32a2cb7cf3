"""A tenant without Invoice Settlement: payments applied when made, adjustments, credit balance, and ZOQL over them."""

from datetime import date
from decimal import Decimal

import pytest

from sandbox.zuora import Refused, Settings
from sandbox.zuora.acts import (
    Application,
    NewAdjustment,
    NewInvoice,
    NewItem,
    NewPayment,
    adjust_credit_balance,
    adjust_invoice,
    adjust_invoice_item,
    cancel_applied_payment,
    cancel_credit_balance_adjustment,
    cancel_invoice_adjustment,
    cancel_invoice_item_adjustment,
    create_applied_payment,
    create_invoice,
    create_payment,
    post_invoice,
    refund_applied_payment,
    unpost_invoice,
)

ACCOUNT = "A-00000001"


@pytest.fixture
def off(zuora):
    """The small world without Invoice Settlement."""
    zuora.sandbox.use(Settings(time_zone="UTC", invoice_settlement=False))
    return zuora


def pay(zuora, amount, *applied):
    invoices = [Application(invoice=invoice.id, amount=Decimal(part)) for invoice, part in applied]
    request = NewPayment(account=ACCOUNT, amount=Decimal(amount), invoices=invoices)
    return create_applied_payment(zuora.tenant, request=request)


def adjust(zuora, invoice, amount, kind, **fields):
    request = NewAdjustment(invoice=invoice.id, amount=Decimal(amount), type=kind, **fields)
    act = adjust_invoice_item if "source" in fields else adjust_invoice
    return act(zuora.tenant, request=request)


def negative(zuora, amount="-50"):
    items = [NewItem(charge_amount=Decimal(amount), accounting_code="Subscription Revenue")]
    invoice = create_invoice(zuora.tenant, request=NewInvoice(account=ACCOUNT, items=items))
    return post_invoice(zuora.tenant, invoice=invoice.id)


def balances(zuora):
    account = zuora.account()
    return account.total_invoice_balance, account.credit_balance or 0, account.balance


async def test_a_payment_is_applied_when_it_is_made_and_the_rest_is_credit_balance(off):
    first, second = off.posted(), off.posted("50", "0")
    payment = pay(off, "200", (first, "119"), (second, "20"))
    rows = off.tenant.invoice_payments.children("payment_id", payment.id)
    assert [(row.invoice_id, row.amount) for row in rows] == [(first.id, 119), (second.id, 20)]
    assert (payment.applied_amount, payment.applied_credit_balance_amount) == (139, 61)
    assert (off.invoice(first.id).balance, off.invoice(second.id).balance) == (0, 30)
    (up,) = off.tenant.credit_balance_adjustments.latest.values()
    assert (up.type, up.amount, up.source_transaction_number) == ("Increase", 61, payment.payment_number)
    assert balances(off) == (30, 61, -31)


async def test_a_voided_payment_opens_its_invoices_and_takes_its_rest_along(off):
    invoice = off.posted()
    payment = pay(off, "150", (invoice, "119"))
    assert cancel_applied_payment(off.tenant, payment=payment.id).status == "Canceled"
    assert off.invoice(invoice.id).balance == 119
    assert balances(off) == (119, 0, 119)


async def test_a_used_rest_keeps_its_payment_from_being_voided(off):
    payment = pay(off, "150", (off.posted(), "119"))
    second = off.posted()
    adjust_credit_balance(off.tenant, type="Decrease", amount=Decimal(31), invoice=second.id)
    with pytest.raises(Refused, match="its credit balance is used"):
        cancel_applied_payment(off.tenant, payment=payment.id)
    assert balances(off) == (88, 0, 88)


async def test_a_refund_opens_the_invoice_again(off):
    invoice = off.posted()
    payment = pay(off, "119", (invoice, "119"))
    refund = refund_applied_payment(off.tenant, payment=payment.id, invoice=invoice.id, amount=Decimal(19))
    (row,) = off.tenant.invoice_payments.children("payment_id", payment.id)
    assert (row.amount, row.refund_amount, off.invoice(invoice.id).balance) == (119, 19, 19)
    assert balances(off) == (19, 0, 19)
    reply = await ask(off, f"select RefundNumber, SourceType from Refund where Id = '{refund.id}'")
    (shown,) = reply.json["records"]
    assert (shown["RefundNumber"], shown["SourceType"]) == (refund.refund_number, "Payment")
    with pytest.raises(Refused, match="did not pay"):
        refund_applied_payment(off.tenant, payment=payment.id, invoice=invoice.id, amount=Decimal(101))


async def test_adjustments_move_the_invoice_and_can_be_taken_back(off):
    invoice = off.posted()
    credit = adjust(off, invoice, "19", "Credit", accounting_code="Bad Debt")
    charge = adjust(off, invoice, "5", "Charge", accounting_code="Subscription Revenue")
    assert (credit.impact_amount, charge.impact_amount) == (-19, 5)
    assert (off.invoice(invoice.id).balance, off.invoice(invoice.id).adjustment_amount) == (105, -14)
    cancel_invoice_adjustment(off.tenant, adjustment=credit.adjustment_number)
    assert off.invoice(invoice.id).balance == 124
    with pytest.raises(Refused, match="not Processed"):
        cancel_invoice_adjustment(off.tenant, adjustment=credit.adjustment_number)
    with pytest.raises(Refused, match="does not fit"):
        adjust(off, invoice, "125", "Credit", accounting_code="Bad Debt")
    with pytest.raises(Refused, match="take them back first"):
        unpost_invoice(off.tenant, invoice=invoice.id)


async def test_items_and_taxes_are_adjusted_by_themselves(off):
    invoice = off.posted()
    (item,) = off.tenant.invoice_items.children("invoice_id", invoice.id)
    (tax,) = off.tenant.taxation_items.children("invoice_item_id", item.id)
    net = adjust(off, invoice, "10", "Credit", source=item.id)
    vat = adjust(off, invoice, "1.90", "Credit", source=tax.id)
    assert (net.source_type, net.accounting_code, net.service_end_date) == (
        "InvoiceDetail",
        item.accounting_code,
        item.service_end_date,
    )
    assert (vat.source_type, vat.accounting_code) == ("Tax", tax.accounting_code)
    assert off.invoice(invoice.id).balance == Decimal("107.1")
    cancel_invoice_item_adjustment(off.tenant, adjustment=vat.id)
    assert off.invoice(invoice.id).balance == 109
    with pytest.raises(Refused, match="has no item or tax"):
        adjust(off, invoice, "1", "Credit", source="nothing")


async def test_the_credit_balance_goes_up_from_a_negative_invoice_and_down_onto_another(off):
    minus, plus = negative(off), off.posted()
    up = adjust_credit_balance(off.tenant, type="Increase", amount=Decimal(50), invoice=minus.id)
    assert (off.invoice(minus.id).balance, balances(off)) == (0, (119, 50, 69))
    down = adjust_credit_balance(off.tenant, type="Decrease", amount=Decimal(30), invoice=plus.id)
    assert (off.invoice(plus.id).balance, balances(off)) == (89, (89, 20, 69))
    with pytest.raises(Refused, match="its credit balance is used"):
        cancel_credit_balance_adjustment(off.tenant, adjustment=up.number)
    cancel_credit_balance_adjustment(off.tenant, adjustment=down.number)
    cancel_credit_balance_adjustment(off.tenant, adjustment=up.number)
    assert (off.invoice(minus.id).balance, balances(off)) == (-50, (69, 0, 69))
    adjust_credit_balance(off.tenant, type="Increase", amount=Decimal(7), account=ACCOUNT)
    assert balances(off) == (69, 7, 62)


async def test_each_kind_of_tenant_refuses_the_acts_of_the_other(zuora):
    invoice = zuora.posted()
    for act in (
        lambda: pay(zuora, "10"),
        lambda: adjust(zuora, invoice, "1", "Credit"),
        lambda: adjust_credit_balance(zuora.tenant, type="Increase", amount=Decimal(1), account=ACCOUNT),
    ):
        with pytest.raises(Refused, match="Invoice Settlement is enabled"):
            act()
    zuora.sandbox.use(Settings(invoice_settlement=False, invoice_settlement_off_code=50000040))
    with pytest.raises(Refused) as refused:
        create_payment(zuora.tenant, request=NewPayment(account=ACCOUNT, amount=Decimal(1)))
    assert refused.value.code == 50000040
    reply = await zuora.get("/object-query/credit-memos?pageSize=1")
    assert (reply.status, reply.json["reasons"][0]["code"]) == (403, 50000040)


# ZOQL.


async def ask(zuora, text, **body):
    return await zuora.api("POST", "/v1/action/query", json={"queryString": text, **body})


async def test_a_query_answers_with_names_in_pascal_case(off):
    invoice = off.posted()
    payment = pay(off, "119", (invoice, "119"))
    reply = await ask(
        off, f"select Id, Amount, InvoiceId, UpdatedDate from InvoicePayment where PaymentId = '{payment.id}'"
    )
    (row,) = off.tenant.invoice_payments.latest.values()
    assert (reply.json["size"], reply.json["done"]) == (1, True)
    assert "queryLocator" not in reply.json
    (shown,) = reply.json["records"]
    assert {name: shown[name] for name in ("Id", "Amount", "InvoiceId")} == {
        "Id": row.id,
        "Amount": Decimal(119),
        "InvoiceId": invoice.id,
    }
    assert shown["UpdatedDate"].endswith(".000+00:00")


async def test_conditions_are_joined_and_quotes_escaped(off):
    invoice = off.posted()
    for amount, code in (("1", "it's"), ("2", "b\\c"), ("3", None)):
        adjust(off, invoice, amount, "Credit", accounting_code="Bad Debt", reason_code=code)

    async def amounts(where):
        reply = await ask(off, f"select Amount from InvoiceAdjustment where {where}")
        assert reply.status == 200, reply.text
        return sorted(int(row["Amount"]) for row in reply.json["records"])

    assert await amounts(r"ReasonCode = 'it\'s'") == [1]
    assert await amounts(r"ReasonCode = 'b\\c'") == [2]
    assert await amounts("ReasonCode = null") == [3]
    assert await amounts("ReasonCode != null and Amount >= 2") == [2]
    assert await amounts(r"Amount = 1 or Amount > 1 and ReasonCode = 'b\\c'") == [1, 2]
    assert await amounts("UpdatedDate >= '2020-01-01T00:00:00Z' and UpdatedDate < '2100-01-01T00:00:00Z'") == [1, 2, 3]
    assert await amounts("UpdatedDate < '2020-01-01T00:00:00Z'") == []


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("SELECT Id FROM InvoicePayment", "MALFORMED_QUERY"),
        ("select * from InvoicePayment", "INVALID_FIELD"),
        ("select Id from InvoicePayment order by Id", "MALFORMED_QUERY"),
        ("select Id from InvoicePayment limit 1", "MALFORMED_QUERY"),
        ("select Id from InvoicePayment where Id in ('a')", "MALFORMED_QUERY"),
        ("select Id from InvoicePayment where Id = 'a", "MALFORMED_QUERY"),
        ("select Id from InvoicePayment where (Id = 'a')", "MALFORMED_QUERY"),
        ("select Id, from InvoicePayment", "MALFORMED_QUERY"),
        ("select Nothing from InvoicePayment", "INVALID_FIELD"),
        ("select Id from CreditMemo", "INVALID_TYPE"),
        ("select Id from InvoicePayment where Amount = 'x'", "INVALID_VALUE"),
        ("select Id from InvoicePayment where UpdatedDate > 'soon'", "INVALID_VALUE"),
        ("select Id from InvoicePayment where " + " or ".join(["Id = 'a'"] * 201), "MALFORMED_QUERY"),
    ],
)
async def test_what_is_not_zoql_is_a_fault(off, text, code):
    reply = await ask(off, text)
    assert (reply.status, reply.json["FaultCode"]) == (400, code)


async def test_two_hundred_conditions_are_allowed(off):
    reply = await ask(off, "select Id from InvoicePayment where " + " or ".join(["Id = 'a'"] * 200))
    assert (reply.status, reply.json["records"]) == (200, [])


async def test_with_settlement_its_predecessors_cannot_be_queried(zuora):
    reply = await ask(zuora, "select Id from InvoicePayment")
    assert (reply.status, reply.json["FaultCode"]) == (400, "INVALID_TYPE")


async def many(off, count=5):
    invoice = off.posted()
    return [adjust(off, invoice, "1", "Credit", accounting_code="Bad Debt") for _ in range(count)]


@pytest.mark.parametrize("size", ["all", "batch"])
async def test_batches_follow_each_other_by_locator(off, size):
    rows = await many(off)
    off.sandbox.use(Settings(invoice_settlement=False, zoql_batch_max=2, zoql_size=size))
    reply = await ask(off, "select Id from InvoiceAdjustment", conf={"batchSize": 9})
    found, sizes = list(reply.json["records"]), [reply.json["size"]]
    while not reply.json["done"]:
        reply = await off.api("POST", "/v1/action/queryMore", json={"queryLocator": reply.json["queryLocator"]})
        found += reply.json["records"]
        sizes.append(reply.json["size"])
    assert sorted(row["Id"] for row in found) == sorted(row.id for row in rows)
    assert sizes == ([5, 5, 5] if size == "all" else [2, 2, 1])


async def test_a_locator_that_nobody_asks_for_ends(off):
    await many(off)
    off.sandbox.use(Settings(invoice_settlement=False, zoql_batch_max=2))
    locator = (await ask(off, "select Id from InvoiceAdjustment")).json["queryLocator"]
    off.sandbox.clock.advance(600)
    assert (await off.api("POST", "/v1/action/queryMore", json={"queryLocator": locator})).status == 200
    off.sandbox.clock.advance(901)
    for asked in (locator, "nonsense"):
        reply = await off.api("POST", "/v1/action/queryMore", json={"queryLocator": asked})
        assert (reply.status, reply.json["FaultCode"]) == (400, "INVALID_QUERY_LOCATOR")


async def test_what_follows_is_what_was_found_or_what_is_there_by_the_switch(off):
    rows = await many(off)
    for results in ("snapshot", "live"):
        off.sandbox.use(Settings(invoice_settlement=False, zoql_batch_max=2, zoql_results=results))
        text = "select Id from InvoiceAdjustment where Status = 'Processed'"
        locator = (await ask(off, text, conf={"batchSize": 2})).json["queryLocator"]
        before = sum(row.status == "Processed" for row in off.tenant.invoice_adjustments.latest.values())
        cancel_invoice_adjustment(off.tenant, adjustment=rows.pop().id)
        reply = await off.api("POST", "/v1/action/queryMore", json={"queryLocator": locator})
        left = reply.json["size"]
        assert left == (before if results == "snapshot" else before - 1)


def test_dates_of_adjustments_lie_in_open_periods(off):
    with pytest.raises(Refused, match="needs an invoice or an account"):
        adjust_credit_balance(off.tenant, type="Increase", amount=Decimal(1))
    invoice = off.posted()
    row = adjust(off, invoice, "1", "Credit", accounting_code="Bad Debt", adjustment_date=date(2026, 2, 3))
    assert row.adjustment_date == date(2026, 2, 3)
