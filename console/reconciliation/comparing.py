"""Compares the three sides, purely: documents both ways, open items, customers, control accounts, and the last line.

Zuora = in QAD + in flight + parked + ignored by rule + timing + unexplained, per kind and currency; only the last
must be 0. What people keyed in our daybooks is `foreign`, a line of its own outside that sum. Source: ACCOUNTING 8.
"""

from collections.abc import Mapping
from datetime import date

import msgspec

from console.reconciliation.allocations import compare_allocations
from console.reconciliation.balances import compare_balances
from console.reconciliation.dated import Dated, name_shifted
from console.reconciliation.facts import LogSide, QadSide
from console.reconciliation.ground import Findings, Ground
from console.reconciliation.movements import compare_movements
from console.reconciliation.presence import LastLine, compare_presence
from console.reports import AccountMovement, BalanceLine, Difference, RollForward, SumLine
from console.zuora_side import ZuoraDocument


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What a comparison found.

    Attributes:
        sums: The last line.
        checks: How much was compared.
        differences: Each that was named.
        balances: Of customers, as of the day that was asked for.
        roll_forward: Of the receivable, over the days that were asked for.
        movements: Of GL accounts, by QAD's periods.
    """

    sums: tuple[SumLine, ...]
    checks: dict[str, int]
    differences: tuple[Difference, ...]
    balances: tuple[BalanceLine, ...] = ()
    roll_forward: tuple[RollForward, ...] = ()
    movements: tuple[AccountMovement, ...] = ()


def compare(
    zuora: Mapping[str, ZuoraDocument],
    qad: QadSide,
    log: LogSide,
    *,
    from_date: date,
    as_of: date,
    balances_on: date | None = None,
) -> Result:
    """Compare the three sides for documents dated in [from_date, as_of]; what is open, whatever its date.

    Args:
        zuora: What Zuora shows, by `kind:id`.
        qad: What QAD shows.
        log: What stands between.
        from_date: First document date.
        as_of: Last document date.
        balances_on: The day as of which balances are told, and to which they are rolled forward; None for neither.
    """
    ground, findings = Ground(zuora, qad, log), Findings()
    compare_presence(ground, findings)
    compare_allocations(ground, findings)
    first = max(from_date, log.cut_over or date.min)
    sums = LastLine(ground, findings, first=first, last=as_of).lines()
    dated = Dated(ground, *compare_balances(ground, findings))
    name_shifted(ground, findings, first=first, last=as_of, on=balances_on)
    movements = compare_movements(ground, findings, first=first, last=as_of)
    begun = balances_on is not None and first <= balances_on and qad.open_items is not None
    return Result(
        sums=sums,
        checks=dict(findings.checks),
        differences=tuple(findings.differences),
        balances=dated.balances(balances_on) if balances_on is not None and begun else (),
        roll_forward=dated.roll_forward(first, min(as_of, balances_on)) if balances_on is not None and begun else (),
        movements=movements,
    )
