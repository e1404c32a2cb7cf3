"""The rules that documents of every kind share: customer, daybook, voucher, period, currency, rate, texts.

An inspection notes everything that is wrong with one record and changes nothing.
"""

from datetime import date
from decimal import Decimal
from functools import cache

from sandbox.qad.books.amounts import check_amount
from sandbox.qad.books.documents import Content, DocumentKey, Kind, Part
from sandbox.qad.books.errors import Code, Findings
from sandbox.qad.books.ledger import Ledger
from sandbox.qad.books.master import (
    Catalogue,
    CreditTerms,
    Customer,
    Daybook,
    DaybookType,
    Layer,
    Master,
    Period,
    PeriodStatus,
    period_of,
)
from sandbox.qad.books.policy import Policy

# The ERP's own field lengths. An adjustment's description is longer than the others.
_LENGTHS = {
    "entity_code": 20,
    "customer_code": 8,
    "daybook_code": 8,
    "linked_daybook_code": 8,
    "invoice_daybook_code": 8,
    "item_daybook_code": 8,
    "currency_code": 3,
    "credit_terms_code": 8,
    "gl_account_code": 8,
    "bank_gl_account_code": 8,
    "sub_account_code": 8,
    "cost_centre_code": 4,
    "project_code": 8,
    "description": 40,
    "reference": 40,
    "payment_reference": 40,
    "external_reference": 40,
    "text": 40,
    "custom_short_0": 20,
}
_ADJUSTMENT_DESCRIPTION_LENGTH = 255

# Vouchers are shown with nine digits.
_VOUCHER_MAX = 999_999_999


@cache
def _limited_fields(part: type[Part]) -> tuple[tuple[str, int], ...]:
    limits = {name: _LENGTHS[name] for name in part.__struct_fields__ if name in _LENGTHS}
    if part.__name__ == "Adjustment":
        limits["description"] = _ADJUSTMENT_DESCRIPTION_LENGTH
    return tuple(limits.items())


