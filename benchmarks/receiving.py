"""How long a callout waits for its 200, beside a bare handler and beside slow clients; and for its record in the log.

Receiver, bare handler, read stage, stand-in and broker are processes of their own; this one calls and measures. Calls
come evenly, and their time runs from when each was due, whatever became of those before.
"""

import asyncio
import secrets
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import aiohttp
import msgspec

from adapters.kafka.cluster import Cluster, started
from benchmarks.latency import Figure, evenly, figure, percentile
from console.demo.house import House, standing_house
from console.wiring import Wiring
from sandbox.kafka.broker import external
from sandbox.kafka.ports import free_port
from sandbox.process import spawn
from sandbox.world.control import ZuoraControl
from schemas.events import read_record
from schemas.topics import Topic

PER_SECOND, SECONDS = 200, 60.0
READ_PER_SECOND, READ_SECONDS = 20, 20.0
PERCENTILES = (50, 99)
RECEIVER, BARE, BESIDE_SLOW = "receiver", "bare handler", "receiver, 90 slow clients beside"

_SITE = "amer"
_INVOICES = 100
_SLOW_HEADS, _SLOW_BODIES = 60, 30
_DRIP_S = 0.5
# What one address may have at once is not what is measured. Other systems than Linux have but one address here.
_SOMEBODY_ELSE = ("127.0.0.2", 0) if sys.platform == "linux" else None
_FIRST_S = 2.0
_START_LIMIT_S = 60.0
_STOP_LIMIT_S = 20.0
# The one partition that no connection has.
_NOBODYS = 7


class Received(msgspec.Struct, frozen=True, kw_only=True):
    """One way of taking callouts in.

    Attributes:
        way: Which.
        p50: From when a callout was due until its answer, in milliseconds.
        p99: Likewise.
        refused: How many were not answered 200, over all runs.
    """

    way: str
    p50: Figure
    p99: Figure
    refused: int


class ReadBack(msgspec.Struct, frozen=True, kw_only=True):
    """One percentile, in milliseconds.

    Attributes:
        percentile: Which.
        record: From when a callout was due until a reader has its record.
        zuora: The same requests to the stand-in, bare and one after the other.
        above: What the first is above the second in the same run.
    """

    percentile: int
    record: Figure
    zuora: Figure
    above: Figure


def receiving(
    *, runs: int, seconds: float = SECONDS, read_seconds: float = READ_SECONDS
) -> tuple[list[Received], list[ReadBack]]:
    """Measure so many runs of everything, after a short one that does not count.

    Raises:
        TimeoutError: Something does not start, or a callout has no record.
    """
    return asyncio.run(_measure(runs, seconds, read_seconds))


async def _measure(runs: int, seconds: float, read_seconds: float) -> tuple[list[Received], list[ReadBack]]:
    async with AsyncExitStack() as stack:
        directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="ml-connector-bench-"))
        house = await stack.enter_async_context(
            standing_house(Path(directory) / "house", seed=1, size=0.1, kafka=external())
        )
        await house.product.command("topics", "create")
        session = await stack.enter_async_context(
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=100), timeout=aiohttp.ClientTimeout(total=30))
        )
        async with _process(house, "receive"):
            door = house.world.sites[_SITE].callout_door(house.receiver)
            caller = _Caller(session, door.url, {"Authorization": aiohttp.encode_basic_auth(door.user, door.password)})
            await caller.until_taken()
            # First: the storms of the others are not to be read back.
            async with _process(house, "work", "read"):
                read = await _read_back(house, caller, runs, read_seconds)
            return await _received(house, caller, runs, seconds), read


class _Caller:
    """Hands callouts in, and keeps how long each took; in seconds."""

    def __init__(self, session: aiohttp.ClientSession, url: str, headers: dict[str, str]) -> None:
        self.session, self.url = session, url
        self.headers = {**headers, "Content-Type": "application/json"}

    async def until_taken(self) -> None:
        """Come back when somebody answers 200.

        Raises:
            TimeoutError: Nobody does.
        """
        async with asyncio.timeout(_START_LIMIT_S):
            while True:
                try:
                    if await self.call(b'{"object": "Nothing", "id": "x"}', "") == 200:
                        return
                except aiohttp.ClientConnectionError:
                    pass
                await asyncio.sleep(0.2)

    async def call(self, body: bytes, name: str) -> int:
        """Send one; return the status."""
        headers = {**self.headers, "Zuora-Notification-Id": name}
        async with self.session.post(self.url, data=body, headers=headers) as answer:
            await answer.read()
            return answer.status

    async def storm(self, seconds: float) -> tuple[list[float], int]:
        """Send 200 a second; return how long each took, and how many were not answered 200."""
        now = asyncio.get_running_loop().time
        taken, answers, series = list[float](), Counter[int](), secrets.token_hex(6)

        def one(number: int) -> Callable[[float], Awaitable[None]]:
            async def act(due: float) -> None:
                # An object that is not read: only taking it in is measured.
                answers[await self.call(b'{"object": "Nothing", "id": "%d"}' % number, f"{series}-{number}")] += 1
                taken.append(now() - due)

            return act

        await evenly([one(number) for number in range(round(PER_SECOND * seconds))], per_second=PER_SECOND)
        return taken, answers.total() - answers[200]


