"""The command line. Every command has --json, exit codes that mean something, and a sentence, not a traceback."""

import logging
import os
import sys
from pathlib import Path

import click
import structlog

from console.commands import correcting, deadletters, match, operating, running, setup, trying
from console.commands.backfill import backfill
from console.commands.cutover import cutover
from console.commands.keys import keys
from console.commands.qad import qad
from console.commands.reconcile import reconcile
from console.commands.verify import verify
from console.commands.zuora import zuora
from console.config import FILE_NAME, FILE_VARIABLE
from console.context import Context
from console.output import EXIT_FAILED, EXIT_USAGE
from schemas.errors import ConnectorError, Misconfigured


class Commands(click.Group):
    """Turns operating errors into one sentence and an exit code; a programmer's error keeps its traceback."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except Misconfigured as error:
            click.echo(f"ml-connector: {error}", err=True)
            sys.exit(EXIT_USAGE)
        except ConnectorError as error:
            click.echo(f"ml-connector: {error}", err=True)
            sys.exit(EXIT_FAILED)
        except BrokenPipeError:
            # Who reads has heard enough: click ends quietly.
            raise
        except OSError as error:
            what = f"{error.filename}: {error.strerror}" if error.filename and error.strerror else str(error)
            click.echo(f"ml-connector: {what}", err=True)
            sys.exit(EXIT_USAGE)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    default=lambda: os.environ.get(FILE_VARIABLE, FILE_NAME),
    show_default=f"{FILE_NAME}, or ${FILE_VARIABLE}",
    help="The configuration file.",
)
@click.version_option(package_name="ml-connector")
@click.pass_context
def main(ctx: click.Context, config: Path) -> None:
    """Posts what Zuora Billing finalizes into QAD Adaptive ERP: once, in order, to the cent."""
    # Commands say in a sentence of their own what libraries would say before it; processes set up their own logs.
    logging.getLogger().addHandler(logging.NullHandler())
    # What we log ourselves is no part of what a command prints: --json is one object.
    structlog.configure(logger_factory=lambda *_: structlog.PrintLogger(sys.stderr))
    ctx.obj = Context(Path(config))


for command in (
    setup.init,
    setup.credentials,
    keys,
    setup.ping,
    zuora,
    setup.topics,
    setup.mapping,
    qad,
    running.run,
    running.receive,
    running.poll,
    running.work,
    running.mark,
    running.make_customers,
    running.observe,
    backfill,
    operating.lag,
    operating.drift,
    operating.parked,
    deadletters.deadletters,
    operating.trace,
    operating.replay,
    correcting.correct,
    correcting.reclass,
    match.match,
    cutover,
    reconcile,
    verify,
    trying.sandbox,
):
    main.add_command(command)
