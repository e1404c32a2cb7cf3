"""The books of both companies: Zuora's accounting codes, QAD's accounts, daybooks, banks, currencies and rates.

Both companies share one chart, as groups do; banks, currencies and rates are each one's own. What leads from a code to
an account is not here but in the mapping.
"""

from datetime import date, timedelta
from decimal import Decimal

from sandbox.qad.books.master import (
    AccountType,
    AnalysisCode,
    Currency,
    Daybook,
    DaybookControl,
    DaybookType,
    ExchangeRate,
    GlAccount,
    Limitation,
)
from sandbox.world.sites import EMEA, Fact, Site
from sandbox.zuora.acts import NewAccountingCode

SUBSCRIPTION = "Subscription Revenue"
ANNUAL = "Annual Subscription Revenue"
USAGE = "Usage Revenue"
SERVICES = "Professional Services Revenue"
SETUP = "Setup Fee Revenue"
SUPPORT = "Support Revenue"
HARDWARE = "Hardware Revenue"
TRAINING = "Schulungserlöse"
PASSED_ON = "Costs Passed On"
DEFERRED = "Deferred Revenue"
BAD_DEBT = "Bad Debt"
RECEIVABLE = "Accounts Receivable"

# The account that somebody in QAD deactivates in the middle of the story.
HARDWARE_ACCOUNT = "4400"
OPENING_ACCOUNT = "9990"
OPENING_BANK = "1090"
# Where payments wait until somebody knows whose they are.
UNASSIGNED_CASH = "2450"

# Our daybooks, in the order of the mapping; nobody else keys into them, or should.
OUR_DAYBOOKS = {
    "invoice": "ZINV",
    "credit_note": "ZCRN",
    "receipt": "ZPAY",
    "adjustment": "ZADJ",
    "journal": "ZJRN",
    "banking": "ZBNK",
}
OPENING_INVOICES = "OPEN"
OPENING_PAYMENTS = "OPAY"
HAND_INVOICES = "SINV"
HAND_PAYMENTS = "BANK"

# The yen rate of November ends here: whoever loads rates forgot the last week.
YEN_RATE_ENDS = date(2026, 11, 22)

_RATES_CHANGE = date(2026, 11, 1)
_DECIMALS = {"JPY": 0, "KWD": 3}
_CURRENCY_NAMES = {
    "EUR": "Euro",
    "GBP": "Pound sterling",
    "USD": "US dollar",
    "JPY": "Japanese yen",
    "KWD": "Kuwaiti dinar",
    "BHD": "Bahraini dinar",
    "CHF": "Swiss franc",
}
# Worth in base before and after the change; JPY is quoted for a hundred.
_RATES = {
    "EMEA": {
        "GBP": ("1.1652", "1.1498"),
        "USD": ("0.9214", "0.9037"),
        "JPY": ("0.6148", "0.6021"),
        "KWD": ("3.0122", "2.9481"),
        "BHD": ("2.4440", "2.3970"),
    },
    "AMER": {"EUR": ("1.0853", "1.1066")},
}


class Bank(Fact, frozen=True, kw_only=True):
    """A bank or clearing account, and the payments that go there.

    Attributes:
        account: GL account.
        currency: The only currency it takes.
        payment_type: Electronic (through a gateway) or External.
        gateway: Name of the gateway.
    """

    account: str
    currency: str
    payment_type: str
    gateway: str = ""

    @property
    def description(self) -> str:
        """What the account is called."""
        return f"{self.gateway} clearing {self.currency}" if self.gateway else f"Bank {self.currency}"


CARDS = {"emea": "Cards Europe", "amer": "Cards America"}
DEBIT = {"emea": "SEPA Direct Debit", "amer": "ACH Direct"}
# A gateway that sales switched on without telling accounting: the third version of the mapping knows it.
WALLET = "Wallet Pay"
WALLET_BANK = Bank(account="1029", currency="USD", payment_type="Electronic", gateway=WALLET)


def banks_of(site: Site) -> list[Bank]:
    """Return the banks that the first version of the mapping knows."""
    codes = (site.base_currency, *_RATES[site.shared_set])
    banks = []
    for place, currency in enumerate(codes):
        banks.append(Bank(account=f"101{place}", currency=currency, payment_type="External"))
        banks.append(
            Bank(account=f"102{place}", currency=currency, payment_type="Electronic", gateway=CARDS[site.name])
        )
    banks.append(Bank(account="1030", currency=site.base_currency, payment_type="Electronic", gateway=DEBIT[site.name]))
    return banks


