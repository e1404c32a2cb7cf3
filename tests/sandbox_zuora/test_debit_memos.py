"""Debit memos: alone or from an invoice, posted, paid by payments and credit memos, taken back, read by both APIs."""

from datetime import date
from decimal import Decimal

import pytest

from sandbox.zuora import Refused
from sandbox.zuora.acts import (
    Application,
    ItemCredit,
    NewDebitMemo,
    NewPayment,
    apply_credit_memo,
    cancel_debit_memo,
    create_debit_memo,
    create_debit_memo_from_invoice,
    create_payment,
    delete_debit_memo,
    post_debit_memo,
    reverse_credit_memo,
    unapply_credit_memo,
    unapply_payment,
    unpost_debit_memo,
    write_off_credit_memo,
    write_off_debit_memo,
)
from tests.sandbox_zuora.test_credit_memos import memo as credit_memo
from tests.sandbox_zuora.test_credit_memos import taxed

VERSION = {"Zuora-Version": "2025-08-12"}


def memo(zuora, amount="40", tax="7.6", *, post=True, **more):
    request = NewDebitMemo(account="A-00000001", items=[taxed(amount, tax)], **more)
    draft = create_debit_memo(zuora.tenant, request=request)
    return post_debit_memo(zuora.tenant, debit_memo=draft.id) if post else draft


def to(row, amount):
    return [Application(debit_memo=row.memo_number, amount=Decimal(amount))]


def newest(zuora, row):
    return zuora.tenant.debit_memos.latest[row.id]


async def test_a_posted_memo_raises_what_the_account_owes(zuora):
    row = memo(zuora)
    assert (row.memo_number, row.total_amount, row.tax_amount) == ("DM-00000001", Decimal("47.6"), Decimal("7.6"))
    assert (row.balance, row.source_type, row.due_date) == (row.total_amount, "Standalone", date(2026, 4, 14))
    assert zuora.account().balance == zuora.account().total_debit_memo_balance == Decimal("47.6")


async def test_a_draft_is_owed_by_nobody(zuora):
    assert memo(zuora, post=False).status == "Draft"
    assert zuora.account().balance == 0


async def test_a_payment_and_a_credit_memo_pay_it(zuora):
    row, credit = memo(zuora), credit_memo(zuora, "10", "0")
    paid = create_payment(
        zuora.tenant, request=NewPayment(account="A-00000001", amount=Decimal(30), invoices=to(row, "30"))
    )
    apply_credit_memo(zuora.tenant, credit_memo=credit.id, invoices=to(row, "10"))
    assert newest(zuora, row).balance == Decimal("7.6")
    [application] = zuora.tenant.payment_applications.children("payment_id", paid.id)
    assert (application.debit_memo_id, application.invoice_id, application.apply_amount) == (row.id, None, 30)
    [part] = zuora.tenant.payment_parts.children("payment_id", paid.id)
    assert (part.debit_memo_id, part.amount) == (row.id, 30)
    assert zuora.account().balance == Decimal("7.6")
    unapply_payment(zuora.tenant, payment=paid.id, invoices=to(row, "5"))
    unapply_credit_memo(zuora.tenant, credit_memo=credit.id)
    assert newest(zuora, row).balance == Decimal("22.6")


async def test_an_application_names_one_document(zuora):
    row, invoice = memo(zuora), zuora.posted()
    for wrong in ({}, {"invoice": invoice.invoice_number, "debit_memo": row.memo_number}):
        application = Application(amount=Decimal(1), **wrong)
        request = NewPayment(account="A-00000001", amount=Decimal(1), invoices=[application])
        with pytest.raises(Refused, match="one invoice or one debit memo"):
            create_payment(zuora.tenant, request=request)


async def test_no_more_than_its_balance_is_applied(zuora):
    request = NewPayment(account="A-00000001", amount=Decimal(90), invoices=to(memo(zuora), "90"))
    with pytest.raises(Refused, match="more than the balance"):
        create_payment(zuora.tenant, request=request)


async def test_it_is_unposted_and_cancelled_or_deleted_unless_it_is_paid(zuora):
    row, other, paid = memo(zuora), memo(zuora), memo(zuora)
    create_payment(zuora.tenant, request=NewPayment(account="A-00000001", amount=Decimal(1), invoices=to(paid, "1")))
    with pytest.raises(Refused, match="paid in part"):
        unpost_debit_memo(zuora.tenant, debit_memo=paid.id)
    with pytest.raises(Refused, match="not Draft"):
        cancel_debit_memo(zuora.tenant, debit_memo=row.id)
    draft = unpost_debit_memo(zuora.tenant, debit_memo=row.id)
    assert (draft.status, draft.posted_on, zuora.account().total_debit_memo_balance) == ("Draft", None, Decimal("94.2"))
    assert cancel_debit_memo(zuora.tenant, debit_memo=row.id).balance == 0
    delete_debit_memo(zuora.tenant, debit_memo=unpost_debit_memo(zuora.tenant, debit_memo=other.id).id)
    assert other.id not in zuora.tenant.debit_memos.latest
    assert zuora.tenant.debit_memo_items.children("debit_memo_id", other.id) == []


