"""A customer that is to be made of a billing account: what would be written, as it is shown to those who approve it."""

from collections.abc import Mapping

import msgspec

from adapters.kafka.reader import ByOffset
from adapters.qad.profiles.masters import Masters
from console.customers.matching import Accounts
from console.decisions import decided
from console.wiring import Wiring
from schemas.decisions import MappingPublished
from schemas.errors import Misconfigured
from schemas.events import read_record
from schemas.matching import AccountSeen
from schemas.parties import party_of
from schemas.topics import Topic
from schemas.zuora import field_of
from streams.customers.creating import codes_of, values_of
from streams.customers.wanted import LENGTHS, PARTS, Rules, wanted_of


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What would be written.

    Attributes:
        records: By record, in the tenant's fields, the template's among them.
        content_hash: Of all of it.
        origin: Offset of the account's record that it was made of.
    """

    records: Mapping[str, Mapping[str, str | int | bool]]
    content_hash: str
    origin: int


async def plan_customer(
    wiring: Wiring, accounts: Accounts, account: AccountSeen, *, customer: str, relation: str, name: str, search: str
) -> Plan:
    """Return what would be written for an account.

    Args:
        wiring: The adapters.
        accounts: What the log says of accounts and customers.
        account: Which.
        customer: Code that the customer is to get.
        relation: Code that its business relation is to get.
        name: What it is called, where Zuora's name is not to be taken.
        search: As a person shortened that.

    Raises:
        Misconfigured: The site does not allow it, or QAD could not hold it; the message says what to do.
    """
    masters = _allowed(wiring, accounts)
    problems = list(_problems_of_codes(accounts, account, masters, customer=customer, relation=relation))
    mappings = [one for one in await decided(wiring, accounts.connection) if isinstance(one, MappingPublished)]
    partitions = await wiring.partitions()
    async with ByOffset(wiring.site.cluster, Topic.RECORDS, partitions[accounts.connection]) as log:
        record = read_record((await log.get([account.origin]))[account.origin].value)
    field = accounts.rules.tax_id_field
    wanted = wanted_of(
        party_of(record),
        Rules(terms=mappings[-1].mapping.terms, countries=masters.countries, lengths=masters.lengths),
        tax_id=field_of(record.parent, field) if field else "",
        name=name,
        search_name=search,
    )
    problems += wanted.problems.values()
    if problems:
        raise Misconfigured(f"{account.number}: {'; '.join(problems)}. --name, --search-name, --code may say another")
    codes, values = codes_of(customer, relation), values_of(wanted, relation)
    return Plan(
        records={part: masters.record(part, codes[part], values.get(part, {})) for part in PARTS},
        content_hash=masters.content_hash(codes, values),
        origin=account.origin,
    )


def _allowed(wiring: Wiring, accounts: Accounts) -> Masters:
    name = accounts.connection
    if accounts.rules.no_match != "create":
        raise Misconfigured(f'[customers] no_match = "create" is not in the newest mapping of {name}')
    if not accounts.rules.qad_field:
        raise Misconfigured("[customers] qad_field of the mapping is off: a customer that is made would not be matched")
    if not wiring.site.config.connections[name].make_customers:
        raise Misconfigured(f"[connections.{name}] make_customers is not on: nothing would make it")
    masters = wiring.profile(name).customers
    if masters is None:
        raise Misconfigured(f"the profile of {name} has no [customers]: it does not say how a customer is made")
    return masters


def _problems_of_codes(
    accounts: Accounts, account: AccountSeen, masters: Masters, *, customer: str, relation: str
) -> list[str]:
    lengths, problems = {**LENGTHS, **masters.lengths}, list[str]()
    for word, code in (("code", customer), ("relation", relation)):
        if len(code) > lengths.get(word, len(code)):
            problems.append(f"{word} {code} is longer than the {lengths[word]} characters that QAD holds")
    if not customer:
        problems.append("its number does not fit QAD's customer code: say one with --code")
    if customer in accounts.customers.by_code:
        problems.append(f"customer {customer} exists in QAD already")
    held = accounts.customers.by_account.get(account.number)
    if held:
        problems.append(f"QAD holds customer {', '.join(sorted(held))} for this account already")
    return problems
