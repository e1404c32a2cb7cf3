"""How QAD's refusals are recognised before a site has seen its own: the [[errors]] that a new profile begins with.

Data, and nothing else: no answer is judged by it but through a profile that has taken it up. Fields are those of QAD's
documentation over REST and QXtend, words are English patterns. Exact texts and numbers of receivables are not public: a
site adds its codes, and they go before words. Source: reference/qad.md 1.3, 2, 4.
"""

from msgspec import json

from adapters.qad.profiles.refusals import CAPACITY, PERMISSION, WORKSPACE, ErrorClass

# The first that fits counts: words that tell for sure, then fields, then words that may tell.
DEFAULTS: tuple[ErrorClass, ...] = (
    ErrorClass(
        means="locked",
        words=("locked by", "is in use by", "being used by another", "is being modified by", "record is locked"),
    ),
    ErrorClass(
        means="changed_meanwhile",
        words=("concurrencyhash", "concurrency hash", "has been changed by", "modified by another", "changed since"),
    ),
    ErrorClass(
        means=CAPACITY,
        # QXtend's session did not begin.
        codes=("ProcessException001",),
        words=(
            "no agent",
            "no license",
            "no licence",
            "license limit",
            "licence limit",
            "maximum number of sessions",
            "too many sessions",
            "sessions are in use",
            "session failed to initialize",
            "session failed to initialise",
        ),
    ),
    ErrorClass(means=WORKSPACE, words=("workspace", "shared set is not")),
    ErrorClass(
        means=PERMISSION,
        codes=("403",),
        words=("access is denied", "access denied", "not authorized", "not authorised", "no permission"),
    ),
    ErrorClass(means="duplicate", words=("already exists", "duplicate key", "must be unique", "is not unique")),
    ErrorClass(
        means="field",
        codes=("47",),
        words=(
            "field length",
            "too long",
            "maximum length",
            "exceeds the length",
            "invalid format",
            "not a valid date",
        ),
    ),
    ErrorClass(
        means="unbalanced",
        words=("out of balance", "not balanced", "does not balance", "debit and credit", "difference between debit"),
    ),
    ErrorClass(means="exchange_rate", words=("exchange rate", "rate tolerance", "accounting rate")),
    ErrorClass(
        means="open_item",
        words=(
            "open item",
            "over-allocat",
            "overallocat",
            "exceeds the open",
            "exceeds the balance",
            "more than is open",
            "is already closed",
        ),
    ),
    ErrorClass(
        means="period_closed",
        fields=("postingDate", "PostingDate", "DInvoicePostingDate", "PostingYear", "PostingPeriod", "GL Period"),
        words=("period is closed", "period is locked", "closed period", "no period", "period is not open", "gl period"),
    ),
    ErrorClass(
        means="daybook",
        fields=("daybookCode", "tcJournalCode", "JournalCode", "OIAdjustPostingJournalCode", "Daybook"),
        words=("daybook",),
    ),
    ErrorClass(
        means="gl_account",
        fields=(
            "glAccountCode",
            "subAccountCode",
            "costCentreCode",
            "costCenterCode",
            "projectCode",
            "tcGLCode",
            "tcDivisionCode",
            "tcCostCentreCode",
            "tcProjectCode",
            "bankGLAccountCode",
            "GL Account",
            "Sub-Account",
            "Cost Center",
            "Project",
        ),
        words=("gl account", "sub-account", "cost center", "cost centre", "coa mask"),
    ),
    ErrorClass(
        means="customer",
        fields=("customerCode", "tcDebtorCode", "DebtorCode", "Customer"),
        words=("customer", "debtor", "credit limit", "credit hold"),
    ),
    ErrorClass(
        means="currency",
        fields=("currencyCode", "tcCurrencyCode", "Currency"),
        words=("currency is not", "currency does not", "unknown currency", "currency code"),
    ),
)


def as_toml() -> str:
    """Return the defaults as a profile's file has them."""
    return "\n".join(_table(known) for known in DEFAULTS)


def _table(known: ErrorClass) -> str:
    lists = (("codes", known.codes), ("fields", known.fields), ("words", known.words))
    written = [f"{name} = [{', '.join(map(_quoted, values))}]" for name, values in lists if values]
    return "\n".join(["[[errors]]", f'means = "{known.means}"', *written, ""])


def _quoted(text: str) -> str:
    return json.encode(text).decode()
