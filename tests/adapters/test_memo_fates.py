"""Every fate of credit memos and debit memos, from the stand-in over HTTP through the product's poll into both cores:
what it becomes in QAD, once, or the name of why it does not.
"""

from decimal import Decimal

import pytest

from sandbox.zuora.acts import (
    Application,
    ItemCredit,
    NewCreditMemo,
    NewDebitMemo,
    NewPayment,
    apply_credit_memo,
    cancel_credit_memo,
    cancel_debit_memo,
    create_credit_memo,
    create_credit_memo_from_invoice,
    create_debit_memo,
    create_debit_memo_from_invoice,
    create_payment,
    delete_credit_memo,
    delete_debit_memo,
    post_credit_memo,
    post_debit_memo,
    reverse_credit_memo,
    unapply_credit_memo,
    unapply_payment,
    unpost_credit_memo,
    unpost_debit_memo,
    write_off_credit_memo,
    write_off_debit_memo,
)
from schemas.records import RecordKind
from tests.adapters.billing_site import ACCOUNT, DAY, REVENUE, REVERSED, TAX, billed, credited, line, posted, to

# -- credit memos ----------------------------------------------------------------------------------------------------


def _from_invoice(site, invoice):
    return create_credit_memo_from_invoice(site.tenant, invoice=invoice.id, memo_date=DAY)


def _part_of_invoice(site, invoice):
    [item] = site.tenant.invoice_items.children("invoice_id", invoice.id)
    credit = [ItemCredit(invoice_item=item.id, amount=Decimal(40))]
    return create_credit_memo_from_invoice(site.tenant, invoice=invoice.id, items=credit, memo_date=DAY)


def _standalone(site, _invoice):
    return create_credit_memo(
        site.tenant, request=NewCreditMemo(account=ACCOUNT, items=[line("50", "9.5")], memo_date=DAY)
    )


def _of_an_order(site, _invoice):
    billed(site, line("-50", "-9.5"), auto_post=False, source_type="Order")
    return next(iter(site.tenant.credit_memos.latest.values()))


def _of_a_bill_run(site, _invoice):
    billed(site, line("-50", "-9.5"), auto_post=False)
    return next(iter(site.tenant.credit_memos.latest.values()))


@pytest.mark.parametrize("make", [_from_invoice, _part_of_invoice, _standalone, _of_an_order, _of_a_bill_run])
async def test_a_credit_memo_is_one_credit_note_whatever_made_it(site, make):
    invoice = posted(site)
    memo = make(site, invoice)
    await site.read()
    assert site.stands(RecordKind.CREDIT_MEMO, memo, "match") == ("ignored", "not_posted")
    post_credit_memo(site.tenant, credit_memo=memo.id)
    await site.read()
    assert site.steps(memo) == ["post#1 document"]
    net, tax = memo.total_amount_without_tax, memo.tax_amount
    assert site.receivable == 119 - net - tax
    expected = {REVENUE: 100 - net, TAX: 19 - tax}
    assert site.ledger == {account: amount for account, amount in expected.items() if amount}


@pytest.mark.parametrize("unapply_rows", ["negative", "positive"])
async def test_applications_and_unapplications_of_a_memo_settle_and_open_again(zuora, site, unapply_rows):
    zuora.use(unapply_rows=unapply_rows)
    invoice, other, memo = posted(site), posted(site), credited(site)
    await site.read()
    apply_credit_memo(site.tenant, credit_memo=memo.id, invoices=[*to(invoice, "40"), *to(other, "10")])
    await site.read()
    assert site.open == {invoice.invoice_number: 79, other.invoice_number: 109, memo.memo_number: Decimal("9.5")}
    zuora.later(minutes=1)
    unapply_credit_memo(site.tenant, credit_memo=memo.id, invoices=to(invoice, "15"))
    await site.read()
    assert site.open[invoice.invoice_number] == 94
    assert site.open[memo.memo_number] == Decimal("24.5")
    zuora.later(minutes=1)
    unapply_credit_memo(site.tenant, credit_memo=memo.id)
    await site.read()
    assert site.open == {invoice.invoice_number: 119, other.invoice_number: 119, memo.memo_number: Decimal("59.5")}
    assert site.stands(RecordKind.CREDIT_MEMO, memo) == ("", "")


@pytest.mark.parametrize("end", ["unposted", "cancelled", "deleted"])
async def test_a_memo_that_was_voided_is_taken_back(site, end):
    invoice, memo = posted(site), credited(site)
    apply_credit_memo(site.tenant, credit_memo=memo.id, invoices=to(invoice, "40"))
    await site.read()
    unapply_credit_memo(site.tenant, credit_memo=memo.id)
    unpost_credit_memo(site.tenant, credit_memo=memo.id)
    if end == "cancelled":
        cancel_credit_memo(site.tenant, credit_memo=memo.id)
    elif end == "deleted":
        delete_credit_memo(site.tenant, credit_memo=memo.id)
        await site.look_for(RecordKind.CREDIT_MEMO, memo.id)
    await site.read()
    assert site.steps(memo)[-2:] == REVERSED
    assert (site.receivable, site.open) == (119, {invoice.invoice_number: 119})
    assert site.ledger == {REVENUE: 100, TAX: 19}


