"""`reconcile`: both systems read anew and compared, each difference named; the last line leaves nothing unexplained."""

import sys
from collections import Counter
from datetime import UTC, date, datetime

import click

from console.context import Context, command_options
from console.output import EXIT_FINDINGS, Output
from console.reconciliation.comparing import compare
from console.reconciliation.facts import LogSide, Standing
from console.reconciliation.reading import has_mapping, read_log, read_qad
from console.reports import FAULTS, Difference, Report, keep_report
from console.wiring import Wiring
from console.zuora_side import read_zuora
from schemas.ids import PostingId
from schemas.money import shown

_DAY = click.DateTime(formats=["%Y-%m-%d"])
# Named one by one; what is only on its way is counted.
_NAMED = (
    "lost",
    "duplicate",
    "documents",
    "open_items",
    "customers",
    "control_accounts",
    "foreign",
    "parked",
    "timing",
    "ignored",
)


@click.command()
@click.option("--connection", "-c", default="", help="One connection; without it, all.")
@click.option("--from", "from_date", type=_DAY, default=None, help="First document date; without it, the cut-over.")
@click.option("--as-of", type=_DAY, default=None, help="Last document date; without it, no end.")
@command_options
def reconcile(context: Context, connection: str, from_date: datetime | None, as_of: datetime | None) -> None:
    """Compare Zuora and QAD, document by document and to the cent."""
    names = [context.connection(connection)] if connection else list(context.site.config.connections)
    reports = [
        context.run(
            _reconcile(
                context.wiring,
                name,
                _read_documents(context, name),
                from_date=from_date.date() if from_date else date.min,
                as_of=as_of.date() if as_of else date.max,
            )
        )
        for name in names
    ]
    context.output.result(reports)
    for report in reports:
        _show(report, context.output)
    if not all(report.clean for report in reports):
        sys.exit(EXIT_FINDINGS)


async def _reconcile(wiring: Wiring, connection: str, read: set[str], *, from_date: date, as_of: date) -> Report:
    days = {"from_date": str(from_date), "as_of": "" if as_of == date.max else str(as_of)}
    if not await has_mapping(wiring, connection):
        return Report(connection=connection, at="", sums=(), checks={}, differences=(_no_mapping(connection),), **days)
    tenant = wiring.site.config.connections[connection].tenant
    profile = wiring.profile(connection)

    def progress(what: str) -> None:
        if sys.stderr.isatty():
            click.echo(f"\r{connection}: {what:<40}", err=True, nl=False)

    # Zuora first, then QAD, then the log: what happens meanwhile is seen by the side that explains it.
    async with wiring.zuora(tenant) as zuora, wiring.qad(connection, profile) as qad:
        read_at = await zuora.hear_time()
        documents = await read_zuora(zuora, tenant, progress=progress, settlement=wiring.settlement(zuora, tenant))
        before = await read_log(wiring, connection)
        shown = await read_qad(qad, profile, before, progress=progress)
        log = await read_log(wiring, connection)
        log.read = read
        log.late = _posted(log) - _posted(before)
    if sys.stderr.isatty():
        click.echo("", err=True)
    others = _others(log.documents)
    mine = {name: document for name, document in documents.items() if name not in others}
    result = compare(mine, shown, log, from_date=from_date, as_of=as_of)
    report = Report(
        connection=connection,
        at=read_at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ"),
        **days | {"from_date": str(max(from_date, log.cut_over or date.min))},
        sums=result.sums,
        checks=result.checks,
        differences=result.differences,
    )
    keep_report(wiring.data, report)
    return report


def _no_mapping(connection: str) -> Difference:
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


def _show(report: Report, output: Output) -> None:
    if not report.at:
        output.say(f"\n{report.connection}: {report.differences[0].what}")
        return
    days = f"from {report.from_date}" + (f" to {report.as_of}" if report.as_of else "")
    output.say(f"\n{report.connection}: documents dated {days}, read {report.at}")
    output.table(
        ("kind", "currency", "documents", "Zuora", "in QAD", "in flight", "parked", "ignored", "timing", "unexplained"),
        [
            (
                line.kind,
                line.currency,
                line.documents,
                *(shown(amount, line.currency) for amount in line.amounts()),
            )
            for line in report.sums
        ],
    )
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
