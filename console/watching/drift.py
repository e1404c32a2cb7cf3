"""Drift watch: what changed in QAD that postings are going to fail at, before the first one does.

An account that a mapping uses is no longer active, a daybook or customer is blocked, a period closes: each is named
with the documents that are on their way to it, and with what went there in the month before, which tells what is to
come. Decides nothing: what fails parks or waits by itself. Source: ACCOUNTING 4
and 5.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta

import msgspec
import structlog

from adapters.store.readmodel import Hits, ReadModel
from console.output import worth
from schemas.mapping import Analysis
from schemas.mapping import Mapping as Rules
from schemas.references import Customer, Daybook, GlAccount, Period, QadCurrency, QadReference

log = structlog.get_logger(__name__)

# What was used so long before the newest posting date is expected to be used again.
_USUAL = timedelta(days=31)


class Unfit(msgspec.Struct, frozen=True, kw_only=True):
    """A reference that QAD does not take postings for.

    Attributes:
        kind: gl_account, daybook, customer, currency or period.
        code: Its code in QAD.
        why: What is wrong with it, in words.
        next_step: Who mends what.
        named: A mapping names it: it counts although nothing has used it yet.
        days: Of periods: its first and last day.
    """

    kind: str
    code: str
    why: str
    next_step: str
    named: bool = False
    days: tuple[date, date] | None = None


class Drift(msgspec.Struct, frozen=True, kw_only=True):
    """A change in QAD that documents are going to fail at.

    Attributes:
        what: Kind and code, e.g. `gl_account 4300`.
        why: What is wrong.
        next_step: Who mends what.
        on_their_way: Documents with postings that are not in QAD yet, and their amounts.
        last_month: Documents that used it in the 31 days before the newest posting date.
    """

    connection: str
    what: str
    why: str
    next_step: str
    on_their_way: Hits
    last_month: Hits

    @property
    def key(self) -> tuple[str, str, str]:
        """What makes it the same drift at the next look."""
        return self.connection, self.what, self.why


def drifts(model: ReadModel, partitions: Mapping[str, int]) -> list[Drift]:
    """Return what has drifted, connection by connection.

    Args:
        model: The read model.
        partitions: Partition of each connection.
    """
    return [found for connection in sorted(partitions) for found in _drifts_of(model, connection, partitions)]


class DriftWatch:
    """Says a drift once when it appears, and once when it is mended."""

    def __init__(self) -> None:
        """Begin with nothing known: what has drifted at a start is said again."""
        self._known: dict[tuple[str, str, str], Drift] = {}

    def take(self, found: Sequence[Drift]) -> None:
        """Take up what a look has found."""
        now = {drift.key: drift for drift in found}
        for key in now.keys() - self._known.keys():
            drift = now[key]
            log.warning(
                "QAD has changed and documents are going to fail",
                connection=drift.connection,
                what=drift.what,
                reason=drift.why,
                next_step=drift.next_step,
                on_their_way=drift.on_their_way.documents,
                last_month=drift.last_month.documents,
            )
        for key in self._known.keys() - now.keys():
            log.info("what had changed in QAD is mended", connection=key[0], what=key[1])
        self._known = now


def unfit(mapping: Rules, shown: Sequence[QadReference]) -> Iterator[Unfit]:
    """Yield what postings of a connection cannot use, or not as the mapping says.

    Args:
        mapping: The newest mapping.
        shown: All that QAD last showed, also what is gone.
    """
    accounts = {one.code: one for one in shown if isinstance(one, GlAccount)}
    daybooks = {one.code: one for one in shown if isinstance(one, Daybook)}
    places = list(_places(mapping))
    for code in sorted({place.account for place in places} | accounts.keys()):
        mine = [place for place in places if place.account == code]
        why = _why_not_account(accounts.get(code), mine) if accounts else ""
        if why:
            yield Unfit(kind="gl_account", code=code, why=why, next_step=_ACCOUNT, named=bool(mine))
    named = {code for code in msgspec.structs.astuple(mapping.daybooks) if code}
    for code in sorted(named | daybooks.keys()):
        why = _why_not(daybooks.get(code)) if daybooks else ""
        if why:
            yield Unfit(kind="daybook", code=code, why=why, next_step=_DAYBOOK, named=code in named)
    for one in shown:
        match one:
            case Customer() if why := _why_not(one) or ("is on credit hold" if one.held else ""):
                yield Unfit(kind="customer", code=one.code, why=why, next_step=_CUSTOMER)
            case QadCurrency() if why := _why_not(one):
                yield Unfit(kind="currency", code=one.code, why=why, next_step=_CURRENCY)
            case Period(open=False, gone=False):
                days = (one.first_day, one.last_day)
                yield Unfit(kind="period", code=one.code, why="is closed", next_step=_PERIOD, days=days)
            case _:
                pass


DRIFT_COLUMNS = ("connection", "what", "why", "on their way", "worth", "last month", "worth then", "next step")


def drift_row(drift: Drift) -> tuple[str | int, ...]:
    """Return a drift as a table shows it."""
    coming, past = drift.on_their_way, drift.last_month
    figures = (coming.documents, worth(coming.value), past.documents, worth(past.value))
    return (drift.connection, drift.what, drift.why, *figures, drift.next_step)


_ACCOUNT = "Activate the account in QAD, or map to another and publish the mapping, before the next bill run."
_DAYBOOK = "Activate the daybook in QAD, or name another in the mapping and publish it."
_CUSTOMER = "Mend the customer in QAD (active, not on hold), or link its accounts to another."
_CURRENCY = "Activate the currency in QAD."
_PERIOD = "Open the period in QAD, or agree that its documents wait, or are moved (closed_period of the mapping)."


def _drifts_of(model: ReadModel, connection: str, partitions: Mapping[str, int]) -> Iterator[Drift]:
    published, newest = model.published(connection), model.newest_day(connection)
    if published is None:
        return
    for one in unfit(published.mapping, model.shown(partitions[connection])):
        use = "" if one.days else f"{one.kind}:{one.code}"
        first, last = one.days or (date.min, date.max)
        on_their_way = model.hits(connection, use=use, pending=True, first=first, last=last)
        last_month = Hits(documents=0, value={})
        # A period that is over is closed for good: only what is still dated in it is hit.
        if newest is not None and first <= newest <= last:
            last_month = model.hits(connection, use=use, pending=False, first=newest - _USUAL)
        if one.named or on_their_way.documents or last_month.documents:
            yield Drift(
                connection=connection,
                what=f"{one.kind} {one.code}",
                why=one.why,
                next_step=one.next_step,
                on_their_way=on_their_way,
                last_month=last_month,
            )


def _places(mapping: Rules) -> Iterator[Analysis]:
    yield from (*mapping.lines, *mapping.tax, *mapping.banks)
    yield from (place for place in (mapping.policy.suspense, mapping.policy.unassigned_cash) if place is not None)


def _why_not(reference: GlAccount | Daybook | Customer | QadCurrency | None) -> str:
    if reference is None or reference.gone:
        return "is not in QAD any more"
    return "" if reference.active else "is not active"


def _why_not_account(account: GlAccount | None, places: Sequence[Analysis]) -> str:
    why = _why_not(account)
    if why or account is None:
        return why
    for asked, name, words in (
        (account.sub_account_required, "sub_account", "sub-account"),
        (account.cost_centre_required, "cost_centre", "cost centre"),
        (account.project_required, "project", "project"),
    ):
        if asked and not all(getattr(place, name) for place in places):
            return f"asks for a {words} that the mapping does not give"
    return ""
