"""The command that corrects a posting: one person proposes, another approves by the same words."""

from datetime import datetime

import click

from console.commands.operating import one_document
from console.context import Context, ask, command_options, connection_option
from console.correcting import decide_correction, plan_correction
from console.decisions import now


@click.command()
@click.argument("document")
@click.option(
    "--on", "day", type=click.DateTime(["%Y-%m-%d"]), help="Posting date, in an open period; else today, UTC."
)
@click.option("--why", required=True, help="Why, in your words: it is kept.")
@click.option("--plan", "plan_only", is_flag=True, help="Say what would happen, and change nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
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
            "decided": f"{plan.proposed_by} proposed it, you approve"
            if plan.approves
            else "you propose it, another approves",
        }
    )
    if plan_only:
        return
    ask("Carry it out?" if plan.approves else "Propose it?", yes=yes)
    context.run(decide_correction(context.wiring, plan, by=context.person, why=why))
    done = (
        "approved: the ledger stage does it"
        if plan.approves
        else "proposed: another person approves it by this command"
    )
    context.output.say(done)
