"""`reconcile`: both systems read anew and compared, each difference named; the last line leaves nothing unexplained."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from typing import NamedTuple

import click

from console.context import Context, command_options
from console.output import EXIT_FINDINGS
from console.reconciliation.comparing import compare
from console.reconciliation.facts import LogSide, Standing
from console.reconciliation.reading import QadBooks, has_mapping, read_log
from console.reconciliation.showing import show
from console.reconciliation.site import SiteBooks
from console.reports import Difference, Report, keep_report
from console.wiring import Wiring
from console.zuora_side import Progress, read_zuora
from schemas.errors import Misconfigured
from schemas.ids import PostingId
from schemas.references import Period

_DAY = click.DateTime(formats=["%Y-%m-%d"])


@click.command()
@click.option("--connection", "-c", default="", help="One connection; without it, all.")
@click.option("--from", "from_date", type=_DAY, default=None, help="First document date; without it, the cut-over.")
@click.option(
    "--as-of",
    type=_DAY,
    default=None,
    help="Balances as of this day; without --period also the last document date. Without it, today's, and no end.",
)
@click.option("--period", default="", help="Documents of one period of QAD, as 2026-03; balances as of its last day.")
@command_options
def reconcile(
    context: Context, connection: str, from_date: datetime | None, as_of: datetime | None, period: str
) -> None:
    """Compare Zuora and QAD, document by document and to the cent."""
    if period and from_date:
        raise click.UsageError("a period has its own first day: leave out --from or --period")
    asked = _Asked(period, from_date.date() if from_date else None, as_of.date() if as_of else None)
    names = [context.connection(connection)] if connection else list(context.site.config.connections)
    reports = [
        context.run(
            _reconcile(
                context.wiring,
                name,
                _read_documents(context, name),
                asked,
            )
        )
        for name in names
    ]
    context.output.result(reports)
    for report in reports:
        show(report, context.output)
    if not all(report.clean for report in reports):
        sys.exit(EXIT_FINDINGS)


class _Asked(NamedTuple):
    """What was asked for; days that are None were not."""

    period: str
    first: date | None
    as_of: date | None

    def days(self, periods: list[Period]) -> tuple[date, date, date | None]:
        """Return the first and last document date, and the day of the balances.

        Raises:
            Misconfigured: QAD has no such period.
        """
        if not self.period:
            return self.first or date.min, self.as_of or date.max, self.as_of
        found = next((one for one in periods if one.code == self.period), None)
        if found is None:
            known = ", ".join(sorted(one.code for one in periods)[-12:]) or "none"
            raise Misconfigured(f"QAD has no period {self.period}: name one that it has, the last are {known}")
        return found.first_day, found.last_day, self.as_of or found.last_day


async def _reconcile(wiring: Wiring, connection: str, read: set[str], asked: _Asked) -> Report:
    why_not = await _why_not(wiring, connection)
    if why_not is not None:
        return Report(
            connection=connection,
            at="",
            from_date=str(asked.first or ""),
            as_of=str(asked.as_of or ""),
            sums=(),
            checks={},
            differences=(why_not,),
            period=asked.period,
        )
    tenant = wiring.site.config.connections[connection].tenant

    def progress(what: str) -> None:
        if sys.stderr.isatty():
            click.echo(f"\r{connection}: {what:<40}", err=True, nl=False)

    # Zuora first, then QAD, then the log: what happens meanwhile is seen by the side that explains it.
    async with wiring.zuora(tenant) as zuora, _books(wiring, connection, progress) as books:
        first, last, balances_on = asked.days(await books.periods())
        read_at = await zuora.hear_time()
        documents = await read_zuora(zuora, tenant, progress=progress, settlement=wiring.settlement(zuora, tenant))
        before = await read_log(wiring, connection)
        shown = await books.read(before)
        log = await read_log(wiring, connection)
        log.read = read
        log.late = _posted(log) - _posted(before)
    if sys.stderr.isatty():
        click.echo("", err=True)
    others = _others(log.documents)
    mine = {name: document for name, document in documents.items() if name not in others}
    result = compare(mine, shown, log, from_date=first, as_of=last, balances_on=balances_on)
    report = Report(
        connection=connection,
        at=read_at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ"),
        from_date=str(max(first, log.cut_over or date.min)),
        as_of="" if last == date.max else str(last),
        sums=result.sums,
        checks=result.checks,
        differences=result.differences,
        period=asked.period,
        balances_on=str(balances_on or ""),
        balances=result.balances,
        roll_forward=result.roll_forward,
        movements=result.movements,
        not_compared=books.not_compared,
    )
    keep_report(wiring.data, report)
    return report


@asynccontextmanager
async def _books(wiring: Wiring, connection: str, progress: Progress) -> AsyncIterator[QadBooks | SiteBooks]:
    """Yield what reads the other side of a connection."""
    files = wiring.files(connection)
    if files is not None:
        yield SiteBooks(wiring.site.path(files.directory), files)
        return
    profile = wiring.profile(connection)
    async with wiring.qad(connection, profile) as client:
        yield QadBooks(client, profile, progress)


async def _why_not(wiring: Wiring, connection: str) -> Difference | None:
    """Return why there is nothing to compare, or None where there is."""
    if await has_mapping(wiring, connection):
        return None
    what = "no mapping is published, so nothing goes to QAD and there is nothing to compare yet: "
    return Difference(
        part="no_mapping", number="", what=f"{what}ml-connector mapping publish FILE --connection {connection}"
    )


def _read_documents(context: Context, connection: str) -> set[str]:
    """Return what the read model knows to have been read; nothing where there is none, which only says less."""
    if not context.read_model_path.exists():
        return set()
    with context.read_model() as model:
        return model.documents_read(connection)


def _posted(log: LogSide) -> set[PostingId]:
    return {name for name, standing in log.standings.items() if standing.status == "posted"}


def _others(documents: dict[str, Standing]) -> set[str]:
    """Return the tenant's documents that are another connection's, by name."""
    return {
        name
        for name, standing in documents.items()
        if standing.reason is not None and standing.reason.rule == "other_connection"
    }
