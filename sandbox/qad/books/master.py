"""Master data: what the ERP knows before any document, and where it looks it up.

Customers, accounts, daybooks, code lists and rates live in shared sets; periods in entities; currencies, terms and
business relations are system-wide. The records double as the format of a world, so unknown keys are refused. No
rule about documents is decided here.
"""

from bisect import bisect_right
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from enum import StrEnum

from msgspec import Struct, field


class AccountType(StrEnum):
    """What a GL account is for; it decides who may post to it."""

    STANDARD = "STANDARD"
    BANK = "BANK"
    CUSTOMER_CONTROL = "CUSTOMER_CONTROL"
    TAX = "TAX"
    SYSTEM = "SYSTEM"


class Limitation(StrEnum):
    """How cost centre and project go together where an account analyses both."""

    NONE = "NONE"
    AT_LEAST_ONE = "AT_LEAST_ONE"
    BOTH = "BOTH"
    EXCLUDING = "EXCLUDING"


class DaybookType(StrEnum):
    """Which documents a daybook takes."""

    CUSTOMER_INVOICE = "CUSTOMER_INVOICE"
    CUSTOMER_CREDIT_NOTE = "CUSTOMER_CREDIT_NOTE"
    CUSTOMER_ADJUSTMENT = "CUSTOMER_ADJUSTMENT"
    CUSTOMER_PAYMENT = "CUSTOMER_PAYMENT"
    BANKING_ENTRY = "BANKING_ENTRY"
    JOURNAL = "JOURNAL"


class DaybookControl(StrEnum):
    """Who feeds a daybook: people in Financials, or a third-party system."""

    FINANCIAL = "FINANCIAL"
    EXTERNAL = "EXTERNAL"


class Layer(StrEnum):
    """The accounting layer that a daybook belongs to."""

    OFFICIAL = "OFFICIAL"
    MANAGEMENT = "MANAGEMENT"
    TRANSIENT = "TRANSIENT"


class PeriodStatus(StrEnum):
    """Whether a period takes postings at all."""

    OPEN = "OPEN"
    LOCKED = "LOCKED"


class Record(Struct, kw_only=True, forbid_unknown_fields=True):
    """One record of master data."""


class Currency(Record):
    """A currency and the decimals its amounts may have."""

    currency_code: str
    description: str = ""
    decimals: int = 2


class CreditTerms(Record):
    """Payment terms: due so many days after the invoice date."""

    credit_terms_code: str
    description: str = ""
    days: int = 30


class BusinessRelation(Record):
    """Name and address of a party; customers point to one."""

    business_relation_code: str
    business_relation_name: str
    search_name: str
    is_active: bool = True
    street: str = ""
    postal_code: str = ""
    city: str = ""
    state_code: str = ""
    country_code: str = ""
    email: str = ""
    tax_id: str = ""


class Operations(Record):
    """The domain record of a customer; without both codes the customer is incomplete in that domain."""

    site_code: str = ""
    daybook_set_code: str = ""


class Customer(Record):
    """A customer of a shared set; the three profiles lead to its control accounts."""

    customer_code: str
    business_relation_code: str
    currency_code: str
    credit_terms_code: str
    invoice_status_code: str
    invoice_control_gl_profile_code: str
    credit_note_control_gl_profile_code: str
    pre_payment_control_gl_profile_code: str
    sales_account_gl_profile_code: str
    is_active: bool = True
    is_locked_credit_limit: bool = False
    is_taxable: bool = False
    tax_zone: str = ""
    tax_class: str = ""
    tax_usage: str = ""
    bill_to_customer_code: str = ""
    customer_type_code: str = ""
    custom_short_0: str = ""
    custom_short_1: str = ""
    custom_long_0: str = ""
    operations: dict[str, Operations] = field(default_factory=dict)


class ControlProfile(Record):
    """Leads from a customer to a control account."""

    profile_code: str
    gl_account_code: str
    sub_account_code: str = ""


class GlAccount(Record):
    """A GL account with the analysis that each of its lines must carry."""

    gl_account_code: str
    description: str
    account_type: AccountType = AccountType.STANDARD
    is_active: bool = True
    currency_code: str = ""
    has_sub_account: bool = False
    has_cost_centre: bool = False
    has_project: bool = False
    limitation: Limitation = Limitation.NONE


class AnalysisCode(Record):
    """A sub-account, cost centre or project."""

    code: str
    description: str = ""
    is_active: bool = True


class Daybook(Record):
    """A daybook; `takes_given_vouchers` says whether a caller may choose the voucher number."""

    daybook_code: str
    description: str
    daybook_type: DaybookType
    control: DaybookControl = DaybookControl.EXTERNAL
    layer: Layer = Layer.OFFICIAL
    is_active: bool = True
    takes_given_vouchers: bool = True


