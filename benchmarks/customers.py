"""`python -m benchmarks.customers`: customers read and matched from cold, beside a bare loop over the same browse.

The company is the sandbox's stand-in, a process of its own. The product reads the list page by page, takes it up as
matching does, and finds the customer of as many accounts; the bare loop asks for the same pages and keeps nothing of
them. Proposals are measured by themselves: names are compared for a person alone.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from random import Random

import aiohttp
import click
import msgspec

from adapters.credentials.secret import Secret
from adapters.qad.asking.client import Credentials, QadClient
from adapters.qad.profiles.checks import load_profile
from adapters.qad.profiles.profile import Profile
from adapters.qad.reading.reference import QadReferences
from adapters.reach import Reach
from benchmarks.comparing import machine
from sandbox.qad.books.master import BusinessRelation
from sandbox.qad.sample import sample_world
from sandbox.qad.server import QadServer
from schemas.mapping import CustomerRules, Daybooks, Mapping, Policy
from schemas.matching import AccountSeen
from schemas.parties import Party
from schemas.references import Customer
from streams.match.fitness import Purpose, Wanted
from streams.match.proposals import Proposer
from streams.match.rules import Customers, find_customer

_TEMPLATE = Path(__file__).parents[1] / "sandbox" / "world" / "profile.toml"
_SYLLABLES = (
    "ba",
    "be",
    "bo",
    "ka",
    "ke",
    "ko",
    "la",
    "le",
    "lo",
    "ma",
    "me",
    "mo",
    "ra",
    "re",
    "ro",
    "sa",
    "se",
    "to",
)
_PROPOSED = 100
# The stand-in's largest page.
_PAGE = 1000
_MAPPING = Mapping(
    first_document_date=date(2026, 1, 1),
    cut_over=date(2026, 1, 1),
    policy=Policy(deferral_system="zuora"),
    daybooks=Daybooks(invoice="I", credit_note="C", receipt="R", adjustment="A"),
    lines=(),
    banks=(),
    customers=CustomerRules(),
)


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """One run, in seconds."""

    bare_s: float
    read_s: float
    matched_s: float
    laid_out_s: float
    proposed_ms: float


def names(count: int) -> list[str]:
    """Return names of companies, the same each time."""
    chance = Random(1)  # noqa: S311 - the same names each time

    def word() -> str:
        return "".join(chance.choice(_SYLLABLES) for _ in range(chance.randint(2, 4))).title()

    kinds = ("Industrie", "Logistik", "Software", "Energy", "Foods", "Medical", "Systems", "Group")
    return [f"{word()} {word()} {chance.choice(kinds)} GmbH" for _ in range(count)]


async def serve(count: int) -> None:
    """Serve a company with so many customers until the end of standard input; say its address first."""
    world = sample_world()
    like = world.shared_sets[0].customers[0]
    for number, name in enumerate(names(count)):
        code = f"{number:08}"
        world.business_relations.append(
            BusinessRelation(business_relation_code=code, business_relation_name=name, search_name=name[:28])
        )
        customer = msgspec.structs.replace(
            like, customer_code=code, business_relation_code=code, custom_short_0=f"B-{number:08}"
        )
        world.shared_sets[0].customers.append(customer)
    async with QadServer(world=world) as server:
        click.echo(server.url)
        await asyncio.to_thread(sys.stdin.read)


@contextmanager
def profile_of(url: str) -> Iterator[Profile]:
    """Yield the profile of the company at an address."""
    text = _TEMPLATE.read_text(encoding="utf-8").replace("@BASE_URL@", url).replace("@WORKSPACE@", "10USA_10USACO")
    for name, value in (("DOMAIN", "10USA"), ("ENTITY", "10USACO"), ("SHARED_SET", "CORP")):
        text = text.replace(f"@{name}@", value)
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "profile.toml"
        path.write_text(text, encoding="utf-8")
        profile = load_profile(path)
    yield msgspec.structs.replace(
        profile, limits=msgspec.structs.replace(profile.limits, page_size=_PAGE, timeout_s=30.0, settle_s=60.0)
    )


async def bare(url: str, token: str, browse_id: str) -> int:
    """Page through the browse and keep nothing; return how many rows there were."""
    rows, page, more = 0, 0, True
    headers = {"Authorization": f"Bearer {token}", "x-qad-workspace-id": "10USA_10USACO"}
    async with aiohttp.ClientSession(headers=headers) as session:
        while more:
            page += 1
            query = {"browseId": browse_id, "page": str(page), "pageSize": str(_PAGE)}
            query["pageAction"] = "first" if page == 1 else "next"
            async with session.get(f"{url}/api/qracore/browses", params=query) as answer:
                told = msgspec.json.decode(await answer.read())
            rows += len(told["data"])
            more = told["auxillaryData"]["HasMoreParams"] == "true"
    return rows


async def measure(url: str, count: int) -> Measured:
    """Read and match once, in both ways."""
    with profile_of(url) as profile:
        credentials = Credentials(
            client_id=Secret("ml-connector"), username=Secret("connector"), password=Secret("connector-word")
        )
        async with QadClient(profile, credentials, Reach(private_hosts=("127.0.0.1",))) as client:
            token = await client.token.get()
            began = time.perf_counter()
            rows = await bare(url, token, profile.browses["customers"].browse_id)
            bare_s = time.perf_counter() - began
            began = time.perf_counter()
            shown: list[Customer] = []
            async for page in QadReferences(client, profile).read("customers"):
                shown += [one for one in page if isinstance(one, Customer)]
            read_s = time.perf_counter() - began
    if not rows == len(shown) == count + len(sample_world().shared_sets[0].customers):
        raise click.ClickException(f"{rows} rows, {len(shown)} customers: nothing is compared")
    began = time.perf_counter()
    customers = Customers()
    for one in shown:
        customers.take(one)
    wanted = Wanted(number="INV1", currency="USD", purpose=Purpose.INVOICE)
    for number in range(count):
        found = find_customer(_account(number), wanted, links={}, mapping=_MAPPING, customers=customers)
        if found.customer != f"{number:08}":
            raise click.ClickException(f"account {number} was matched to {found.customer}")
    matched_s = time.perf_counter() - began
    began = time.perf_counter()
    proposer = Proposer(shown)
    laid_out_s = time.perf_counter() - began
    began = time.perf_counter()
    for name in names(count)[:_PROPOSED]:
        # A slip of the pen, so that no name is equal.
        if not proposer.proposals(Party(id="a", account_number="A-1", name=f"x{name[1:]}")):
            raise click.ClickException(f"nobody resembles {name}")
    proposed_ms = 1000 * (time.perf_counter() - began) / min(_PROPOSED, count)
    return Measured(bare_s=bare_s, read_s=read_s, matched_s=matched_s, laid_out_s=laid_out_s, proposed_ms=proposed_ms)


def _account(number: int) -> AccountSeen:
    return AccountSeen(
        connection="c",
        id=str(number),
        number=f"B-{number:08}",
        origin=number,
        record_id="r",
        stamp="",
        currency="USD",
        claimed_by=("c",),
    )


async def compare(count: int, runs: int) -> None:
    """Serve, measure, and say each run."""
    command = [sys.executable, "-m", "benchmarks.customers", "--customers", str(count), "--serve"]
    pipe = asyncio.subprocess.PIPE
    server = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
    try:
        if server.stdout is None:
            raise click.ClickException("the stand-in says nothing")
        url = (await server.stdout.readline()).decode().strip()
        for _ in range(runs):
            one = await measure(url, count)
            click.echo(
                f"{count} customers: bare loop {one.bare_s:.2f} s; read {one.read_s:.2f} s "
                f"({one.read_s / one.bare_s:.2f} times that), matched {one.matched_s:.2f} s; "
                f"laid out for proposals {one.laid_out_s:.2f} s, {one.proposed_ms:.1f} ms for an account"
            )
    finally:
        if server.stdin is not None:
            server.stdin.close()
        await server.wait()


@click.command()
@click.option("--customers", "count", type=click.IntRange(min=1), default=100_000, show_default=True)
@click.option("--runs", type=click.IntRange(min=1), default=5, show_default=True)
@click.option("--serve", "serves", is_flag=True, hidden=True)
def main(*, count: int, runs: int, serves: bool) -> None:
    """Read and match customers from cold, beside a bare loop that pages the same browse."""
    if serves:
        asyncio.run(serve(count))
        return
    click.echo(machine())
    asyncio.run(compare(count, runs))


if __name__ == "__main__":
    main()
