"""`verify`: holds the promises against all topics and both systems, and names what breaks them."""

import sys

import click

from console.context import Context, command_options
from console.output import EXIT_FINDINGS, Output
from console.verification.judging import verify as judge
from console.verification.report import INVARIANTS, Verdict
from schemas.money import shown

# More than a person reads; --json has all that were named.
_SHOWN_MAX = 50


@click.command()
@click.option("--connection", "-c", default="", help="One connection; without it, all.")
@click.option(
    "--outcomes-restored",
    is_flag=True,
    help="The topic outcomes was cut or made anew: what was found in QAD by look-up needs no intent in the log.",
)
@command_options
def verify(context: Context, connection: str, outcomes_restored: bool) -> None:
    """Check that each document is in QAD once, in order, to the cent, or says why not; name what breaks a promise."""
    names = [context.connection(connection)] if connection else list(context.site.config.connections)
    for name in names:
        # A profile that cannot be read is said before both systems are.
        if context.wiring.files(name) is None:
            context.wiring.profile(name)

    def progress(what: str) -> None:
        if sys.stderr.isatty():
            click.echo(f"\r{what:<60}", err=True, nl=False)

    verdicts = context.run(judge(context.wiring, names, progress=progress, restored=outcomes_restored))
    progress("")
    context.output.result(verdicts)
    for verdict in verdicts:
        _show(verdict, context.output)
    if not all(verdict.holds for verdict in verdicts):
        sys.exit(EXIT_FINDINGS)


def _show(verdict: Verdict, output: Output) -> None:
    read = ", ".join(f"{count} {what}" for what, count in verdict.read.items())
    output.say(f"\n{verdict.connection}: read {read}")
    output.table(
        ("kind", "currency", "documents", "Zuora", "in QAD", "explained", "on its way", "missing"),
        [
            (
                line.kind,
                line.currency,
                line.documents,
                *(
                    shown(amount, line.currency)
                    for amount in (line.zuora, line.in_qad, line.explained, line.on_its_way, line.missing)
                ),
            )
            for line in verdict.sums
        ],
    )
    output.table(
        ("", "holds", "broken"), [(name, what, verdict.broken.get(name, 0)) for name, what in INVARIANTS.items()]
    )
    output.table(
        ("", "number", "what", "where"),
        [(one.invariant, one.number, one.what, ", ".join(one.evidence)) for one in verdict.violations[:_SHOWN_MAX]],
    )
    broken = sum(verdict.broken.values())
    if broken > _SHOWN_MAX:
        output.say(f"{broken - min(len(verdict.violations), _SHOWN_MAX)} more: --json names up to 1000 of each")
    if verdict.on_its_way:
        first = "; ".join(verdict.on_its_way[:3])
        output.say(f"{len(verdict.on_its_way)} on their way, no verdict yet ({first}): ask again when lag is 0")
    if verdict.adopted:
        output.say(f"{verdict.adopted} found in QAD without an intent in the log")
    output.say("all promises hold" if verdict.holds else f"{broken} violations")
