"""Compares the three sides, purely: documents both ways, open items, customers, control accounts, and the last line.

Zuora = in QAD + in flight + parked + ignored by rule + timing + unexplained, per kind and currency; only the last
must be 0. What people keyed in our daybooks is `foreign`, a line of its own outside that sum. Source: ACCOUNTING 8,
(a) to (d).
"""

from collections.abc import Mapping
from datetime import date

import msgspec

from console.reconciliation.balances import compare_balances
from console.reconciliation.facts import LogSide, QadSide
from console.reconciliation.ground import Findings, Ground
from console.reconciliation.presence import LastLine, compare_presence
from console.reports import Difference, SumLine
from console.zuora_side import ZuoraDocument


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What a comparison found."""

    sums: tuple[SumLine, ...]
    checks: dict[str, int]
    differences: tuple[Difference, ...]


def compare(zuora: Mapping[str, ZuoraDocument], qad: QadSide, log: LogSide, *, from_date: date, as_of: date) -> Result:
    """Compare the three sides for documents dated in [from_date, as_of]; what is open, whatever its date."""
    ground, findings = Ground(zuora, qad, log), Findings()
    compare_presence(ground, findings)
    first = max(from_date, log.cut_over or date.min)
    sums = LastLine(ground, findings, first=first, last=as_of).lines()
    compare_balances(ground, findings)
    return Result(sums=sums, checks=dict(findings.checks), differences=tuple(findings.differences))
