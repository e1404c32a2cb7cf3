"""Commands of each kind, as the sink would send them: narrowed by what a test is about."""

from datetime import date
from decimal import Decimal
from typing import Any

from schemas.ids import machine_reference, posting_id
from schemas.outcomes import Document
from schemas.postings import CreditNoteContent, GlLine, InvoiceContent, JournalContent
from streams.ports import Adjustment, Bounce, Command, ItemLine, Payload, Receipt, Refund, RefundReversal, Transfer

JANUARY, FEBRUARY = date(2026, 1, 10), date(2026, 2, 12)


class Commands:
    """Makes commands, each with a reference of its own."""

    _documents = 0

    def command(self, payload: Payload, *, number: str, customer: str = "C0001") -> Command:
        """Return a call that commits, with a reference of its own."""
        self._documents += 1
        name = posting_id("acme", kind="invoice", zuora_id=str(self._documents), act="post", n=1, step="document")
        return Command(reference=machine_reference(name), number=number, customer=customer, payload=payload)

    def invoice(self, total: str = "119.00", **changes: Any) -> Command:
        """Return an invoice with tax and a discount, narrowed by what a test is about."""
        content = {
            "customer": "C0001",
            "currency": "USD",
            "total": Decimal(total),
            "document_date": JANUARY,
            "posting_date": date(2026, 1, 12),
            "due_date": date(2026, 2, 9),
            "daybook": "ZINV",
            "description": "Subscription",
            "terms": "NET30",
            **changes,
        }
        content["lines"] = changes.get("lines") or _invoice_lines(Decimal(total))
        payload = InvoiceContent(**content)
        return self.command(payload, number="INV00000001", customer=payload.customer)

    def credit_note(self, total: str = "40.00", **changes: Any) -> Command:
        """Return a credit note over one line."""
        content = {
            "customer": "C0001",
            "currency": "USD",
            "total": Decimal(total),
            "document_date": JANUARY,
            "posting_date": JANUARY,
            "due_date": JANUARY,
            "daybook": "ZCRN",
            "description": "Credit",
            "lines": (GlLine(account="4100", debit=Decimal(total)),),
            **changes,
        }
        return self.command(CreditNoteContent(**content), number="CM-00000001", customer=content["customer"])

    def receipt(self, total: str, *allocations: tuple[Document, str], **changes: Any) -> Command:
        """Return a receipt that carries these allocations."""
        content = {
            "customer": "C0001",
            "currency": "USD",
            "total": Decimal(total),
            "document_date": FEBRUARY,
            "posting_date": FEBRUARY,
            "daybook": "ZPAY",
            "bank_account": "1010",
            "description": "Card",
            "allocations": tuple((document, Decimal(amount)) for document, amount in allocations),
            **changes,
        }
        return self.command(Receipt(**content), number="P-00000001", customer=content["customer"])

    def adjustment(self, item: Document, payer: Document, amount: str, *, reopens: bool = False) -> Command:
        """Return an adjustment that moves an amount from what pays to what is owed, or back."""
        lowered, raised = (Decimal(0), Decimal(amount)) if reopens else (Decimal(amount), Decimal(0))
        payload = Adjustment(
            currency="USD",
            total=Decimal(amount),
            document_date=FEBRUARY,
            posting_date=FEBRUARY,
            daybook="ZADJ",
            description="CM-00000001 to INV00000001",
            lines=(
                ItemLine(document=item, customer="C0001", debit=raised, credit=lowered),
                ItemLine(document=payer, customer="C0001", debit=lowered, credit=raised),
            ),
        )
        return self.command(payload, number="CM-00000001")

    def bank_move(
        self, kind: type[Refund] | type[RefundReversal] | type[Bounce], item: Document, amount: str, **changes: Any
    ) -> Command:
        """Return bank against an open item: a refund, one taken back, or a receipt that bounced."""
        content = {
            "customer": "C0001",
            "currency": "USD",
            "total": Decimal(amount),
            "document_date": FEBRUARY,
            "posting_date": FEBRUARY,
            "daybook": "ZPAY" if kind is Bounce else "ZBNK",
            "bank_account": "1010",
            "description": "Money back",
            "item": item,
            **changes,
        }
        return self.command(kind(**content), number="R-00000001", customer=content["customer"])

    def transfer(self, amount: str, *, item: Document | None = None, customer: str = "C0003") -> Command:
        """Return a new prepayment of a customer: out of C0001's, or out of unassigned cash."""
        total = Decimal(amount)
        source: dict[str, Any] = {"unassigned": GlLine(account="1900", debit=total, role="unassigned")}
        if item is not None:
            source = {"item": ItemLine(document=item, customer="C0001", debit=total, credit=Decimal(0))}
        payload = Transfer(
            customer=customer,
            currency="USD",
            total=total,
            document_date=FEBRUARY,
            posting_date=FEBRUARY,
            daybook="ZADJ",
            description="Transferred",
            **source,
        )
        return self.command(payload, number="P-00000001", customer=customer)

    def journal(self, amount: str, *lines: GlLine) -> Command:
        """Return a journal of these lines, or of bank against unassigned cash."""
        total = Decimal(amount)
        payload = JournalContent(
            currency="USD",
            total=total,
            document_date=FEBRUARY,
            posting_date=FEBRUARY,
            daybook="ZJRN",
            description="Of nobody yet",
            lines=lines or (GlLine(account="1010", debit=total), GlLine(account="1900", credit=total)),
        )
        return self.command(payload, number="P-00000001", customer="")


def _invoice_lines(total: Decimal) -> tuple[GlLine, ...]:
    tax = Decimal("19.00")
    return (
        GlLine(account="4000", sub_account="SAAS", credit=total - tax + 10, text="Plan", role="revenue"),
        GlLine(account="4100", debit=Decimal(10), text="less", role="discount"),
        GlLine(account="2300", credit=tax, role="tax"),
    )
