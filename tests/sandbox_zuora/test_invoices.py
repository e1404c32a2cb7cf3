"""The life of invoices: numbers, totals, dates, what each state allows, and what moves with them."""

from datetime import date
from decimal import Decimal

import pytest

from sandbox.zuora import Refused, Sandbox
from sandbox.zuora.acts import (
    Application,
    NewInvoice,
    NewItem,
    NewPayment,
    NewTax,
    cancel_invoice,
    close_accounting_period,
    create_invoice,
    create_payment,
    delete_invoice,
    edit_invoice,
    post_invoice,
    reopen_accounting_period,
    reverse_invoice,
    split_invoice,
    unpost_invoice,
    update_account,
    write_off_invoice,
)
from sandbox.zuora.money import spread, trimmed


def verbs(zuora):
    return [(deed.verb, deed.kind, deed.number) for deed in zuora.tenant.chronicle]


async def test_a_draft_adds_up_and_owes_nothing(zuora):
    items = [
        NewItem(charge_amount=Decimal("100.10"), taxes=[NewTax(tax_amount=Decimal("19.02"))]),
        NewItem(charge_amount=Decimal("-10.01"), processing_type="Discount", discounts=0),
    ]
    draft = create_invoice(zuora.tenant, request=NewInvoice(account="A-00000001", items=items))
    assert (draft.amount, draft.amount_without_tax, draft.tax_amount) == (
        Decimal("109.11"),
        Decimal("90.09"),
        Decimal("19.02"),
    )
    assert (draft.status, draft.invoice_number, draft.balance) == ("Draft", "INV00000001", draft.amount)
    assert zuora.account().balance == 0
    assert not zuora.tenant.chronicle


async def test_posting_makes_it_owed(zuora):
    invoice = zuora.posted()
    assert (invoice.status, invoice.posted_date) == ("Posted", zuora.sandbox.clock.stamp())
    account = zuora.account()
    assert (account.balance, account.total_invoice_balance, account.last_invoice_date) == (119, 119, date(2026, 3, 10))
    assert verbs(zuora) == [("posted", "Invoice", "INV00000001")]


@pytest.mark.parametrize(("term", "due"), [("Net 30", 30), ("Net 7", 7), ("Due Upon Receipt", 0)])
async def test_the_due_date_follows_the_term(zuora, term, due):
    update_account(zuora.tenant, account="A-00000001", payment_term=term)
    draft = zuora.draft()
    assert (draft.due_date - draft.invoice_date).days == due
    assert draft.payment_term == term


async def test_a_date_that_is_not_given_is_today_where_the_tenant_is(zuora):
    zuora.sandbox.clock.advance(-9 * 3600)
    assert zuora.draft(invoice_date=None).invoice_date == date(2026, 3, 14)


@pytest.mark.parametrize(
    "changes",
    [
        {"items": []},
        {"account": "A-404"},
        {"items": [NewItem(charge_amount=Decimal(1), accounting_code="Nowhere")]},
        {"items": [NewItem(charge_amount=Decimal(1), processing_type="Gift")]},
        {"items": [NewItem(charge_amount=Decimal(1), discounts=0)]},
    ],
)
async def test_a_draft_that_makes_no_sense_leaves_nothing(zuora, changes):
    with pytest.raises(Refused):
        zuora.draft(**changes)
    assert not zuora.tenant.invoices.latest
    assert not zuora.tenant.invoice_items.latest
    assert not zuora.tenant.invoices.shown


async def test_an_account_that_is_not_active_is_not_billed(zuora):
    update_account(zuora.tenant, account="A-00000001", status="Canceled")
    with pytest.raises(Refused, match="not Active"):
        zuora.draft()


async def test_a_draft_can_be_edited_with_its_items(zuora):
    draft = zuora.draft()
    edited = edit_invoice(
        zuora.tenant,
        invoice=draft.id,
        comments="again",
        invoice_date=date(2026, 3, 11),
        items=[NewItem(charge_amount=Decimal(7)), NewItem(charge_amount=Decimal(8))],
        custom={"QADInvoice__c": "x"},
    )
    assert (edited.amount, edited.tax_amount, edited.comments) == (15, 0, "again")
    assert edited.custom == {"QADInvoice__c": "x"}
    assert len(zuora.tenant.invoice_items.shown) == 2
    assert not zuora.tenant.taxation_items.shown
    post_invoice(zuora.tenant, invoice=draft.id)
    with pytest.raises(Refused, match="Only a Draft"):
        edit_invoice(zuora.tenant, invoice=draft.id, comments="too late")


