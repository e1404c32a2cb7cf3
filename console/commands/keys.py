"""`keys`: another key for the credential store while everything runs, and a look at what needs which."""

import sys

import click

from console.context import Context, ask, command_options
from console.output import EXIT_FINDINGS


@click.group()
def keys() -> None:
    """Change the key that seals the credentials, and check which keys are needed."""


@keys.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
@command_options
def rotate(context: Context, yes: bool) -> None:
    """Seal every secret under a new key; goes on where an earlier rotation was cut off.

    What runs goes on: it has read its secrets. The old key stays at hand until it is dropped.
    """
    store = context.wiring.credentials
    before = store.key_uses()
    active, others = before[0], [use for use in before[1:] if use.secrets]
    total = sum(use.secrets for use in before)
    if others:
        left = sum(use.secrets for use in others)
        question = f"Seal the {left} of {total} secrets that are left under the key {active.id}?"
    else:
        question = f"Make a new key beside {active.id}, and seal {total} secrets under it?"
    ask(question, yes=yes)
    key_id = store.rotate()
    old = [use.id for use in store.key_uses() if not use.active]
    context.output.result({"active": key_id, "secrets": total, "not_needed": old})
    context.output.say(f"{total} secrets are sealed under {key_id}, and open")
    context.output.say("Keep a copy of the key file elsewhere now. Once every machine has it, drop the old key:")
    for other in old:
        context.output.say(f"  ml-connector keys drop {other}")


@keys.command()
@command_options
def check(context: Context) -> None:
    """Open every secret, and say which keys are needed, missing or may go."""
    store = context.wiring.credentials
    uses, problems = store.key_uses(), store.check()
    context.output.result({"keys": uses, "problems": problems})
    context.output.table(
        ("key", "", "secrets"),
        [(use.id, "active" if use.active else "old" if use.at_hand else "NOT AT HAND", use.secrets) for use in uses],
    )
    for use in uses:
        if not use.at_hand:
            context.output.say(f"{use.id} is needed and not at hand: a wrong key was put in its place; bring it back")
        elif not use.active and use.secrets:
            context.output.say(f"{use.id} still seals {use.secrets} secrets: ml-connector keys rotate goes on")
        elif not use.active:
            context.output.say(f"{use.id} is not needed any more: ml-connector keys drop {use.id}")
    for problem in problems:
        context.output.say(problem)
    if problems:
        sys.exit(EXIT_FINDINGS)
    context.output.say(f"all {sum(use.secrets for use in uses)} secrets open")


@keys.command()
@click.argument("key_id")
@click.option("--yes", is_flag=True, help="Do not ask.")
@command_options
def drop(context: Context, key_id: str, yes: bool) -> None:
    """Take an old key out of the key file; refused while any secret needs it or does not open."""
    ask(f"Take {key_id} out of the key file? Older copies of the credential store need it.", yes=yes)
    context.wiring.credentials.drop(key_id)
    left = [use.id for use in context.wiring.credentials.key_uses()]
    context.output.result({"dropped": key_id, "keys": left})
    context.output.say(f"dropped {key_id}; every secret opens without it")
