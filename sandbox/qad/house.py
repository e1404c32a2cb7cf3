"""The dialect that the stand-in speaks when no other is given, called "house".

Public knowledge names the shape of the interface and the customer resources; paths, lists and fields of financial
documents are not public. What is not public is spelled here as one would expect of the vendor: the books' names in
camel case, `gl` in the middle of a name in capitals.
"""

from sandbox.qad.dialect import Browse, Dialect, Lines, Resource

_DOCUMENT_KEYS = ("entity_code", "posting_year", "daybook_code", "voucher")
_STORED = (
    "posting_period",
    "is_posted",
    "created_by",
    "created_at",
    "modified_by",
    "modified_at",
    "reversal_of",
    "reversed_by",
)
_ANALYSIS = ("gl_account_code", "sub_account_code", "cost_centre_code", "project_code")
_AMOUNTS = ("debit_amount", "credit_amount")
_INVOICE = (
    *_DOCUMENT_KEYS,
    "invoice_type",
    "customer_code",
    "currency_code",
    "invoice_date",
    "posting_date",
    "due_date",
    "tax_point_date",
    "credit_terms_code",
    "description",
    "reference",
    "custom_short_0",
    "original_amount",
    "is_taxable",
    "linked_posting_year",
    "linked_daybook_code",
    "linked_voucher",
    "open_amount",
    "tax_amount",
    *_STORED,
)
_PAYMENT = (
    *_DOCUMENT_KEYS,
    "customer_code",
    "currency_code",
    "bank_gl_account_code",
    "payment_date",
    "posting_date",
    "amount",
    "payment_reference",
    "custom_short_0",
    "status",
    "description",
    "linked_posting_year",
    "linked_daybook_code",
    "linked_voucher",
    "allocated_amount",
    "open_amount",
    *_STORED,
)
_ADJUSTMENT = (
    *_DOCUMENT_KEYS,
    "posting_date",
    "description",
    "custom_short_0",
    "currency_code",
    "total_amount",
    *_STORED,
)
_BANKING = (
    *_DOCUMENT_KEYS,
    "customer_code",
    "currency_code",
    "bank_gl_account_code",
    "direction",
    "value_date",
    "posting_date",
    "amount",
    "external_reference",
    "custom_short_0",
    "description",
    *_STORED,
)
_JOURNAL = (*_DOCUMENT_KEYS, "posting_date", "description", "custom_short_0", "currency_code", "total_amount", *_STORED)
_CUSTOMER = (
    "shared_set_code",
    "customer_code",
    "business_relation_code",
    "is_active",
    "currency_code",
    "credit_terms_code",
    "invoice_status_code",
    "invoice_control_gl_profile_code",
    "credit_note_control_gl_profile_code",
    "pre_payment_control_gl_profile_code",
    "sales_account_gl_profile_code",
    "tax_zone",
    "tax_class",
    "tax_usage",
    "is_taxable",
    "bill_to_customer_code",
    "is_locked_credit_limit",
    "customer_type_code",
    "custom_short_0",
    "custom_short_1",
    "custom_long_0",
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

# Names that do not follow the rule.
_SPELLED = {"search_name": "addressSearchName", "domain_code": "domainContext", "business_relation_name": "name"}


def camel_case(name: str) -> str:
    """Spell a name of the books as the vendor would: `control_gl_profile_code` is controlGLProfileCode."""
    if name in _SPELLED:
        return _SPELLED[name]
    first, *others = name.split("_")
    return first + "".join("GL" if word == "gl" else word.capitalize() for word in others)


def _spell(*names: str) -> dict[str, str]:
    return {name: camel_case(name) for name in names}


def _lines(name: str, *names: str) -> Lines:
    return Lines(name=name, fields=_spell(*names))


def _document(kind: str, list_name: str, view_uri: str, names: tuple[str, ...], **lines: Lines) -> Resource:
    return Resource(
        kind=kind,
        path=f"/api/erp/{list_name}",
        view_uri=f"urn:be:com.qad.financials.{view_uri}",
        list_name=list_name,
        keys=_DOCUMENT_KEYS,
        fields=_spell(*names),
        lines=lines,
    )


def _party(kind: str, list_name: str, view_uri: str, *, keys: tuple[str, ...], names: tuple[str, ...]) -> Resource:
    return Resource(
        kind=kind,
        path=f"/api/erp/{list_name}",
        view_uri=f"urn:be:com.qad.base.{view_uri}",
        list_name=list_name,
        keys=keys,
        fields=_spell(*names, "concurrency_hash"),
    )


def _browse(table: str, browse_id: str, prefix: str, *names: str) -> Browse:
    return Browse(
        table=table, browse_id=f"urn:browse:bebrowse:com.qad.erp.{browse_id}", prefix=prefix, columns=_spell(*names)
    )


_POSTING_LINE = ("sequence", *_ANALYSIS, "text", *_AMOUNTS)
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
_ITEM_KEYS = ("item_posting_year", "item_daybook_code", "item_voucher")
_BASE_AMOUNTS = ("base_debit_amount", "base_credit_amount")

HOUSE = Dialect(
    name="house",
    codes={"FIELD_TOO_LONG": "47"},
    resources=(
        _document(
            "invoice",
            "customerInvoices",
            "salesledger.customerinvoice.ICustomerInvoice",
            _INVOICE,
            posting_lines=_lines("postingLines", *_POSTING_LINE),
            tax_lines=_lines("taxLines", *_TAX_LINE),
        ),
        _document(
            "payment",
            "customerPayments",
            "salesledger.customerpayment.ICustomerPayment",
            _PAYMENT,
            allocations=_lines(
                "allocations", "invoice_posting_year", "invoice_daybook_code", "invoice_voucher", "amount"
            ),
        ),
        _document(
            "adjustment",
            "openItemAdjustments",
            "salesledger.openitemadjustment.IOpenItemAdjustment",
            _ADJUSTMENT,
            lines=_lines("lines", "customer_code", *_ITEM_KEYS, "new_item_type", *_AMOUNTS),
            gl_lines=_lines("glLines", *_POSTING_LINE),
        ),
        _document(
            "banking",
            "bankingEntries",
            "cashmanagement.bankingentry.IBankingEntry",
            _BANKING,
            allocations=_lines("allocations", *_ITEM_KEYS, "amount"),
            gl_lines=_lines("glLines", *_POSTING_LINE),
        ),
        _document(
            "journal",
            "journalEntries",
            "generalledger.journalentry.IJournalEntry",
            _JOURNAL,
            lines=_lines("lines", "sequence", *_ANALYSIS, "currency_code", "text", *_AMOUNTS),
        ),
        _party(
            "customer",
            "customerV2s",
            "customer.ICustomerV2",
            keys=("shared_set_code", "customer_code"),
            names=_CUSTOMER,
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
    ),
    browses=(
        _browse(
            "customers",
            "base.customerV2s",
            "customerV2",
            *_CUSTOMER,
            "business_relation_name",
            "search_name",
            "street",
            "postal_code",
            "city",
            "country_code",
            "email",
            "tax_id",
            "is_complete",
            "invoice_control_gl_account_code",
            "credit_note_control_gl_account_code",
            "pre_payment_control_gl_account_code",
        ),
        _browse("currencies", "base.currencies", "currency", "currency_code", "description", "decimals"),
        _browse("credit_terms", "base.creditTerms", "creditTerms", "credit_terms_code", "description", "days"),
        _browse(
            "gl_accounts",
            "financials.glAccounts",
            "glAccount",
            "gl_account_code",
            "description",
            "account_type",
            "is_active",
            "currency_code",
            "has_sub_account",
            "has_cost_centre",
            "has_project",
            "limitation",
        ),
        _browse("sub_accounts", "financials.subAccounts", "subAccount", "code", "description", "is_active"),
        _browse("cost_centres", "financials.costCentres", "costCentre", "code", "description", "is_active"),
        _browse("projects", "financials.projects", "project", "code", "description", "is_active"),
        _browse(
            "daybooks",
            "financials.daybooks",
            "daybook",
            "daybook_code",
            "description",
            "daybook_type",
            "control",
            "layer",
            "is_active",
            "takes_given_vouchers",
        ),
        _browse(
            "periods",
            "financials.periods",
            "period",
            "entity_code",
            "year",
            "period",
            "first_day",
            "last_day",
            "status",
            "is_open_for_sales",
        ),
        _browse(
            "exchange_rates",
            "financials.exchangeRates",
            "exchangeRate",
            "rate_type",
            "from_currency_code",
            "to_currency_code",
            "valid_from",
            "valid_till",
            "rate",
            "scale",
        ),
        _browse("customer_invoices", "financials.customerInvoices", "customerInvoice", *_INVOICE),
        _browse("customer_payments", "financials.customerPayments", "customerPayment", *_PAYMENT),
        _browse("open_item_adjustments", "financials.openItemAdjustments", "openItemAdjustment", *_ADJUSTMENT),
        _browse(
            "open_item_adjustment_lines",
            "financials.openItemAdjustmentLines",
            "openItemAdjustmentLine",
            *_DOCUMENT_KEYS,
            "posting_date",
            "custom_short_0",
            "currency_code",
            "sequence",
            "customer_code",
            *_ITEM_KEYS,
            "new_item_type",
            *_AMOUNTS,
            "created_by",
        ),
        _browse("banking_entries", "financials.bankingEntries", "bankingEntry", *_BANKING),
        _browse("journal_entries", "financials.journalEntries", "journalEntry", *_JOURNAL),
        _browse(
            "open_items",
            "financials.openItems",
            "openItem",
            *_DOCUMENT_KEYS,
            "item_type",
            "customer_code",
            "reference",
            "custom_short_0",
            "currency_code",
            "posting_date",
            "due_date",
            "original_amount",
            "open_amount",
            "original_base_amount",
            "open_base_amount",
            "gl_account_code",
            "sub_account_code",
            "created_by",
        ),
        _browse(
            "gl_transactions",
            "financials.glTransactions",
            "glTransaction",
            *_DOCUMENT_KEYS,
            "kind",
            "sequence",
            "origin",
            "posting_date",
            "posting_period",
            "customer_code",
            "custom_short_0",
            "reference",
            *_ANALYSIS,
            "text",
            "currency_code",
            *_AMOUNTS,
            *_BASE_AMOUNTS,
            "created_by",
            "created_at",
        ),
        _browse(
            "gl_balances",
            "financials.glBalances",
            "glBalance",
            "entity_code",
            "gl_account_code",
            "sub_account_code",
            "currency_code",
            "year",
            "period",
            *_AMOUNTS,
            *_BASE_AMOUNTS,
        ),
    ),
)