class ExchangeRate(Record):
    """An accounting rate from one day on: base = amount * rate * scale. The latest start that covers the day counts."""

    from_currency_code: str
    to_currency_code: str
    valid_from: date
    rate: Decimal
    valid_till: date | None = None
    scale: Decimal = Decimal(1)
    rate_type: str = "ACCOUNTING"


class Period(Record):
    """A GL period of an entity; sales (AR) documents also need its sales flag."""

    year: int
    period: int
    first_day: date
    last_day: date
    status: PeriodStatus = PeriodStatus.OPEN
    is_open_for_sales: bool = True


class SharedSet(Record):
    """Master data that several entities share."""

    shared_set_code: str
    control_profiles: list[ControlProfile] = field(default_factory=list)
    gl_accounts: list[GlAccount] = field(default_factory=list)
    sub_accounts: list[AnalysisCode] = field(default_factory=list)
    cost_centres: list[AnalysisCode] = field(default_factory=list)
    projects: list[AnalysisCode] = field(default_factory=list)
    daybooks: list[Daybook] = field(default_factory=list)
    exchange_rates: list[ExchangeRate] = field(default_factory=list)
    customers: list[Customer] = field(default_factory=list)


class Entity(Record):
    """A legal entity: its own documents and periods, the base currency of its domain, the accounts of differences."""

    entity_code: str
    name: str
    domain_code: str
    shared_set_code: str
    base_currency_code: str
    rounding_gl_account_code: str
    realised_gain_gl_account_code: str
    realised_loss_gl_account_code: str
    periods: list[Period] = field(default_factory=list)

    @property
    def workspace(self) -> str:
        """The workspace that selects this entity."""
        return f"{self.domain_code}_{self.entity_code}"


class Catalogue:
    """A shared set, indexed by code."""

    def __init__(self, shared: SharedSet) -> None:
        self.shared_set_code = shared.shared_set_code
        self.control_profiles = {one.profile_code: one for one in shared.control_profiles}
        self.gl_accounts = {one.gl_account_code: one for one in shared.gl_accounts}
        self.sub_accounts = {one.code: one for one in shared.sub_accounts}
        self.cost_centres = {one.code: one for one in shared.cost_centres}
        self.projects = {one.code: one for one in shared.projects}
        self.daybooks = {one.daybook_code: one for one in shared.daybooks}
        self.customers = {one.customer_code: one for one in shared.customers}
        self.exchange_rates: list[ExchangeRate] = []
        self._rates: dict[tuple[str, str], list[ExchangeRate]] = {}
        for rate in shared.exchange_rates:
            self.add_rate(rate)

    def add_rate(self, rate: ExchangeRate) -> None:
        """Add a rate; of two that start on the same day the later addition counts."""
        self.exchange_rates.append(rate)
        if rate.rate_type != "ACCOUNTING":
            return
        pair = self._rates.setdefault((rate.from_currency_code, rate.to_currency_code), [])
        pair.append(rate)
        pair.sort(key=lambda one: one.valid_from)

    def rate(self, source: str, target: str, day: date) -> Decimal | None:
        """Return what one unit of source is worth in target that day, or None where no accounting rate covers it."""
        if source == target:
            return Decimal(1)
        rates = self._rates.get((source, target), [])
        position = bisect_right(rates, day, key=lambda one: one.valid_from)
        for rate in reversed(rates[:position]):
            if rate.valid_till is None or day <= rate.valid_till:
                return rate.rate * rate.scale
        return None


class Master:
    """All master data of a server."""

    def __init__(
        self,
        *,
        currencies: Iterable[Currency],
        credit_terms: Iterable[CreditTerms],
        business_relations: Iterable[BusinessRelation],
        shared_sets: Iterable[SharedSet],
        entities: Iterable[Entity],
    ) -> None:
        self.currencies = {one.currency_code: one for one in currencies}
        self.credit_terms = {one.credit_terms_code: one for one in credit_terms}
        self.business_relations = {one.business_relation_code: one for one in business_relations}
        self.catalogues = {one.shared_set_code: Catalogue(one) for one in shared_sets}
        self.entities = {one.entity_code: one for one in entities}

    def catalogue_of(self, entity: Entity) -> Catalogue:
        """Return the shared set of an entity."""
        return self.catalogues[entity.shared_set_code]


def period_of(entity: Entity, day: date) -> Period | None:
    """Return the period of an entity that covers a day."""
    for period in entity.periods:
        if period.first_day <= day <= period.last_day:
            return period
    return None
