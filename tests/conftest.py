"""What all tests share: one real broker for the whole run, and a namespace of its own on it for each test.

`make test` runs them in several processes, since most of them wait: those share the broker of the process that started
them.
"""

import asyncio
import secrets
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from adapters.kafka.administration import create_topics
from adapters.kafka.cluster import Cluster
from sandbox.kafka.broker import Broker, external

# A shell starts what is in the background with Ctrl-C ignored, and what is started here would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Enough for several connections, few enough for a broker that hundreds of tests share.
PARTITIONS = 3

_KAFKA = pytest.StashKey[str]()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Start the broker with the first of several test processes, and tell each where it is."""
    config: pytest.Config = node.config
    if _KAFKA not in config.stash:
        until_the_end = ExitStack()
        config.add_cleanup(until_the_end.close)
        config.stash[_KAFKA] = external() or until_the_end.enter_context(Broker()).bootstrap
    node.workerinput["kafka"] = config.stash[_KAFKA]


@pytest.fixture(scope="session")
def kafka(pytestconfig: pytest.Config) -> Iterator[str]:
    """Address of a broker: the one that $ML_CONNECTOR_KAFKA names, or one of our own for the whole run."""
    named = getattr(pytestconfig, "workerinput", {}).get("kafka") or external()
    if named:
        yield named
        return
    with Broker() as broker:
        yield broker.bootstrap


@pytest.fixture
async def cluster(kafka: str) -> AsyncIterator[Cluster]:
    """A namespace of its own on the broker, with all topics."""
    found = Cluster(kafka, namespace=f"t{secrets.token_hex(4)}.")
    await create_topics(found, partitions=PARTITIONS, replicas=1)
    yield found
    async with found.admin() as admin:
        names = [name for name in await admin.list_topics() if name.startswith(found.namespace)]
        await admin.delete_topics(names)


async def eventually(check: Callable[[], Awaitable[None]], *, within_s: float = 20.0, every_s: float = 0.1) -> None:
    """Try a check again and again until it holds, or its last AssertionError stands."""
    loop = asyncio.get_running_loop()
    until = loop.time() + within_s
    while True:
        try:
            await check()
        except AssertionError:
            if loop.time() >= until:
                raise
            await asyncio.sleep(every_s)
        else:
            return


@pytest.fixture(name="eventually")
def eventually_fixture() -> Callable[..., Awaitable[None]]:
    """The only way in which a test waits."""
    return eventually
