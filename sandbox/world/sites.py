"""The two sites as facts: which company posts where, in which currency, by which calendar, and on which days.

Only business dates are fixed, in 2026: the cut-over on 1 October, the story in October and November, December as the
month to come. The clocks of the stand-ins may show any year.
"""

from datetime import date, timedelta

import msgspec

CUT_OVER = date(2026, 10, 1)
# The day on which others closed the books for the cut-over: opening items are dated so in QAD.
OPENING_DAY = date(2026, 9, 30)

_YEAR = 2026


class Fact(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of what is known from the start."""


class FiscalPeriod(Fact, frozen=True, kw_only=True):
    """A GL period of QAD and whether it takes receivables when the story begins."""

    year: int
    period: int
    first_day: date
    last_day: date
    is_open: bool


class Month(Fact, frozen=True, kw_only=True):
    """A month of the story.

    Attributes:
        name: For people.
        first: First day of what is billed.
        last: Last day of what is billed.
        run_date: Invoice date of its bill run.
        paid_from: First day on which customers pay.
        paid_to: Last day on which customers pay.
    """

    name: str
    first: date
    last: date
    run_date: date
    paid_from: date
    paid_to: date


class Site(Fact, frozen=True, kw_only=True):
    """One company: a Zuora tenant of its own, joined to one QAD entity.

    Attributes:
        name: Name of tenant and connection.
        tenant_id: Zuora's number of the tenant.
        time_zone: The tenant's zone.
        domain: QAD domain.
        entity: QAD entity.
        entity_name: What people call it.
        shared_set: QAD shared set with its customers, accounts and daybooks.
        base_currency: The entity's currency.
        account_prefix: Begins each Zuora account number.
        customer_prefix: Begins each QAD customer code.
        customer_field: The account's custom field for the QAD customer; people spell it differently from site to site.
        other_currency: Whether QAD documents may be in another currency than the customer's.
        home: Country of the company, whose tax it charges.
        fiscal_periods: QAD's calendar of the year.
        october: First month of the story.
        november: Second month.
        takes_cash_of_nobody: Its mapping has an account for payments of nobody known; else they park.
        dialect: How its QAD speaks: a name of sandbox/qad/dialects.py.
        books_nothing_by_journal: Its mapping books invoices over nothing by a journal; else they park.
        next_month_day: A day in December, whose QAD period is not open yet.
    """

    name: str
    tenant_id: str
    time_zone: str
    domain: str
    entity: str
    entity_name: str
    shared_set: str
    base_currency: str
    account_prefix: str
    customer_prefix: str
    customer_field: str
    other_currency: bool
    home: str
    fiscal_periods: tuple[FiscalPeriod, ...]
    october: Month
    november: Month
    takes_cash_of_nobody: bool = False
    books_nothing_by_journal: bool = False
    dialect: str = "house"
    next_month_day: date = date(_YEAR, 12, 1)

    @property
    def workspace(self) -> str:
        """QAD's workspace."""
        return f"{self.domain}_{self.entity}"

    def fiscal_period_of(self, day: date) -> FiscalPeriod:
        """Return the GL period that covers a day of the year."""
        return next(period for period in self.fiscal_periods if period.first_day <= day <= period.last_day)


def _calendar_months() -> tuple[FiscalPeriod, ...]:
    return tuple(
        FiscalPeriod(
            year=_YEAR,
            period=month,
            first_day=date(_YEAR, month, 1),
            last_day=date(_YEAR + month // 12, month % 12 + 1, 1) - timedelta(days=1),
            # September takes opening items until the story closes it.
            is_open=9 <= month <= 11,
        )
        for month in range(1, 13)
    )


def _four_four_five() -> tuple[FiscalPeriod, ...]:
    """Return a retailer's year: from the first Sunday of January, each quarter of four, four and five weeks.

    Its September runs to 3 October, so it has closed over the first days after the cut-over.
    """
    first, periods = date(_YEAR, 1, 4), []
    for number in range(1, 13):
        weeks = 5 if number % 3 == 0 else 4
        last = first + timedelta(weeks=weeks, days=-1)
        is_open = 9 <= number <= 11
        periods.append(FiscalPeriod(year=_YEAR, period=number, first_day=first, last_day=last, is_open=is_open))
        first = last + timedelta(days=1)
    return tuple(periods)


def _october(*, run_date: date) -> Month:
    return Month(
        name="October 2026",
        first=date(_YEAR, 10, 1),
        last=date(_YEAR, 10, 31),
        run_date=run_date,
        paid_from=date(_YEAR, 10, 8),
        paid_to=date(_YEAR, 10, 29),
    )


def _november(*, run_date: date) -> Month:
    return Month(
        name="November 2026",
        first=date(_YEAR, 11, 1),
        last=date(_YEAR, 11, 30),
        run_date=run_date,
        paid_from=date(_YEAR, 11, 6),
        # The yen rate of the last week of November is missing in QAD: see chart.py.
        paid_to=date(_YEAR, 11, 20),
    )


EMEA = Site(
    name="emea",
    tenant_id="13270",
    time_zone="Europe/Berlin",
    domain="20DEU",
    entity="20DEUCO",
    entity_name="Nordlicht Systeme GmbH",
    shared_set="EMEA",
    base_currency="EUR",
    account_prefix="EM",
    customer_prefix="20",
    customer_field="QADCustomer__c",
    other_currency=True,
    home="DE",
    fiscal_periods=_calendar_months(),
    october=_october(run_date=date(_YEAR, 10, 1)),
    november=_november(run_date=date(_YEAR, 11, 1)),
)
AMER = Site(
    name="amer",
    tenant_id="13271",
    time_zone="America/New_York",
    domain="10USA",
    entity="10USACO",
    entity_name="Northlight Systems Inc.",
    shared_set="AMER",
    base_currency="USD",
    account_prefix="AM",
    customer_prefix="US",
    customer_field="qadCUSTOMER__c",
    other_currency=False,
    home="US",
    fiscal_periods=_four_four_five(),
    # Fiscal October begins on the 4th.
    october=_october(run_date=date(_YEAR, 10, 5)),
    november=_november(run_date=date(_YEAR, 11, 2)),
    takes_cash_of_nobody=True,
    books_nothing_by_journal=True,
    dialect="elsewhere",
)
SITES = (EMEA, AMER)
