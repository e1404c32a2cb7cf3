"""Accounting codes and accounting periods. Both are read through v1 only; Object Query does not know them."""

from datetime import date

from sandbox.zuora.objects.record import Record

# The category that goes with each type of code.
CODE_CATEGORIES = {
    "AccountsReceivable": "Assets",
    "OnAccountReceivable": "Assets",
    "Cash": "Assets",
    "OtherAssets": "Assets",
    "UnbilledReceivables": "Assets",
    "ContractAssets": "Assets",
    "CustomerCashOnAccount": "Liabilities",
    "DeferredRevenue": "Liabilities",
    "SalesTaxPayable": "Liabilities",
    "OtherLiabilities": "Liabilities",
    "ContractLiabilities": "Liabilities",
    "AdjustmentLiabilities": "Liabilities",
    "SalesRevenue": "Revenue",
    "SalesDiscounts": "Revenue",
    "OtherRevenue": "Revenue",
    "AdjustmentRevenue": "Revenue",
    "OtherEquity": "Equity",
    "BadDebt": "Expenses",
    "OtherExpenses": "Expenses",
}


class AccountingCode(Record, frozen=True, kw_only=True, omit_defaults=True, rename="camel", gc=False):
    """A name that Zuora posts under; the GL account is only text to it."""

    name: str
    type: str
    category: str
    status: str
    gl_account_name: str | None = None
    gl_account_number: str | None = None
    notes: str | None = None


class AccountingPeriod(Record, frozen=True, kw_only=True, omit_defaults=True, rename="camel", gc=False):
    """A span of days into which documents may be dated while it is Open."""

    name: str
    start_date: date
    end_date: date
    status: str
    fiscal_year: str
    fiscal_quarter: int | None = None
    notes: str | None = None