async def _received(house: House, caller: _Caller, runs: int, seconds: float) -> list[Received]:
    port, cluster = free_port(), house.site().cluster
    bare = _Caller(caller.session, f"http://127.0.0.1:{port}/callouts", {})
    words = [str(port), house.addresses.kafka, cluster.name(Topic.CALLOUTS), str(_NOBODYS)]

    async def beside_slow(for_s: float) -> tuple[list[float], int]:
        async with _slow_clients(caller):
            return await caller.storm(for_s)

    ways = {RECEIVER: caller.storm, BARE: bare.storm, BESIDE_SLOW: beside_slow}
    taken: dict[str, list[tuple[list[float], int]]] = {way: [] for way in ways}
    async with _spawned([sys.executable, "-m", "benchmarks.bare_receiver", *words], house.logs / "bare.log"):
        await bare.until_taken()
        for number in range(runs + 1):
            for way, storm in ways.items():
                found = await storm(seconds if number else _FIRST_S)
                if number:
                    taken[way].append(found)
    return [
        Received(
            way=way,
            p50=figure([1e3 * percentile(times, 50) for times, _ in found]),
            p99=figure([1e3 * percentile(times, 99) for times, _ in found]),
            refused=sum(refused for _, refused in found),
        )
        for way, found in taken.items()
    ]


@asynccontextmanager
async def _slow_clients(caller: _Caller) -> AsyncIterator[None]:
    """Let clients send heads and bodies byte by byte meanwhile; whoever is ended comes again.

    Raises:
        ExceptionGroup: One could not come: beside fewer of them nothing is measured.
    """
    host, _, path = caller.url.removeprefix("http://").partition("/")
    name, _, port = host.partition(":")
    head = f"POST /{path} HTTP/1.1\r\nHost: x\r\nX-Slow: "
    lines = [f"POST /{path} HTTP/1.1", "Host: x", "Content-Length: 5000"]
    whole = "\r\n".join([*lines, *(f"{key}: {value}" for key, value in caller.headers.items()), "", ""])

    async def drip(at_once: str) -> None:
        while True:
            _, writer = await asyncio.open_connection(name, int(port), local_addr=_SOMEBODY_ELSE)
            try:
                writer.write(at_once.encode())
                while not writer.is_closing():
                    writer.write(b"x")
                    await writer.drain()
                    await asyncio.sleep(_DRIP_S)
            except ConnectionError:
                pass
            finally:
                writer.close()

    async with asyncio.TaskGroup() as clients:
        tasks = [clients.create_task(drip(head)) for _ in range(_SLOW_HEADS)]
        tasks += [clients.create_task(drip(whole)) for _ in range(_SLOW_BODIES)]
        await asyncio.sleep(1)
        yield
        for task in tasks:
            task.cancel()


# -- from a callout to its record ------------------------------------------------------------------------------------


async def _read_back(house: House, caller: _Caller, runs: int, seconds: float) -> list[ReadBack]:
    control = ZuoraControl(caller.session, house.addresses.zuora[_SITE])
    account = house.world.sites[_SITE].population.billed[0].number
    billed = {"account": account, "items": [{"charge_amount": 100, "taxes": [{"tax_amount": 19}]}]}
    run = await control.act("create_bill_run", auto_post=True, invoices=[billed] * _INVOICES)
    await control.act("generate_bill_run", bill_run=run["billingRunNumber"])
    ids = [row["id"] for row in await control.book("invoices")]
    cluster = house.site().cluster
    partition = (await Wiring(house.site()).partitions())[_SITE]
    found: list[tuple[list[float], list[float]]] = []
    async with _Records(cluster, partition) as records:
        await records.measured(caller, ids[:1], 1)
        zuora = await _Bare.like(house, caller.session, ids[0])
        for number in range(runs + 1):
            for_s = seconds if number else _FIRST_S
            count = round(READ_PER_SECOND * for_s)
            times = await records.measured(caller, ids, count)
            alone = await zuora.measured(ids, count)
            if number:
                found.append((times, alone))
    rows = []
    for percent in PERCENTILES:
        record = [1e3 * percentile(times, percent) for times, _ in found]
        alone = [1e3 * percentile(times, percent) for _, times in found]
        above = [whole - own for whole, own in zip(record, alone, strict=True)]
        rows.append(ReadBack(percentile=percent, record=figure(record), zuora=figure(alone), above=figure(above)))
    return rows