def accounting_codes() -> list[NewAccountingCode]:
    """Return Zuora's codes; the GL numbers in them are text that nobody keeps true, as in real tenants."""
    kinds = {
        RECEIVABLE: ("AccountsReceivable", "1200"),
        SUBSCRIPTION: ("SalesRevenue", "4000"),
        ANNUAL: ("SalesRevenue", "4000"),
        USAGE: ("SalesRevenue", "4100"),
        SERVICES: ("SalesRevenue", "4200"),
        SETUP: ("SalesRevenue", "4210"),
        SUPPORT: ("SalesRevenue", "4300"),
        HARDWARE: ("SalesRevenue", HARDWARE_ACCOUNT),
        TRAINING: ("SalesRevenue", ""),
        PASSED_ON: ("OtherRevenue", "4900"),
        DEFERRED: ("DeferredRevenue", "2500"),
        BAD_DEBT: ("BadDebt", "6100"),
        "Sales Tax Payable": ("SalesTaxPayable", "2300"),
        "Cash": ("Cash", "1010"),
        "Unapplied Payments": ("CustomerCashOnAccount", "2400"),
        "On Account": ("OnAccountReceivable", "1210"),
    }
    return [
        NewAccountingCode(name=name, type=kind, gl_account_name=name, gl_account_number=number or None)
        for name, (kind, number) in kinds.items()
    ]


def gl_accounts(site: Site) -> list[GlAccount]:
    """Return QAD's accounts: those that the mapping names, and those that it must not."""
    control, bank, system = AccountType.CUSTOMER_CONTROL, AccountType.BANK, AccountType.SYSTEM
    return [
        *(
            GlAccount(
                gl_account_code=one.account,
                description=one.description,
                account_type=bank,
                currency_code=one.currency,
            )
            for one in (*banks_of(site), *((WALLET_BANK,) if site.name == "amer" else ()))
        ),
        GlAccount(gl_account_code=OPENING_BANK, description="Opening cash", account_type=bank),
        GlAccount(gl_account_code="1200", description="Receivables", account_type=control),
        GlAccount(gl_account_code="1205", description="Receivables, public sector", account_type=control),
        GlAccount(gl_account_code="1210", description="Credit notes", account_type=control),
        GlAccount(gl_account_code="2310", description="VAT Germany"),
        GlAccount(gl_account_code="2320", description="VAT United Kingdom"),
        GlAccount(gl_account_code="2330", description="Consumption tax Japan"),
        GlAccount(gl_account_code="2340", description="Sales tax payable"),
        GlAccount(gl_account_code="2341", description="Sales tax payable, California"),
        GlAccount(gl_account_code="2345", description="Recycling fees payable"),
        GlAccount(gl_account_code="2400", description="Customer prepayments", account_type=control),
        GlAccount(gl_account_code=UNASSIGNED_CASH, description="Payments of nobody known"),
        GlAccount(gl_account_code="2500", description="Deferred revenue"),
        GlAccount(gl_account_code="4000", description="Subscription revenue", has_sub_account=True),
        GlAccount(gl_account_code="4010", description="Cloud subscription revenue", has_sub_account=True),
        GlAccount(gl_account_code="4090", description="Discounts granted"),
        GlAccount(gl_account_code="4100", description="Usage revenue"),
        GlAccount(gl_account_code="4110", description="Usage revenue, data interface"),
        GlAccount(gl_account_code="4200", description="Service revenue", has_cost_centre=True),
        GlAccount(gl_account_code="4210", description="Set-up fees", has_cost_centre=True, has_project=True),
        GlAccount(gl_account_code="4300", description="Support revenue"),
        GlAccount(gl_account_code=HARDWARE_ACCOUNT, description="Hardware revenue"),
        GlAccount(gl_account_code="4500", description="Training revenue", has_cost_centre=True),
        GlAccount(gl_account_code="4800", description="Spare parts revenue"),
        GlAccount(gl_account_code="4900", description="Costs passed on"),
        GlAccount(gl_account_code="4990", description="Revenue before the carve-out", is_active=False),
        GlAccount(
            gl_account_code="6100",
            description="Bad debt",
            has_cost_centre=True,
            has_project=True,
            limitation=Limitation.AT_LEAST_ONE,
        ),
        GlAccount(gl_account_code="7700", description="Realised exchange gains", account_type=system),
        GlAccount(gl_account_code="7710", description="Realised exchange losses", account_type=system),
        GlAccount(gl_account_code="7790", description="Rounding differences", account_type=system),
        GlAccount(gl_account_code=OPENING_ACCOUNT, description="Opening balances"),
    ]


