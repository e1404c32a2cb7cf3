"""The commands that correct a posting, or move lines of it: one person proposes, another approves by the same words."""

from datetime import datetime

import click

from console.commands.operating import one_document
from console.context import Context, ask, command_options, connection_option
from console.correcting import decide_correction, plan_correction
from console.decisions import now
from console.output import worth
from console.reclassing import Wanted, decide_reclass, plan_reclass
from schemas.mapping import Analysis
from schemas.postings import GlLine

on_option = click.option(
    "--on", "day", type=click.DateTime(["%Y-%m-%d"]), help="Posting date, in an open period; else today, UTC."
)
why_option = click.option("--why", required=True, help="Why, in your words: it is kept.")
plan_option = click.option("--plan", "plan_only", is_flag=True, help="Say what would happen, and change nothing.")
yes_option = click.option("--yes", is_flag=True, help="Do not ask.")


@click.command()
@click.argument("document")
@on_option
@why_option
@plan_option
@yes_option
@connection_option
@command_options
def correct(
    context: Context, document: str, day: datetime | None, why: str, plan_only: bool, yes: bool, connection: str
) -> None:
    """Take an invoice or memo back in QAD and post it anew by the newest mapping, in the period that is open now.

    The first person proposes it, another approves; the day of the one who approves counts.
    """
    with context.read_model() as model:
        where, key = one_document(context, model, document, connection)
    on = (day or now()).date()
    plan = context.run(plan_correction(context.wiring, connection=where, document=key, person=context.person, day=on))
    context.output.result(plan)
    context.output.facts(
        {
            "document": f"{plan.number}, posting {plan.n}, {plan.total} {plan.currency}",
            "taken back": f"what mapping version {plan.built_by} built",
            "posted anew": f"by mapping version {plan.newest}, posting date {plan.day}",
            "decided": _decided(plan.proposed_by),
        }
    )
    if plan_only:
        return
    _ask(plan.proposed_by, yes=yes)
    context.run(decide_correction(context.wiring, plan, by=context.person, why=why))
    context.output.say(_done(plan.proposed_by))


@click.command()
@click.argument("document")
@click.option("--from", "account", required=True, help="The GL account on which its lines stand now.")
@click.option("--line", "lines", multiple=True, help="Zuora id of an item or tax row; again for others. Else all.")
@click.option("--to", "decided", required=True, help="The GL account to which they go.")
@click.option("--sub-account", default="", help="With that account.")
@click.option("--cost-centre", default="", help="Likewise.")
@click.option("--project", default="", help="Likewise.")
@on_option
@why_option
@plan_option
@yes_option
@connection_option
@command_options
def reclass(
    context: Context,
    document: str,
    account: str,
    lines: tuple[str, ...],
    decided: str,
    sub_account: str,
    cost_centre: str,
    project: str,
    day: datetime | None,
    why: str,
    plan_only: bool,
    yes: bool,
    connection: str,
) -> None:
    """Move lines of an invoice or memo that is in QAD to another GL account, by a journal beside it.

    The first person proposes it, another approves by the same words; the day of the one who approves counts.
    """
    with context.read_model() as model:
        where, key = one_document(context, model, document, connection)
    to = Analysis(account=decided, sub_account=sub_account, cost_centre=cost_centre, project=project)
    wanted = Wanted(document=key, account=account, to=to, only=lines, day=(day or now()).date())
    plan = context.run(plan_reclass(context.wiring, wanted, connection=where, person=context.person))
    context.output.result(plan)
    context.output.table(
        ("line", "text", "from", "to", "debit", "credit"),
        [
            (line.source, line.text, _place(line), _place(to), line.debit or "", line.credit or "")
            for line in plan.lines
        ],
    )
    context.output.facts(
        {
            "document": f"{plan.number}, posting {plan.n}, reclass {plan.m}",
            "journal": f"{worth({plan.currency: plan.total})} in daybook {plan.daybook}, posting date {plan.day}",
            "decided": _decided(plan.proposed_by),
        }
    )
    if plan_only:
        return
    _ask(plan.proposed_by, yes=yes)
    context.run(decide_reclass(context.wiring, plan, by=context.person, why=why))
    context.output.say(_done(plan.proposed_by))


def _place(where: GlLine | Analysis) -> str:
    """Write an account with its sub-account, cost centre and project."""
    return " / ".join(part or "-" for part in (where.account, where.sub_account, where.cost_centre, where.project))


def _decided(proposed_by: str) -> str:
    return f"{proposed_by} proposed it, you approve" if proposed_by else "you propose it, another approves"


def _ask(proposed_by: str, *, yes: bool) -> None:
    ask("Carry it out?" if proposed_by else "Propose it?", yes=yes)


def _done(proposed_by: str) -> str:
    if proposed_by:
        return "approved: the ledger stage does it"
    return "proposed: another person approves it by this command"
