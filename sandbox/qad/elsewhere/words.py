"""How the second tenant spells a name of the books, in records (nested) and in browses (flat), and words for values."""

_GROUPS = {
    "entity_code": "key",
    "posting_year": "key",
    "daybook_code": "key",
    "voucher": "key",
    "customer_code": "party",
    "credit_terms_code": "party",
    "currency_code": "money",
    "original_amount": "money",
    "amount": "money",
    "total_amount": "money",
    "open_amount": "money",
    "invoice_date": "dates",
    "payment_date": "dates",
    "value_date": "dates",
    "tax_point_date": "dates",
    "posting_date": "dates",
    "due_date": "dates",
    "reference": "refs.human",
    "payment_reference": "refs.human",
    "external_reference": "refs.human",
    "custom_short_0": "refs.machine",
    "gl_account_code": "gl",
    "sub_account_code": "gl",
    "cost_centre_code": "gl",
    "project_code": "gl",
    "item_posting_year": "item",
    "item_daybook_code": "item",
    "item_voucher": "item",
    "base_amount": "report.amounts",
    "tax_amount": "report.amounts",
    "tax_code": "report.codes",
    "tax_type": "report.codes",
    "tax_class": "report.codes",
    "tax_usage": "report.codes",
    "tax_environment": "report.codes",
    "invoice_posting_year": "item",
    "invoice_daybook_code": "item",
    "invoice_voucher": "item",
}

INVOICE_TYPES = {"INVOICE": "01", "CREDITNOTE": "02", "INVOICECORRECTION": "03", "CREDITNOTECORRECTION": "04"}
ITEM_TYPES = {**INVOICE_TYPES, "PREPAYMENT": "09"}
STATUSES = {"Initial": "1-Neu", "Paid": "6-Bezahlt", "Bounced": "9-Retour", "Cancelled": "8-Storno"}
DIRECTIONS = {"IN": "H", "OUT": "S"}
PERIOD_STATUSES = {"OPEN": "offen", "LOCKED": "gesperrt"}
ACCOUNT_TYPES = {"STANDARD": "S", "BANK": "B", "CUSTOMER_CONTROL": "D", "TAX": "V", "SYSTEM": "X"}


def column(name: str) -> str:
    """Spell a name as browses have it: `customer_code` is tcCustomerCode."""
    return "tc" + "".join(word.capitalize() for word in name.split("_"))


def place(name: str) -> str:
    """Spell a name as records have it, in the group that it belongs to."""
    return f"{_GROUPS[name]}.{column(name)}" if name in _GROUPS else column(name)


def places(*names: str) -> dict[str, str]:
    """Return each name with its place in a record."""
    return {name: place(name) for name in names}


def columns(*names: str) -> dict[str, str]:
    """Return each name with its column."""
    return {name: column(name) for name in names}
