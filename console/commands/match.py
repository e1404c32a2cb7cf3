"""Commands of matching: which accounts have no customer, who resembles them, and what a person decides of it."""

from collections.abc import Mapping
from decimal import Decimal

import click
import msgspec

from console.context import Context, ask, command_options, connection_option
from console.customers.aligning import look_dry
from console.customers.creating import plan_customer
from console.customers.linking import Effects, approval_problem, effects
from console.customers.matching import Accounts, read_accounts, waiting_by_account
from console.decisions import decide, is_same_person, now
from console.output import worth
from schemas.decisions import CustomerApproved, CustomerLinked, CustomerUnlinked
from schemas.errors import Misconfigured
from schemas.matching import AccountSeen
from streams.customers.wanted import LENGTHS

_approved_by = click.option(
    "--approved-by", default="", help="The second person, asked for where items are open in QAD: it is kept."
)
_why = click.option("--why", required=True, help="Why, in your words: it is kept.")
_yes = click.option("--yes", is_flag=True, help="Do not ask.")


@click.group()
def match() -> None:
    """See and decide which QAD customer a billing account belongs to."""


@match.command("list")
@click.option("--all", "everything", is_flag=True, help="Also accounts that have a customer.")
@connection_option
@command_options
def list_matches(context: Context, everything: bool, connection: str) -> None:
    """List billing accounts of this connection without a customer."""
    accounts = context.run(read_accounts(context.wiring, context.connection(connection)))
    with context.read_model() as model:
        waiting = waiting_by_account(model, accounts.connection)
    rows = []
    for account in accounts.own():
        customer, documents = accounts.customer_of(account), len(waiting.get(account.id, ()))
        if everything or documents or not customer:
            rows.append((account.number, account.currency, customer or "-", documents))
    context.output.result(
        [{"account": row[0], "currency": row[1], "customer": row[2], "parked": row[3]} for row in rows]
    )
    context.output.table(("account", "currency", "customer", "documents parked"), sorted(rows))


@match.command("review")
@click.argument("account", required=False, default="")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="How many accounts at most.")
@connection_option
@command_options
def review_accounts(context: Context, account: str, limit: int, connection: str) -> None:
    """Show accounts without a customer that fits, what waits for each, and the customers of QAD that resemble it.

    A score ranks what you look at; nothing is matched by it.
    """
    # Names are compared by a library that no other command needs.
    from console.customers.reviewing import review  # noqa: PLC0415 - as said

    accounts = context.run(read_accounts(context.wiring, context.connection(connection)))
    if account:
        accounts.numbered(account)
    with context.read_model() as model:
        rows, count = context.run(review(context.wiring, accounts, model, only=account, limit=limit))
    context.output.result({"accounts": rows, "in_all": count})
    for row in rows:
        waits = f"{row.documents} documents wait ({worth(row.value)})" if row.documents else "nothing waits for it"
        unfit = f"; customer {row.customer} does not fit" if row.customer else ""
        context.output.say(f"{row.account}  {row.name or '(no name)'}  {row.currency}  {waits}{unfit}")
        if not row.proposals:
            context.output.say("    no customer of QAD resembles it")
        for one in row.proposals:
            context.output.say(f"    {one.score:>3}  {one.customer:<8}  {one.name}: {', '.join(one.reasons)}")
    context.output.say(
        f"{len(rows)} of {count} accounts to review. To decide: ml-connector match link ACCOUNT CUSTOMER"
    )


@match.command("link")
@click.argument("account")
@click.argument("customer")
@_why
@_approved_by
@_yes
@connection_option
@command_options
def link(context: Context, account: str, customer: str, why: str, approved_by: str, yes: bool, connection: str) -> None:
    """Decide that a billing account (its number) goes to a QAD customer; documents of it that are parked go on.

    Where it went elsewhere before, what that affects is shown first: what is in QAD stays where it is.
    """
    name = context.connection(connection)
    accounts = context.run(read_accounts(context.wiring, name))
    found = accounts.numbered(account)
    if customer not in accounts.customers.by_code:
        raise Misconfigured(f"customer {customer} does not exist in the QAD of {name}")
    affected = _affected(context, accounts, found, customer=customer, approved_by=approved_by)
    ask(f"Link {account} to {customer} in {name}?", yes=yes)
    decision = CustomerLinked(
        connection=name,
        by=context.person,
        at=now(),
        why=why,
        account_id=found.id,
        account_number=account,
        customer=customer,
        open_items=_known(affected),
        approved_by=approved_by.strip() or msgspec.UNSET,
    )
    context.run(decide(context.wiring, decision))
    context.output.result({"connection": name, "account": account, "customer": customer, "affected": affected})
    context.output.say(f"linked {account} to {customer}")


