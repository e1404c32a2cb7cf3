"""The GL mapping of a connection: what a person publishes, whole, and stages use by version.

The file is TOML; an unknown key is an error, so that a misspelt rule never means "no rule". Which row wins for a
line is decided in `streams/ledger/building/rows.py`; which version counts for a document, in
`streams/ledger/known/books.py`.
"""

from datetime import date
from typing import Literal

import msgspec

# The processing types of a Zuora item that need a row of their own: none of them falls through to the charge's
# revenue account.
PROCESSING_TYPES = (
    "Charge",
    "Discount",
    "Prepayment",
    "Tax",
    "Rounding",
    "Surcharge",
    "CommitmentTrueUp",
    "PrepaymentBilling",
    "PrepaymentApplication",
)


# What becomes of a day in a closed period; and what a site may say it of, in Zuora's kinds. An application is its own.
ClosedPeriod = Literal["hold", "first_open"]
PeriodKind = Literal[
    "invoice",
    "debit_memo",
    "credit_memo",
    "payment",
    "refund",
    "applied_refund",
    "invoice_adjustment",
    "invoice_item_adjustment",
    "application",
]


# What of a billing account may flow to a customer that is there, if a site says so (ACCOUNTING 5).
AlignField = Literal["name", "search_name", "address", "terms", "status"]