class _Records:
    """Reads the records of a connection as they come."""

    def __init__(self, cluster: Cluster, partition: int) -> None:
        self._cluster, self._partition = cluster, partition
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> "_Records":
        consumer = started(self._cluster.consumer(), self._cluster)
        self._consumer = await self._stack.enter_async_context(consumer)
        self._consumer.assign([self._cluster.partition(Topic.RECORDS, self._partition)])
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def measured(self, caller: _Caller, ids: Sequence[str], count: int) -> list[float]:
        """Hand in so many callouts evenly; return from when each was due until its record was read.

        Raises:
            TimeoutError: One has no record.
        """
        now = asyncio.get_running_loop().time
        series, due, taken = secrets.token_hex(6), dict[str, float](), list[float]()

        def one(number: int) -> Callable[[float], Awaitable[None]]:
            async def act(at: float) -> None:
                name = f"{series}-{number}"
                due[name] = at
                await caller.call(msgspec.json.encode({"object": "Invoice", "id": ids[number % len(ids)]}), name)

            return act

        async def read() -> None:
            while len(taken) < count:
                fetched = await self._consumer.getmany(timeout_ms=500)
                at = now()
                for records in fetched.values():
                    names = (read_record(record.value).found.evidence for record in records)
                    taken.extend(at - due.pop(name) for name in names if name in due)

        async with asyncio.timeout(count / READ_PER_SECOND + _START_LIMIT_S), asyncio.TaskGroup() as tasks:
            tasks.create_task(read())
            # One object comes again only after all others did: no hint is merged with another.
            await evenly([one(number) for number in range(count)], per_second=READ_PER_SECOND)
        return taken


class _Bare:
    """The same requests that the product makes for one object, bare and one after the other."""

    def __init__(self, session: aiohttp.ClientSession, url: str, token: str, asked: Sequence[str], mark: str) -> None:
        self._session, self._url, self._asked, self._mark = session, url, asked, mark
        self._headers = {"Authorization": f"Bearer {token}", "Zuora-Version": "2025-08-12"}

    @classmethod
    async def like(cls, house: House, session: aiohttp.ClientSession, zuora_id: str) -> "_Bare":
        """Return what makes the requests that were made for this object last."""
        url, secret = house.addresses.zuora[_SITE], house.world.secrets()[f"zuora/{_SITE}"]
        async with session.get(f"{url}/control/requests?limit=5000") as answer:
            rows = [row for row in (await answer.json())["rows"] if row["method"] == "GET"]
        asked = [f"{row['path']}?{row['query']}" for row in rows if zuora_id in row["path"] + row["query"]]
        form = {name: secret[name] for name in ("client_id", "client_secret")}
        form |= {"grant_type": "client_credentials"}
        async with session.post(f"{url}/oauth/token", data=form) as answer:
            token = (await answer.json())["access_token"]
        return cls(session, url, token, asked, zuora_id)

    async def measured(self, ids: Sequence[str], count: int) -> list[float]:
        """Make them for so many objects, evenly; return from when each object was due until it was read."""
        now = asyncio.get_running_loop().time
        taken: list[float] = []

        def one(number: int) -> Callable[[float], Awaitable[None]]:
            async def act(due: float) -> None:
                for asked in self._asked:
                    address = self._url + asked.replace(self._mark, ids[number % len(ids)])
                    async with self._session.get(address, headers=self._headers) as answer:
                        await answer.read()
                        answer.raise_for_status()
                taken.append(now() - due)

            return act

        await evenly([one(number) for number in range(count)], per_second=READ_PER_SECOND)
        return taken


# -- processes -------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def _process(house: House, *words: str) -> AsyncIterator[None]:
    """Run a process of the product meanwhile."""
    command = [sys.executable, "-m", "console", "--config", str(house.files.configuration), *words]
    async with _spawned(command, house.logs / f"{'-'.join(words)}.log"):
        yield


@asynccontextmanager
async def _spawned(command: Sequence[str], log: Path) -> AsyncIterator[None]:
    child = spawn(list(command), log=log)
    try:
        yield
    finally:
        child.terminate()
        await asyncio.to_thread(child.wait, _STOP_LIMIT_S)
