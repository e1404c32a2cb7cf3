"""Commands of the operator: how far behind, what stands still and why, every event of a document, deciding again."""

import sys

import click

from adapters.store.readmodel import ReadModel, Standing
from console.context import Context, ask, command_options, connection_option
from console.decisions import decide, now
from console.output import EXIT_FINDINGS, duration, moment, worth
from console.replaying import plan_replay, replay_document, replay_stage
from console.tracing import in_words
from console.tracing import trace as trace_document
from console.watching.budgets import BudgetUse, budget_uses
from console.watching.drift import DRIFT_COLUMNS, drift_row, drifts
from console.watching.handed_over import FILE_COLUMNS, handed_over, handed_over_rows
from console.watching.lagging import lags, reread_row
from console.wiring import STAGES
from schemas.decisions import DocumentReleased
from schemas.errors import Misconfigured
from streams.mending import who_mends

_STILL = ("waiting", "parked")


@click.command()
@command_options
def lag(context: Context) -> None:
    """Show how far each stage is behind, what is used of Zuora's budgets, and what re-reads found.

    Behind: in records, in age and in value by currency.
    """
    with context.read_model() as model:
        rows = context.run(lags(context.wiring, model))
        rereads = model.rereads()
    uses, handed = budget_uses(context.wiring.data), handed_over(context.wiring)
    context.output.result({"stages": rows, "budgets": uses, "rereads": rereads, "files": handed})
    context.output.table(
        ("connection", "stage", "records", "oldest", "value", "group"),
        [(row.connection, row.stage, row.records, duration(row.oldest_s), worth(row.value), row.group) for row in rows],
    )
    if uses:
        columns = ("tenant", "process", "last minute", "of", "Zuora has left", "in flight", "waiting", "429s", "tokens")
        context.output.table(columns, [_use(use) for use in uses])
    if handed:
        title = "Files that the site's import has not taken, or has refused"
        context.output.table(FILE_COLUMNS, [row for one in handed for row in handed_over_rows(one)], title=title)
    if rereads:
        context.output.table(
            ("connection", "kind", "proved", "turns", "rows", "late", "changed", "deleted", "until"),
            [reread_row(row) for row in rereads],
            title="Read once more behind the cursors, and what only that found",
        )


def _use(use: BudgetUse) -> tuple[str | int, ...]:
    usage = use.usage
    left = "not told" if usage.remaining is None else f"{usage.remaining} of {usage.limit}"
    flying = ", ".join(f"{count} of {usage.places[kind]} {kind}" for kind, count in usage.in_flight.items())
    waiting = f"{usage.waiting}, backfill {usage.waiting_backfill}"
    process = use.process if use.slot == "0" else f"{use.process} {use.slot}"
    of = "-" if usage.per_minute is None else usage.per_minute
    return use.tenant, process, usage.used, of, left, flying, waiting, usage.refused, use.tokens


@click.command()
@connection_option
@command_options
def drift(context: Context, connection: str) -> None:
    """Show what has changed in QAD so that documents are going to fail, before the first one does.

    An account, daybook or currency that is no longer active, a customer that is blocked, a period that is closed: with
    the documents on their way to it, and those that used it in the last month.
    """
    wanted = context.connection(connection) if connection else ""
    with context.read_model() as model:
        partitions = context.run(context.wiring.partitions())
        found = [one for one in drifts(model, partitions) if wanted in ("", one.connection)]
    context.output.result(found)
    context.output.table(DRIFT_COLUMNS, [drift_row(one) for one in found])
    if found:
        sys.exit(EXIT_FINDINGS)
    context.output.say("QAD takes all that is mapped, on its way, or was used in the last month")


@click.group()
def parked() -> None:
    """See what stands still and why, and release it."""


