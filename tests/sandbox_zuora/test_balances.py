"""Whatever is done in whatever order, the sums hold: properties over random acts, checked against the rows anew."""

from datetime import UTC, datetime
from decimal import Decimal
from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox.zuora import Refused, Sandbox, Settings, World
from sandbox.zuora.acts import (
    Application,
    NewAccount,
    NewCreditMemo,
    NewInvoice,
    NewItem,
    NewPayment,
    NewTax,
    apply_credit_memo,
    apply_payment,
    cancel_credit_memo,
    cancel_invoice,
    cancel_payment,
    create_credit_memo,
    create_invoice,
    create_payment,
    delete_invoice,
    fail_payment,
    post_credit_memo,
    post_invoice,
    reverse_invoice,
    transfer_payment,
    unapply_credit_memo,
    unapply_payment,
    unpost_credit_memo,
    unpost_invoice,
    write_off_invoice,
)
from sandbox.zuora.clock import Clock

SEEDS = st.integers(0, 2**32)
STEPS = 150


class Business:
    """Acts on a tenant at random, mostly sensible ones, and some that Zuora refuses."""

    def __init__(self, sandbox, seed):
        self.sandbox, self.tenant, self.random = sandbox, sandbox.tenant, Random(seed)

    def pick(self, table, status):
        rows = [row for row in table.latest.values() if row.status == status]
        # Now and then whatever stands there, so that refusals are tried as well.
        rows = rows if rows and self.random.random() < 0.95 else list(table.latest.values())
        return self.random.choice(rows).id if rows else "none"

    def amount(self, most=500):
        return Decimal(self.random.randint(1, most * 100)) / 100

    def account(self):
        return self.random.choice(("A-00000001", "A-00000002"))

    def items(self):
        return [
            NewItem(charge_amount=self.amount(), taxes=[NewTax(tax_amount=self.amount(50))])
            for _ in range(self.random.randint(1, 3))
        ]

    def part(self):
        invoice = self.pick(self.tenant.invoices, "Posted")
        row = self.tenant.invoices.find(invoice)
        whole = row is not None and row.balance > 0 and self.random.random() < 0.3
        return [Application(invoice=invoice, amount=row.balance if whole else self.amount(100))]

    def applied(self):
        return self.part() if self.random.random() < 0.3 else None

    def draft(self):
        create_invoice(self.tenant, request=NewInvoice(account=self.account(), items=self.items()))

    def pay(self):
        kind = self.random.choice(("External", "Electronic"))
        request = NewPayment(account=self.account(), amount=self.amount(2000), type=kind)
        create_payment(self.tenant, request=request)

    def credit(self):
        create_credit_memo(self.tenant, request=NewCreditMemo(account=self.account(), items=self.items()))

    def act(self):
        """Do one act; Zuora may refuse it."""
        tenant = self.tenant
        draft, posted = self.pick(tenant.invoices, "Draft"), self.pick(tenant.invoices, "Posted")
        payment = self.pick(tenant.payments, "Processed")
        memo, open_memo = self.pick(tenant.credit_memos, "Draft"), self.pick(tenant.credit_memos, "Posted")
        often = [
            self.draft,
            lambda: post_invoice(tenant, invoice=draft),
            self.pay,
            lambda: apply_payment(tenant, payment=payment, invoices=self.part()),
            self.credit,
            lambda: post_credit_memo(tenant, credit_memo=memo),
            lambda: apply_credit_memo(tenant, credit_memo=open_memo, invoices=self.part()),
        ]
        seldom = [
            lambda: unpost_invoice(tenant, invoice=posted),
            lambda: cancel_invoice(tenant, invoice=draft),
            lambda: delete_invoice(tenant, invoice=draft),
            lambda: reverse_invoice(tenant, invoice=posted),
            lambda: write_off_invoice(tenant, invoice=posted),
            lambda: unapply_payment(tenant, payment=payment, invoices=self.applied()),
            lambda: transfer_payment(tenant, payment=payment, account=self.random.choice((None, self.account()))),
            lambda: cancel_payment(tenant, payment=payment),
            lambda: fail_payment(tenant, payment=payment),
            lambda: unapply_credit_memo(tenant, credit_memo=open_memo, invoices=self.applied()),
            lambda: unpost_credit_memo(tenant, credit_memo=open_memo),
            lambda: cancel_credit_memo(tenant, credit_memo=memo),
        ]
        try:
            self.random.choice(often * 4 + seldom)()
        except Refused:
            return


