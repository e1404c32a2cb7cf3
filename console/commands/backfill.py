"""`backfill`: reads what documents from the cut-over on need, beside the polls; goes on where it was stopped."""

import sys
import time
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import click
import msgspec

from adapters.kafka.publishing import Publisher
from adapters.zuora.finding.backfill import BackfillRun, Progress, ordered
from adapters.zuora.finding.poller import DOCUMENT_KINDS
from console.context import Context, ask, command_options
from console.logs import set_up_logs
from console.output import duration
from console.watching.budgets import told
from console.wiring import Wiring
from schemas.errors import ConnectorError, Misconfigured

_DAY = click.DateTime(formats=["%Y-%m-%d"])
# How often a log is told; who sits at a terminal sees every page.
_SAY_EVERY_S = 10.0


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What the command says at its end.

    Attributes:
        tenant: The tenant.
        first_day: The day it began with.
        kinds: What was read.
        stopped: Why it stopped before its end, "" where it did not.
    """

    tenant: str
    first_day: date
    kinds: list[str]
    progress: Progress | None
    stopped: str = ""


@click.command()
@click.option("--tenant", default="", help="Name of the tenant; may be left out where there is one.")
@click.option("--from", "first_day", type=_DAY, required=True, help="The cut-over: first document date to be read.")
@click.option("--kinds", default="", help=f"Only these, with commas between: {', '.join(DOCUMENT_KINDS)}.")
@click.option("--again", is_flag=True, help="Read everything once more, also where it was read.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@command_options
def backfill(context: Context, tenant: str, first_day: datetime, kinds: str, again: bool, yes: bool) -> None:
    """Read every account, and every document from a day on; what was stopped goes on. Polls go on meanwhile."""
    name, day = _tenant(context, tenant), first_day.date()
    chosen = _kinds(kinds)
    ask(f"Read {', '.join(chosen)} of {name} from {day} on? What is not in QAD yet will be posted.", yes=yes)
    set_up_logs("warning", process="backfill")
    teller = _Teller(name)
    try:
        last = context.run(_run(context.wiring, name, day, chosen, again=again, teller=teller))
    except (ConnectorError, KeyboardInterrupt) as error:
        why = str(error) or "somebody interrupted it"
        context.output.result(Told(tenant=name, first_day=day, kinds=chosen, progress=teller.last, stopped=why))
        done = f"{teller.last.records} records so far" if teller.last else "nothing read"
        raise _Stopped(
            f"backfill of {name} stopped, {done}: {why}. {how_on(again=again, begun=teller.last is not None)}"
        ) from None
    finally:
        teller.end()
    context.output.result(Told(tenant=name, first_day=day, kinds=chosen, progress=last))
    if last.records_now:
        context.output.say(f"read {name} from {day} on: {in_words(last)}")
    else:
        context.output.say(f"nothing left to read of {name} from {day} on: {last.records} records were read before")


def how_on(*, again: bool, begun: bool) -> str:
    """Say what to do about one that was stopped: --again begins anew, and what it has begun goes on without it."""
    if again and begun:
        return "Run it without --again: it goes on from there."
    return "The same command goes on from there."


class _Stopped(ConnectorError):
    """A backfill that did not come to its end."""


async def _run(
    wiring: Wiring, tenant: str, first_day: date, kinds: Sequence[str], *, again: bool, teller: "_Teller"
) -> Progress:
    partitions = await wiring.partitions()
    zuora = wiring.zuora(tenant, process="backfill")
    async with told(wiring, "backfill", slot="0"), Publisher(wiring.site.cluster) as publisher, zuora as client:
        feed = wiring.tenant_feed(tenant, publisher, partitions)
        await feed.load()
        backfilling = BackfillRun(
            client,
            tenant,
            first_day=first_day,
            kinds=kinds,
            write=feed,
            progress=teller.progress,
            again=again,
            lag_s=wiring.site.config.tenants[tenant].poll.lag_s,
            settlement=wiring.settlement(client, tenant),
        )
        return await backfilling.run()


def in_words(progress: Progress) -> str:
    """Say how far a backfill is: records, share, speed, and when the rest will have been read."""
    said = f"{progress.records} records, {progress.share:.0%} of the time, {progress.records_per_s:.0f} a second"
    if progress.finished or progress.left_s is None:
        return said
    finish = datetime.now(UTC) + timedelta(seconds=progress.left_s)
    return f"{said}, {duration(progress.left_s)} left (until {finish:%Y-%m-%d %H:%M} UTC)"


class _Teller:
    """Says how far it is: on one line in a terminal, now and then in a log; on standard error, since --json is not."""

    def __init__(self, tenant: str) -> None:
        self.last: Progress | None = None
        self._tenant = tenant
        self._said_s = time.monotonic()

    def progress(self, progress: Progress) -> None:
        self.last = progress
        if sys.stderr.isatty():
            click.echo(f"\r{self._tenant}: {in_words(progress):<100}", err=True, nl=False)
        elif time.monotonic() - self._said_s > _SAY_EVERY_S:
            self._said_s = time.monotonic()
            click.echo(f"{self._tenant}: {in_words(progress)}", err=True)

    def end(self) -> None:
        if sys.stderr.isatty():
            click.echo(err=True)


def _tenant(context: Context, name: str) -> str:
    names = list(context.site.config.tenants)
    if not name and len(names) == 1:
        return names[0]
    if name not in names:
        raise Misconfigured(f"name a tenant with --tenant: {', '.join(names)}")
    return name


def _kinds(text: str) -> list[str]:
    chosen = [kind.strip() for kind in text.split(",") if kind.strip()] or list(DOCUMENT_KINDS)
    for kind in chosen:
        if kind not in DOCUMENT_KINDS:
            raise Misconfigured(f"--kinds: there is no {kind!r}; there are {', '.join(DOCUMENT_KINDS)}")
    return ordered(list(dict.fromkeys(chosen)))
