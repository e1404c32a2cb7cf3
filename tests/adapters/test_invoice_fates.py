"""Every fate of invoices, from the stand-in over HTTP through the product's poll into both cores: what it becomes in
QAD, once, or the name of why it does not.
"""

from datetime import date
from decimal import Decimal

import pytest

from sandbox.zuora.acts import (
    NewAccountingCode,
    NewAccountingPeriod,
    NewPayment,
    apply_payment,
    cancel_invoice,
    close_accounting_period,
    create_accounting_code,
    create_accounting_period,
    create_payment,
    delete_invoice,
    edit_invoice,
    post_bill_run,
    post_invoice,
    reverse_invoice,
    split_invoice,
    unapply_payment,
    unpost_invoice,
    write_off_invoice,
)
from schemas.records import RecordKind
from tests.adapters.billing_site import ACCOUNT, BAD_DEBT, REVENUE, REVERSED, TAX, billed, drafted, line, posted, to
from tests.unit import builders


@pytest.mark.parametrize("how", ["auto", "run by hand", "api", "manual"])
async def test_an_invoice_is_one_posting_however_it_was_posted(site, how):
    if how in ("api", "manual"):
        post_invoice(site.tenant, invoice=drafted(site).id, by=how)
    else:
        run = billed(site, line(), auto_post=how == "auto")
        if how != "auto":
            await site.read()
            assert site.world.postings == []
            post_bill_run(site.tenant, bill_run=run.id)
    await site.read()
    [invoice] = site.tenant.invoices.latest.values()
    assert site.steps(invoice) == ["post#1 document"]
    assert (site.receivable, site.ledger) == (119, {REVENUE: 100, TAX: 19})


async def test_a_reversed_invoice_moves_receivable_and_revenue_once(site):
    """The memo and its application are the effect; that the invoice says it is reversed makes nothing."""
    invoice = posted(site)
    await site.read()
    memo = reverse_invoice(site.tenant, invoice=invoice.id).credit_memo
    await site.read()
    assert site.steps(invoice) == ["post#1 document"]
    assert [step.partition(":")[0] for step in site.steps(memo)] == ["post#1 document", "allocate#1 allocate"]
    assert (site.receivable, site.ledger, site.open) == (0, {}, {})


async def test_a_reversal_found_in_the_same_round_as_its_invoice_is_the_same(site):
    invoice = posted(site)
    memo = reverse_invoice(site.tenant, invoice=invoice.id).credit_memo
    await site.read()
    assert (len(site.steps(invoice)), len(site.steps(memo))) == (1, 2)
    assert (site.receivable, site.ledger, site.open) == (0, {}, {})


@pytest.mark.parametrize(("revenue_impacting", "account"), [("Yes", REVENUE), ("No", BAD_DEBT)])
async def test_a_written_off_invoice_is_the_memo_and_its_application(site, revenue_impacting, account):
    create_accounting_code(site.tenant, request=NewAccountingCode(name="Bad Debt", type="BadDebt"))
    invoice = posted(site)
    create_payment(site.tenant, request=NewPayment(account=ACCOUNT, amount=Decimal(59), invoices=to(invoice, "59")))
    await site.read()
    written = write_off_invoice(site.tenant, invoice=invoice.id, revenue_impacting=revenue_impacting)
    await site.read()
    memo = written.credit_memo
    assert memo.total_amount == 60
    assert site.steps(invoice) == ["post#1 document"]
    assert (site.receivable, site.open) == (59, {})
    taken = sum(amount for name, amount in site.ledger.items() if name not in (TAX, REVENUE, account))
    assert (taken, sum(site.ledger.values())) == (0, 59)
    assert (site.ledger[REVENUE] == 100) == (account == BAD_DEBT)


@pytest.mark.parametrize("seen", [True, False])
async def test_an_invoice_unposted_and_posted_otherwise_is_taken_back_and_posted_anew(site, seen):
    invoice = posted(site)
    await site.read()
    site.zuora.later(minutes=1)
    unpost_invoice(site.tenant, invoice=invoice.id)
    if seen:
        await site.read()
        assert (site.steps(invoice)[1:], site.receivable) == (REVERSED, 0)
    edit_invoice(site.tenant, invoice=invoice.id, items=[line("200", "38")])
    post_invoice(site.tenant, invoice=invoice.id)
    await site.read()
    assert site.steps(invoice) == ["post#1 document", *REVERSED, "post#2 document"]
    assert (site.receivable, site.ledger) == (238, {REVENUE: 200, TAX: 38})


async def test_an_invoice_unposted_and_posted_as_it_was_between_two_polls_is_nothing(site):
    invoice = posted(site)
    await site.read()
    site.zuora.later(minutes=1)
    post_invoice(site.tenant, invoice=unpost_invoice(site.tenant, invoice=invoice.id).id)
    await site.read()
    assert (site.steps(invoice), site.receivable) == (["post#1 document"], 119)


async def test_a_cancelled_invoice_is_taken_back(site):
    invoice = posted(site)
    await site.read()
    cancel_invoice(site.tenant, invoice=unpost_invoice(site.tenant, invoice=invoice.id).id)
    await site.read()
    assert (site.steps(invoice)[1:], site.receivable, site.ledger, site.open) == (REVERSED, 0, {}, {})


async def test_a_deleted_invoice_is_taken_back_once_it_is_asked_for(site):
    """No list shows it any more: only asking for it by its id tells."""
    invoice = posted(site)
    await site.read()
    delete_invoice(site.tenant, invoice=unpost_invoice(site.tenant, invoice=invoice.id).id)
    await site.read()
    assert site.steps(invoice) == ["post#1 document"]
    await site.look_for(RecordKind.INVOICE, invoice.id)
    assert (site.steps(invoice)[1:], site.receivable, site.ledger, site.open) == (REVERSED, 0, {}, {})


