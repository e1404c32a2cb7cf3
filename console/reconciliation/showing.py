"""A report for people: the last line, what is named, balances and how they rolled forward."""

from collections import Counter

from console.output import Output
from console.reports import FAULTS, Report
from schemas.money import shown

# Named one by one; what is only on its way is counted.
_NAMED = (
    "lost",
    "duplicate",
    "documents",
    "open_items",
    "customers",
    "control_accounts",
    "movements",
    "foreign",
    "parked",
    "timing",
    "ignored",
)
_COLUMNS = ("opening", "invoices", "debit_notes", "credit_notes", "receipts", "refunds", "other", "closing")


def show(report: Report, output: Output) -> None:
    """Show a report."""
    if not report.at:
        output.say(f"\n{report.connection}: {report.differences[0].what}")
        return
    days = f"from {report.from_date}" + (f" to {report.as_of}" if report.as_of else "")
    period = f" (period {report.period})" if report.period else ""
    output.say(f"\n{report.connection}: documents dated {days}{period}, read {report.at}")
    _show_sums(report, output)
    _show_named(report, output)
    if report.balances_on:
        _show_dated(report, output)
        _show_movements(report, output)
    for left_out in report.not_compared:
        output.say(f"not compared: {left_out.what}")
    counted = ", ".join(f"{count} {what}" for what, count in report.checks.items())
    output.say(f"compared {counted}")
    parts = Counter(found.part for found in report.differences)
    others = sum(parts[part] for part in FAULTS - {"duplicate", "lost"})
    lines = sum(bool(line.unexplained) for line in report.sums)
    unexplained = f"in {lines} lines" if lines else "0 in every currency"
    output.say(
        f"duplicates {parts['duplicate']}, lost {parts['lost']}, foreign {parts['foreign']}, "
        f"other differences {others}, unexplained {unexplained}"
    )


def _show_sums(report: Report, output: Output) -> None:
    output.table(
        ("kind", "currency", "documents", "Zuora", "in QAD", "in flight", "parked", "ignored", "timing", "unexplained"),
        [
            (line.kind, line.currency, line.documents, *(shown(one, line.currency) for one in line.amounts()))
            for line in report.sums
        ],
    )


def _show_named(report: Report, output: Output) -> None:
    named = [found for part in _NAMED for found in report.differences if found.part == part]
    output.table(
        ("", "number", "amount", "rule", "what"),
        [
            (
                found.part,
                found.number,
                f"{shown(found.amount, found.currency)} {found.currency}",
                found.rule,
                found.what,
            )
            for found in named
        ],
    )


def _show_dated(report: Report, output: Output) -> None:
    """Show how receivables rolled forward, and the customers whose balances differ; all of them are in the report."""
    output.say(f"receivables from {report.from_date}, and balances of customers, as of {report.balances_on}")
    output.table(
        ("currency", "", *(name.replace("_", " ") for name in _COLUMNS)),
        [
            (line.currency, line.side, *(shown(getattr(line, name), line.currency) for name in _COLUMNS))
            for line in report.roll_forward
        ],
    )
    output.table(
        ("customer", "currency", "Zuora", "QAD", "timing", "other"),
        [
            (
                line.customer,
                line.currency,
                *(shown(one, line.currency) for one in (line.zuora, line.qad, line.timing, line.other)),
            )
            for line in report.balances
            if line.zuora != line.qad
        ],
    )


def _show_movements(report: Report, output: Output) -> None:
    """Show what moved on each GL account; what is not known on a side is left empty."""
    output.say("movement of GL accounts by our daybooks, debit above zero; base currency is not compared")
    output.table(
        ("period", "account", "currency", "sent", "QAD", "foreign", "to deferred", "base"),
        [
            (
                line.period,
                line.account,
                line.currency,
                *("" if one is None else shown(one, line.currency) for one in (line.sent, line.qad)),
                shown(line.foreign, line.currency),
                shown(line.deferred, line.currency),
                "" if line.base is None else str(line.base),
            )
            for line in report.movements
        ],
    )