@parked.command("list")
@click.option("--waiting", is_flag=True, help="Also what goes on by itself.")
@connection_option
@command_options
def list_parked(context: Context, waiting: bool, connection: str) -> None:
    """List what is parked, with reason and value; and dead letters."""
    name = context.connection(connection) if connection else ""
    with context.read_model() as model:
        standings = model.standings(statuses=_STILL if waiting else ("parked",), connection=name)
        letters = model.dead_letters(name)
    context.output.result({"standing_still": standings, "dead_letters": letters})
    context.output.table(
        ("connection", "number", "stage", "rule", "who", "value", "since", "why"),
        [
            (
                row.row.connection,
                row.row.number,
                row.row.stage,
                row.row.rule,
                who_mends(row.row.rule) or "",
                _value(row),
                moment(row.since_ms),
                row.row.message,
            )
            for row in standings
        ],
    )
    for letter in letters:
        where = f"{letter.connection} {letter.topic}@{letter.offset}"
        context.output.say(f"dead letter {where} ({letter.stage}): {letter.reason.rstrip('.')}. {letter.next_step}")
    context.output.say(
        f"standing still: {len(standings)}; dead letters: {len(letters)}; next steps: parked show NUMBER"
    )


@parked.command("show")
@click.argument("document")
@connection_option
@command_options
def show_parked(context: Context, document: str, connection: str) -> None:
    """Show why one document (its number, or kind:id) stands still, and what to do."""
    with context.read_model() as model:
        found = _found(context, model, document, connection)
        standings = [
            standing
            for connection, key in found
            for standing in model.standings(statuses=_STILL, connection=connection, document=key)
        ]
    context.output.result(standings)
    if not standings:
        context.output.say(f"{document} does not stand still anywhere")
    for standing in standings:
        row = standing.row
        context.output.facts(
            {
                "document": f"{row.number} ({row.document}), {row.connection}",
                "stage": f"{row.stage}, {row.status} since {moment(standing.since_ms)}",
                "rule": row.rule,
                "why": row.message,
                "next": row.next_step,
                "who": who_mends(row.rule) or "nobody need act",
                "blocked by": row.blocked_by or "-",
                "value": _value(standing) or "-",
                "QAD said": "; ".join(row.said) or "-",
            }
        )


