"""Rows as the JSON that v1 writes: its own field names, names for accounting codes, moments without a zone.

Each form lists its fields; where v1 and Object Query share a name the list holds the name only. What is not set is
left out, unless the tenant writes null.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import cache
from typing import Any

import msgspec

from sandbox.zuora.acts.accounting import code_name
from sandbox.zuora.acts.lines import type_name
from sandbox.zuora.callouts.delivery import Attempt
from sandbox.zuora.clock import Stamp, TenantZone
from sandbox.zuora.objects import (
    Account,
    AccountingCode,
    AccountingPeriod,
    BillingRun,
    Contact,
    CreditMemo,
    CreditMemoItem,
    CreditMemoPart,
    CreditTaxationItem,
    DebitMemo,
    DebitMemoItem,
    DebitTaxationItem,
    Invoice,
    InvoiceItem,
    Payment,
    PaymentPart,
    Record,
    RefundApplication,
    TaxationItem,
)
from sandbox.zuora.tenant import Tenant

Form = dict[str, Any]

_AUDIT = "createdById createdDate updatedById updatedDate"
_INVOICE = (
    "accountId adjustmentAmount amount amountWithoutTax autoPay balance billToContactId comments "
    "communicationProfileId creditBalanceAdjustmentAmount creditMemoAmount currency dueDate eInvoiceStatus "
    "eInvoiceFileId eInvoiceErrorCode eInvoiceErrorMessage id includesOneTime includesRecurring includesUsage "
    "invoiceDate invoiceGroupNumber invoiceNumber lastEmailSentDate paymentAmount paymentTerm postedBy "
    "refundAmount sequenceSetId shipToContactId soldToContactId source sourceId sourceType status targetDate "
    f"taxAmount taxExemptAmount taxMessage taxStatus templateId transferredToAccounting {_AUDIT}"
)
_UPDATED_INVOICE = (
    "accountId amount autoPay balance creditBalanceAdjustmentAmount currency dueDate id invoiceDate status targetDate "
    f"taxAmount templateId transferredToAccounting {_AUDIT}"
)
_INVOICE_ITEM = (
    "accountingCode bookingReference chargeDate chargeName commitmentId description "
    "excludeItemBillingFromRevenueAccounting id itemType numberOfDeliveries productRatePlanChargeId "
    "purchaseOrderNumber quantity reflectDiscountInNetAmount revRecCode revRecStartDate revRecTriggerCondition "
    "revenueRecognitionRuleName serviceEndDate serviceStartDate sourceItemType subscriptionId taxCode taxMode "
    "unitPrice"
)
_TAX = (
    "exemptAmount id jurisdiction locationCode name taxAmount taxCode taxCodeDescription taxDate taxRate "
    "taxRateDescription taxRateType"
)
_PAYMENT = (
    "accountId amount appliedAmount authTransactionId bankIdentificationNumber cancelledOn comment currency "
    "gatewayOrderId gatewayReconciliationReason gatewayReconciliationStatus gatewayResponse "
    "gatewayResponseCode gatewayState id markedForSubmissionOn paymentMethodId paymentMethodSnapshotId "
    "payoutId prepayment referenceId refundAmount secondPaymentReferenceId settledOn softDescriptor status "
    f"submittedOn type unappliedAmount {_AUDIT}"
)
_CREDIT_MEMO = (
    "accountId appliedAmount autoApplyUponPosting billToContactId cancelledById cancelledOn "
    "communicationProfileId currency eInvoiceStatus eInvoiceFileId excludeFromAutoApplyRules id "
    "invoiceGroupNumber postedById postedOn reasonCode refundAmount reversed revenueImpacting sequenceSetId "
    "source sourceId sourceType status targetDate taxAmount taxAutoCalculation taxMessage taxStatus "
    f"totalTaxExemptAmount transferredToAccounting {_AUDIT}"
)
_CREDIT_MEMO_ITEM = (
    "amount amountWithoutTax appliedToItemId commitmentId creditFromItemId creditFromItemSource "
    "excludeItemBillingFromRevenueAccounting fulfillmentId id itemType orderLineItemId purchaseOrderNumber "
    "quantity reflectDiscountInNetAmount revenueImpacting serviceEndDate serviceStartDate sku sourceItemType "
    f"subscriptionId taxMode unappliedAmount unitOfMeasure unitPrice {_AUDIT}"
)
_DEBIT_MEMO = (
    "accountId autoPay balance billToContactId cancelledById cancelledOn communicationProfileId currency dueDate "
    "eInvoiceStatus eInvoiceFileId id invoiceGroupNumber paymentTerm postedById postedOn reasonCode sequenceSetId "
    f"sourceType status targetDate taxAmount taxMessage taxStatus totalTaxExemptAmount transferredToAccounting {_AUDIT}"
)
_DEBIT_MEMO_ITEM = (
    "amount amountWithoutTax appliedToItemId balance excludeItemBillingFromRevenueAccounting id quantity "
    "reflectDiscountInNetAmount serviceEndDate serviceStartDate sku sourceItemType subscriptionId taxMode "
    f"unitOfMeasure unitPrice {_AUDIT}"
)
_PART = f"id amount invoiceId debitMemoId {_AUDIT}"
_BASIC_INFO = (
    "id accountNumber batch communicationProfileId crmId defaultPaymentMethodId invoiceTemplateId name notes "
    "parentId partnerAccount purchaseOrderNumber sequenceSetId status customerServiceRepName"
)
_BILLING = "autoPay billCycleDay bcdSettingOption currency defaultPaymentMethodId paymentGateway paymentTerm"
_CONTACT = (
    "id accountId address1 address2 city country county fax firstName homePhone lastName mobilePhone "
    "otherPhone otherPhoneType personalEmail postalCode state taxRegion workEmail workPhone"
)
_BILL_RUN = f"id name billRunNumber autoEmail autoPost autoRenewal billCycleDay status invoiceDate targetDate {_AUDIT}"


def v1_encoder(zone: TenantZone) -> msgspec.json.Encoder:
    """Return the encoder that writes numbers and moments as v1 does."""

    def write_stamp(value: Any) -> str:
        if isinstance(value, Stamp):
            return zone.without_zone(value)
        raise NotImplementedError(f"v1 writes no {type(value)}")

    return msgspec.json.Encoder(enc_hook=write_stamp, decimal_format="number")


@cache
def _attributes(kind: type[Record]) -> Mapping[str, str]:
    return {column.encode_name: column.name for column in msgspec.structs.fields(kind)}


def _same(row: Record, names: str) -> Form:
    """Return the fields that v1 calls as Object Query does."""
    attributes = _attributes(type(row))
    return {name: getattr(row, attributes[name]) for name in names.split() if name in attributes}


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else format(amount, "f")


def invoice_form(tenant: Tenant, row: Invoice) -> Form:
    """Return an invoice."""
    form = _same(row, _INVOICE)
    if tenant.settings.v1_amounts == "text":
        form = {name: _text(value) if isinstance(value, Decimal) else value for name, value in form.items()}
    run = tenant.billing_runs.find_shown(row.source_id) if row.source_id else None
    return form | {
        "billRunId": run.id if run else None,
        "postedDate": tenant.zone.day(row.posted_date) if row.posted_date else None,
        **(row.custom or {}),
    }


def updated_invoice_form(row: Invoice) -> Form:
    """Return an invoice as the answer to a PUT, which has fewer fields and other names."""
    return _same(row, _UPDATED_INVOICE) | {
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
        for name, attribute in _attributes(InvoiceItem).items()
        if name.endswith("AccountingCodeId") and name != "accountReceivableAccountingCodeId"
    }
    return (
        _same(row, _INVOICE_ITEM)
        | codes
        | {
            "appliedToItemId": row.applied_to_invoice_item_id,
            "chargeAmount": _text(row.charge_amount),
            "chargeId": row.rate_plan_charge_id,
            "processingType": type_name(row.processing_type),
            "sku": row.sku,
            "shipToContactId": row.item_ship_to_contact_id,
            "soldToContactId": row.item_sold_to_contact_id,
            "subscriptionName": row.subscription_number,
            "taxAmount": _text(row.tax_amount),
            "taxationItems": taxes,
            "unitOfMeasure": row.unit_of_measure,
            **(row.custom or {}),
        }
    )


def tax_form(row: TaxationItem) -> Form:
    """Return a taxation item of an invoice item."""
    return _same(row, f"{_TAX} creditAmount paymentAmount")


def application_part_form(row: PaymentPart | CreditMemoPart) -> Form:
    """Return what one payment or credit memo has on an invoice."""
    source = {"paymentId": row.payment_id} if isinstance(row, PaymentPart) else {"creditMemoId": row.credit_memo_id}
    return {"appliedAmount": row.amount, **source, **_same(row, _AUDIT)}


def payment_form(tenant: Tenant, row: Payment) -> Form:
    """Return a payment; its effective date is a moment here, and its source is not told."""
    account = tenant.accounts.shown.get(row.account_id or "")
    cash = tenant.accounting_codes.find(row.accounting_code) if row.accounting_code else None
    unapplied = next((code for code in _codes(tenant, "CustomerCashOnAccount")), None)
    return _same(row, _PAYMENT) | {
        "accountNumber": account.account_number if account else None,
        "creditBalanceAmount": row.applied_credit_balance_amount,
        "effectiveDate": f"{row.effective_date.isoformat()} 00:00:00",
        "number": row.payment_number,
        "standalone": row.is_standalone,
        "financeInformation": {
            "bankAccountAccountingCode": cash.name if cash else None,
            "bankAccountAccountingCodeType": cash.type if cash else None,
            "transferredToAccounting": row.transferred_to_accounting,
            "unappliedPaymentAccountingCode": unapplied.name if unapplied else None,
            "unappliedPaymentAccountingCodeType": unapplied.type if unapplied else None,
        },
        **(row.custom or {}),
    }


def _codes(tenant: Tenant, kind: str) -> Iterable[AccountingCode]:
    return (code for code in tenant.accounting_codes.latest.values() if code.type == kind)


def payment_part_form(row: PaymentPart) -> Form:
    """Return a part of a payment."""
    return _same(row, f"{_PART} billingDocumentOwnerId")


def credit_memo_form(tenant: Tenant, row: CreditMemo) -> Form:
    """Return a credit memo: number, creditMemoDate, amount and unappliedAmount are v1's own names."""
    account = tenant.accounts.shown.get(row.account_id)
    return _same(row, _CREDIT_MEMO) | {
        "accountNumber": account.account_number if account else None,
        "amount": row.total_amount,
        "comment": row.comments,
        "creditMemoDate": row.memo_date,
        "number": row.memo_number,
        "referredInvoiceId": row.invoice_id,
        "unappliedAmount": row.balance,
        **(row.custom or {}),
    }


