"""`cutover`: are the opening items that others loaded into QAD what is open in Zuora, before the first posting."""

import sys
from collections import Counter
from datetime import date, datetime

import click

from adapters.files.profile import OpenItemsList
from console.context import Context, command_options, connection_option
from console.customers.matching import read_accounts
from console.cutover import Tie, Untied, tie
from console.output import EXIT_FINDINGS
from console.publishing import agreed_cut_over
from console.reconciliation.facts import QadOpenItem
from console.reconciliation.reading import open_items
from console.reconciliation.site import SiteBooks
from console.wiring import Wiring
from console.zuora_side import read_zuora
from schemas.errors import Misconfigured
from schemas.money import shown


@click.group()
def cutover() -> None:
    """The day from which this product posts: what is before it stands in QAD by others' hands."""


@cutover.command("check")
@click.option("--cut-over", "day", type=click.DateTime(["%Y-%m-%d"]), default=None, help="Without it, the mapping's.")
@connection_option
@command_options
def check(context: Context, day: datetime | None, connection: str) -> None:
    """Tie what is open in Zuora from before the cut-over to QAD's open items, per document, customer and currency.

    Both systems are read anew. Customers are those that matching knows: let poll and match run first, or numbers alone
    are compared.
    """
    name = context.connection(connection)
    agreed = context.run(agreed_cut_over(context.wiring, name)) if day is None else day.date()
    if agreed is None:
        raise Misconfigured("no mapping is published, so no cut-over date is agreed: name one with --cut-over")
    found = context.run(_check(context.wiring, name, agreed))
    context.output.result({"connection": name, "cut_over": agreed, "balances": found.balances, "untied": found.untied})
    context.output.table(
        ("customer", "currency", "documents", "open in Zuora", "open in QAD", "difference"),
        [
            (
                one.customer or "not matched",
                one.currency,
                one.documents,
                *(shown(amount, one.currency) for amount in (one.zuora, one.qad, one.qad - one.zuora)),
            )
            for one in found.balances
        ],
        title=f"{name}: what is open of documents dated before {agreed}",
    )
    context.output.table(
        ("", "number", "customer", "what", "next step"), [_row(one) for one in found.untied], title="What does not tie"
    )
    counted = Counter(one.part for one in found.untied)
    if any(part != "surplus" for part in counted):
        context.output.say(", ".join(f"{count} {part}" for part, count in counted.items()))
        sys.exit(EXIT_FINDINGS)
    context.output.say("every open document of Zuora has its opening item in QAD")


def _row(one: Untied) -> tuple[str, ...]:
    return one.part, one.number, one.customer, one.what, one.next_step


async def _check(wiring: Wiring, connection: str, cut_over: date) -> Tie:
    tenant = wiring.site.config.connections[connection].tenant
    accounts = await read_accounts(wiring, connection)
    own = {account.id: account for account in accounts.own()}
    others = accounts.seen.keys() - own.keys()

    def progress(what: str) -> None:
        if sys.stderr.isatty():
            click.echo(f"\r{connection}: {what:<40}", err=True, nl=False)

    async with wiring.zuora(tenant) as zuora:
        documents = await read_zuora(zuora, tenant, progress=progress, settlement=wiring.settlement(zuora, tenant))
    items, names = await _open_items(wiring, connection)
    if sys.stderr.isatty():
        click.echo("", err=True)
    return tie(
        (document for document in documents.values() if document.account not in others),
        items,
        cut_over=cut_over,
        customer_of=lambda account: accounts.customer_of(own[account]) if account in own else "",
        names=names,
    )


async def _open_items(wiring: Wiring, connection: str) -> tuple[list[QadOpenItem], dict[str, str]]:
    """Return what is open on the other side, and what it calls each kind of item."""
    files = wiring.files(connection)
    if files is not None:
        found = await SiteBooks(wiring.site.path(files.directory), files).open_items()
        return found, (files.open_items or OpenItemsList()).types
    profile = wiring.profile(connection)
    async with wiring.qad(connection, profile) as qad:
        items = [item async for item in open_items(qad, profile)]
    return items, profile.open_items.types if profile.open_items is not None else {}
