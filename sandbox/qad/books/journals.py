"""Journal entries: lines on GL accounts, balanced in each currency that they use. Never a control account."""

from decimal import Decimal

from msgspec import structs

from sandbox.qad.books.accounts import BY_HAND, check_posting_line
from sandbox.qad.books.amounts import ZERO
from sandbox.qad.books.checks import Inspection
from sandbox.qad.books.documents import Journal, Kind, Origin
from sandbox.qad.books.entries import begin
from sandbox.qad.books.errors import Code, settled
from sandbox.qad.books.ledger import Entry
from sandbox.qad.books.master import DaybookType


def prepare_journal(inspection: Inspection, asked: Journal, origin: Origin) -> Entry:
    """Check a journal entry and build its entry.

    Raises:
        Refused: with everything that is wrong with it.
    """
    journal = structs.replace(asked, posting_date=asked.posting_date or origin.at.date())
    posting_date = settled(journal.posting_date)
    inspection.check_header(journal, Kind.JOURNAL)
    inspection.check_required("description", journal.description)
    daybook = inspection.daybook(journal.daybook_code, DaybookType.JOURNAL)
    period = inspection.period(posting_date, journal.posting_year, for_sales=False)
    key = inspection.key(journal, daybook, period)
    rates = _check_lines(inspection, journal)
    builder = begin(inspection, journal, key=key, period=period, origin=origin)
    for line in journal.lines:
        builder.add(
            "line",
            (line.gl_account_code, line.sub_account_code),
            currency_code=line.currency_code,
            debit=line.debit_amount,
            credit=line.credit_amount,
            rate=rates[line.currency_code],
            cost_centre_code=line.cost_centre_code,
            project_code=line.project_code,
            text=line.text,
        )
    return builder.finish()


def _check_lines(inspection: Inspection, journal: Journal) -> dict[str, Decimal]:
    """Check all lines and the balance of each currency; return the rate of each currency."""
    findings = inspection.findings
    rates: dict[str, Decimal] = {}
    for line in journal.lines:
        decimals = inspection.currency_decimals(line.currency_code, "lines.currency_code")
        check_posting_line(
            inspection,
            line,
            prefix="lines.",
            currency_code=line.currency_code,
            decimals=decimals,
            allowed=BY_HAND,
        )
        if line.currency_code not in rates:
            rates[line.currency_code] = inspection.rate(line.currency_code, journal.posting_date, "lines.currency_code")
    if not journal.lines:
        findings.add(Code.FIELD_REQUIRED, "lines", "", "The journal entry has no lines.")
    if any(error.code == Code.AMOUNT_TOO_LARGE for error in findings.errors):
        return rates
    for currency_code in rates:
        difference = sum(
            (one.debit_amount - one.credit_amount for one in journal.lines if one.currency_code == currency_code), ZERO
        )
        if difference:
            message = f"Debit and credit differ by {difference} {currency_code}."
            findings.add(Code.OUT_OF_BALANCE, "lines", difference, message)
    return rates
