"""A small world to start with: one shared set, a US entity in USD and a German one in EUR, three years of periods.

It is what the server loads when no world is given, and what its own tests stand on: rates, analysis and customers
are chosen so that every rule of the books has an example. Real trials load a generated world instead.
"""

from calendar import monthrange
from datetime import date
from decimal import Decimal

from sandbox.qad.books.master import (
    AccountType,
    AnalysisCode,
    BusinessRelation,
    ControlProfile,
    CreditTerms,
    Currency,
    Customer,
    Daybook,
    DaybookControl,
    DaybookType,
    Entity,
    ExchangeRate,
    GlAccount,
    Layer,
    Limitation,
    Operations,
    Period,
    SharedSet,
)
from sandbox.qad.world import Client, User, World

_YEARS = (2025, 2026, 2027)


def sample_world() -> World:
    """Return the small world, the same each time."""
    return World(
        format="ml-connector/sandbox/qad/1",
        currencies=[
            Currency(currency_code="USD", description="US dollar"),
            Currency(currency_code="EUR", description="Euro"),
            Currency(currency_code="GBP", description="Pound sterling"),
            Currency(currency_code="JPY", description="Japanese yen", decimals=0),
            Currency(currency_code="KWD", description="Kuwaiti dinar", decimals=3),
        ],
        credit_terms=[
            CreditTerms(credit_terms_code="NET30", description="Net 30 days", days=30),
            CreditTerms(credit_terms_code="NET0", description="Due at once", days=0),
        ],
        business_relations=[
            BusinessRelation(
                business_relation_code=f"BR{number:04}",
                business_relation_name=name,
                search_name=name[:28],
                postal_code=postal_code,
                city=city,
                country_code=country,
            )
            for number, (name, postal_code, city, country) in enumerate(_PARTIES, start=1)
        ],
        shared_sets=[_shared_set()],
        entities=[
            _entity("10USACO", domain="10USA", name="US company", currency="USD"),
            _entity("20DEUCO", domain="20DEU", name="German company", currency="EUR"),
        ],
        users=[
            User(name="connector", password="connector-word", workspaces=["10USA_10USACO", "20DEU_20DEUCO"]),  # noqa: S106 - sample
            User(name="clerk", password="clerk-word", workspaces=["10USA_10USACO"]),  # noqa: S106 - sample
            User(name="reader", password="reader-word", workspaces=["10USA_10USACO"], denied=["*"]),  # noqa: S106 - sample
        ],
        clients=[Client(client_id="ml-connector", client_secret="client-word", user="connector")],  # noqa: S106 - sample
    )


_PARTIES = (
    ("Alder Analytics Inc.", "02110", "Boston", "US"),
    ("Birke Maschinenbau GmbH", "70173", "Stuttgart", "DE"),
    ("Cedar Clinics LLC", "60601", "Chicago", "US"),
    ("Daiichi Keiki K.K.", "100-0001", "Tokyo", "JP"),
    ("Elm Energy W.L.L.", "13001", "Kuwait City", "KW"),
)


def _shared_set() -> SharedSet:
    return SharedSet(
        shared_set_code="CORP",
        control_profiles=[
            ControlProfile(profile_code="CUSTINV", gl_account_code="1200"),
            ControlProfile(profile_code="CUSTCN", gl_account_code="1210"),
            ControlProfile(profile_code="CUSTPRE", gl_account_code="2400"),
        ],
        gl_accounts=_accounts(),
        sub_accounts=[AnalysisCode(code="SAAS"), AnalysisCode(code="SERV"), AnalysisCode(code="OLD", is_active=False)],
        cost_centres=[AnalysisCode(code="CC10"), AnalysisCode(code="CC20")],
        projects=[AnalysisCode(code="PRJ1"), AnalysisCode(code="PRJ2")],
        daybooks=_daybooks(),
        exchange_rates=_rates(),
        customers=[
            _customer("C0001", relation="BR0001", currency="USD", account="A-00000001"),
            _customer("C0002", relation="BR0002", currency="EUR", account="A-00000002"),
            _customer("C0003", relation="BR0003", currency="USD", account="A-00000003"),
            _customer("C0004", relation="BR0004", currency="JPY", account="A-00000004"),
            _customer("C0005", relation="BR0005", currency="KWD", account="A-00000005"),
        ],
    )