def _finance(tenant: Tenant, row: CreditMemoItem | DebitMemoItem, *names: str) -> Form:
    finance: Form = {}
    for name in names:
        code = tenant.accounting_codes.latest.get(getattr(row, _attributes(type(row))[f"{name}AccountingCodeId"]) or "")
        finance[f"{name}AccountingCode"] = code.name if code else None
        finance[f"{name}AccountingCodeType"] = code.type if code else None
    return finance


def credit_memo_item_form(tenant: Tenant, row: CreditMemoItem, taxes: Form, *, version: str) -> Form:
    """Return a credit memo item; two names are older before versions 239.0 and 257.0."""
    finance = _finance(tenant, row, "deferredRevenue", "recognizedRevenue", "onAccount", "nonRevenueWriteOff")
    finance["revenueRecognitionRuleName"] = row.revenue_recognition_rule_name
    applied = row.amount_without_tax + row.tax_amount - (row.unapplied_amount or Decimal(0))
    tax_name = "taxationItems" if at_least(version, "239.0") else "creditTaxItems"
    return _same(row, _CREDIT_MEMO_ITEM) | {
        "appliedAmount": applied,
        "description" if at_least(version, "257.0") else "comment": row.description,
        "financeInformation": finance,
        "processingType": type_name(row.processing_type),
        "skuName": row.charge_name,
        "sourceItemId": row.invoice_item_id,
        tax_name: taxes if tax_name == "taxationItems" else taxes["data"],
        **(row.custom or {}),
    }