@parked.command("release")
@click.argument("documents", nargs=-1)
@click.option("--rule", default="", help="Release everything that is parked by this rule.")
@click.option("--why", required=True, help="Why, in your words: it is kept.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@connection_option
@command_options
def release(context: Context, documents: tuple[str, ...], rule: str, why: str, yes: bool, connection: str) -> None:
    """Try documents again: numbers, or all that a rule parked. Whichever stage holds one decides it again."""
    if bool(documents) == bool(rule):
        raise Misconfigured("name documents, or --rule")
    with context.read_model() as model:
        if rule:
            name = context.connection(connection) if connection else ""
            standing = model.standings(statuses=("parked",), connection=name)
            targets = {
                (row.row.connection, row.row.document, row.row.number) for row in standing if row.row.rule == rule
            }
        else:
            targets = {
                (where, key, document)
                for document in documents
                for where, key in _only(_found(context, model, document, connection), document)
            }
    if not targets:
        raise Misconfigured("nothing to release")
    ask(f"Documents to release: {len(targets)}. Go on?", yes=yes)

    async def all_of_them() -> None:
        for where, key, number in sorted(targets):
            decision = DocumentReleased(
                connection=where, by=context.person, at=now(), why=why, document=key, number=number
            )
            await decide(context.wiring, decision)

    context.run(all_of_them())
    context.output.result([{"connection": where, "document": key, "number": number} for where, key, number in targets])
    context.output.say(f"released {len(targets)}: each is decided again now")


@click.command()
@click.argument("document")
@connection_option
@command_options
def trace(context: Context, document: str, connection: str) -> None:
    """Show every event of one document: its number, or kind:id."""
    with context.read_model() as model:
        found = _found(context, model, document, connection)
        traced = {
            f"{connection} {key}": context.run(trace_document(context.wiring, model, connection, key))
            for connection, key in found
        }
    context.output.result(traced)
    for name, events in traced.items():
        context.output.table(
            ("when", "where", "what", "says"),
            [(moment(row.at_ms), f"{row.topic}@{row.offset}", row.type, in_words(row)) for row in events],
            title=name,
        )


@click.command()
@click.option("--stage", type=click.Choice(list(STAGES)), help="Stage that decides again.")
@click.option("--from", "since", default="", help="Offset, or moment with zone, of the first input.")
@click.option("--document", default="", help="One document instead: its number, or kind:id.")
@click.option("--why", required=True, help="Why, in your words: it is kept.")
@click.option("--plan", "plan_only", is_flag=True, help="Say what would happen, and change nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@connection_option
@command_options
def replay(
    context: Context,
    stage: str | None,
    since: str,
    document: str,
    why: str,
    plan_only: bool,
    yes: bool,
    connection: str,
) -> None:
    """Have a document, or a stage's input from some point on, decided again with today's mapping and references."""
    if bool(document) == bool(stage):
        raise Misconfigured("say either --document, or --stage with --from")
    if document:
        _replay_document(context, document, connection, why=why, yes=yes or plan_only, plan_only=plan_only)
        return
    if not since:
        raise Misconfigured("--stage needs --from: an offset, or a moment with its zone")
    name = context.connection(connection)
    with context.read_model() as model:
        plan = context.run(plan_replay(context.wiring, model, stage=stage or "", connection=name, since=since))
    context.output.result(plan)
    context.output.facts(
        {
            "stage": f"{plan.stage} of {plan.connection}, partition {plan.partition}",
            "inputs": f"{plan.documents} (offsets {plan.from_offset} to {plan.to_offset})",
            "in QAD": f"{plan.in_qad} postings of this connection, which stay as they are",
            "standing still": f"{plan.standing_still}, which are tried again",
            "group": f"{plan.group}; it must be Empty",
            "rests meanwhile": ", ".join(plan.rests),
        }
    )
    if plan_only:
        sys.exit(0 if plan.group in ("Empty", "Dead") else EXIT_FINDINGS)
    ask("Carry it out?", yes=yes)
    context.run(replay_stage(context.wiring, plan, by=context.person, why=why))
    context.output.say(f"done: start the {plan.stage} stage again")


def _replay_document(context: Context, document: str, connection: str, *, why: str, yes: bool, plan_only: bool) -> None:
    with context.read_model() as model:
        found = _only(_found(context, model, document, connection), document)
        in_qad = sum(len(model.standings(statuses=("posted",), connection=where, document=key)) for where, key in found)
    context.output.say(f"{document}: {in_qad} postings are in QAD and stay; the rest is decided again")
    if plan_only:
        context.output.result([{"connection": where, "document": key, "in_qad": in_qad} for where, key in found])
        return
    ask("Carry it out?", yes=yes)
    for where, key in found:
        context.run(
            replay_document(context.wiring, connection=where, document=key, number=document, by=context.person, why=why)
        )
    context.output.result([{"connection": where, "document": key} for where, key in found])


def _found(context: Context, model: ReadModel, name: str, connection: str) -> list[tuple[str, str]]:
    """Return the documents of a name, of one connection where one is named: two tenants may use the same numbers."""
    asked = context.connection(connection) if connection else ""
    found = [(where, key) for where, key in model.find(name) if asked in ("", where)]
    if not found:
        raise Misconfigured(f"nothing is known of {name}: is it the number, and has it been read?")
    return found


def one_document(context: Context, model: ReadModel, name: str, connection: str) -> tuple[str, str]:
    """Return connection and `kind:id` of the one document of a name."""
    found = _only(_found(context, model, name, connection), name)
    if len(found) > 1:
        raise Misconfigured(f"{' and '.join(key for _, key in found)} have the number {name}: say which of them")
    return found[0]


def _only(found: list[tuple[str, str]], name: str) -> list[tuple[str, str]]:
    """Hold that what is changed is one connection's."""
    connections = sorted({where for where, _ in found})
    if len(connections) > 1:
        raise Misconfigured(f"{' and '.join(connections)} have a {name} each: name one with --connection")
    return found


def _value(standing: Standing) -> str:
    row = standing.row
    return worth({row.currency: row.value}) if row.value is not None else ""