def analysis_codes() -> dict[str, list[AnalysisCode]]:
    """Return sub-accounts, cost centres and projects, each with one that is closed."""
    return {
        "sub_accounts": [AnalysisCode(code="SAAS"), AnalysisCode(code="OLD", is_active=False)],
        "cost_centres": [
            AnalysisCode(code="CC10"),
            AnalysisCode(code="CC20"),
            AnalysisCode(code="CC99", is_active=False),
        ],
        "projects": [AnalysisCode(code="SETUP"), AnalysisCode(code="MIGR", is_active=False)],
    }


def daybooks() -> list[Daybook]:
    """Return our daybooks and those into which people key."""
    kinds = {
        "ZINV": ("Zuora invoices", DaybookType.CUSTOMER_INVOICE),
        "ZCRN": ("Zuora credit notes", DaybookType.CUSTOMER_CREDIT_NOTE),
        "ZPAY": ("Zuora receipts", DaybookType.CUSTOMER_PAYMENT),
        "ZBNK": ("Zuora refunds", DaybookType.BANKING_ENTRY),
        "ZADJ": ("Zuora applications", DaybookType.CUSTOMER_ADJUSTMENT),
        "ZJRN": ("Zuora journals", DaybookType.JOURNAL),
        OPENING_INVOICES: ("Opening items at the cut-over", DaybookType.CUSTOMER_INVOICE),
        OPENING_PAYMENTS: ("Opening prepayments at the cut-over", DaybookType.CUSTOMER_PAYMENT),
        HAND_INVOICES: ("Spare parts invoices", DaybookType.CUSTOMER_INVOICE),
        "SCRN": ("Spare parts credit notes", DaybookType.CUSTOMER_CREDIT_NOTE),
        HAND_PAYMENTS: ("Bank, keyed by hand", DaybookType.CUSTOMER_PAYMENT),
        "SADJ": ("Adjustments by hand", DaybookType.CUSTOMER_ADJUSTMENT),
        "GJRN": ("General journal", DaybookType.JOURNAL),
    }
    return [
        Daybook(
            daybook_code=code,
            description=description,
            daybook_type=kind,
            control=DaybookControl.EXTERNAL if code.startswith("Z") else DaybookControl.FINANCIAL,
        )
        for code, (description, kind) in kinds.items()
    ]


def currencies(site: Site) -> list[Currency]:
    """Return the currencies of QAD; BHD has two decimals there, and three by ISO 4217 and in Zuora."""
    return [currency(code) for code in (site.base_currency, *_RATES[site.shared_set])]


def currency(code: str) -> Currency:
    """Return a currency as QAD keeps it."""
    return Currency(currency_code=code, description=_CURRENCY_NAMES[code], decimals=_DECIMALS.get(code, 2))


def exchange_rates(site: Site) -> list[ExchangeRate]:
    """Return the accounting rates: one for the year so far, another from November on."""
    rates = []
    for currency, (before, after) in _RATES[site.shared_set].items():
        rates.append(exchange_rate(site, currency, before, valid_from=date(2026, 1, 1)))
        ends = YEN_RATE_ENDS if currency == "JPY" else None
        rates[-1].valid_till = date(2026, 10, 31)
        rates.append(exchange_rate(site, currency, after, valid_from=_RATES_CHANGE, valid_till=ends))
    return rates


def exchange_rate(
    site: Site, currency: str, rate: str, *, valid_from: date, valid_till: date | None = None
) -> ExchangeRate:
    """Return a rate into the site's base currency, as QAD keeps it."""
    return ExchangeRate(
        from_currency_code=currency,
        to_currency_code=site.base_currency,
        valid_from=valid_from,
        valid_till=valid_till,
        rate=Decimal(rate),
        scale=Decimal("0.01") if currency == "JPY" else Decimal(1),
    )


def forgotten_yen_rate() -> ExchangeRate:
    """Return the rate of the last week of November, as whoever forgot it enters it afterwards."""
    return exchange_rate(EMEA, "JPY", "0.6034", valid_from=YEN_RATE_ENDS + timedelta(days=1))


def swiss_rate() -> ExchangeRate:
    """Return the rate of the Swiss franc, which nobody needed before November."""
    return exchange_rate(EMEA, "CHF", "1.0672", valid_from=_RATES_CHANGE)
