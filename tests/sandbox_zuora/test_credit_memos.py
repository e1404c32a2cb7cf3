"""Credit memos: alone, from an invoice, from a bill run; and bill runs themselves."""

from datetime import date
from decimal import Decimal

import pytest

from sandbox.zuora import Refused
from sandbox.zuora.acts import (
    Application,
    ItemCredit,
    NewBillRun,
    NewCreditMemo,
    NewInvoice,
    NewItem,
    NewTax,
    apply_credit_memo,
    cancel_bill_run,
    cancel_credit_memo,
    cancel_invoice,
    create_bill_run,
    create_credit_memo,
    create_credit_memo_from_invoice,
    delete_credit_memo,
    generate_bill_run,
    post_bill_run,
    post_credit_memo,
    unapply_credit_memo,
    unpost_credit_memo,
)


def taxed(amount, tax):
    return NewItem(
        charge_amount=Decimal(amount),
        accounting_code="Subscription Revenue",
        taxes=[NewTax(tax_amount=Decimal(tax), taxable_amount=Decimal(amount))],
    )


def memo(zuora, amount="40", tax="7.6", *, post=True):
    draft = create_credit_memo(zuora.tenant, request=NewCreditMemo(account="A-00000001", items=[taxed(amount, tax)]))
    return post_credit_memo(zuora.tenant, credit_memo=draft.id) if post else draft


def to(invoice, amount):
    return [Application(invoice=invoice.id, amount=Decimal(amount))]


def parts_of(zuora, row):
    return {part.invoice_id: part.amount for part in zuora.tenant.credit_memo_parts.children("credit_memo_id", row.id)}


async def test_a_posted_memo_lowers_what_the_account_owes(zuora):
    row = memo(zuora)
    assert (row.memo_number, row.total_amount, row.tax_amount) == ("CM-00000001", Decimal("47.6"), Decimal("7.6"))
    assert (row.balance, row.source_type) == (row.total_amount, "Standalone")
    assert zuora.account().balance == Decimal("-47.6")
    assert zuora.account().unapplied_credit_memo_amount == Decimal("47.6")
    assert parts_of(zuora, row) == {None: Decimal("47.6")}


async def test_a_draft_counts_for_nothing(zuora):
    row = memo(zuora, post=False)
    assert (row.status, zuora.account().balance, parts_of(zuora, row)) == ("Draft", 0, {})


@pytest.mark.parametrize(("sign", "amount"), [("negative", -10), ("positive", 10)])
async def test_applied_in_part_and_taken_back(zuora, sign, amount):
    await zuora.settings(unapply_rows=sign)
    row, invoice = memo(zuora), zuora.posted()
    applied = apply_credit_memo(
        zuora.tenant, credit_memo=row.id, invoices=to(invoice, "30"), effective_date=date(2026, 3, 20)
    )
    assert (applied.applied_amount, applied.balance) == (30, Decimal("17.6"))
    after = zuora.invoice(invoice.id)
    assert (after.balance, after.credit_memo_amount, after.payment_amount) == (89, 30, 0)
    assert parts_of(zuora, row) == {None: Decimal("17.6"), invoice.id: 30}
    unapply_credit_memo(zuora.tenant, credit_memo=row.id, invoices=to(invoice, "10"))
    history = zuora.tenant.credit_memo_applications.children("credit_memo_id", row.id)
    assert [one.amount for one in history] == [30, amount]
    assert history[0].effective_date == date(2026, 3, 20)
    assert parts_of(zuora, row) == {None: Decimal("27.6"), invoice.id: 20}
    assert zuora.account().balance == Decimal("71.4")
    with pytest.raises(Refused, match="applied"):
        unpost_credit_memo(zuora.tenant, credit_memo=row.id)
    unapply_credit_memo(zuora.tenant, credit_memo=row.id)
    assert unpost_credit_memo(zuora.tenant, credit_memo=row.id).posted_on is None
    assert (zuora.account().balance, parts_of(zuora, row)) == (119, {})


async def test_what_a_memo_refuses(zuora):
    row, draft, invoice = memo(zuora), memo(zuora, post=False), zuora.posted()
    with pytest.raises(Refused, match="more than what is unapplied"):
        apply_credit_memo(zuora.tenant, credit_memo=row.id, invoices=to(invoice, "48"))
    with pytest.raises(Refused, match="not Posted"):
        apply_credit_memo(zuora.tenant, credit_memo=draft.id, invoices=to(invoice, "1"))
    with pytest.raises(Refused, match="before the date"):
        apply_credit_memo(zuora.tenant, credit_memo=row.id, invoices=to(invoice, "1"), effective_date=date(2026, 1, 1))
    for act in (cancel_credit_memo, delete_credit_memo):
        with pytest.raises(Refused, match="not Draft"):
            act(zuora.tenant, credit_memo=row.id)
    with pytest.raises(Refused):
        memo(zuora, "-5", "0")


async def test_a_draft_is_canceled_or_deleted(zuora):
    canceled = cancel_credit_memo(zuora.tenant, credit_memo=memo(zuora, post=False).id)
    assert (canceled.status, canceled.balance) == ("Canceled", 0)
    gone = memo(zuora, post=False)
    delete_credit_memo(zuora.tenant, credit_memo=gone.id)
    assert (await zuora.get(f"/object-query/credit-memos/{gone.id}")).status == 404
    rows = (await zuora.get("/object-query/credit-memo-items")).json["data"]
    assert {row["creditMemoId"] for row in rows} == {canceled.id}


