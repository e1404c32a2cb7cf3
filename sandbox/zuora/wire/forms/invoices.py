"""Bill runs, invoices, their items and taxes."""

from decimal import Decimal

from sandbox.zuora.acts.accounting import code_name
from sandbox.zuora.acts.lines import type_name
from sandbox.zuora.objects import BillingRun, Invoice, InvoiceItem, TaxationItem
from sandbox.zuora.tenant import Tenant
from sandbox.zuora.wire.forms.shape import AUDIT, Form, attributes, same, text

_BILL_RUN = f"id name billRunNumber autoEmail autoPost autoRenewal billCycleDay status invoiceDate targetDate {AUDIT}"
_INVOICE = (
    "accountId adjustmentAmount amount amountWithoutTax autoPay balance billToContactId comments "
    "communicationProfileId creditBalanceAdjustmentAmount creditMemoAmount currency dueDate eInvoiceStatus "
    "eInvoiceFileId eInvoiceErrorCode eInvoiceErrorMessage id includesOneTime includesRecurring includesUsage "
    "invoiceDate invoiceGroupNumber invoiceNumber lastEmailSentDate paymentAmount paymentTerm postedBy "
    "refundAmount sequenceSetId shipToContactId soldToContactId source sourceId sourceType status targetDate "
    f"taxAmount taxExemptAmount taxMessage taxStatus templateId transferredToAccounting {AUDIT}"
)
_UPDATED_INVOICE = (
    "accountId amount autoPay balance creditBalanceAdjustmentAmount currency dueDate id invoiceDate status targetDate "
    f"taxAmount templateId transferredToAccounting {AUDIT}"
)
_INVOICE_ITEM = (
    "accountingCode bookingReference chargeDate chargeName commitmentId description "
    "excludeItemBillingFromRevenueAccounting id itemType numberOfDeliveries productRatePlanChargeId "
    "purchaseOrderNumber quantity reflectDiscountInNetAmount revRecCode revRecStartDate revRecTriggerCondition "
    "revenueRecognitionRuleName serviceEndDate serviceStartDate sourceItemType subscriptionId taxCode taxMode "
    "unitPrice"
)
# What all taxation items share.
TAX = (
    "exemptAmount id jurisdiction locationCode name taxAmount taxCode taxCodeDescription taxDate taxRate "
    "taxRateDescription taxRateType"
)


def bill_run_form(row: BillingRun) -> Form:
    """Return a bill run."""
    batches = [row.batches] if row.batches else None
    return same(row, _BILL_RUN) | {"billRunNumber": row.billing_run_number, "batches": batches}


def invoice_form(tenant: Tenant, row: Invoice) -> Form:
    """Return an invoice."""
    form = same(row, _INVOICE)
    if tenant.settings.v1_amounts == "text":
        form = {name: text(value) if isinstance(value, Decimal) else value for name, value in form.items()}
    run = tenant.billing_runs.find_shown(row.source_id) if row.source_id else None
    return form | {
        "billRunId": run.id if run else None,
        "postedDate": tenant.zone.day(row.posted_date) if row.posted_date else None,
        **(row.custom or {}),
    }


def updated_invoice_form(row: Invoice) -> Form:
    """Return an invoice as the answer to a PUT, which has fewer fields and other names."""
    return same(row, _UPDATED_INVOICE) | {
        "comment": row.comments,
        "number": row.invoice_number,
        "postedById": row.posted_by,
        "postedOn": row.posted_date,
        "totalTaxExemptAmount": row.tax_exempt_amount,
        **(row.custom or {}),
    }


def invoice_item_form(tenant: Tenant, row: InvoiceItem, taxes: Form) -> Form:
    """Return an invoice item with its taxes; amounts are strings here."""
    codes = {
        name.removesuffix("Id"): code_name(tenant, getattr(row, attribute))
        for name, attribute in attributes(InvoiceItem).items()
        if name.endswith("AccountingCodeId") and name != "accountReceivableAccountingCodeId"
    }
    return (
        same(row, _INVOICE_ITEM)
        | codes
        | {
            "appliedToItemId": row.applied_to_invoice_item_id,
            "chargeAmount": text(row.charge_amount),
            "chargeId": row.rate_plan_charge_id,
            "processingType": type_name(row.processing_type),
            "sku": row.sku,
            "shipToContactId": row.item_ship_to_contact_id,
            "soldToContactId": row.item_sold_to_contact_id,
            "subscriptionName": row.subscription_number,
            "taxAmount": text(row.tax_amount),
            "taxationItems": taxes,
            "unitOfMeasure": row.unit_of_measure,
            **(row.custom or {}),
        }
    )


def tax_form(row: TaxationItem) -> Form:
    """Return a taxation item of an invoice item."""
    return same(row, f"{TAX} creditAmount paymentAmount")
