"""A Zuora tenant in small: invoices are posted, paid, credited, unposted and posted again by Zuora's own rules.

It says what is true (balances), and gives each version of each document as the poller would read it.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from schemas.records import ZuoraRecord
from tests.unit import builders as zuora

ZERO = Decimal(0)


@dataclass
class Invoice:
    name: str
    total: Decimal
    posted: str


@dataclass
class Payer:
    """A payment or a credit memo, with the history of its applications."""

    name: str
    total: Decimal
    rows: list[dict[str, Any]] = field(default_factory=list)


class Tenant:
    """Documents and the versions of each, oldest first."""

    def __init__(self) -> None:
        self.invoices: dict[str, Invoice] = {}
        self.payers: dict[str, Payer] = {}
        self.versions: defaultdict[str, list[ZuoraRecord]] = defaultdict(list)
        self._moment = datetime(2026, 3, 10, 10, tzinfo=UTC)

    def post(self, name: str, total: int) -> None:
        """Post an invoice, new or in Draft."""
        now = self._now()
        self.invoices[name] = Invoice(name, Decimal(total), now)
        self._invoice(name)

    def unpost(self, name: str) -> bool:
        """Take an invoice back to Draft, which Zuora allows when nothing is applied to it."""
        invoice = self.invoices[name]
        if not invoice.posted or self.balance(name) != invoice.total:
            return False
        invoice.posted = ""
        self._invoice(name)
        return True

    def undo(self, name: str) -> bool:
        """Take back what is applied to an invoice, then the invoice, as a person must in Zuora."""
        if not self.invoices[name].posted:
            return False
        for payer in self.payers:
            self.unapply(payer, name, 10**6)
        return self.unpost(name)

    def pay(self, name: str, total: int) -> None:
        self.payers[name] = Payer(name, Decimal(total))
        self._payer(name)

    def apply(self, payer: str, invoice: str, amount: int) -> bool:
        return self._row(payer, invoice, min(Decimal(amount), self.unapplied(payer), self.balance(invoice)))

    def unapply(self, payer: str, invoice: str, amount: int) -> bool:
        return self._row(payer, invoice, -min(Decimal(amount), self.applied(payer, invoice)))

    def applied(self, payer: str, invoice: str) -> Decimal:
        rows = self.payers[payer].rows
        return sum((row["applyAmount"] for row in rows if row["invoiceId"] == invoice), ZERO)

    def unapplied(self, payer: str) -> Decimal:
        return self.payers[payer].total - sum((row["applyAmount"] for row in self.payers[payer].rows), ZERO)

    def balance(self, name: str) -> Decimal:
        """Return what is owed of an invoice; nothing while it is in Draft."""
        invoice = self.invoices[name]
        return (
            invoice.total - sum((self.applied(payer, name) for payer in self.payers), ZERO) if invoice.posted else ZERO
        )

    def _row(self, payer: str, invoice: str, amount: Decimal) -> bool:
        if not amount or not self.invoices[invoice].posted:
            return False
        name = f"{payer}-{len(self.payers[payer].rows) + 1}"
        self.payers[payer].rows.append(zuora.row(str(amount), name, to=invoice, created=self._now()))
        self._payer(payer)
        return True

    def _invoice(self, name: str) -> None:
        invoice, now = self.invoices[name], self._now()
        if invoice.posted:
            record = zuora.simple_invoice(str(invoice.total), name, updated=now, postedDate=invoice.posted)
        else:
            record = zuora.draft(name, updated=now)
        self.versions[f"invoice:{name}"].append(record)

    def _payer(self, name: str) -> None:
        payer, now = self.payers[name], self._now()
        if name.startswith("cm"):
            record = zuora.memo(zuora.memo_item(str(payer.total)), name=name, rows=payer.rows, updated=now)
            self.versions[f"credit_memo:{name}"].append(record)
        else:
            record = zuora.payment(str(payer.total), *payer.rows, name=name, updated=now)
            self.versions[f"payment:{name}"].append(record)

    def _now(self) -> str:
        self._moment += timedelta(minutes=1)
        return self._moment.strftime("%Y-%m-%dT%H:%M:%SZ")