@match.command("unlink")
@click.argument("account")
@_why
@_approved_by
@_yes
@connection_option
@command_options
def unlink(context: Context, account: str, why: str, approved_by: str, yes: bool, connection: str) -> None:
    """Take back the link of a billing account: from now on the other rules say where it goes.

    What that affects is shown first: what is in QAD stays where it is.
    """
    name = context.connection(connection)
    accounts = context.run(read_accounts(context.wiring, name))
    found = accounts.numbered(account)
    if found.id not in accounts.links:
        raise Misconfigured(f"account {account} is not linked by a person: there is nothing to take back")
    linked = accounts.links.pop(found.id)
    then = accounts.customer_of(found)
    affected = _affected(context, accounts, found, customer=then, approved_by=approved_by)
    goes = f"goes to {then} by the other rules" if then else "has no customer: its documents park"
    ask(f"Unlink {account} from {linked} in {name}? From then on it {goes}.", yes=yes)
    decision = CustomerUnlinked(
        connection=name,
        by=context.person,
        at=now(),
        why=why,
        account_id=found.id,
        account_number=account,
        customer=linked,
        open_items=_known(affected),
        approved_by=approved_by.strip() or msgspec.UNSET,
    )
    context.run(decide(context.wiring, decision))
    context.output.result(
        {"connection": name, "account": account, "customer": linked, "then": then, "affected": affected}
    )
    context.output.say(f"unlinked {account} from {linked}; it {goes}")


@match.command("create")
@click.argument("account")
@click.option("--code", default="", help="Code of the customer in QAD; else the account's number, where it fits.")
@click.option("--relation", default="", help="Code of its business relation; else the customer's.")
@click.option("--name", default="", help="What it is called, where Zuora's name is not to be taken.")
@click.option("--search-name", default="", help="Its search name, at most 28 characters; else the name, cut.")
@_why
@click.option("--approved-by", required=True, help="The second person: it is kept.")
@_yes
@connection_option
@command_options
def create(
    context: Context,
    account: str,
    code: str,
    relation: str,
    name: str,
    search_name: str,
    why: str,
    approved_by: str,
    yes: bool,
    connection: str,
) -> None:
    """Approve that a customer is made in QAD for a billing account that has none; two people decide it.

    What would be written is shown first, and nothing else is written. Look at ml-connector match review before: a
    customer that is there already is linked, not made again.
    """
    at = context.connection(connection)
    accounts = context.run(read_accounts(context.wiring, at))
    found = accounts.numbered(account)
    if accounts.customer_of(found):
        raise Misconfigured(f"account {account} goes to {accounts.customer_of(found)}: there is none to make")
    if not approved_by.strip() or is_same_person(approved_by, context.person):
        raise Misconfigured("two people create a customer: --approved-by names another than the one who decides")
    customer = code or (account if len(account) <= LENGTHS["code"] else "")
    relation = relation or customer
    plan = context.run(
        plan_customer(
            context.wiring, accounts, found, customer=customer, relation=relation, name=name, search=search_name
        )
    )
    for part, record in plan.records.items():
        context.output.say(part)
        context.output.facts({f"    {field}": value for field, value in record.items()})
    ask(f"Have customer {customer} made in QAD for {account} of {at}?", yes=yes)
    decision = CustomerApproved(
        connection=at,
        by=context.person,
        at=now(),
        why=why,
        account_id=found.id,
        account_number=account,
        customer=customer,
        relation=relation,
        name=name,
        search_name=search_name,
        origin=plan.origin,
        content_hash=plan.content_hash,
        approved_by=approved_by.strip(),
    )
    context.run(decide(context.wiring, decision))
    context.output.result({"connection": at, "account": account, "customer": customer, "records": plan.records})
    context.output.say(f"approved: {customer} is made in QAD now; documents of {account} go on when QAD shows it")


@match.command("align")
@click.argument("account", required=False, default="")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="How many customers at most.")
@connection_option
@command_options
def align(context: Context, account: str, limit: int, connection: str) -> None:
    """Show what would flow from accounts to their customers in QAD now, and what is left, with why; nothing is written.

    Both systems' newest state is compared. Names of fields are shown, no value of them.
    """
    found = context.run(look_dry(context.wiring, context.connection(connection), only=account, limit=limit))
    context.output.result(found)
    for row in found.customers:
        context.output.say(f"{row.customer}  {', '.join(row.accounts)}")
        for one in row.fields:
            words = f" ({', '.join(one.words)})" if one.words else ""
            context.output.say(f"    {one.field:<12} {one.meaning}{words}. {one.next_step}".rstrip())
    context.output.say(
        f"{len(found.customers)} of {found.looked_at} customers shown; fields: {', '.join(found.flows) or '-'}"
    )
    if found.looked_at < found.in_all:
        context.output.say(f"{found.in_all - found.looked_at} more are not looked at: --limit shows more")
    if found.stops:
        context.output.say(f"Nothing is written: {'; '.join(found.stops)}")


def _affected(
    context: Context, accounts: Accounts, account: AccountSeen, *, customer: str, approved_by: str
) -> Effects:
    """Show what sending an account elsewhere affects.

    Raises:
        Misconfigured: A second person must approve it, and none is named.
    """
    with context.read_model() as model:
        found = context.run(effects(context.wiring, accounts, model, account, customer=customer))
    if found.documents or found.waiting:
        open_items = found.cannot_tell or _counted(found.open_items or 0, found.open_value)
        context.output.facts(
            {
                "documents matched so far": f"{found.documents}, to {', '.join(found.customers) or 'nobody'}",
                "of them in QAD, and stay": found.posted,
                "open items, settle there": open_items,
                "documents decided again": _counted(found.waiting, found.waiting_value),
            }
        )
    problem = approval_problem(found, person=context.person, approved_by=approved_by)
    if problem:
        raise Misconfigured(problem)
    return found


def _known(affected: Effects) -> int | msgspec.UnsetType:
    return affected.open_items or msgspec.UNSET


def _counted(count: int, value: Mapping[str, Decimal]) -> str:
    return f"{count} ({worth(value)})" if value else str(count)
