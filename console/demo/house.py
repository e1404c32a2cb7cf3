"""Everything that the demo runs on: a broker, two stand-ins for each company, an installation of the product.

It starts them as processes of their own, and stops them. What they write stays in the directory.
"""

import asyncio
import fcntl
import secrets
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from subprocess import TimeoutExpired
from urllib.parse import urlsplit

import aiohttp

from adapters.credentials.keys import make_key_file
from adapters.credentials.store import CredentialStore
from console.config import Site, load_site
from console.demo.product import Product
from sandbox.kafka.broker import Broker
from sandbox.kafka.ports import HOST, free_port
from sandbox.process import Child, spawn
from sandbox.world import Address, Addresses, Controls, Files, Pace, World, build_world, qad_path, write_files
from schemas.errors import ConnectorError, Misconfigured

# 1 s is usual; the rest is for a busy machine.
_START_LIMIT_S = 60.0
_STOP_LIMIT_S = 10.0
_LOOK_S = 0.1


class House:
    """What stands, and where.

    Attributes:
        directory: Configuration, credentials, data and logs.
        world: Both companies.
        files: What was written for them.
        addresses: Where everything answers.
        product: The installation.
    """

    def __init__(self, directory: Path, world: World, addresses: Addresses, *, pace: Pace) -> None:
        """Write all files of an installation; nothing starts yet."""
        self.directory = directory
        self.world = world
        self.addresses = addresses
        self.files: Files = write_files(world, directory, addresses=addresses, pace=pace)
        site = self.site()
        make_key_file(site.path(site.config.store.key_file))
        store = CredentialStore(site.path(site.config.store.credentials), site.path(site.config.store.key_file))
        for owner, fields in world.secrets().items():
            for field, text in fields.items():
                store.set(owner, field, text)
        self.logs = directory / "logs"
        self.logs.mkdir()
        self.product = Product(self.files.configuration, log=self.logs / "run.log")

    def site(self) -> Site:
        """Read the product's configuration."""
        return load_site(self.files.configuration)

    @property
    def page(self) -> str:
        """Address of the product's page."""
        return f"http://{self.addresses.observe.host}:{self.addresses.observe.port}/"

    @property
    def receiver(self) -> str:
        """Address of the product's receiver."""
        return f"http://{self.addresses.receiver.host}:{self.addresses.receiver.port}"

    def controls(self) -> dict[str, Controls]:
        """Return where the story acts on the stand-ins of each site."""
        return {
            name: Controls(
                zuora=self.addresses.zuora[name],
                qad=urlsplit(self.addresses.qad[name])._replace(path="/control").geturl(),
            )
            for name in self.world.sites
        }

    def stand_ins(self) -> dict[str, tuple[str, list[str]]]:
        """Return each stand-in's address and command."""
        found = {}
        for name in self.world.sites:
            for system, url, world in (
                ("zuora", self.addresses.zuora[name], self.files.zuora_worlds[name]),
                ("qad", self.addresses.qad[name], self.files.qad_worlds[name]),
            ):
                port = str(urlsplit(url).port)
                command = [sys.executable, "-m", f"sandbox.{system}", "--port", port, "--world", str(world)]
                command += ["--speaks", self.world.sites[name].site.dialect] if system == "qad" else []
                found[f"{system}-{name}"] = (url, command)
        return found


@asynccontextmanager
async def standing_house(directory: Path, *, seed: int, size: float, kafka: str | None = None) -> AsyncIterator[House]:
    """Start a broker and the stand-ins, and set the product up; end them all on leaving.

    Args:
        directory: Where everything is written; what an earlier demo left there is removed.
        seed: Seed of the world.
        size: Size of the world; 1.0 is a full trial.
        kafka: A broker that stands already, and may be shared; without one, one is started.

    Raises:
        Misconfigured: Another demo runs in this directory, or the directory is not a demo's.
        ConnectorError: Something did not start.
    """
    async with AsyncExitStack() as stack:
        _claim(directory, stack)
        pace = Pace(namespace=f"demo{secrets.token_hex(4)}." if kafka else "")
        kafka = kafka or await _start_broker(directory / "kafka", stack)
        world = await asyncio.to_thread(build_world, seed=seed, size=size)
        house = House(directory, world, _addresses(world, kafka), pace=pace)
        await _start_stand_ins(house, stack)
        stack.push_async_callback(house.product.stop)
        yield house


def _claim(directory: Path, stack: AsyncExitStack) -> None:
    """Take a directory for this demo alone, and empty it."""
    mark = directory / ".ml-connector-demo"
    if directory.exists() and any(directory.iterdir()) and not mark.exists():
        raise Misconfigured(f"{directory} holds something else than a demo: name another --directory")
    directory.mkdir(parents=True, exist_ok=True)
    lock = stack.enter_context(mark.open("a"))
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise Misconfigured(f"a demo runs in {directory} already: end it, or name another --directory") from None
    for path in directory.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path != mark:
            path.unlink()


async def _start_broker(directory: Path, stack: AsyncExitStack) -> str:
    broker = Broker(directory)
    await asyncio.to_thread(broker.start)
    stack.callback(broker.stop)
    return broker.bootstrap


def _addresses(world: World, kafka: str) -> Addresses:
    ports: list[int] = []
    while len(ports) < 2 * len(world.sites) + 2:
        port = free_port()
        if port not in ports:
            ports.append(port)
    free = iter(ports)
    return Addresses(
        kafka=kafka,
        zuora={name: f"http://{HOST}:{next(free)}" for name in world.sites},
        qad={name: f"http://{HOST}:{next(free)}{qad_path(one.site)}" for name, one in world.sites.items()},
        receiver=Address(port=next(free)),
        observe=Address(port=next(free)),
    )


async def _start_stand_ins(house: House, stack: AsyncExitStack) -> None:
    stand_ins = house.stand_ins()
    children: dict[str, Child] = {}
    for name, (_, command) in stand_ins.items():
        children[name] = spawn(command, log=house.logs / f"{name}.log")
        stack.callback(_end, children[name])
    async with aiohttp.ClientSession() as session:
        await asyncio.gather(
            *(_answers(session, name, url, children[name], house.logs) for name, (url, _) in stand_ins.items())
        )


async def _answers(session: aiohttp.ClientSession, name: str, url: str, child: Child, logs: Path) -> None:
    """Come back when a server answers, whatever it says."""
    loop = asyncio.get_running_loop()
    until = loop.time() + _START_LIMIT_S
    while True:
        try:
            async with session.get(url):
                return
        except aiohttp.ClientConnectionError:
            pass
        if child.poll() is not None or loop.time() > until:
            raise ConnectorError(f"the stand-in {name} did not start: see {logs / f'{name}.log'}")
        await asyncio.sleep(_LOOK_S)


def _end(child: Child) -> None:
    child.terminate()
    try:
        child.wait(_STOP_LIMIT_S)
    except TimeoutExpired:
        child.kill()
        child.wait()
