"""What people key into QAD by hand: opening items, their own business, and now and then what they should not."""

from datetime import date
from decimal import Decimal
from typing import Any

from sandbox.qad.books.documents import Allocation, Invoice, Payment, PostingLine
from sandbox.world.chart import OPENING_ACCOUNT, OPENING_BANK, OPENING_INVOICES, OPENING_PAYMENTS, OUR_DAYBOOKS
from sandbox.world.scene import Scene

Shown = dict[str, Any]

# Who keys, by the names that QAD writes on documents.
_LOADER = "loader"
_CLERK = "m.huber"


async def load_opening_invoice(
    scene: Scene, *, number: str, customer: str, currency: str, amount: Decimal, invoice_date: date, posting_date: date
) -> Shown:
    """Load what is open of an invoice from before the cut-over, with its Zuora number as reference."""
    content = _invoice(
        customer=customer,
        currency=currency,
        amount=amount,
        account=OPENING_ACCOUNT,
        daybook=OPENING_INVOICES,
        invoice_date=invoice_date,
        posting_date=posting_date,
        description="Opening item",
        reference=number,
    )
    return await _key(scene, "invoice", content, user=_LOADER)


async def load_opening_payment(
    scene: Scene, *, number: str, customer: str, currency: str, amount: Decimal, posting_date: date
) -> Shown:
    """Load what is unapplied of a payment from before the cut-over, with its Zuora number as reference."""
    content = Payment(
        customer_code=customer,
        currency_code=currency,
        bank_gl_account_code=OPENING_BANK,
        payment_date=posting_date,
        posting_date=posting_date,
        daybook_code=OPENING_PAYMENTS,
        amount=amount,
        payment_reference=number,
        status="Paid",
        description="Opening prepayment",
    )
    return await _key(scene, "payment", content, user=_LOADER)


async def sell_spare_parts(scene: Scene, *, customer: str, amount: Decimal, day: date, daybook: str) -> Shown:
    """Invoice something that Zuora knows nothing of."""
    content = _invoice(
        customer=customer,
        currency=scene.site.base_currency,
        amount=amount,
        account="4800",
        daybook=daybook,
        invoice_date=day,
        posting_date=day,
        description="Spare parts",
        reference=f"SP-{day:%y%m%d}",
    )
    return await _key(scene, "invoice", content, user=_CLERK)


async def take_payment(scene: Scene, invoice: Shown, *, bank: str, day: date, daybook: str) -> Shown:
    """Key the payment of an invoice that was keyed by hand."""
    key, content = invoice["key"], invoice["content"]
    payment = Payment(
        customer_code=content["customer_code"],
        currency_code=content["currency_code"],
        bank_gl_account_code=bank,
        payment_date=day,
        posting_date=day,
        daybook_code=daybook,
        amount=content["original_amount"],
        payment_reference="by transfer",
        status="Paid",
        description="Payment received",
        allocations=(
            Allocation(
                invoice_posting_year=key["posting_year"],
                invoice_daybook_code=key["daybook_code"],
                invoice_voucher=key["voucher"],
                amount=content["original_amount"],
            ),
        ),
    )
    return await _key(scene, "payment", payment, user=_CLERK)


async def key_credit_note_into_ours(scene: Scene, *, customer: str, amount: Decimal, day: date) -> Shown:
    """Key a credit note into our daybook, as a helpful colleague does who sees "credit notes" in its name."""
    content = Invoice(
        invoice_type="CREDITNOTE",
        customer_code=customer,
        currency_code=scene.site.base_currency,
        invoice_date=day,
        posting_date=day,
        due_date=day,
        daybook_code=OUR_DAYBOOKS["credit_note"],
        description="Goodwill, agreed by phone",
        reference="PHONE",
        original_amount=amount,
        is_taxable=False,
        posting_lines=(PostingLine(sequence=1, gl_account_code="4090", debit_amount=amount),),
    )
    return await _key(scene, "invoice", content, user=_CLERK)


def _invoice(
    *,
    customer: str,
    currency: str,
    amount: Decimal,
    account: str,
    daybook: str,
    invoice_date: date,
    posting_date: date,
    description: str,
    reference: str,
) -> Invoice:
    return Invoice(
        invoice_type="INVOICE",
        customer_code=customer,
        currency_code=currency,
        invoice_date=invoice_date,
        posting_date=posting_date,
        daybook_code=daybook,
        description=description,
        reference=reference,
        original_amount=amount,
        is_taxable=False,
        posting_lines=(PostingLine(sequence=1, gl_account_code=account, credit_amount=amount),),
    )


async def _key(scene: Scene, kind: str, content: Invoice | Payment, *, user: str) -> Shown:
    shown: Shown = await scene.qad.act(
        "hand/post", entity_code=scene.site.entity, kind=kind, content=content, user=user
    )
    return shown