async def test_a_memo_from_an_invoice_charges_it_again_or_a_part_of_it(zuora):
    invoice = zuora.posted()
    whole = create_debit_memo_from_invoice(zuora.tenant, invoice=invoice.invoice_number)
    assert (whole.invoice_id, whole.total_amount, whole.source_type) == (invoice.id, invoice.amount, "Invoice")
    [item, *_] = zuora.tenant.invoice_items.children("invoice_id", invoice.id)
    part = create_debit_memo_from_invoice(
        zuora.tenant, invoice=invoice.id, items=[ItemCredit(invoice_item=item.id, amount=Decimal(1))]
    )
    [row] = zuora.tenant.debit_memo_items.children("debit_memo_id", part.id)
    assert (row.amount, row.invoice_item_id) == (1, item.id)


async def test_it_is_read_whole_by_both_interfaces(zuora):
    row = memo(zuora)
    found = (await zuora.get("/object-query/debit-memos", ("filter[]", "status.EQ:Posted"))).json["data"]
    assert [one["memoNumber"] for one in found] == [row.memo_number]
    v1 = (await zuora.get(f"/v1/debit-memos/{row.memo_number}", headers=VERSION)).json
    assert (v1["success"], v1["number"], v1["amount"], v1["debitMemoDate"]) == (
        True,
        row.memo_number,
        row.total_amount,
        row.memo_date.isoformat(),
    )
    [item] = (await zuora.get(f"/v1/debit-memos/{row.id}/items", headers=VERSION)).json["items"]
    assert item["financeInformation"]["recognizedRevenueAccountingCode"] == "Subscription Revenue"
    [tax] = item["taxationItems"]["data"]
    assert (item["amountWithoutTax"], tax["taxAmount"]) == (40, Decimal("7.6"))
    path = f"/v1/debit-memos/{row.id}/items/{item['id']}/taxation-items"
    assert [one["id"] for one in (await zuora.get(path)).json["data"]] == [tax["id"]]


async def test_without_invoice_settlement_there_are_none(zuora):
    row = memo(zuora)
    await zuora.settings(invoice_settlement=False)
    with pytest.raises(Refused):
        memo(zuora)
    for path in (f"/v1/debit-memos/{row.id}", f"/v1/debit-memos/{row.id}/items", f"/object-query/debit-memos/{row.id}"):
        assert (await zuora.get(path)).status == 403


async def test_a_credit_memo_is_reversed_once_and_only_while_nothing_of_it_is_applied(zuora):
    row, applied = credit_memo(zuora), credit_memo(zuora)
    apply_credit_memo(
        zuora.tenant, credit_memo=applied.id, invoices=[Application(invoice=zuora.posted().id, amount=Decimal(1))]
    )
    answer = await zuora.control("POST", "/acts/reverse_credit_memo", {"credit_memo": row.memo_number})
    assert (answer["credit_memo"]["reversed"], answer["credit_memo"]["balance"]) == (True, 0)
    assert answer["debit_memo"]["totalAmount"] == row.total_amount
    assert (answer["debit_memo"]["balance"], answer["debit_memo"]["creditMemoId"]) == (0, row.id)
    for memo_number in (row.memo_number, applied.memo_number):
        with pytest.raises(Refused, match="reversed already"):
            reverse_credit_memo(zuora.tenant, credit_memo=memo_number)


async def test_what_is_open_of_a_memo_is_written_off_to_the_cent(zuora):
    debit, credit = memo(zuora, "33.33", "6.67"), credit_memo(zuora, "33.33", "6.67")
    create_payment(
        zuora.tenant, request=NewPayment(account="A-00000001", amount=Decimal("0.01"), invoices=to(debit, "0.01"))
    )
    apply_credit_memo(
        zuora.tenant, credit_memo=credit.id, invoices=[Application(invoice=zuora.posted().id, amount=Decimal("0.01"))]
    )
    written = write_off_debit_memo(zuora.tenant, debit_memo=debit.id)
    assert (written.debit_memo.balance, written.credit_memo.total_amount) == (0, Decimal("39.99"))
    written = write_off_credit_memo(zuora.tenant, credit_memo=credit.id)
    assert (written.credit_memo.balance, written.debit_memo.total_amount) == (0, Decimal("39.99"))
    with pytest.raises(Refused, match="no balance"):
        write_off_debit_memo(zuora.tenant, debit_memo=debit.id)
    with pytest.raises(Refused, match="no balance"):
        write_off_credit_memo(zuora.tenant, credit_memo=credit.id)