def _accounts() -> list[GlAccount]:
    control, bank, system = AccountType.CUSTOMER_CONTROL, AccountType.BANK, AccountType.SYSTEM
    return [
        GlAccount(gl_account_code="1010", description="Gateway clearing", account_type=bank),
        GlAccount(gl_account_code="1020", description="Bank EUR", account_type=bank, currency_code="EUR"),
        GlAccount(gl_account_code="1200", description="Receivables", account_type=control),
        GlAccount(gl_account_code="1210", description="Credit notes", account_type=control),
        GlAccount(gl_account_code="1900", description="Unassigned cash"),
        GlAccount(gl_account_code="1990", description="Billing clearing"),
        GlAccount(gl_account_code="2300", description="Sales tax payable"),
        GlAccount(gl_account_code="2310", description="VAT output", account_type=AccountType.TAX),
        GlAccount(gl_account_code="2400", description="Customer prepayments", account_type=control),
        GlAccount(gl_account_code="2500", description="Deferred revenue"),
        GlAccount(gl_account_code="4000", description="Subscription revenue", has_sub_account=True),
        GlAccount(gl_account_code="4100", description="Usage revenue"),
        GlAccount(gl_account_code="4200", description="Service revenue", has_cost_centre=True),
        GlAccount(gl_account_code="4900", description="Closed revenue", is_active=False),
        GlAccount(
            gl_account_code="6100",
            description="Bad debt",
            has_cost_centre=True,
            has_project=True,
            limitation=Limitation.AT_LEAST_ONE,
        ),
        GlAccount(
            gl_account_code="6200",
            description="Project cost",
            has_cost_centre=True,
            has_project=True,
            limitation=Limitation.BOTH,
        ),
        GlAccount(
            gl_account_code="6300",
            description="Either cost",
            has_cost_centre=True,
            has_project=True,
            limitation=Limitation.EXCLUDING,
        ),
        GlAccount(gl_account_code="7700", description="Realised gain", account_type=system),
        GlAccount(gl_account_code="7710", description="Realised loss", account_type=system),
        GlAccount(gl_account_code="7790", description="Rounding differences", account_type=system),
    ]


def _daybooks() -> list[Daybook]:
    return [
        Daybook(daybook_code="ZINV", description="Zuora invoices", daybook_type=DaybookType.CUSTOMER_INVOICE),
        Daybook(daybook_code="ZCRN", description="Zuora credit memos", daybook_type=DaybookType.CUSTOMER_CREDIT_NOTE),
        Daybook(daybook_code="ZBNK", description="Zuora refunds", daybook_type=DaybookType.BANKING_ENTRY),
        Daybook(daybook_code="ZADJ", description="Zuora applications", daybook_type=DaybookType.CUSTOMER_ADJUSTMENT),
        Daybook(daybook_code="ZPAY", description="Zuora payments", daybook_type=DaybookType.CUSTOMER_PAYMENT),
        Daybook(daybook_code="ZJRN", description="Zuora journals", daybook_type=DaybookType.JOURNAL),
        Daybook(
            daybook_code="HINV",
            description="Invoices by hand",
            daybook_type=DaybookType.CUSTOMER_INVOICE,
            control=DaybookControl.FINANCIAL,
            takes_given_vouchers=False,
        ),
        Daybook(
            daybook_code="OLDINV",
            description="Closed invoices",
            daybook_type=DaybookType.CUSTOMER_INVOICE,
            is_active=False,
        ),
        Daybook(
            daybook_code="MGMT",
            description="Management layer",
            daybook_type=DaybookType.JOURNAL,
            layer=Layer.MANAGEMENT,
        ),
    ]


def _rates() -> list[ExchangeRate]:
    start = date(2025, 1, 1)

    def rate(source: str, target: str, value: str, *, valid_from: date = start, scale: str = "1") -> ExchangeRate:
        return ExchangeRate(
            from_currency_code=source,
            to_currency_code=target,
            valid_from=valid_from,
            rate=Decimal(value),
            scale=Decimal(scale),
        )

    return [
        rate("EUR", "USD", "1.1000"),
        rate("EUR", "USD", "1.1500", valid_from=date(2026, 2, 1)),
        rate("EUR", "USD", "1.0500", valid_from=date(2026, 3, 1)),
        rate("JPY", "USD", "0.6700", scale="0.01"),
        rate("KWD", "USD", "3.2500"),
        rate("GBP", "USD", "1.2700", valid_from=date(2026, 6, 1)),
        rate("USD", "EUR", "0.9000"),
        rate("JPY", "EUR", "0.0061"),
        rate("KWD", "EUR", "2.9300"),
    ]


def _customer(code: str, *, relation: str, currency: str, account: str) -> Customer:
    operations = {
        domain: Operations(site_code=f"{domain}-1", daybook_set_code="ZUORA") for domain in ("10USA", "20DEU")
    }
    return Customer(
        customer_code=code,
        business_relation_code=relation,
        currency_code=currency,
        credit_terms_code="NET30",
        invoice_status_code="OK",
        invoice_control_gl_profile_code="CUSTINV",
        credit_note_control_gl_profile_code="CUSTCN",
        pre_payment_control_gl_profile_code="CUSTPRE",
        sales_account_gl_profile_code="SALES",
        custom_short_0=account,
        operations=operations,
    )


def _entity(code: str, *, domain: str, name: str, currency: str) -> Entity:
    return Entity(
        entity_code=code,
        name=name,
        domain_code=domain,
        shared_set_code="CORP",
        base_currency_code=currency,
        rounding_gl_account_code="7790",
        realised_gain_gl_account_code="7700",
        realised_loss_gl_account_code="7710",
        periods=[
            Period(
                year=year,
                period=month,
                first_day=date(year, month, 1),
                last_day=date(year, month, monthrange(year, month)[1]),
            )
            for year in _YEARS
            for month in range(1, 13)
        ],
    )