async def test_unposting_takes_everything_back(zuora):
    invoice = zuora.posted()
    draft = unpost_invoice(zuora.tenant, invoice=invoice.id)
    assert (draft.status, draft.posted_date) == ("Draft", None)
    assert zuora.account().balance == 0
    post_invoice(zuora.tenant, invoice=invoice.id)
    assert [verb for verb, _, _ in verbs(zuora)] == ["posted", "unposted", "posted"]


async def test_what_is_applied_must_come_off_first(zuora):
    invoice = zuora.posted()
    part = [Application(invoice=invoice.id, amount=Decimal(1))]
    create_payment(zuora.tenant, request=NewPayment(account="A-00000001", amount=Decimal(1), invoices=part))
    with pytest.raises(Refused, match="applied"):
        unpost_invoice(zuora.tenant, invoice=invoice.id)


@pytest.mark.parametrize("end", [cancel_invoice, delete_invoice])
async def test_only_drafts_can_be_canceled_or_deleted(zuora, end):
    invoice = zuora.posted()
    with pytest.raises(Refused, match="Only a Draft"):
        end(zuora.tenant, invoice=invoice.id)
    unpost_invoice(zuora.tenant, invoice=invoice.id)
    end(zuora.tenant, invoice=invoice.id)
    reply = await zuora.get(f"/object-query/invoices/{invoice.id}")
    if end is delete_invoice:
        assert reply.status == 404
        assert not zuora.tenant.invoice_items.shown
        assert not zuora.tenant.taxation_items.shown
    else:
        assert (reply.json["status"], reply.json["balance"]) == ("Canceled", 0)


async def test_a_closed_period_takes_no_documents(zuora):
    close_accounting_period(zuora.tenant, period="2026-Q1")
    draft = zuora.draft()
    with pytest.raises(Refused, match="closed accounting period 2026-Q1"):
        post_invoice(zuora.tenant, invoice=draft.id)
    reopen_accounting_period(zuora.tenant, period="2026-Q1")
    assert post_invoice(zuora.tenant, invoice=draft.id).status == "Posted"


async def test_a_reversal_is_a_memo_and_its_application(zuora):
    items = [
        NewItem(
            charge_amount=Decimal("100.10"),
            accounting_code="Subscription Revenue",
            deferred_revenue_accounting_code="Deferred Revenue",
            sku="S",
            service_start_date=date(2026, 1, 1),
            taxes=[NewTax(tax_amount=Decimal("19.02"), tax_code="VAT19"), NewTax(tax_amount=Decimal("0.5"))],
        ),
        NewItem(charge_amount=Decimal("-10.00"), processing_type="Discount", accounting_code="Discounts", discounts=0),
    ]
    invoice = create_invoice(zuora.tenant, request=NewInvoice(account="A-00000001", items=items))
    post_invoice(zuora.tenant, invoice=invoice.id)
    done = reverse_invoice(zuora.tenant, invoice=invoice.id)
    assert (done.invoice.reversed, done.invoice.balance, done.invoice.amount) == (True, 0, Decimal("109.62"))
    memo = done.credit_memo
    assert (memo.status, memo.total_amount, memo.balance, memo.source_type) == (
        "Posted",
        Decimal("109.62"),
        0,
        "Invoice",
    )
    assert memo.invoice_id == invoice.id
    charge, discount = zuora.tenant.credit_memo_items.children("credit_memo_id", memo.id)
    assert (charge.amount, charge.tax_amount, charge.sku) == (Decimal("100.1"), Decimal("19.52"), "S")
    assert charge.deferred_revenue_accounting_code_id
    assert (discount.amount, discount.applied_to_item_id) == (-10, charge.id)
    taxes = zuora.tenant.credit_taxation_items.children("credit_memo_item_id", charge.id)
    assert [tax.tax_amount for tax in taxes] == [Decimal("19.02"), Decimal("0.5")]
    assert all(tax.taxation_item_id for tax in taxes)
    assert zuora.account().balance == 0
    assert [verb for verb, _, _ in verbs(zuora)] == ["posted", "posted", "applied", "reversed"]
    with pytest.raises(Refused):
        reverse_invoice(zuora.tenant, invoice=invoice.id)


async def test_a_paid_invoice_is_not_reversed(zuora):
    invoice = zuora.posted()
    part = [Application(invoice=invoice.id, amount=Decimal(1))]
    create_payment(zuora.tenant, request=NewPayment(account="A-00000001", amount=Decimal(1), invoices=part))
    with pytest.raises(Refused, match="applied"):
        reverse_invoice(zuora.tenant, invoice=invoice.id)


