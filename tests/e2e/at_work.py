"""A product that runs between two companies, its mappings published: what a test does to it, and what it looks at."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from adapters.kafka.cluster import started
from adapters.store.readmodel import ReadModel, Standing
from console.demo.house import House, standing_house
from console.demo.product import CommandFailed
from console.demo.quiet import until_quiet
from console.demo.screen import Screen
from console.wiring import Wiring
from sandbox.world import Scene, Story, tell_story
from sandbox.world.chapters.trouble_days import DAY
from sandbox.world.charges import priced, services
from schemas.topics import Topic
from tests.e2e.judging import documents_of

Eventually = Callable[..., Awaitable[None]]

_ALL = ("posted", "parked", "waiting", "ignored", "superseded", "intended", "unknown", "rejected")
# The mapping of the trial that has rows for everything the story bills.
_MAPPING = 2


class AtWork:
    """A running product and the world around it."""

    def __init__(self, house: House, story: Story, eventually: Eventually) -> None:
        self.house = house
        self.story = story
        self.eventually = eventually
        self.wiring = Wiring(house.site())

    def scene(self, site: str) -> Scene:
        return self.story.scenes[site]

    async def publish_mappings(self) -> None:
        """Publish as soon as what QAD allows has been read."""
        for site in self.story.scenes:
            file = self.house.files.mappings[site][_MAPPING - 1].name

            async def published(site: str = site, file: str = file) -> None:
                words = ("mapping", "publish", file, "--connection", site, "--why", "agreed", "--yes")
                try:
                    await self.house.product.command(*words)
                except CommandFailed as failed:
                    raise AssertionError(str(failed)) from None

            await self.eventually(published, within_s=60, every_s=0.5)

    async def bill(self, site: str, *, part: str = "neighbour", amount: int = 100) -> str:
        """Post an invoice that nothing is wrong with; return its number."""
        account = self.scene(site).cast[part]
        items = self.scene(site).taxed(account, services(priced(amount, account), DAY))
        return str((await self.scene(site).post(account, items, DAY))["invoiceNumber"])

    async def put(self, site: str, topic: Topic, *values: bytes | None, key: bytes = b"test") -> list[int]:
        """Put records into a site's partition of a topic; return their offsets."""
        partition = (await self.wiring.partitions())[site]
        cluster = self.wiring.site.cluster
        async with started(cluster.producer(), cluster) as producer:
            return [
                (await producer.send_and_wait(cluster.name(topic), value, key=key, partition=partition)).offset
                for value in values
            ]

    async def rest(self) -> None:
        """Wait until everything is read and every stage rests."""
        read_to = {name: await scene.zuora.next_second() for name, scene in self.story.scenes.items()}
        await until_quiet(self.wiring, read_to=read_to, screen=Screen())

    def standings(self, site: str, number: str) -> list[Standing]:
        """Return where everything of a document stands."""
        with ReadModel(self.wiring.data / "readmodel.sqlite") as model:
            return [
                standing
                for connection, key in model.find(number)
                if connection == site
                for standing in model.standings(statuses=_ALL, connection=connection, document=key)
            ]

    async def in_qad(self, site: str, number: str) -> Decimal | None:
        """Return the total under which QAD has an invoice; None where it has none."""
        found = [one for one in await documents_of(self.scene(site)) if one["content"].get("reference") == number]
        assert len(found) < 2, f"{number} is in QAD {len(found)} times"
        return Decimal(found[0]["content"]["original_amount"]) if found else None

    async def comes_into_qad(self, site: str, number: str, *, within_s: float = 30) -> None:
        """Wait until an invoice is in QAD."""

        async def is_there() -> None:
            assert await self.in_qad(site, number) is not None, [str(one.row) for one in self.standings(site, number)]

        await self.eventually(is_there, within_s=within_s, every_s=0.3)

    async def comes_to_stand(self, site: str, number: str, *, rule: str) -> Standing:
        """Wait until a document is parked by a rule; return how it stands."""
        found: list[Standing] = []

        async def is_parked() -> None:
            standings = self.standings(site, number)
            found[:] = [one for one in standings if (one.row.status, one.row.rule) == ("parked", rule)]
            assert found, [(one.row.status, one.row.rule) for one in standings]

        await self.eventually(is_parked, within_s=30, every_s=0.3)
        return found[0]

    @property
    def log(self) -> str:
        """What all processes have logged."""
        return self.house.product.log.read_text(encoding="utf-8")

    def pids(self) -> dict[str, int]:
        """Return the process that each name stands for now."""
        names = ("receive", "poll", "read", "match", "ledger", "sink", "observe")
        return {name: self.house.product.pid_of(name) for name in names}


@asynccontextmanager
async def at_work(
    directory: Path,
    *,
    kafka: str,
    eventually: Eventually,
    before: Callable[[House], Any] = lambda _house: None,
) -> AsyncIterator[AtWork]:
    """Yield a product at work; `before` may change its files before it starts, and may be a coroutine."""
    async with standing_house(directory, seed=7, size=0.1, kafka=kafka) as house:
        changed = before(house)
        if changed is not None:
            await changed
        async with tell_story(house.world, house.controls(), receiver=house.receiver) as story:
            work = AtWork(house, story, eventually)
            await house.product.command("topics", "create")
            house.product.start()
            await work.publish_mappings()
            yield work
