"""The Zuora objects that the stand-in keeps."""

from sandbox.zuora.objects.account import Account, Contact, PaymentMethod
from sandbox.zuora.objects.adjustment import (
    CreditBalanceAdjustment,
    InvoiceAdjustment,
    InvoiceItemAdjustment,
    InvoicePayment,
)
from sandbox.zuora.objects.billing_run import BillingRun
from sandbox.zuora.objects.invoice import Invoice, InvoiceItem, TaxationItem
from sandbox.zuora.objects.ledger import CODE_CATEGORIES, AccountingCode, AccountingPeriod
from sandbox.zuora.objects.memo import (
    CreditMemo,
    CreditMemoApplication,
    CreditMemoItem,
    CreditMemoPart,
    CreditTaxationItem,
    DebitMemo,
    DebitMemoItem,
    DebitTaxationItem,
)
from sandbox.zuora.objects.payment import Payment, PaymentApplication, PaymentPart, Refund, RefundApplication
from sandbox.zuora.objects.record import Record

__all__ = [
    "CODE_CATEGORIES",
    "Account",
    "AccountingCode",
    "AccountingPeriod",
    "BillingRun",
    "Contact",
    "CreditBalanceAdjustment",
    "CreditMemo",
    "CreditMemoApplication",
    "CreditMemoItem",
    "CreditMemoPart",
    "CreditTaxationItem",
    "DebitMemo",
    "DebitMemoItem",
    "DebitTaxationItem",
    "Invoice",
    "InvoiceAdjustment",
    "InvoiceItem",
    "InvoiceItemAdjustment",
    "InvoicePayment",
    "Payment",
    "PaymentApplication",
    "PaymentMethod",
    "PaymentPart",
    "Record",
    "Refund",
    "RefundApplication",
    "TaxationItem",
]
