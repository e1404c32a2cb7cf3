"""A Zuora tenant: several accounts, invoices and memos posted, undone and posted again, payments, opening items.

What is true (balances) stands in tests/unit/tenant.py; here is what a whole tenant adds, and what its poller reads:
each version of each document once, the newest alone, or an old one once more.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from schemas.records import ZuoraRecord
from tests.unit import builders as zuora
from tests.unit.tenant import ZERO, Tenant

ACCOUNTS = {"acc1": "A-1", "acc2": "A-2", "acc3": "A-3"}
# Two accounts share a customer.
CUSTOMERS = {"acc1": "C1", "acc2": "C1", "acc3": "C2"}
DAYS = ("2026-03-10", "2026-04-10")
BEFORE_CUT_OVER = "2025-12-01"
# What is done to documents that are there: all of it must happen in a simulation.
APPLIED, UNAPPLIED, UNDONE, POSTED_AGAIN = (
    "money applied",
    "money unapplied",
    "invoice unposted",
    "invoice posted again",
)
MEMO_UNDONE, MEMO_CANCELLED, MEMO_POSTED_AGAIN = "memo unposted", "memo cancelled", "memo posted again"
DRAFT_DELETED, OVER_NOTHING = "invoice deleted", "invoice over nothing posted"
ACTS = (
    APPLIED,
    UNAPPLIED,
    UNDONE,
    POSTED_AGAIN,
    DRAFT_DELETED,
    OVER_NOTHING,
    MEMO_UNDONE,
    MEMO_CANCELLED,
    MEMO_POSTED_AGAIN,
)
# What the two lines of an invoice over nothing come to, the one and the other way.
OVER_NOTHING_S = Decimal(100)


@dataclass
class About:
    """What a document is beside its amounts.

    Attributes:
        account: "" of a payment of nobody yet.
        status: Of a payment.
        refunded: How much of a payment or memo was given back.
        touched: When it was last changed, where that is not now.
    """

    account: str
    day: str
    number: int = 0
    posted: str = ""
    refers_to: str = ""
    cancelled: bool = False
    deleted: bool = False
    status: str = "Processed"
    refunded: Decimal = ZERO
    touched: str = ""


@dataclass
class Reading:
    """How far the versions of a document were read."""

    next: int = 0


class Zuora(Tenant):
    """The tenant, and what was read of it."""

    def __init__(self) -> None:
        super().__init__()
        self.about: dict[str, About] = {}
        self.today = DAYS[0]
        self._read: dict[str, Reading] = {}
        for name, account in (("iold", "acc1"), ("cmold", "acc2")):
            self.about[name] = About(account, BEFORE_CUT_OVER, posted=f"{BEFORE_CUT_OVER}T10:00:00Z")
        Tenant.post(self, "iold", 100)
        self.invoices["iold"].posted = self.about["iold"].posted
        self.versions["invoice:iold"].clear()
        self._invoice("iold")
        Tenant.pay(self, "cmold", 60)

    # Acts.

    def bill(self, name: str, total: int, *, account: str) -> None:
        """Post a new invoice."""
        self.about[name] = About(account, self.today)
        self.post(name, total)

    def receive(self, name: str, total: int, *, account: str, refers_to: str = "") -> None:
        """Enter a payment, or post a new credit memo, which may refer to an invoice."""
        self.about[name] = About(account, self.today, refers_to=refers_to)
        self.about[name].posted = self._now()
        self.pay(name, total)

    def unpost(self, name: str) -> bool:
        """Take an invoice back to Draft, where Zuora allows it; not one from before the cut-over."""
        # Zuora's OpenAPI, PUT /v1/invoices/{invoiceKey}/unpost, Restrictions: it must be Posted, with no payment and no
        # credit memo applied, and "no non-cancelled memos can be created from this invoice": one in Draft is not.
        about = self.about.values()
        if name == "iold" or any(one.refers_to == name and not one.cancelled for one in about):
            return False
        return super().unpost(name)

    def drafts(self) -> list[str]:
        """Return the invoices in Draft that are still there."""
        return [name for name, one in self.invoices.items() if not one.posted and not self.about[name].deleted]

    def delete(self, name: str) -> None:
        """Delete an invoice in Draft: whoever asks for it by its id is told that there is none."""
        self.about[name].deleted = True
        self.versions[f"invoice:{name}"].append(zuora.deleted("invoice", name))

    def unpost_memo(self, name: str) -> bool:
        """Take a memo back to Draft, where Zuora allows it."""
        # PUT /v1/credit-memos/{creditMemoKey}/unpost: not one that is applied.
        if not self.about[name].posted or self.unapplied(name) != self.payers[name].total:
            return False
        self.about[name].posted = ""
        self._payer(name)
        return True

    def cancel_memo(self, name: str) -> bool:
        """Cancel a memo for good: then the invoice that it was made from may be unposted."""
        # PUT /v1/credit-memos/{creditMemoKey}/cancel: "Only credit memos with the Draft status can be cancelled."
        if self.about[name].posted or self.about[name].cancelled:
            return False
        self.about[name].cancelled = True
        self._payer(name)
        return True

    def repost_memo(self, name: str, total: int) -> bool:
        """Post a memo in Draft again, with another amount: rows that come to nothing stay in its history."""
        about = self.about[name]
        if about.posted or about.cancelled:
            return False
        about.posted = self._now()
        self.payers[name].total = Decimal(total)
        self._payer(name)
        return True

    def applied(self, payer: str, invoice: str) -> Decimal:
        """Return what stands applied; nothing of a payment that is lost."""
        return super().applied(payer, invoice) if self.about[payer].status == "Processed" else ZERO

    def unapplied(self, payer: str) -> Decimal:
        """Return what is neither applied nor given back."""
        about = self.about[payer]
        return super().unapplied(payer) - about.refunded if about.status == "Processed" else ZERO

    def owed_to(self, name: str) -> Decimal:
        """Return what is not applied of a payment or memo; nothing while that is in Draft, or of nobody."""
        about = self.about[name]
        return self.unapplied(name) if about.posted and about.account else ZERO

    # What can be done.

    def applicable(self) -> list[tuple[str, str]]:
        """Return (payer, invoice) where something is left to apply and something is owed."""
        return [
            (payer, invoice)
            for payer in self.payers
            for invoice in self.invoices
            if self.about[payer].account == self.about[invoice].account
            and self.owed_to(payer)
            and self.balance(invoice)
        ]

    def applications(self) -> list[tuple[str, str]]:
        """Return (payer, invoice) where something is applied."""
        return [(payer, invoice) for payer in self.payers for invoice in self.invoices if self.applied(payer, invoice)]

    # What was read of it.

    def unread(self) -> list[str]:
        """Return the documents of which a version was not read."""
        return [name for name, versions in self.versions.items() if self._next(name) < len(versions)]

    def read(self, document: str, *, newest: bool = False) -> ZuoraRecord:
        """Return the next version of a document that was not read, or the newest at once."""
        versions = self.versions[document]
        place = len(versions) - 1 if newest else min(self._next(document), len(versions) - 1)
        self._read[document] = Reading(max(place + 1, self._next(document)))
        return versions[place]

    def look_again(self, record: ZuoraRecord) -> None:
        """Take up that an old version was read once more: of what was deleted the next re-read says so again."""
        if record.kind == "invoice" and self.about[record.id].deleted:
            document = f"invoice:{record.id}"
            self._read[document] = Reading(min(self._next(document), len(self.versions[document]) - 1))

    def read_before(self) -> list[ZuoraRecord]:
        """Return all versions that were read before, or passed over."""
        return [record for name, reading in self._read.items() for record in self.versions[name][: reading.next]]

    def _next(self, document: str) -> int:
        return self._read[document].next if document in self._read else 0

    # How it shows them.

    def _row(self, payer: str, invoice: str, amount: Decimal) -> bool:
        if not amount or not self.invoices[invoice].posted or not self.about[payer].posted:
            return False
        name = f"{payer}-{len(self.payers[payer].rows) + 1}"
        about = self.about[payer]
        row = zuora.row(
            str(amount), name, to=invoice, created=self._now(), effectiveDate=self.today, accountId=about.account
        )
        self.payers[payer].rows.append(row)
        self._payer(payer)
        return True

    def _invoice(self, name: str) -> None:
        invoice, about, now = self.invoices[name], self.about[name], self._now()
        fields: dict[str, Any] = {"accountId": about.account, "invoiceDate": about.day, "updated": now}
        if invoice.posted and not invoice.total:
            lines = (
                zuora.item(str(OVER_NOTHING_S), f"{name}-1"),
                zuora.item(str(-OVER_NOTHING_S), f"{name}-2", accountingCode="Bad Debt"),
            )
            record = zuora.invoice(*lines, name=name, postedDate=invoice.posted, **fields)
        elif invoice.posted:
            record = zuora.simple_invoice(str(invoice.total), name, postedDate=invoice.posted, **fields)
        else:
            record = zuora.draft(name, **fields)
        self.versions[f"invoice:{name}"].append(record)

    def _payer(self, name: str) -> None:
        payer, about = self.payers[name], self.about[name]
        now, refunded = about.touched or self._now(), {"refundAmount": about.refunded or None}
        if not name.startswith("cm"):
            fields = {"accountId": about.account or None, "effectiveDate": about.day, "createdDate": about.posted}
            fields |= {"status": about.status, **refunded}
            record = zuora.payment(str(payer.total), *payer.rows, name=name, updated=now, **fields)
            self.versions[f"payment:{name}"].append(record)
            return
        item = zuora.memo_item(str(payer.total))
        fields = {"accountId": about.account, "memoDate": about.day, "invoiceId": about.refers_to or None, **refunded}
        if about.posted:
            fields["postedOn"] = about.posted
        else:
            fields |= {"status": "Canceled" if about.cancelled else "Draft", "postedOn": None}
        record = zuora.memo(item, name=name, rows=payer.rows, updated=now, **fields)
        self.versions[f"credit_memo:{name}"].append(record)