def at_least(version: str, other: str) -> bool:
    """Tell whether a Zuora-Version is not older than another: dates came after the numbers."""

    def rank(text: str) -> tuple[bool, Decimal | str]:
        return ("-" in text, text if "-" in text else Decimal(text))

    return rank(version) >= rank(other)


def credit_tax_form(tenant: Tenant, row: CreditTaxationItem) -> Form:
    """Return a taxation item of a credit memo item."""
    on_account = tenant.accounting_codes.latest.get(row.on_account_accounting_code_id or "")
    payable = tenant.accounting_codes.latest.get(row.sales_tax_payable_accounting_code_id or "")
    return _same(row, f"{_TAX} appliedAmount refundAmount unappliedAmount") | {
        "sourceTaxItemId": row.taxation_item_id,
        "financeInformation": {
            "onAccountAccountingCode": on_account.name if on_account else None,
            "onAccountAccountingCodeType": on_account.type if on_account else None,
            "salesTaxPayableAccountingCode": payable.name if payable else None,
            "salesTaxPayableAccountingCodeType": payable.type if payable else None,
        },
    }


def credit_memo_part_form(row: CreditMemoPart) -> Form:
    """Return a part of a credit memo."""
    return _same(row, _PART)


def debit_memo_form(tenant: Tenant, row: DebitMemo) -> Form:
    """Return a debit memo: number, debitMemoDate and amount are v1's own names."""
    account = tenant.accounts.shown.get(row.account_id)
    return _same(row, _DEBIT_MEMO) | {
        "accountNumber": account.account_number if account else None,
        "amount": row.total_amount,
        "beAppliedAmount": row.total_amount - row.balance,
        "comment": row.comments,
        "debitMemoDate": row.memo_date,
        "number": row.memo_number,
        "referredInvoiceId": row.invoice_id,
        **(row.custom or {}),
    }