async def test_a_write_off_takes_the_rest_in_proportion(zuora):
    items = [NewItem(charge_amount=Decimal("33.33"), taxes=[NewTax(tax_amount=Decimal("6.33"))])] * 3
    invoice = create_invoice(zuora.tenant, request=NewInvoice(account="A-00000001", items=items))
    post_invoice(zuora.tenant, invoice=invoice.id)
    part = [Application(invoice=invoice.id, amount=Decimal("18.98"))]
    create_payment(zuora.tenant, request=NewPayment(account="A-00000001", amount=Decimal("18.98"), invoices=part))
    done = write_off_invoice(zuora.tenant, invoice=invoice.id, revenue_impacting="No")
    assert (done.credit_memo.total_amount, done.invoice.balance) == (Decimal(100), 0)
    rows = zuora.tenant.credit_memo_items.children("credit_memo_id", done.credit_memo.id)
    assert sum(row.amount + row.tax_amount for row in rows) == 100
    assert all(row.amount == row.amount.quantize(Decimal("0.01")) for row in rows)
    bad_debt = zuora.tenant.accounting_codes.find("Bad Debt").id
    assert {row.non_revenue_write_off_accounting_code_id for row in rows} == {bad_debt}
    assert done.credit_memo.reason_code == "Write-off"
    assert zuora.account().balance == 0
    with pytest.raises(Refused, match="no balance"):
        write_off_invoice(zuora.tenant, invoice=invoice.id)


async def test_without_settlement_there_is_no_reversal(zuora):
    invoice = zuora.posted()
    await zuora.settings(invoice_settlement=False)
    with pytest.raises(Refused) as refused:
        reverse_invoice(zuora.tenant, invoice=invoice.id)
    assert refused.value.code == 50000010


@pytest.mark.parametrize(
    ("total", "weights", "currency", "shares"),
    [
        ("100", ["1", "1", "1"], "EUR", ["33.34", "33.33", "33.33"]),
        ("100", ["1", "1", "1"], "JPY", ["34", "33", "33"]),
        ("1", ["2", "1"], "KWD", ["0.667", "0.333"]),
        ("50", ["100", "-10"], "EUR", ["55.56", "-5.56"]),
        ("0.01", ["1", "1"], "EUR", ["0.01", "0.00"]),
    ],
)
def test_a_split_adds_up(total, weights, currency, shares):
    split = spread(Decimal(total), [Decimal(weight) for weight in weights], currency)
    assert split == [Decimal(share) for share in shares]
    assert sum(split) == Decimal(total)


@pytest.mark.parametrize(
    ("given", "written"),
    [("2170", "2170.0"), ("0.00", "0.0"), ("-1.50", "-1.5"), ("1E+3", "1000.0"), ("0.125", "0.125")],
)
def test_numbers_are_written_as_zuora_writes_them(given, written):
    assert str(trimmed(Decimal(given))) == written


def test_the_same_seed_gives_the_same_ids_and_another_gives_others():
    def ids(seed):
        sandbox = Sandbox(seed=seed)
        return [sandbox.tenant.new_id() for _ in range(100)]

    assert ids(1) == ids(1) != ids(2)
    assert all(len(key) == 32 and int(key, 16) for key in ids(3))
    assert len(set(ids(4))) == 100


async def test_a_split_draft_stays_to_be_read_and_its_results_add_up(zuora):
    draft = zuora.draft("100", "19")
    thirds = [Decimal("33.33"), Decimal("33.33"), Decimal("33.34")]
    results = split_invoice(zuora.tenant, invoice=draft.id, percentages=thirds)
    assert (zuora.invoice(draft.id).status, zuora.invoice(draft.id).balance) == ("Split", 0)
    assert {row.status for row in results} == {"Draft"}
    assert sum(row.amount for row in results) == draft.amount
    assert sum(row.tax_amount for row in results) == draft.tax_amount
    items = [item for row in results for item in zuora.tenant.invoice_items.children("invoice_id", row.id)]
    assert sum(item.charge_amount for item in items) == 100
    with pytest.raises(Refused, match="not Draft"):
        split_invoice(zuora.tenant, invoice=draft.id, percentages=thirds)


async def test_the_results_of_a_split_are_told_by_the_control_api(zuora):
    body = {"invoice": zuora.draft("100", "19").id, "percentages": [50, 50]}
    answer = await zuora.control("POST", "/acts/split_invoice", body)
    assert [(row["status"], row["amount"]) for row in answer] == [("Draft", Decimal("59.5"))] * 2


@pytest.mark.parametrize("percentages", [["100"], ["50", "40"], ["110", "-10"]])
async def test_a_split_comes_to_a_hundred(zuora, percentages):
    with pytest.raises(Refused, match="come to 100"):
        split_invoice(zuora.tenant, invoice=zuora.draft().id, percentages=[Decimal(one) for one in percentages])
