"""What can be written and read by resource: documents with their lines, customers and what belongs to them."""

from sandbox.qad.dialect import Lines, Resource
from sandbox.qad.house.fields import (
    ADJUSTMENT,
    AMOUNTS,
    ANALYSIS,
    BANKING,
    CUSTOMER,
    DOCUMENT_KEYS,
    INVOICE,
    ITEM_KEYS,
    JOURNAL,
    PAYMENT,
    spell,
)

_RELATION = (
    "business_relation_code",
    "business_relation_name",
    "search_name",
    "is_active",
    "street",
    "postal_code",
    "city",
    "state_code",
    "country_code",
    "email",
    "tax_id",
)
_POSTING_LINE = ("sequence", *ANALYSIS, "text", *AMOUNTS)
_TAX_LINE = (
    "sequence",
    "tax_code",
    "tax_type",
    "tax_class",
    "tax_usage",
    "tax_environment",
    "gl_account_code",
    "sub_account_code",
    "base_amount",
    "tax_amount",
)


def _lines(name: str, *names: str) -> Lines:
    return Lines(name=name, fields=spell(*names))


def _document(kind: str, list_name: str, view_uri: str, names: tuple[str, ...], **lines: Lines) -> Resource:
    return Resource(
        kind=kind,
        path=f"/api/erp/{list_name}",
        view_uri=f"urn:be:com.qad.financials.{view_uri}",
        list_name=list_name,
        keys=DOCUMENT_KEYS,
        fields=spell(*names),
        lines=lines,
    )


def _party(kind: str, list_name: str, view_uri: str, *, keys: tuple[str, ...], names: tuple[str, ...]) -> Resource:
    return Resource(
        kind=kind,
        path=f"/api/erp/{list_name}",
        view_uri=f"urn:be:com.qad.base.{view_uri}",
        list_name=list_name,
        keys=keys,
        fields=spell(*names, "concurrency_hash"),
    )


RESOURCES: tuple[Resource, ...] = (
    _document(
        "invoice",
        "customerInvoices",
        "salesledger.customerinvoice.ICustomerInvoice",
        INVOICE,
        posting_lines=_lines("postingLines", *_POSTING_LINE),
        tax_lines=_lines("taxLines", *_TAX_LINE),
    ),
    _document(
        "payment",
        "customerPayments",
        "salesledger.customerpayment.ICustomerPayment",
        PAYMENT,
        allocations=_lines("allocations", "invoice_posting_year", "invoice_daybook_code", "invoice_voucher", "amount"),
    ),
    _document(
        "adjustment",
        "openItemAdjustments",
        "salesledger.openitemadjustment.IOpenItemAdjustment",
        ADJUSTMENT,
        lines=_lines("lines", "customer_code", *ITEM_KEYS, "new_item_type", *AMOUNTS),
        gl_lines=_lines("glLines", *_POSTING_LINE),
    ),
    _document(
        "banking",
        "bankingEntries",
        "cashmanagement.bankingentry.IBankingEntry",
        BANKING,
        allocations=_lines("allocations", *ITEM_KEYS, "amount"),
        gl_lines=_lines("glLines", *_POSTING_LINE),
    ),
    _document(
        "journal",
        "journalEntries",
        "generalledger.journalentry.IJournalEntry",
        JOURNAL,
        lines=_lines("lines", "sequence", *ANALYSIS, "currency_code", "text", *AMOUNTS),
    ),
    _party(
        "customer",
        "customerV2s",
        "customer.ICustomerV2",
        keys=("shared_set_code", "customer_code"),
        names=CUSTOMER,
    ),
    _party(
        "business_relation",
        "businessRelationV2s",
        "address.IBusinessRelationV2",
        keys=("business_relation_code",),
        names=_RELATION,
    ),
    _party(
        "operations",
        "mfgCustomers",
        "customer.IMfgCustomer",
        keys=("domain_code", "customer_code"),
        names=("domain_code", "customer_code", "site_code", "daybook_set_code"),
    ),
)
