"""Customers read and matched from cold, beside a bare loop that pages the same browse; and one that changes.

The company is the sandbox's stand-in, a process of its own: `python -m benchmarks.customers COUNT` serves it. The
product reads the list page by page, as the poller does, writes what differs to a real broker, takes it up as matching
does, and finds the customer of as many accounts; the bare loop asks for the same pages, decodes them and keeps nothing.
Proposals are measured by themselves: names are compared for a person alone.
"""

import asyncio
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack, contextmanager
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

import aiohttp
import click
import msgspec

from adapters.credentials.secret import Secret
from adapters.kafka.administration import create_topics
from adapters.kafka.cluster import Cluster
from adapters.kafka.feed import ReferenceFeed
from adapters.kafka.publishing import Publisher
from adapters.kafka.reader import Reader, ends_of
from adapters.qad.asking.client import Credentials, QadClient
from adapters.qad.profiles.checks import load_profile
from adapters.qad.profiles.profile import Profile
from adapters.qad.reading.reference import QadReferences
from adapters.reach import Reach
from benchmarks.comparing import Comparison, Measured, measure
from sandbox.kafka.broker import Broker, external
from sandbox.qad.books.master import BusinessRelation
from sandbox.qad.sample import sample_world
from sandbox.qad.server import QadServer
from schemas.events import read_qad_reference
from schemas.mapping import CustomerRules, Daybooks, Mapping, Policy
from schemas.matching import AccountSeen
from schemas.parties import Party
from schemas.references import Customer
from schemas.topics import Topic
from streams.match.fitness import Purpose, Wanted
from streams.match.proposals import Proposer
from streams.match.rules import Customers, find_customer

WORDS = (
    "One company, read over REST in pages of 1,000. The bare loop asks for the same pages, decodes them and keeps "
    "nothing; the product checks and types each row. What is written from cold is every customer; later readings write "
    "what differs, so matching sees a change one pause of `reference_interval_s` and one reading after it at most. "
    "Proposals are for a person alone."
)
CHANGED = "reading"
# What `reference_interval_s` is where nobody sets it (console/config.py).
INTERVAL_S = 900

_CREDENTIALS = Credentials(
    client_id=Secret("ml-connector"), username=Secret("connector"), password=Secret("connector-word")
)
_REACH = Reach(private_hosts=("127.0.0.1",))
_LIMIT_S = 60.0
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


def names(count: int) -> list[str]:
    """Return names of companies, the same each time."""
    chance = Random(1)  # noqa: S311 - the same names each time

    def word() -> str:
        return "".join(chance.choice(_SYLLABLES) for _ in range(chance.randint(2, 4))).title()

    kinds = ("Industrie", "Logistik", "Software", "Energy", "Foods", "Medical", "Systems", "Group")
    return [f"{word()} {word()} {chance.choice(kinds)} GmbH" for _ in range(count)]


async def serve(count: int) -> None:
    """Serve a company with so many customers, and say its address; a line on standard input renames the first one."""
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
        first = server.installation.books.master.business_relations[f"{0:08}"]
        while line := await asyncio.to_thread(sys.stdin.readline):
            first.business_relation_name = line.strip()
            click.echo(first.business_relation_name)


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


def measured(count: int, *, runs: int) -> list[Measured]:
    """Measure a company with so many customers.

    Raises:
        ValueError: The ways did not read the same, or an account found another customer than its own.
    """
    everything = f"{count} customers"
    with ExitStack() as stack:
        house = House(stack)

        def matched() -> Callable[[], int]:
            return lambda: _matched(house.shown, count)

        def laid_out() -> Callable[[], int]:
            def lay_out() -> int:
                house.proposer = Proposer(house.shown)
                return count

            return lay_out

        def proposed() -> Callable[[], int]:
            return lambda: _proposed(house.proposer, count)

        def changed() -> Callable[[], int]:
            name = house.rename()
            return lambda: house.runner.run(house.visible(name))

        house.open(count)
        comparisons = (
            Comparison(
                name=f"{everything} read", count=count, ways={"product": house.reading, "bare loop": house.bare}
            ),
            Comparison(
                name=f"{everything} read, and written to the log from cold", count=count, ways={"poller": house.writing}
            ),
            Comparison(
                name=f"{everything} taken up, and as many accounts matched", count=count, ways={"match": matched}
            ),
            Comparison(
                name=f"one of {everything} changed: read, and seen in the log", count=1, ways={CHANGED: changed}
            ),
            Comparison(name=f"{everything} laid out for proposals", count=count, ways={"match review": laid_out}),
            Comparison(
                name=f"proposals out of {everything}", count=min(_PROPOSED, count), ways={"match review": proposed}
            ),
        )
        return [row for comparison in comparisons for row in measure(comparison, runs=runs)]