def debit_memo_item_form(tenant: Tenant, row: DebitMemoItem, taxes: Form, *, version: str) -> Form:
    """Return a debit memo item; two names are older before versions 239.0 and 257.0."""
    finance = _finance(tenant, row, "deferredRevenue", "recognizedRevenue")
    tax_name = "taxationItems" if at_least(version, "239.0") else "taxItems"
    return _same(row, _DEBIT_MEMO_ITEM) | {
        "description" if at_least(version, "257.0") else "comment": row.description,
        "financeInformation": finance,
        "processingType": type_name(row.processing_type),
        "skuName": row.charge_name,
        "sourceItemId": row.invoice_item_id,
        tax_name: taxes if tax_name == "taxationItems" else taxes["data"],
        **(row.custom or {}),
    }


def debit_tax_form(tenant: Tenant, row: DebitTaxationItem) -> Form:
    """Return a taxation item of a debit memo item."""
    payable = tenant.accounting_codes.latest.get(row.sales_tax_payable_accounting_code_id or "")
    return _same(row, f"{_TAX} balance creditAmount paymentAmount") | {
        "sourceTaxItemId": row.taxation_item_id,
        "financeInformation": {
            "salesTaxPayableAccountingCode": payable.name if payable else None,
            "salesTaxPayableAccountingCodeType": payable.type if payable else None,
        },
    }


def refund_part_form(row: RefundApplication) -> Form:
    """Return a part of a refund: of which payment or credit memo it is."""
    return _same(row, f"id creditMemoId paymentId {_AUDIT}") | {"amount": row.apply_amount}


