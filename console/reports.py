"""What a reconciliation found: the report, kept beside the read model until the next."""

from decimal import Decimal
from pathlib import Path

import msgspec

# Parts that keep a report from being clean.
FAULTS = frozenset(
    {
        "documents",
        "open_items",
        "customers",
        "control_accounts",
        "movements",
        "duplicate",
        "lost",
        "no_mapping",
    }
)

_encode = msgspec.json.Encoder(decimal_format="string").encode


class SumLine(msgspec.Struct, frozen=True, kw_only=True):
    """Zuora = in QAD + in flight + parked + ignored by rule + timing + unexplained, for one kind and currency."""

    kind: str
    currency: str
    documents: int
    zuora: Decimal
    in_qad: Decimal
    in_flight: Decimal
    parked: Decimal
    ignored: Decimal
    timing: Decimal
    unexplained: Decimal

    def amounts(self) -> tuple[Decimal, ...]:
        """Return the amounts, Zuora's first, what is unexplained last."""
        return (
            self.zuora,
            self.in_qad,
            self.in_flight,
            self.parked,
            self.ignored,
            self.timing,
            self.unexplained,
        )


class BalanceLine(msgspec.Struct, frozen=True, kw_only=True):
    """What one customer owes in one currency at the end of a day: invoices and debit notes less credits and money.

    Attributes:
        zuora: By Zuora, of what is in QAD today.
        qad: In QAD.
        timing: What of the difference is dated before that day in one system and after it in the other.
        other: The rest of the difference; what it comes from is named by document.
    """

    customer: str
    currency: str
    zuora: Decimal
    qad: Decimal
    timing: Decimal
    other: Decimal


class RollForward(msgspec.Struct, frozen=True, kw_only=True):
    """How the receivable of a currency came from one day to another, on one side; what lowers it is below zero.

    What was written off by hand on a day that no document tells stands in QAD's opening.

    Attributes:
        side: Zuora or QAD.
        other: What has no column: what people keyed in our daybooks.
    """

    currency: str
    side: str
    opening: Decimal
    invoices: Decimal
    debit_notes: Decimal
    credit_notes: Decimal
    receipts: Decimal
    refunds: Decimal
    other: Decimal
    closing: Decimal


class AccountMovement(msgspec.Struct, frozen=True, kw_only=True):
    """What moved on a GL account in a period of QAD and a currency by our daybooks, debit above zero.

    Attributes:
        sent: By our postings; None on accounts that QAD fills in.
        qad: By QAD's GL transactions of our documents; None where no browse shows them.
        foreign: By documents in our daybooks that are not ours.
        deferred: What our postings added to deferred revenue, credit above zero.
        base: In base currency, ours and foreign; None where it is not shown. Never compared.
    """

    period: str
    account: str
    currency: str
    sent: Decimal | None
    qad: Decimal | None
    foreign: Decimal
    deferred: Decimal
    base: Decimal | None


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One document that differs, or does not count.

    Attributes:
        part: documents, open_items, customers, control_accounts, movements, in_flight, parked, ignored, timing,
            foreign, duplicate, lost or no_mapping.
        number: Zuora's number, or QAD's key where QAD alone has it.
        what: What differs, in a sentence.
        currency: Of the amount.
        amount: By how much.
        rule: Reason, where it is parked or ignored.
    """

    part: str
    number: str
    what: str
    currency: str = ""
    amount: Decimal = Decimal(0)
    rule: str = ""


class NotCompared(msgspec.Struct, frozen=True, kw_only=True):
    """What could not be compared, since the other side does not show it.

    Attributes:
        what: What, why, and what to provide, in a sentence.
        list: The site's list that would show it.
        columns: Those that it must have, in our words.
        needed: Without it nobody knows whether the books are right.
    """

    what: str
    list: str
    columns: tuple[str, ...]
    needed: bool


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """One reconciliation of one connection.

    Attributes:
        connection: Whose.
        at: When both systems were read; "" where they were not, since there is nothing to compare.
        from_date: First document date.
        as_of: Last document date, "" for no end.
        sums: The last line, by kind and currency.
        checks: How many documents, open items, customers and control accounts were compared.
        differences: Everything that is named, by part.
        period: QAD's period that was asked for, "" where days were.
        balances_on: The day as of which balances are told, "" where none was asked for.
        balances: Of customers, as of that day.
        roll_forward: Of the receivable, from the first document date to that day.
        movements: Of GL accounts, by QAD's periods, of what is posted on these days.
        not_compared: What was left out, and why.
    """

    connection: str
    at: str
    from_date: str
    as_of: str
    sums: tuple[SumLine, ...]
    checks: dict[str, int]
    differences: tuple[Difference, ...]
    period: str = ""
    balances_on: str = ""
    balances: tuple[BalanceLine, ...] = ()
    roll_forward: tuple[RollForward, ...] = ()
    movements: tuple[AccountMovement, ...] = ()
    not_compared: tuple[NotCompared, ...] = ()

    @property
    def clean(self) -> bool:
        """Whether nothing is unexplained, doubled or lost, and nothing that is needed was left out."""
        unexplained = any(line.unexplained for line in self.sums)
        left_out = any(one.needed for one in self.not_compared)
        return not unexplained and not left_out and not any(found.part in FAULTS for found in self.differences)


def keep_report(directory: Path, report: Report) -> Path:
    """Write a report; the last one of each connection is shown on the page."""
    path = directory / "reconciliations" / f"{report.connection}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".part")
    beside.write_bytes(msgspec.json.format(_encode(report), indent=2))
    beside.replace(path)
    return path


def last_reports(directory: Path) -> list[Report]:
    """Return the last report of each connection that has one."""
    paths = sorted((directory / "reconciliations").glob("*.json"))
    return [msgspec.json.decode(path.read_bytes(), type=Report) for path in paths]
