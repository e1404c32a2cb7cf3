"""What resources and browses show of the books, by the books' names, and how the house dialect spells a name."""

DOCUMENT_KEYS = ("entity_code", "posting_year", "daybook_code", "voucher")
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
ANALYSIS = ("gl_account_code", "sub_account_code", "cost_centre_code", "project_code")
AMOUNTS = ("debit_amount", "credit_amount")
INVOICE = (
    *DOCUMENT_KEYS,
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
    "netted_amount",
    *_STORED,
)
PAYMENT = (
    *DOCUMENT_KEYS,
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
ADJUSTMENT = (
    *DOCUMENT_KEYS,
    "posting_date",
    "description",
    "custom_short_0",
    "currency_code",
    "total_amount",
    *_STORED,
)
BANKING = (
    *DOCUMENT_KEYS,
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
JOURNAL = (*DOCUMENT_KEYS, "posting_date", "description", "custom_short_0", "currency_code", "total_amount", *_STORED)
CUSTOMER = (
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
ITEM_KEYS = ("item_posting_year", "item_daybook_code", "item_voucher")

# Names that do not follow the rule.
_SPELLED = {"search_name": "addressSearchName", "domain_code": "domainContext", "business_relation_name": "name"}


def camel_case(name: str) -> str:
    """Spell a name of the books as the vendor would: `control_gl_profile_code` is controlGLProfileCode."""
    if name in _SPELLED:
        return _SPELLED[name]
    first, *others = name.split("_")
    return first + "".join("GL" if word == "gl" else word.capitalize() for word in others)


def spell(*names: str) -> dict[str, str]:
    """Return each name with its spelling."""
    return {name: camel_case(name) for name in names}
