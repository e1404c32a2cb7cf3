"""Commands for dead letters: what could not be read, whole; and putting it back once that is mended."""

import sys

import click

from console.context import Context, ask, command_options, connection_option
from console.deadletters import Letter, Move, named, plan, put_back, read_letters
from console.output import EXIT_FINDINGS, moment
from schemas.decisions import DeadLetterPutBack
from schemas.errors import Misconfigured

# Of the bytes, so much is shown to people; --json has all.
_SHOWN_BYTES = 2000


@click.group()
def deadletters() -> None:
    """See bytes that no stage could read, and put them back after a fix."""


@deadletters.command("list")
@click.option("--all", "everything", is_flag=True, help="Also those that were put back.")
@connection_option
@command_options
def list_letters(context: Context, everything: bool, connection: str) -> None:
    """List the dead letters that nobody has put back."""
    letters = [one for one in _letters(context, connection) if everything or one.put_back_at is None]
    context.output.result([_facts(one) for one in letters])
    context.output.table(
        ("letter", "connection", "stage", "since", "bytes", "put back at", "why"),
        [
            (
                one.name,
                one.letter.connection,
                one.letter.stage,
                moment(one.letter.at_ms),
                len(one.letter.value),
                "" if one.put_back_at is None else one.put_back_at,
                one.letter.reason,
            )
            for one in letters
        ],
    )
    context.output.say(f"{len(letters)} dead letters")


@deadletters.command("show")
@click.argument("letter")
@connection_option
@command_options
def show_letter(context: Context, letter: str, connection: str) -> None:
    """Show one dead letter (topic@offset) with its bytes, which may hold personal data. --json: base64, whole."""
    found = named(_letters(context, connection), (letter,))
    context.output.result([{**_facts(one), "key": one.letter.key, "value": one.letter.value} for one in found])
    for one in found:
        context.output.facts(
            {
                "letter": f"{one.name}, {one.letter.connection}",
                "stage": f"{one.letter.stage}, {moment(one.letter.at_ms)}",
                "why": one.letter.reason,
                "next": one.letter.next_step,
                "put back at": "-" if one.put_back_at is None else one.put_back_at,
                "key": one.letter.key.decode(errors="backslashreplace"),
            }
        )
        context.output.say(one.letter.value[:_SHOWN_BYTES].decode(errors="backslashreplace"))
        if len(one.letter.value) > _SHOWN_BYTES:
            context.output.say(f"... {len(one.letter.value) - _SHOWN_BYTES} more bytes: --json has them")


@deadletters.command("put-back")
@click.argument("letters", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All that nobody has put back.")
@click.option("--why", required=True, help="Why, in your words: it is kept.")
@click.option("--plan", "plan_only", is_flag=True, help="Say what would happen, and change nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@connection_option
@command_options
def put_letters_back(
    context: Context,
    letters: tuple[str, ...],
    everything: bool,
    why: str,
    plan_only: bool,
    yes: bool,
    connection: str,
) -> None:
    """Write the bytes of dead letters (topic@offset) into their topics again, each once."""
    if bool(letters) == everything:
        raise Misconfigured("name dead letters, or --all")
    there = _letters(context, connection)
    chosen = [one for one in there if one.put_back_at is None] if everything else named(there, letters)
    with context.read_model() as model:
        moves = plan(chosen, model)
    ready = [one for one, move in zip(chosen, moves, strict=True) if not move.hindrance]
    context.output.table(
        ("letter", "connection", "what happens"), [(move.name, move.connection, _in_words(move)) for move in moves]
    )
    done: list[DeadLetterPutBack] = []
    if ready and not plan_only:
        ask(f"Put {len(ready)} back?", yes=yes)
        done = context.run(put_back(context.wiring, ready, by=context.person, why=why))
    context.output.result({"plan": moves, "put_back": done})
    if not plan_only:
        context.output.say(f"{len(done)} put back, {len(moves) - len(done)} left as they are")
    if len(ready) < len(moves):
        sys.exit(EXIT_FINDINGS)


def _letters(context: Context, connection: str) -> list[Letter]:
    connections = [context.connection(connection)] if connection else list(context.site.config.connections)
    return context.run(read_letters(context.wiring, connections))


def _facts(one: Letter) -> dict[str, object]:
    letter = one.letter
    return {
        "letter": one.name,
        "connection": letter.connection,
        "topic": letter.topic,
        "offset": letter.offset,
        "stage": letter.stage,
        "at_ms": letter.at_ms,
        "bytes": len(letter.value),
        "reason": letter.reason,
        "next_step": letter.next_step,
        "put_back_at": one.put_back_at,
    }


def _in_words(move: Move) -> str:
    if move.hindrance:
        return f"stays: {move.hindrance}"
    if move.still_unreadable:
        return f"put back, and comes back as a dead letter: {move.still_unreadable}"
    return "put back"