async def test_what_paid_an_invoice_that_was_then_cancelled_is_free_again(site):
    invoice = posted(site)
    request = NewPayment(account=ACCOUNT, amount=Decimal(119), invoices=to(invoice, "119"))
    payment = create_payment(site.tenant, request=request)
    await site.read()
    assert site.open == {}
    unapply_payment(site.tenant, payment=payment.id)
    cancel_invoice(site.tenant, invoice=unpost_invoice(site.tenant, invoice=invoice.id).id)
    await site.read()
    assert site.receivable == 0
    assert site.open == {payment.payment_number: 119}
    other = posted(site)
    apply_payment(site.tenant, payment=payment.id, invoices=to(other, "119"))
    await site.read()
    assert site.open == {}


async def test_of_an_invoice_that_was_split_only_the_posted_results_count(site):
    draft = drafted(site, line("100", "19"))
    first, second = split_invoice(site.tenant, invoice=draft.id, percentages=[Decimal(40), Decimal(60)])
    post_invoice(site.tenant, invoice=first.id)
    await site.read()
    assert site.tenant.invoices.latest[draft.id].status == "Split"
    assert site.stands(RecordKind.INVOICE, draft, "match") == ("ignored", "not_posted")
    assert site.stands(RecordKind.INVOICE, second, "match") == ("ignored", "not_posted")
    assert (site.steps(draft), site.receivable) == ([], Decimal("47.6"))
    post_invoice(site.tenant, invoice=second.id)
    await site.read()
    assert (site.receivable, site.ledger) == (119, {REVENUE: 100, TAX: 19})


@pytest.mark.parametrize("negative_totals", ["credit_memo", "invoice"])
async def test_a_negative_total_is_a_credit_note_with_its_signs_turned(zuora, site, negative_totals):
    zuora.use(negative_totals=negative_totals)
    billed(site, line("-100", "-19"), line("20", "0"), auto_post=True)
    await site.read()
    [posting] = site.world.postings
    assert (posting.act, posting.content.total, posting.content.daybook) == ("post", 99, "ZCRN")
    assert posting.document.partition(":")[0] == ("credit_memo" if negative_totals == "credit_memo" else "invoice")
    assert (site.receivable, site.ledger) == (-99, {REVENUE: -80, TAX: -19})


async def test_a_negative_invoice_is_taken_back_as_well(zuora, site):
    zuora.use(negative_totals="invoice")
    billed(site, line("-100", "-19"), auto_post=True)
    await site.read()
    [invoice] = site.tenant.invoices.latest.values()
    unpost_invoice(site.tenant, invoice=invoice.id)
    await site.read()
    assert (site.steps(invoice)[1:], site.receivable, site.ledger, site.open) == (REVERSED, 0, {}, {})


async def test_an_invoice_of_nothing_but_zeros_is_ignored_by_name(site):
    invoice = posted(site, line("0", ""), line("0", "0"))
    await site.read()
    assert (site.stands(RecordKind.INVOICE, invoice), site.world.postings) == (("ignored", "zero"), [])


@pytest.mark.parametrize("end", ["unposted", "cancelled", "deleted"])
@pytest.mark.parametrize("zero_total", ["park", "journal"])
async def test_an_invoice_over_nothing_whose_lines_are_not_parks_or_is_a_journal_that_is_taken_back(
    site, zero_total, end
):
    published = builders.published(2, policy={"zero_total": zero_total}, daybooks=builders.ALL_DAYBOOKS)
    site.world.put(published, builders.Daybook(code="ZJRN", active=True))
    invoice = posted(site, line("100", ""), line("-100", "", processing_type="Discount"))
    await site.read()
    if zero_total == "park":
        assert (site.stands(RecordKind.INVOICE, invoice), site.ledger) == (("parked", "zero_total"), {})
    else:
        assert (site.steps(invoice), site.receivable) == (["post#1 document"], 0)
        assert site.ledger == {REVENUE: 100, "4090": -100}
    unpost_invoice(site.tenant, invoice=invoice.id)
    if end == "cancelled":
        cancel_invoice(site.tenant, invoice=invoice.id)
    elif end == "deleted":
        delete_invoice(site.tenant, invoice=invoice.id)
        await site.look_for(RecordKind.INVOICE, invoice.id)
    await site.read()
    assert site.ledger == {}
    standing = site.stands(RecordKind.INVOICE, invoice)
    assert standing[0] not in ("parked", "waiting"), standing


async def test_a_source_that_this_version_does_not_know_parks_that_invoice_alone(site):
    billed(site, line(), auto_post=True, source_type="Barter")
    other = posted(site)
    await site.read()
    [strange] = [row for row in site.tenant.invoices.latest.values() if row.id != other.id]
    assert site.stands(RecordKind.INVOICE, strange) == ("parked", "unknown_value")
    assert (site.steps(strange), site.steps(other)) == ([], ["post#1 document"])


# -- Zuora's periods -------------------------------------------------------------------------------------------------


async def test_what_is_read_after_zuora_closed_its_period_posts_and_names_the_period(site):
    days = {"start_date": date(2026, 3, 1), "end_date": date(2026, 3, 31), "fiscal_year": "2026"}
    march = NewAccountingPeriod(name="Mar '26", **days)
    period = create_accounting_period(site.tenant, request=march)
    await site.read()
    first = posted(site)
    await site.read()
    second = posted(site)
    close_accounting_period(site.tenant, period=period.id)
    await site.read()
    assert site.steps(first) == site.steps(second) == ["post#1 document"]
    assert [list((one.closed_in_zuora or {}).values()) for one in site.world.sets] == [[], ["Mar '26"]]
