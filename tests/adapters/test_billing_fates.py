"""Every fate of invoices and memos, from the stand-in over HTTP through the product's poll into both cores: what it
becomes in QAD, once, or the name of why it does not.

Net amounts are summed from the postings themselves: an inverse takes back exactly what it names.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

import msgspec
import pytest

from sandbox.zuora.acts import (
    Application,
    ItemCredit,
    NewAccountingCode,
    NewAccountingPeriod,
    NewBillRun,
    NewCreditMemo,
    NewDebitMemo,
    NewInvoice,
    NewItem,
    NewPayment,
    NewTax,
    apply_credit_memo,
    apply_payment,
    cancel_credit_memo,
    cancel_debit_memo,
    cancel_invoice,
    close_accounting_period,
    create_accounting_code,
    create_accounting_period,
    create_bill_run,
    create_credit_memo,
    create_credit_memo_from_invoice,
    create_debit_memo,
    create_debit_memo_from_invoice,
    create_invoice,
    create_payment,
    delete_credit_memo,
    delete_debit_memo,
    delete_invoice,
    edit_invoice,
    generate_bill_run,
    post_bill_run,
    post_credit_memo,
    post_debit_memo,
    post_invoice,
    reverse_credit_memo,
    reverse_invoice,
    split_invoice,
    unapply_credit_memo,
    unapply_payment,
    unpost_credit_memo,
    unpost_debit_memo,
    unpost_invoice,
    write_off_credit_memo,
    write_off_debit_memo,
    write_off_invoice,
)
from schemas.postings import AllocationContent, CreditNoteContent, InverseContent, InvoiceContent
from schemas.records import RecordKind, record_of_deletion
from tests.adapters.zuora_tenant import BY_HAND, MemoryLog, ZuoraTenant, poller
from tests.unit import builders
from tests.unit.world import World, world

ACCOUNT = "A-00000001"
REVENUE, TAX, BAD_DEBT = "4000", "2300", "6800"
DAY = date(2026, 3, 10)
REVERSED = ["reverse#1 inverse", "reverse#1 settle"]


@dataclass
class Site:
    """A tenant that is polled into a world, and what may be done to it."""

    zuora: ZuoraTenant
    world: World = field(default_factory=lambda: world().put(builders.customer(zuora_account=ACCOUNT)))
    log: MemoryLog = field(default_factory=MemoryLog)
    polling: object = None
    taken: int = 0
    shown: int = 0

    @property
    def tenant(self):
        return self.zuora.tenant

    async def read(self) -> "Site":
        """Poll once, later, and decide what came."""
        self.zuora.later(minutes=10)
        if self.polling is None:
            self.polling = poller(await self.zuora.client(), self.log)
        await self.polling.round()
        if not self.taken:
            self.world.put(*builders.codes())
        self.world.put(*self.log.references_kept[self.shown :])
        self.shown = len(self.log.references_kept)
        for record in self.log.kept[self.taken :]:
            self.world.put(msgspec.structs.replace(record, connection=builders.CONNECTION))
        self.taken = len(self.log.kept)
        return self

    async def look_for(self, kind: str, zuora_id: str) -> None:
        """Ask for an object by its id, as a hint or a re-read does, and take up that it is gone."""
        assert await (await self.zuora.objects()).read(kind, zuora_id, BY_HAND) is None
        gone = record_of_deletion("acme", kind, zuora_id, BY_HAND)
        self.world.put(msgspec.structs.replace(gone, connection=builders.CONNECTION))

    # -- what was made of it -----------------------------------------------------------------------------------------

    def steps(self, row) -> list[str]:
        """Return what was made of a document, in order."""
        return [f"{p.act}#{p.n} {p.step}" for p in self.world.postings if p.document.endswith(f":{row.id}")]

    def stands(self, kind: str, row, stage: str = "ledger") -> tuple[str, str]:
        return self.world.standing(f"{kind}:{row.id}", stage)

    @property
    def receivable(self) -> Decimal:
        """What all documents together raised what customers owe by."""
        return sum((self._signed(posting) for posting in self.world.postings), Decimal(0))

    @property
    def ledger(self) -> dict[str, Decimal]:
        """Credit less debit of each account of the general ledger, those that come to zero left out."""
        accounts: defaultdict[str, Decimal] = defaultdict(Decimal)
        for posting in self.world.postings:
            sign, of = (-1, self._of(posting)) if isinstance(posting.content, InverseContent) else (1, posting)
            for line in getattr(of.content, "lines", ()):
                accounts[line.account] += sign * (line.credit - line.debit)
        return {account: amount for account, amount in accounts.items() if amount}

    @property
    def open(self) -> dict[str, Decimal]:
        """What is open of each posting, by document: settled and taken back to nothing is left out."""
        items: defaultdict[str, Decimal] = defaultdict(Decimal)
        for posting in self.world.postings:
            content = posting.content
            if isinstance(content, AllocationContent):
                sign = 1 if content.reopens else -1
                items[content.payer] += sign * content.amount
                items[content.item] += sign * content.amount
            else:
                items[posting.id] += abs(self._signed(posting)) or getattr(content, "total", Decimal(0))
        names = {posting.id: posting.number for posting in self.world.postings}
        return {names[name]: amount for name, amount in items.items() if amount}

    def _of(self, posting):
        return next(one for one in self.world.postings if one.id == posting.content.of)

    def _signed(self, posting) -> Decimal:
        match posting.content:
            case InvoiceContent(total=total):
                return total
            case CreditNoteContent(total=total):
                return -total
            case InverseContent():
                return -self._signed(self._of(posting))
        return Decimal(0)


@pytest.fixture
async def site(zuora):
    return Site(zuora)


def line(amount="100", tax="19", **more) -> NewItem:
    taxes = [NewTax(tax_amount=Decimal(tax), tax_code="VAT19", jurisdiction="DE")] if tax else []
    return NewItem(charge_amount=Decimal(amount), accounting_code="Subscription Revenue", taxes=taxes, **more)


def drafted(site, *lines, **more):
    request = NewInvoice(account=ACCOUNT, items=list(lines or (line(),)), invoice_date=DAY, **more)
    return create_invoice(site.tenant, request=request)


def posted(site, *lines, **more):
    return post_invoice(site.tenant, invoice=drafted(site, *lines, **more).id)


def credited(site, *lines, **more):
    request = NewCreditMemo(account=ACCOUNT, items=list(lines or (line("50", "9.5"),)), memo_date=DAY, **more)
    memo = create_credit_memo(site.tenant, request=request)
    return post_credit_memo(site.tenant, credit_memo=memo.id)


def to(invoice, amount):
    return [Application(invoice=invoice.id, amount=Decimal(amount))]


def billed(site, *lines, auto_post, **more):
    planned = NewInvoice(account=ACCOUNT, items=list(lines), invoice_date=DAY, **more)
    run = create_bill_run(site.tenant, request=NewBillRun(invoices=[planned], auto_post=auto_post))
    return generate_bill_run(site.tenant, bill_run=run.id)


# -- invoices --------------------------------------------------------------------------------------------------------


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