def tenant_after(seed):
    """Return a tenant in which so much has happened."""
    world = World(accounts=[NewAccount(name="One"), NewAccount(name="Two")], settings=Settings(time_zone="UTC"))
    clock = Clock()
    clock.set(datetime(2026, 3, 15, tzinfo=UTC), running=False)
    sandbox = Sandbox(seed=3, world=world, clock=clock)
    business = Business(sandbox, seed)
    for _ in range(STEPS):
        business.act()
        sandbox.clock.advance(business.random.randint(0, 2))
    return sandbox.tenant


def total(rows, name):
    return sum((getattr(row, name) for row in rows), Decimal(0))


def check_invoices(tenant):
    for row in tenant.invoices.latest.values():
        items = tenant.invoice_items.children("invoice_id", row.id)
        assert row.amount == total(items, "charge_amount") + total(items, "tax_amount")
        paid = total(tenant.payment_parts.children("invoice_id", row.id), "amount")
        credited = total(tenant.credit_memo_parts.children("invoice_id", row.id), "amount")
        assert (row.payment_amount, row.credit_memo_amount) == (paid, credited)
        assert paid == total(tenant.payment_applications.children("invoice_id", row.id), "apply_amount")
        assert credited == total(tenant.credit_memo_applications.children("invoice_id", row.id), "amount")
        assert row.balance == (0 if row.status == "Canceled" else row.amount - paid - credited)
        assert row.balance >= 0
        assert row.status == "Posted" or not (paid or credited)


def check_sources(tenant):
    for row in tenant.payments.latest.values():
        assert row.amount == row.applied_amount + row.unapplied_amount or row.status != "Processed"
        parts = tenant.payment_parts.children("payment_id", row.id)
        assert total((part for part in parts if part.invoice_id), "amount") == row.applied_amount
        assert total((part for part in parts if not part.invoice_id), "amount") == row.unapplied_amount
    for row in tenant.credit_memos.latest.values():
        assert row.status == "Canceled" or row.total_amount == row.applied_amount + row.balance
        parts = tenant.credit_memo_parts.children("credit_memo_id", row.id)
        assert total((part for part in parts if part.invoice_id), "amount") == row.applied_amount
        rest = total((part for part in parts if not part.invoice_id), "amount")
        assert rest == (row.balance if row.status == "Posted" else 0)


def check_accounts(tenant):
    for account in tenant.accounts.latest.values():
        posted = [row for row in tenant.invoices.children("account_id", account.id) if row.status == "Posted"]
        memos = [row for row in tenant.credit_memos.children("account_id", account.id) if row.status == "Posted"]
        payments = tenant.payments.children("account_id", account.id)
        assert account.total_invoice_balance == total(posted, "balance")
        assert account.unapplied_balance == total(payments, "unapplied_amount")
        assert account.unapplied_credit_memo_amount == total(memos, "balance")
        owed = account.total_invoice_balance - account.unapplied_balance - account.unapplied_credit_memo_amount
        assert account.balance == owed


def check_views(tenant):
    for table in tenant.tables.values():
        assert table.shown == table.latest
        assert table.order == sorted((row.updated_date.epoch_s, key) for key, row in table.shown.items())


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=SEEDS)
def test_sums_hold_after_any_acts(seed):
    tenant = tenant_after(seed)
    check_invoices(tenant)
    check_sources(tenant)
    check_accounts(tenant)
    check_views(tenant)


def test_the_random_business_does_everything():
    seen = {f"{deed.verb} {deed.kind}" for seed in range(12) for deed in tenant_after(seed).chronicle}
    assert seen >= {
        *(f"{verb} Invoice" for verb in ("posted", "unposted", "canceled", "deleted", "reversed", "written_off")),
        *(f"{verb} Payment" for verb in ("processed", "transferred", "canceled", "failed")),
        *(f"{verb} PaymentApplication" for verb in ("applied", "unapplied")),
        *(f"{verb} CreditMemo" for verb in ("posted", "unposted", "canceled")),
        *(f"{verb} CreditMemoApplication" for verb in ("applied", "unapplied")),
    }


@settings(max_examples=5, deadline=None)
@given(seed=SEEDS)
def test_the_same_seed_and_acts_give_the_same_tenant(seed):
    first, second = tenant_after(seed), tenant_after(seed)
    for one, other in zip(first.tables.values(), second.tables.values(), strict=True):
        assert one.shown == other.shown