async def test_a_memo_posted_again_with_another_amount_is_a_posting_of_its_own(site):
    memo = credited(site)
    await site.read()
    site.zuora.later(minutes=1)
    post_credit_memo(site.tenant, credit_memo=unpost_credit_memo(site.tenant, credit_memo=memo.id).id)
    await site.read()
    assert (site.steps(memo), site.receivable) == (["post#1 document"], Decimal("-59.5"))


# -- debit memos -----------------------------------------------------------------------------------------------------


def debited(site, *lines):
    request = NewDebitMemo(account=ACCOUNT, items=list(lines or (line("50", "9.5"),)), memo_date=DAY)
    return post_debit_memo(site.tenant, debit_memo=create_debit_memo(site.tenant, request=request).id)


async def test_a_debit_memo_is_one_invoice_alone_or_from_an_invoice(site):
    invoice = posted(site)
    alone = debited(site)
    again = create_debit_memo_from_invoice(site.tenant, invoice=invoice.id, memo_date=DAY)
    post_debit_memo(site.tenant, debit_memo=again.id)
    await site.read()
    assert site.steps(alone) == site.steps(again) == ["post#1 document"]
    assert {type(content).__name__ for content in site.world.contents()} == {"InvoiceContent"}
    assert (site.receivable, site.ledger) == (Decimal("297.5"), {REVENUE: 250, TAX: Decimal("47.5")})


@pytest.mark.parametrize("unapply_rows", ["negative", "positive"])
async def test_payments_and_credit_memos_pay_a_debit_memo(zuora, site, unapply_rows):
    zuora.use(unapply_rows=unapply_rows)
    debit, credit = debited(site), credited(site, line("20", ""))
    owed = [Application(debit_memo=debit.id, amount=Decimal("39.5"))]
    payment = create_payment(
        site.tenant, request=NewPayment(account=ACCOUNT, amount=Decimal("39.5"), invoices=owed, effective_date=DAY)
    )
    apply_credit_memo(
        site.tenant, credit_memo=credit.id, invoices=[Application(debit_memo=debit.id, amount=Decimal(20))]
    )
    await site.read()
    assert site.open == {}
    zuora.later(minutes=1)
    unapply_payment(site.tenant, payment=payment.id)
    await site.read()
    assert site.open == {debit.memo_number: Decimal("39.5"), payment.payment_number: Decimal("39.5")}


@pytest.mark.parametrize("end", ["unposted", "cancelled", "deleted"])
async def test_a_debit_memo_that_was_voided_is_taken_back(site, end):
    debit = debited(site)
    await site.read()
    unpost_debit_memo(site.tenant, debit_memo=debit.id)
    if end == "cancelled":
        cancel_debit_memo(site.tenant, debit_memo=debit.id)
    elif end == "deleted":
        delete_debit_memo(site.tenant, debit_memo=debit.id)
        await site.look_for(RecordKind.DEBIT_MEMO, debit.id)
    await site.read()
    assert (site.steps(debit)[1:], site.receivable, site.ledger, site.open) == (REVERSED, 0, {}, {})


# -- memos that correct memos ----------------------------------------------------------------------------------------


async def test_a_reversed_credit_memo_is_a_debit_memo_that_it_is_applied_to(site):
    memo = credited(site)
    await site.read()
    assert site.receivable == Decimal("-59.5")
    debit = reverse_credit_memo(site.tenant, credit_memo=memo.id, memo_date=DAY).debit_memo
    await site.read()
    assert site.tenant.credit_memos.latest[memo.id].reversed
    assert site.steps(debit) == ["post#1 document"]
    assert [step.partition(":")[0] for step in site.steps(memo)] == ["post#1 document", "allocate#1 allocate"]
    assert (site.receivable, site.ledger, site.open) == (0, {}, {})


async def test_what_is_left_of_a_credit_memo_is_written_off_by_a_debit_memo(site):
    invoice, memo = posted(site), credited(site)
    apply_credit_memo(site.tenant, credit_memo=memo.id, invoices=to(invoice, "40"))
    await site.read()
    debit = write_off_credit_memo(site.tenant, credit_memo=memo.id, memo_date=DAY).debit_memo
    await site.read()
    assert (debit.total_amount, site.steps(debit)) == (Decimal("19.5"), ["post#1 document"])
    assert site.receivable == 119 - Decimal("59.5") + Decimal("19.5")
    assert site.open == {invoice.invoice_number: 79}


async def test_what_is_left_of_a_debit_memo_is_written_off_by_a_credit_memo(site):
    debit = debited(site)
    paid = [Application(debit_memo=debit.id, amount=Decimal("9.5"))]
    create_payment(
        site.tenant, request=NewPayment(account=ACCOUNT, amount=Decimal("9.5"), invoices=paid, effective_date=DAY)
    )
    await site.read()
    memo = write_off_debit_memo(site.tenant, debit_memo=debit.id, memo_date=DAY).credit_memo
    await site.read()
    assert (memo.total_amount, site.steps(debit)) == (50, ["post#1 document"])
    assert [step.partition(":")[0] for step in site.steps(memo)] == ["post#1 document", "allocate#1 allocate"]
    assert (site.receivable, site.open) == (Decimal("9.5"), {})