async def test_a_memo_from_an_invoice_mirrors_all_or_a_share(zuora):
    invoice = zuora.posted("100", "19")
    whole = create_credit_memo_from_invoice(zuora.tenant, invoice=invoice.id)
    assert (whole.status, whole.total_amount, whole.invoice_id) == ("Draft", 119, invoice.id)
    assert whole.source_type == "Invoice"
    (item,) = zuora.tenant.invoice_items.children("invoice_id", invoice.id)
    share = [ItemCredit(invoice_item=item.id, amount=Decimal("33.33"))]
    part = create_credit_memo_from_invoice(zuora.tenant, invoice=invoice.id, items=share)
    assert (part.total_amount, part.tax_amount) == (Decimal("39.66"), Decimal("6.33"))
    (line,) = zuora.tenant.credit_memo_items.children("credit_memo_id", part.id)
    assert (line.invoice_item_id, line.credit_from_item_source) == (item.id, "InvoiceItem")
    assert line.sku == "SKU-1"
    for wrong in (
        ItemCredit(invoice_item="8a", amount=Decimal(1)),
        ItemCredit(invoice_item=item.id, amount=Decimal(101)),
    ):
        with pytest.raises(Refused):
            create_credit_memo_from_invoice(zuora.tenant, invoice=invoice.id, items=[wrong])


def planned(*amounts):
    return [
        NewInvoice(account=f"A-0000000{1 + place % 2}", items=[taxed(amount, str(Decimal(amount) / 10))])
        for place, amount in enumerate(amounts)
    ]


async def test_a_bill_run_from_pending_to_posted(zuora):
    run = create_bill_run(zuora.tenant, request=NewBillRun(invoices=planned("10", "20", "-30"), name="March"))
    assert (run.status, run.billing_run_number) == ("Pending", "BR-00000001")
    assert not zuora.tenant.invoices.latest
    done = generate_bill_run(zuora.tenant, bill_run=run.id)
    assert (done.status, done.number_of_invoices, done.number_of_credit_memos, done.number_of_accounts) == (
        "Completed",
        2,
        1,
        2,
    )
    assert done.executed_date
    assert {row.status for row in zuora.tenant.invoices.latest.values()} == {"Draft"}
    posted = post_bill_run(zuora.tenant, bill_run="BR-00000001")
    assert (posted.status, posted.posted_date) == ("Posted", zuora.sandbox.clock.stamp())
    found = await zuora.get("/object-query/invoices", ("filter[]", "sourceid.EQ:br-00000001"))
    rows = found.json["data"]
    assert {(row["status"], row["source"], row["sourceType"], row["sourceId"]) for row in rows} == {
        ("Posted", "BillRun", "Subscription", "BR-00000001")
    }
    (credit,) = zuora.tenant.credit_memos.latest.values()
    assert (credit.total_amount, credit.tax_amount, credit.source_id) == (33, 3, "BR-00000001")
    assert credit.status == "Posted"
    (tax,) = zuora.tenant.credit_taxation_items.latest.values()
    assert (tax.tax_amount, tax.taxable_amount) == (3, 30)


async def test_a_bill_run_can_post_by_itself(zuora):
    run = create_bill_run(zuora.tenant, request=NewBillRun(invoices=planned("10"), auto_post=True))
    assert generate_bill_run(zuora.tenant, bill_run=run.id).status == "Posted"
    assert [(deed.verb, deed.variant) for deed in zuora.tenant.chronicle] == [
        ("completed", None),
        ("posted", "bill_run"),
        ("posted", None),
    ]


@pytest.mark.parametrize("settings", [{"invoice_settlement": False}, {"negative_totals": "invoice"}])
async def test_some_tenants_still_make_negative_invoices(zuora, settings):
    await zuora.settings(**settings)
    run = create_bill_run(zuora.tenant, request=NewBillRun(invoices=planned("-30"), auto_post=True))
    generate_bill_run(zuora.tenant, bill_run=run.id)
    (invoice,) = zuora.tenant.invoices.latest.values()
    assert (invoice.amount, invoice.status) == (-33, "Posted")
    assert zuora.account().balance == -33


async def test_what_left_a_bill_run_is_not_posted_with_it(zuora):
    run = create_bill_run(zuora.tenant, request=NewBillRun(invoices=planned("10", "20")))
    generate_bill_run(zuora.tenant, bill_run=run.id)
    cancel_invoice(zuora.tenant, invoice="INV00000001")
    post_bill_run(zuora.tenant, bill_run=run.id)
    assert {row.invoice_number: row.status for row in zuora.tenant.invoices.latest.values()} == {
        "INV00000001": "Canceled",
        "INV00000002": "Posted",
    }


async def test_a_canceled_bill_run_leaves_no_drafts(zuora):
    run = create_bill_run(zuora.tenant, request=NewBillRun(invoices=planned("10", "-20")))
    generate_bill_run(zuora.tenant, bill_run=run.id)
    assert cancel_bill_run(zuora.tenant, bill_run=run.id).status == "Canceled"
    assert not zuora.tenant.invoices.latest
    assert not zuora.tenant.credit_memos.latest
    with pytest.raises(Refused):
        post_bill_run(zuora.tenant, bill_run=run.id)


async def test_a_bill_run_that_fails_half_way_leaves_nothing(zuora):
    wrong = [*planned("10"), NewInvoice(account="A-404", items=[taxed("1", "0")])]
    run = create_bill_run(zuora.tenant, request=NewBillRun(invoices=wrong))
    with pytest.raises(Refused):
        generate_bill_run(zuora.tenant, bill_run=run.id)
    assert not zuora.tenant.invoices.latest
    assert zuora.tenant.billing_runs.find(run.id).status == "Pending"
    assert (await zuora.get("/object-query/invoices")).json == {"data": []}