class _Strict(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Base of what stands in the file: unknown keys are refused."""


class Analysis(_Strict, frozen=True, kw_only=True, omit_defaults=True):
    """Where an amount goes in QAD's ledger."""

    account: str
    sub_account: str = ""
    cost_centre: str = ""
    project: str = ""
    text: str = ""


class LineRow(Analysis, frozen=True, kw_only=True, omit_defaults=True):
    """Maps item lines of one accounting code and processing type; the narrower row wins.

    Attributes:
        code: Name of the Zuora accounting code that the line credits.
        processing: One of PROCESSING_TYPES.
        product: Product SKU, when the row is only for one.
        charge: Charge name, when the row is only for one.
        currency: ISO code, when the row is only for one.
        excluded: For lines that Zuora excludes from revenue accounting: they never share a row with others.
        revenue: Which code the line credits when Zuora gives a deferred and a recognized one; without it, a line
            whose service period passes the posting's period parks, unless Zuora gave a deferred code.
    """

    code: str
    processing: str = "Charge"
    product: str = ""
    charge: str = ""
    currency: str = ""
    excluded: bool = False
    revenue: Literal["deferred", "recognized", "by_service_period"] | None = None


class TaxRow(Analysis, frozen=True, kw_only=True, omit_defaults=True):
    """Maps tax rows; empty keys take any value, the narrower row wins.

    Attributes:
        qad_code: QAD's tax code, for `tax = "qad_tax_rows"`.
        tax_type: QAD's type, or zone, of the tax, where the site needs one; so the three after it.
    """

    code: str = ""
    jurisdiction: str = ""
    rate_type: str = ""
    qad_code: str = ""
    tax_type: str = ""
    tax_class: str = ""
    tax_usage: str = ""
    tax_environment: str = ""


class BankRow(Analysis, frozen=True, kw_only=True, omit_defaults=True):
    """Maps receipts to a bank or clearing account, by payment type, gateway and currency."""

    currency: str
    payment_type: Literal["Electronic", "External", ""] = ""
    gateway: str = ""


class Daybooks(_Strict, frozen=True, kw_only=True):
    """The daybooks of this connection: its own, so that what people key elsewhere is never mistaken for ours.

    Attributes:
        banking: Banking entries: refunds; without it they park.
        bounce: Receipts taken back; the receipts' own where it is empty.
    """

    invoice: str
    credit_note: str
    receipt: str
    adjustment: str
    journal: str = ""
    banking: str = ""
    bounce: str = ""


class CustomerRules(_Strict, frozen=True, kw_only=True, omit_defaults=True):
    """How a billing account finds its QAD customer, after the links that people decided (ACCOUNTING 5).

    Attributes:
        account_field: Custom field of the Zuora account that holds the QAD customer code; "" turns the rule off.
        qad_field: Whether QAD's matching field, which holds the Zuora account number, counts.
        equal_codes: Whether an account number that equals a customer code counts.
        other_currency: Whether a document in another currency than the customer's default is allowed.
        tax_id_field: Custom field of the account that holds its tax id, for proposals; "" for Zuora's own field.
        no_match: What is done for an account without a customer: its documents park whatever it says. `propose` names
            the review to whoever looks, `create` lets a person approve a new customer as well.
        align: What of an account flows to its customer when it changes in Zuora; nothing that QAD owns is written over.
    """

    account_field: str = ""
    qad_field: bool = True
    equal_codes: bool = False
    other_currency: bool = False
    tax_id_field: str = ""
    no_match: Literal["park", "propose", "create"] = "park"
    align: tuple[AlignField, ...] = ()


class Policy(_Strict, frozen=True, kw_only=True, omit_defaults=True):
    """Choices of the site, with the safe default each (ACCOUNTING 10).

    Attributes:
        closed_period: What becomes of what is dated in a period that QAD has closed: one word for all, or by kind; a
            kind that is not named holds.
        deferral_system: Which system releases deferred revenue over time: recorded, not acted on.
        gl: Whether an invoice or memo carries its own lines, or one line to the clearing account, from where a journal
            moves them on. What is posted keeps the mode that it was first built in.
        tax: Whether tax is a line on a liability account, QAD's own tax being nothing; or rows of QAD's tax report,
            with what they were reckoned on, also where the tax is 0.
        clearing: The account of `gl = "journal"`: zero after each document and its journal.
        suspense: Account for lines whose code has no row; without it they park.
        zero_total: What becomes of a document over nothing whose lines are not: its lines go to a journal, or it parks.
        unassigned_cash: Account for payments of nobody known yet; without it they park until they are assigned.
        post_when: Whether an invoice or memo goes when Zuora has posted it, or only when its e-invoice is cleared.
    """

    deferral_system: str
    gl: Literal["with_document", "journal"] = "with_document"
    tax: Literal["liability_line", "qad_tax_rows"] = "liability_line"
    post_when: Literal["posted", "e_invoice_cleared"] = "posted"
    receipts: Literal["allocated", "prepayment"] = "allocated"
    cash_waits: bool = False
    closed_period: ClosedPeriod | dict[PeriodKind, ClosedPeriod] = "hold"
    zero_total: Literal["park", "journal"] = "park"
    external_payments: Literal["in_scope", "already_in_erp"] = "in_scope"
    suspense: Analysis | None = None
    unassigned_cash: Analysis | None = None
    clearing: Analysis | None = None

    def in_closed(self, kind: str) -> ClosedPeriod:
        """Return what becomes of a kind in a closed period."""
        said = self.closed_period
        if isinstance(said, str):
            return said
        return next((choice for one, choice in said.items() if one == kind), "hold")

    def __post_init__(self) -> None:
        """Hold that choices go together."""
        if self.gl == "journal" and self.clearing is None:
            raise ValueError('gl = "journal" needs the account that documents go to: clearing = { account = "..." }')
        if self.gl == "journal" and self.tax == "qad_tax_rows":
            raise ValueError('gl = "journal" takes no tax = "qad_tax_rows": a journal carries no tax rows of QAD')


class Mapping(_Strict, frozen=True, kw_only=True, omit_defaults=True):
    """All that turns a matched document of one connection into postings.

    Attributes:
        first_document_date: Documents dated from this day use this version, until a newer version's first day.
        cut_over: Documents dated before this day were loaded into QAD by others; agreed once.
        terms: QAD credit terms code by Zuora payment term.
    """

    first_document_date: date
    cut_over: date
    policy: Policy
    daybooks: Daybooks
    lines: tuple[LineRow, ...]
    banks: tuple[BankRow, ...]
    tax: tuple[TaxRow, ...] = ()
    terms: dict[str, str] = msgspec.field(default_factory=dict)
    customers: CustomerRules = CustomerRules()
