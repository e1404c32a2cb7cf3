"""What people key into QAD beside us."""

from decimal import Decimal

from sandbox.qad.books.documents import Invoice, PostingLine
from tests.adapters.commands import JANUARY


def by_hand(number, *, reference="", amount="70.00", currency="USD", customer="C0001", kind="INVOICE", daybook="HINV"):
    debit = kind == "CREDITNOTE"
    line = PostingLine(gl_account_code="4100", **{("debit_amount" if debit else "credit_amount"): Decimal(amount)})
    return Invoice(
        invoice_type=kind,
        customer_code=customer,
        currency_code=currency,
        invoice_date=JANUARY,
        posting_date=JANUARY,
        due_date=JANUARY,
        daybook_code=daybook,
        description="Opening",
        reference=number,
        custom_short_0=reference,
        original_amount=Decimal(amount),
        is_taxable=False,
        posting_lines=(line,),
    )