class House:
    """A company, the poller that reads it, and the log that this writes."""

    def __init__(self, stack: ExitStack) -> None:
        """Name what ends it all."""
        self._stack = stack
        self.runner = stack.enter_context(asyncio.Runner())
        self.shown: list[Customer] = []
        self.proposer = Proposer([])
        self._renamed = 0

    def open(self, count: int) -> None:
        """Begin all of it; it ends with the stack."""
        command = [sys.executable, "-m", "benchmarks.customers", str(count)]
        pipe = subprocess.PIPE
        self._company = self._stack.enter_context(subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True))  # noqa: S603
        self._url = self._told()
        bootstrap = external() or self._stack.enter_context(Broker()).bootstrap
        self._cluster = Cluster(bootstrap, namespace=f"bench{secrets.token_hex(4)}.")
        self._profile = self._stack.enter_context(profile_of(self._url))
        self._expected = count + len(sample_world().shared_sets[0].customers)
        clients = AsyncExitStack()
        self._stack.callback(lambda: self.runner.run(clients.aclose()))
        self.runner.run(self._open(clients))

    async def _open(self, clients: AsyncExitStack) -> None:
        await create_topics(self._cluster, partitions=1, replicas=1)
        client = await clients.enter_async_context(QadClient(self._profile, _CREDENTIALS, _REACH))
        self._token = await client.token.get()
        self._references = QadReferences(client, self._profile)
        self._publisher = await clients.enter_async_context(Publisher(self._cluster))
        self._feed = self._new_feed()

    def _new_feed(self) -> ReferenceFeed:
        return ReferenceFeed(self._cluster, self._publisher, "c", 0)

    def reading(self) -> Callable[[], int]:
        """Return the product's reading; what it showed is kept."""

        def read() -> int:
            self.shown = self.runner.run(self._read())
            return len(self.shown)

        return read

    def bare(self) -> Callable[[], int]:
        """Return the bare loop."""
        browse_id = self._profile.browses["customers"].browse_id
        return lambda: self.runner.run(bare(self._url, self._token, browse_id))

    def writing(self) -> Callable[[], int]:
        """Return the reading with what it writes where nothing was known."""
        self._feed = self._new_feed()
        return lambda: self.runner.run(self._write())

    def rename(self) -> str:
        """Rename a customer in the company, note where the log ends, and return the name."""
        self._renamed += 1
        name = f"Renamed {self._renamed} GmbH"
        if self._company.stdin is not None:
            self._company.stdin.write(f"{name}\n")
            self._company.stdin.flush()
        if self._told() != name:
            raise ValueError("the company has not renamed its customer")
        ends = self.runner.run(ends_of(self._cluster, 0, [Topic.QAD_REFERENCE]))
        self._end = ends[Topic.QAD_REFERENCE]
        return name

    async def visible(self, name: str) -> int:
        """Read the list, write what differs, and return when a reader of the log has seen that alone."""
        # Opened for this alone: a client whose loop stands still meanwhile does not end cleanly.
        async with Reader(self._cluster, 0, {Topic.QAD_REFERENCE: self._end}) as reader, asyncio.timeout(_LIMIT_S):
            written = await self._write()
            seen: list[str] = []
            while name not in seen:
                seen += [str(_customer_in(record).name) for record in await reader.step()]
        if seen != [name]:
            raise ValueError(f"{len(seen)} changes were seen, not one")
        return written

    async def _read(self) -> list[Customer]:
        shown = [one async for page in self._references.read("customers") for one in page if isinstance(one, Customer)]
        if len(shown) != self._expected:
            raise ValueError(f"{len(shown)} customers, not {self._expected}")
        return shown

    async def _write(self) -> int:
        return await self._feed.write_list("customer", await self._read())

    def _told(self) -> str:
        told = self._company.stdout.readline().strip() if self._company.stdout is not None else ""
        if not told:
            raise ValueError("the company says nothing")
        return told


def _customer_in(record: Any) -> Customer:
    found = read_qad_reference(record.value)
    if not isinstance(found, Customer):
        raise TypeError("only customers were read")
    return found


def _matched(shown: Sequence[Customer], count: int) -> int:
    customers = Customers()
    for one in shown:
        customers.take(one)
    wanted = Wanted(number="INV1", currency="USD", purpose=Purpose.INVOICE)
    for number in range(count):
        found = find_customer(_account(number), wanted, links={}, mapping=_MAPPING, customers=customers)
        if found.customer != f"{number:08}":
            raise ValueError(f"account {number} was matched to {found.customer}")
    return count


def _proposed(proposer: Proposer, count: int) -> int:
    asked = names(count)[:_PROPOSED]
    for name in asked:
        # A slip of the pen, so that no name is equal.
        if not proposer.proposals(Party(id="a", account_number="A-1", name=f"x{name[1:]}")):
            raise ValueError(f"nobody resembles {name}")
    return len(asked)


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


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