class Inspection:
    """Inspects one record for one entity; `findings` holds what is wrong."""

    def __init__(self, *, master: Master, ledger: Ledger, policy: Policy) -> None:
        self.master = master
        self.ledger = ledger
        self.entity = ledger.entity
        self.catalogue = master.catalogue_of(ledger.entity)
        self.policy = policy
        self.findings = Findings()

    @property
    def base_decimals(self) -> int:
        """Decimals of the entity's base currency."""
        return self.master.currencies[self.entity.base_currency_code].decimals

    def check_header(self, content: Content, kind: Kind) -> None:
        """Check what every kind has: entity, lengths, and a reference that may not repeat where the site says so."""
        if content.entity_code and content.entity_code != self.entity.entity_code:
            self.findings.add(
                Code.ENTITY_MISMATCH,
                "entity_code",
                content.entity_code,
                f"Entity {content.entity_code} is not the entity of workspace {self.entity.workspace}.",
            )
        self.check_lengths(content)
        self._check_unique(content, kind)

    def check_lengths(self, part: Part, prefix: str = "") -> None:
        """Check that texts fit their fields."""
        for name, length in _limited_fields(type(part)):
            value = getattr(part, name)
            if len(value) > length:
                message = f"Field length should be less than {length + 1}."
                self.findings.add(Code.FIELD_TOO_LONG, prefix + name, value, message)

    def check_required(self, field: str, value: str) -> bool:
        """Check that a text is there."""
        if not value.strip():
            self.findings.add(Code.FIELD_REQUIRED, field, value, f"Field {field.replace('_', ' ')} is mandatory.")
            return False
        return True

    def customer(self, code: str, field: str = "customer_code") -> Customer | None:
        """Return a customer that may be used in this entity's documents."""
        found = self.catalogue.customers.get(code)
        if found is None:
            self.findings.add(Code.CUSTOMER_UNKNOWN, field, code, f"Customer {code} does not exist.")
        elif not found.is_active:
            self.findings.add(Code.CUSTOMER_INACTIVE, field, code, f"Customer {code} is not active.")
        elif missing := missing_of(found, self.master, self.catalogue, self.entity.domain_code):
            message = f"Customer {code} is incomplete: {missing}."
            self.findings.add(Code.CUSTOMER_INCOMPLETE, field, code, message)
        else:
            return found
        return None

    def control_account(self, profile_code: str) -> tuple[str, str]:
        """Return account and sub-account of a customer's profile; complete customers have it."""
        profile = self.catalogue.control_profiles[profile_code]
        return profile.gl_account_code, profile.sub_account_code

    def credit_terms(self, code: str) -> CreditTerms | None:
        """Return credit terms that exist."""
        found = self.master.credit_terms.get(code)
        if found is None:
            message = f"Credit terms {code or '(blank)'} do not exist."
            self.findings.add(Code.CREDIT_TERMS_UNKNOWN, "credit_terms_code", code, message)
        return found

    def currency_decimals(self, code: str, field: str = "currency_code") -> int | None:
        """Return the decimals of a known currency."""
        currency = self.master.currencies.get(code)
        if currency is None:
            self.findings.add(Code.CURRENCY_UNKNOWN, field, code, f"Currency {code or '(blank)'} does not exist.")
            return None
        return currency.decimals

    def rate(self, code: str, day: date | None, field: str = "currency_code") -> Decimal:
        """Return the accounting rate to base that day; one, and a finding, where there is none."""
        if code not in self.master.currencies or day is None:
            return Decimal(1)
        rate = self.catalogue.rate(code, self.entity.base_currency_code, day)
        if rate is None:
            message = f"No accounting rate from {code} to {self.entity.base_currency_code} on {day}."
            self.findings.add(Code.RATE_MISSING, field, code, message)
            return Decimal(1)
        return rate

    def daybook(self, code: str, expected: DaybookType) -> Daybook | None:
        """Return an active daybook of the right type and layer."""
        found = self.catalogue.daybooks.get(code)
        if found is None:
            self.findings.add(
                Code.DAYBOOK_UNKNOWN, "daybook_code", code, f"Daybook {code or '(blank)'} does not exist."
            )
        elif not found.is_active:
            self.findings.add(Code.DAYBOOK_INACTIVE, "daybook_code", code, f"Daybook {code} is not active.")
        elif found.daybook_type != expected:
            message = f"Daybook {code} has type {found.daybook_type}, not {expected}."
            self.findings.add(Code.DAYBOOK_TYPE, "daybook_code", code, message)
        elif found.layer != Layer.OFFICIAL:
            message = f"Daybook {code} belongs to layer {found.layer}."
            self.findings.add(Code.DAYBOOK_LAYER, "daybook_code", code, message)
        else:
            return found
        return None

    def period(self, day: date, posting_year: int, *, for_sales: bool) -> Period | None:
        """Return the open period of a posting date; AR documents need its sales flag too."""
        found = period_of(self.entity, day)
        if found is None:
            self.findings.add(Code.PERIOD_MISSING, "posting_date", day, f"No GL period covers {day}.")
            return None
        name = f"{found.year}/{found.period:02}"
        if found.status != PeriodStatus.OPEN:
            self.findings.add(Code.PERIOD_CLOSED, "posting_date", day, f"GL period {name} is closed.")
        elif for_sales and not found.is_open_for_sales:
            message = f"GL period {name} is closed for sales."
            self.findings.add(Code.PERIOD_CLOSED_FOR_SALES, "posting_date", day, message)
        if posting_year not in (0, found.year):
            message = f"Posting date {day} belongs to year {found.year}."
            self.findings.add(Code.POSTING_YEAR, "posting_year", posting_year, message)
        return found

    def key(self, content: Content, daybook: Daybook | None, period: Period | None) -> DocumentKey | None:
        """Return the key that a new document gets: its own voucher, or the next one for voucher 0."""
        if daybook is None or period is None:
            return None
        if not content.voucher:
            voucher = self.ledger.next_voucher(period.year, daybook.daybook_code)
            return DocumentKey(self.entity.entity_code, period.year, daybook.daybook_code, voucher)
        if not daybook.takes_given_vouchers or not 0 < content.voucher <= _VOUCHER_MAX:
            message = f"Daybook {daybook.daybook_code} does not take voucher {content.voucher}."
            self.findings.add(Code.VOUCHER_NOT_ALLOWED, "voucher", content.voucher, message)
            return None
        key = DocumentKey(self.entity.entity_code, period.year, daybook.daybook_code, content.voucher)
        if key in self.ledger.documents:
            self.findings.add(Code.ALREADY_EXISTS, "voucher", content.voucher, f"Document {key} already exists.")
            return None
        return key

    def amount(self, field: str, value: Decimal, decimals: int | None, *, positive: bool = False) -> None:
        """Check an amount against its currency; a positive one must be more than zero."""
        is_valid = decimals is not None and check_amount(self.findings, field, value, decimals=decimals)
        if is_valid and positive and value <= 0:
            self.findings.add(Code.AMOUNT_NOT_POSITIVE, field, value, "The amount must be greater than zero.")

    def _check_unique(self, content: Content, kind: Kind) -> None:
        indexes = {"custom_short_0": self.ledger.by_custom_short_0, "reference": self.ledger.by_reference}
        for field in self.policy.unique_reference:
            value = getattr(content, field)
            if value and indexes[field].find(kind, value):
                self.findings.add(Code.ALREADY_EXISTS, field, value, f"A document with {field} {value} already exists.")


def missing_of(customer: Customer, master: Master, catalogue: Catalogue, domain_code: str) -> str:
    """Say what a customer lacks to be used in a domain; blank where it is complete."""
    relation = master.business_relations.get(customer.business_relation_code)
    if relation is None or not relation.is_active:
        return f"business relation {customer.business_relation_code} is missing or not active"
    for profile in (
        customer.invoice_control_gl_profile_code,
        customer.credit_note_control_gl_profile_code,
        customer.pre_payment_control_gl_profile_code,
    ):
        if profile not in catalogue.control_profiles:
            return f"control GL profile {profile or '(blank)'} is missing"
    operations = customer.operations.get(domain_code)
    if operations is None or not operations.site_code or not operations.daybook_set_code:
        return f"site or daybook set is missing in domain {domain_code}"
    return ""
