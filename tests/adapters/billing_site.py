"""A tenant that is polled into both cores, and what became of its invoices and memos there.

Net amounts are summed from the postings themselves: an inverse takes back exactly what it names.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

import msgspec

from sandbox.zuora.acts import (
    Application,
    NewBillRun,
    NewCreditMemo,
    NewInvoice,
    NewItem,
    NewTax,
    create_bill_run,
    create_credit_memo,
    create_invoice,
    generate_bill_run,
    post_credit_memo,
    post_invoice,
)
from schemas.postings import AllocationContent, CreditNoteContent, InverseContent, InvoiceContent
from schemas.records import record_of_deletion
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