def account_form(tenant: Tenant, row: Account) -> Form:
    """Return an account; custom fields sit in basicInfo, spelled as the tenant named them."""

    def contact(key: str | None) -> Form | None:
        found = tenant.contacts.shown.get(key or "")
        return contact_form(found) if found else None

    return {
        "basicInfo": _same(row, _BASIC_INFO) | {"salesRep": row.sales_rep_name, **(row.custom or {})},
        "billingAndPayment": _same(row, _BILLING),
        "billToContact": contact(row.bill_to_id),
        "soldToContact": contact(row.sold_to_id),
        "shipToContact": contact(row.ship_to_id),
        "metrics": {
            "balance": row.balance,
            "contractedMrr": row.mrr,
            "creditBalance": row.credit_balance,
            "currency": row.currency,
            "totalDebitMemoBalance": row.total_debit_memo_balance,
            "totalInvoiceBalance": row.total_invoice_balance,
            "unappliedCreditMemoAmount": row.unapplied_credit_memo_amount,
            "unappliedPaymentAmount": row.unapplied_balance,
        },
        "taxInfo": {"companyCode": row.tax_company_code, "exemptStatus": row.tax_exempt_status, "VATId": row.vat_id},
    }


def contact_form(row: Contact) -> Form:
    """Return a contact."""
    return _same(row, _CONTACT) | {
        "zipCode": row.postal_code,
        "nickname": row.nick_name,
        "contactDescription": row.description,
        **(row.custom or {}),
    }


def accounting_code_form(row: AccountingCode) -> Form:
    """Return an accounting code with its GL account."""
    return _same(row, "id name type category status glAccountName glAccountNumber notes") | _ledger_audit(row)


def accounting_period_form(row: AccountingPeriod) -> Form:
    """Return an accounting period; Zuora spells one field fiscal_quarter."""
    form = _same(row, "id name startDate endDate status fiscalYear notes")
    return form | {"fiscal_quarter": row.fiscal_quarter} | _ledger_audit(row)


def _ledger_audit(row: Record) -> Form:
    return {
        "createdBy": row.created_by_id,
        "createdOn": row.created_date,
        "updatedBy": row.updated_by_id,
        "updatedOn": row.updated_date,
    }


def bill_run_form(row: BillingRun) -> Form:
    """Return a bill run."""
    batches = [row.batches] if row.batches else None
    return _same(row, _BILL_RUN) | {"billRunNumber": row.billing_run_number, "batches": batches}


def callout_form(zone: TenantZone, attempt: Attempt, *, with_content: bool, as_shown: bool) -> Form:
    """Return one attempt of a callout: all values are strings, or look as in Zuora's example."""
    typed = _callout_as_typed(zone, attempt, with_content=with_content)
    if not as_shown:
        return typed
    return typed | {
        "attemptedNum": attempt.number,
        "createTime": zone.without_zone(attempt.at).replace(" ", "T"),
        "eventCategory": int(attempt.category) if attempt.category.isdigit() else attempt.category,
        "eventContext": attempt.context,
        "responseCode": attempt.response_code,
    }


def _callout_as_typed(zone: TenantZone, attempt: Attempt, *, with_content: bool) -> Form:
    return {
        "attemptedNum": str(attempt.number),
        "createTime": zone.without_zone(attempt.at),
        "eventCategory": attempt.category,
        "eventContext": attempt.request_body,
        "notification": attempt.notification,
        "requestMethod": attempt.method,
        "requestUrl": attempt.url,
        "responseCode": str(attempt.response_code),
        "responseContent": attempt.response_content if with_content else None,
    }


def without_nulls(form: Any) -> Any:
    """Return a form without what is not set, at every depth."""
    if isinstance(form, dict):
        return {name: without_nulls(value) for name, value in form.items() if value is not None}
    return [without_nulls(value) for value in form] if isinstance(form, list) else form
