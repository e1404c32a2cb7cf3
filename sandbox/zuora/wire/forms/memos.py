"""Credit memos and debit memos, their items and taxes: number, date and amount have v1's own names."""

from decimal import Decimal

from sandbox.zuora.acts.lines import type_name
from sandbox.zuora.objects import (
    CreditMemo,
    CreditMemoItem,
    CreditTaxationItem,
    DebitMemo,
    DebitMemoItem,
    DebitTaxationItem,
)
from sandbox.zuora.tenant import Tenant
from sandbox.zuora.wire.forms.invoices import TAX
from sandbox.zuora.wire.forms.shape import AUDIT, Form, attributes, same

_CREDIT_MEMO = (
    "accountId appliedAmount autoApplyUponPosting billToContactId cancelledById cancelledOn "
    "communicationProfileId currency eInvoiceStatus eInvoiceFileId excludeFromAutoApplyRules id "
    "invoiceGroupNumber postedById postedOn reasonCode refundAmount reversed revenueImpacting sequenceSetId "
    "source sourceId sourceType status targetDate taxAmount taxAutoCalculation taxMessage taxStatus "
    f"totalTaxExemptAmount transferredToAccounting {AUDIT}"
)
_CREDIT_MEMO_ITEM = (
    "amount amountWithoutTax appliedToItemId commitmentId creditFromItemId creditFromItemSource "
    "excludeItemBillingFromRevenueAccounting fulfillmentId id itemType orderLineItemId purchaseOrderNumber "
    "quantity reflectDiscountInNetAmount revenueImpacting serviceEndDate serviceStartDate sku sourceItemType "
    f"subscriptionId taxMode unappliedAmount unitOfMeasure unitPrice {AUDIT}"
)
_DEBIT_MEMO = (
    "accountId autoPay balance billToContactId cancelledById cancelledOn communicationProfileId currency dueDate "
    "eInvoiceStatus eInvoiceFileId id invoiceGroupNumber paymentTerm postedById postedOn reasonCode sequenceSetId "
    f"sourceType status targetDate taxAmount taxMessage taxStatus totalTaxExemptAmount transferredToAccounting {AUDIT}"
)
_DEBIT_MEMO_ITEM = (
    "amount amountWithoutTax appliedToItemId balance excludeItemBillingFromRevenueAccounting id quantity "
    "reflectDiscountInNetAmount serviceEndDate serviceStartDate sku sourceItemType subscriptionId taxMode "
    f"unitOfMeasure unitPrice {AUDIT}"
)


def credit_memo_form(tenant: Tenant, row: CreditMemo) -> Form:
    """Return a credit memo: unappliedAmount is v1's own name as well."""
    return _memo_form(tenant, row, _CREDIT_MEMO) | {"creditMemoDate": row.memo_date, "unappliedAmount": row.balance}


def debit_memo_form(tenant: Tenant, row: DebitMemo) -> Form:
    """Return a debit memo: what is paid of it is called beAppliedAmount."""
    paid = row.total_amount - row.balance
    return _memo_form(tenant, row, _DEBIT_MEMO) | {"debitMemoDate": row.memo_date, "beAppliedAmount": paid}


def _memo_form(tenant: Tenant, row: CreditMemo | DebitMemo, names: str) -> Form:
    account = tenant.accounts.shown.get(row.account_id)
    return same(row, names) | {
        "accountNumber": account.account_number if account else None,
        "amount": row.total_amount,
        "comment": row.comments,
        "number": row.memo_number,
        "referredInvoiceId": row.invoice_id,
        **(row.custom or {}),
    }


def credit_memo_item_form(tenant: Tenant, row: CreditMemoItem, taxes: Form, *, version: str) -> Form:
    """Return a credit memo item."""
    finance = _finance(tenant, row, "deferredRevenue", "recognizedRevenue", "onAccount", "nonRevenueWriteOff")
    finance["revenueRecognitionRuleName"] = row.revenue_recognition_rule_name
    applied = row.amount_without_tax + row.tax_amount - (row.unapplied_amount or Decimal(0))
    form = {"appliedAmount": applied, "financeInformation": finance}
    return same(row, _CREDIT_MEMO_ITEM) | form | _item_form(row, taxes, version=version, old_taxes="creditTaxItems")


def debit_memo_item_form(tenant: Tenant, row: DebitMemoItem, taxes: Form, *, version: str) -> Form:
    """Return a debit memo item."""
    form = {"financeInformation": _finance(tenant, row, "deferredRevenue", "recognizedRevenue")}
    return same(row, _DEBIT_MEMO_ITEM) | form | _item_form(row, taxes, version=version, old_taxes="taxItems")


def _item_form(row: CreditMemoItem | DebitMemoItem, taxes: Form, *, version: str, old_taxes: str) -> Form:
    """Return what the items of both memos share; two names are older before versions 239.0 and 257.0."""
    paged = at_least(version, "239.0")
    return {
        "description" if at_least(version, "257.0") else "comment": row.description,
        "processingType": type_name(row.processing_type),
        "skuName": row.charge_name,
        "sourceItemId": row.invoice_item_id,
        "taxationItems" if paged else old_taxes: taxes if paged else taxes["data"],
        **(row.custom or {}),
    }


def _finance(tenant: Tenant, row: CreditMemoItem | DebitMemoItem, *names: str) -> Form:
    finance: Form = {}
    for name in names:
        code = tenant.accounting_codes.latest.get(getattr(row, attributes(type(row))[f"{name}AccountingCodeId"]) or "")
        finance[f"{name}AccountingCode"] = code.name if code else None
        finance[f"{name}AccountingCodeType"] = code.type if code else None
    return finance


def at_least(version: str, other: str) -> bool:
    """Tell whether a Zuora-Version is not older than another: dates came after the numbers."""

    def rank(text: str) -> tuple[bool, Decimal | str]:
        return ("-" in text, text if "-" in text else Decimal(text))

    return rank(version) >= rank(other)


def credit_tax_form(tenant: Tenant, row: CreditTaxationItem) -> Form:
    """Return a taxation item of a credit memo item."""
    on_account = tenant.accounting_codes.latest.get(row.on_account_accounting_code_id or "")
    payable = tenant.accounting_codes.latest.get(row.sales_tax_payable_accounting_code_id or "")
    return same(row, f"{TAX} appliedAmount refundAmount unappliedAmount") | {
        "sourceTaxItemId": row.taxation_item_id,
        "financeInformation": {
            "onAccountAccountingCode": on_account.name if on_account else None,
            "onAccountAccountingCodeType": on_account.type if on_account else None,
            "salesTaxPayableAccountingCode": payable.name if payable else None,
            "salesTaxPayableAccountingCodeType": payable.type if payable else None,
        },
    }


def debit_tax_form(tenant: Tenant, row: DebitTaxationItem) -> Form:
    """Return a taxation item of a debit memo item."""
    payable = tenant.accounting_codes.latest.get(row.sales_tax_payable_accounting_code_id or "")
    return same(row, f"{TAX} balance creditAmount paymentAmount") | {
        "sourceTaxItemId": row.taxation_item_id,
        "financeInformation": {
            "salesTaxPayableAccountingCode": payable.name if payable else None,
            "salesTaxPayableAccountingCodeType": payable.type if payable else None,
        },
    }
