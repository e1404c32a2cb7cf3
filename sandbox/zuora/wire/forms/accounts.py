"""Accounts and contacts, and what the general ledger is set up with: accounting codes and periods."""

from sandbox.zuora.objects import Account, AccountingCode, AccountingPeriod, Contact, Record
from sandbox.zuora.tenant import Tenant
from sandbox.zuora.wire.forms.shape import Form, same

_BASIC_INFO = (
    "id accountNumber batch communicationProfileId crmId defaultPaymentMethodId invoiceTemplateId name notes "
    "parentId partnerAccount purchaseOrderNumber sequenceSetId status customerServiceRepName"
)
_BILLING = "autoPay billCycleDay bcdSettingOption currency defaultPaymentMethodId paymentGateway paymentTerm"
_CONTACT = (
    "id accountId address1 address2 city country county fax firstName homePhone lastName mobilePhone "
    "otherPhone otherPhoneType personalEmail postalCode state taxRegion workEmail workPhone"
)


def account_form(tenant: Tenant, row: Account) -> Form:
    """Return an account; custom fields sit in basicInfo, spelled as the tenant named them."""

    def contact(key: str | None) -> Form | None:
        found = tenant.contacts.shown.get(key or "")
        return contact_form(found) if found else None

    return {
        "basicInfo": same(row, _BASIC_INFO) | {"salesRep": row.sales_rep_name, **(row.custom or {})},
        "billingAndPayment": same(row, _BILLING),
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
    return same(row, _CONTACT) | {
        "zipCode": row.postal_code,
        "nickname": row.nick_name,
        "contactDescription": row.description,
        **(row.custom or {}),
    }


def accounting_code_form(row: AccountingCode) -> Form:
    """Return an accounting code with its GL account."""
    return same(row, "id name type category status glAccountName glAccountNumber notes") | _ledger_audit(row)


def accounting_period_form(row: AccountingPeriod) -> Form:
    """Return an accounting period; Zuora spells one field fiscal_quarter."""
    form = same(row, "id name startDate endDate status fiscalYear notes")
    return form | {"fiscal_quarter": row.fiscal_quarter} | _ledger_audit(row)


def _ledger_audit(row: Record) -> Form:
    return {
        "createdBy": row.created_by_id,
        "createdOn": row.created_date,
        "updatedBy": row.updated_by_id,
        "updatedOn": row.updated_date,
    }
