"""Commands that run until they are told to stop: one process each, or all of them under one supervisor."""

import asyncio
import sys

import click

from console.context import Context, command_options
from console.logs import set_up_logs
from console.running import polling, processes
from console.running.supervisor import Supervisor
from console.wiring import STAGES

_LEVELS = click.Choice(["debug", "info", "warning", "error"])
log_level = click.option("--log-level", type=_LEVELS, default="info", show_default=True, help="Least level logged.")
slot_option = click.option(
    "--slot",
    default="0",
    show_default=True,
    help="This process's own name among its like, the same after a restart: never share it.",
)


@click.command()
@log_level
@command_options
def receive(context: Context, log_level: str) -> None:
    """Take Zuora's callouts in."""
    set_up_logs(log_level, process="receive")
    sys.exit(asyncio.run(processes.until_told(processes.receive(context.wiring))))


@click.command()
@slot_option
@log_level
@command_options
def poll(context: Context, slot: str, log_level: str) -> None:
    """Poll Zuora for what changed, and both systems for their reference data."""
    set_up_logs(log_level, process="poll", slot=slot)
    sys.exit(asyncio.run(processes.until_told(polling.poll(context.wiring, slot=slot))))


@click.command()
@click.argument("stage", type=click.Choice(list(STAGES)))
@slot_option
@log_level
@command_options
def work(context: Context, stage: str, slot: str, log_level: str) -> None:
    """Run one stage: read, match, ledger or sink."""
    set_up_logs(log_level, process=stage, slot=slot)
    sys.exit(asyncio.run(processes.work_stage(context.wiring, stage, slot=slot)))


@click.command()
@slot_option
@log_level
@command_options
def mark(context: Context, slot: str, log_level: str) -> None:
    """Write back to Zuora what [tenants.*.write_back] names: marks that move no money; off by default."""
    set_up_logs(log_level, process="mark", slot=slot)
    sys.exit(asyncio.run(processes.until_told(processes.write_back(context.wiring, slot=slot))))


@click.command("make-customers")
@slot_option
@log_level
@command_options
def make_customers(context: Context, slot: str, log_level: str) -> None:
    """Make the customers in QAD that people approved, and align those that are there with their accounts.

    Off unless a connection says make_customers, or align_customers.
    """
    set_up_logs(log_level, process="customers", slot=slot)
    sys.exit(asyncio.run(processes.until_told(processes.make_customers(context.wiring, slot=slot))))


@click.command()
@log_level
@command_options
def observe(context: Context, log_level: str) -> None:
    """Keep the read model, and serve metrics and the page."""
    set_up_logs(log_level, process="observe")
    sys.exit(asyncio.run(processes.until_told(processes.observe(context.wiring, context.read_model_path))))


@click.command()
@log_level
@command_options
def run(context: Context, log_level: str) -> None:
    """Run everything on this machine, and start again what ends."""
    set_up_logs(log_level, process="run")
    context.run(context.wiring.partitions())
    supervisor = Supervisor(context.site, context.config_path, log_level=log_level)
    sys.exit(asyncio.run(supervisor.run()))
