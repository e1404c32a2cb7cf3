"""Commands of matching: which accounts have no customer, and linking one by a person's decision."""

import click

from adapters.kafka.reader import read_whole
from console.context import Context, ask, command_options, connection_option
from console.decisions import decide, decided, now
from console.wiring import Wiring
from schemas.decisions import CustomerLinked
from schemas.errors import Misconfigured
from schemas.events import read_matched, read_qad_reference
from schemas.matching import AccountSeen
from schemas.references import Customer
from schemas.topics import Topic


@click.group()
def match() -> None:
    """See and decide which QAD customer a billing account belongs to."""


@match.command("list")
@click.option("--all", "everything", is_flag=True, help="Also accounts that have a customer.")
@connection_option
@command_options
def list_matches(context: Context, everything: bool, connection: str) -> None:
    """List billing accounts of this connection without a customer."""
    name = context.connection(connection)
    accounts, customers = context.run(_seen(context.wiring, name))
    with context.read_model() as model:
        parked = model.standings(statuses=("parked",), connection=name)
    waiting: dict[str, int] = {}
    for standing in parked:
        if standing.row.rule in ("no_customer", "customer_unfit"):
            waiting[standing.row.message] = waiting.get(standing.row.message, 0) + 1
    links = context.run(_links(context.wiring, name))
    rows = []
    for account in accounts.values():
        if account.claimed_by != (name,):
            continue
        customer = links.get(account.id) or account.customer_code or customers.get(account.number, "")
        documents = sum(count for message, count in waiting.items() if f" {account.number} " in f"{message} ")
        if everything or documents or not customer:
            rows.append((account.number, account.currency, customer or "-", documents))
    context.output.result(
        [{"account": row[0], "currency": row[1], "customer": row[2], "parked": row[3]} for row in rows]
    )
    context.output.table(("account", "currency", "customer", "documents parked"), sorted(rows))


@match.command("link")
@click.argument("account")
@click.argument("customer")
@click.option("--why", required=True, help="Why, in your words: it is kept.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@connection_option
@command_options
def link(context: Context, account: str, customer: str, why: str, yes: bool, connection: str) -> None:
    """Decide that a billing account (its number) goes to a QAD customer; documents of it that are parked go on."""
    name = context.connection(connection)
    accounts, _ = context.run(_seen(context.wiring, name))
    found = next((seen for seen in accounts.values() if seen.number == account), None)
    if found is None:
        raise Misconfigured(f"account {account} has not been read for {name}: is it the account number?")
    known = context.run(_customers(context.wiring, name))
    if customer not in known:
        raise Misconfigured(f"customer {customer} does not exist in the QAD of {name}")
    ask(f"Link {account} to {customer} in {name}?", yes=yes)
    decision = CustomerLinked(
        connection=name,
        by=context.person,
        at=now(),
        why=why,
        account_id=found.id,
        account_number=account,
        customer=customer,
    )
    context.run(decide(context.wiring, decision))
    context.output.result({"connection": name, "account": account, "customer": customer})
    context.output.say(f"linked {account} to {customer}")


async def _seen(wiring: Wiring, connection: str) -> tuple[dict[str, AccountSeen], dict[str, str]]:
    """Return the accounts that matching knows, and QAD's customers by the Zuora account number that they carry."""
    partitions = await wiring.partitions()
    accounts = {
        event.id: event
        for record in await read_whole(wiring.site.cluster, partitions[connection], [Topic.MATCHED])
        if isinstance(event := read_matched(record.value), AccountSeen)
    }
    customers = await _customers(wiring, connection)
    return accounts, {held.zuora_account: held.code for held in customers.values() if held.zuora_account}


async def _customers(wiring: Wiring, connection: str) -> dict[str, Customer]:
    partitions = await wiring.partitions()
    records = await read_whole(wiring.site.cluster, partitions[connection], [Topic.QAD_REFERENCE])
    events = (read_qad_reference(record.value) for record in records)
    return {event.code: event for event in events if isinstance(event, Customer) and not event.gone}


async def _links(wiring: Wiring, connection: str) -> dict[str, str]:
    decisions = await decided(wiring, connection)
    return {event.account_id: event.customer for event in decisions if isinstance(event, CustomerLinked)}
