"""Which Kafka, and how its clients are set up: every setting that matters is said here, once."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaConnectionError, KafkaError

from schemas.errors import Transient
from schemas.topics import LETTER_MESSAGE_BYTES_MAX, MESSAGE_BYTES_MAX, Topic

# How long one request to the broker may take; an outage longer than this shows, and the caller starts anew.
REQUEST_TIMEOUT_MS = 30_000
# A zombie's open transaction hides what others committed behind it for so long at most.
TRANSACTION_TIMEOUT_MS = 10_000
# One fetch: large enough for one record of the largest size. A larger letter comes alone: a broker answers with one
# record at least, and to fetch as much ahead of every other topic would only cost memory.
FETCH_BYTES_MAX = MESSAGE_BYTES_MAX + 1024 * 1024
# How long a start or stop is waited for that was cancelled: it adds to what the sender of a callout waits for its 503.
_WHOLLY_S = 1.0


@dataclass(frozen=True, slots=True)
class Cluster:
    """A Kafka cluster and the share of it that is ours.

    Attributes:
        bootstrap: `host:port`, or several with commas.
        namespace: Put before every topic and group, so that several deployments can share a cluster.
    """

    bootstrap: str
    namespace: str = ""

    def name(self, topic: Topic) -> str:
        """Return the topic's name on the cluster."""
        return f"{self.namespace}{topic.value}"

    def partition(self, topic: Topic, partition: int) -> TopicPartition:
        """Return the client's name of one partition."""
        return TopicPartition(self.name(topic), partition)

    def group(self, stage: str) -> str:
        """Return the consumer group of a stage."""
        return f"{self.namespace}ml-connector.{stage}"

    def consumer(self, **settings: Any) -> AIOKafkaConsumer:
        """Return a consumer that reads committed records and commits nothing by itself."""
        return AIOKafkaConsumer(
            bootstrap_servers=self.bootstrap,
            **{
                "enable_auto_commit": False,
                "auto_offset_reset": "earliest",
                "isolation_level": "read_committed",
                "request_timeout_ms": REQUEST_TIMEOUT_MS,
                "max_partition_fetch_bytes": FETCH_BYTES_MAX,
                "fetch_max_wait_ms": 500,
                **settings,
            },
        )

    def producer(self, **settings: Any) -> AIOKafkaProducer:
        """Return an idempotent producer that is answered by all replicas."""
        return AIOKafkaProducer(
            bootstrap_servers=self.bootstrap,
            **{
                "acks": "all",
                "enable_idempotence": True,
                "linger_ms": 0,
                "max_request_size": LETTER_MESSAGE_BYTES_MAX,
                "max_batch_size": 131_072,
                "request_timeout_ms": REQUEST_TIMEOUT_MS,
                **settings,
            },
        )

    @asynccontextmanager
    async def admin(self) -> AsyncIterator[Any]:
        """Yield an aiokafka admin client.

        Raises:
            Transient: The cluster cannot be reached; the message says where it was looked for.
        """
        client = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap, request_timeout_ms=REQUEST_TIMEOUT_MS)
        await _begin(client.start, client.close, self)
        try:
            yield client
        except KafkaError as error:
            raise Transient(f"Kafka at {self.bootstrap} refused: {error}") from error
        finally:
            await _wholly(client.close())


async def begin(client: Any, cluster: Cluster) -> None:
    """Start a consumer or producer, wholly or not at all.

    Raises:
        Transient: The cluster cannot be reached.
    """
    await _begin(client.start, client.stop, cluster)


async def finish(*clients: Any) -> None:
    """Stop consumers or producers side by side, wholly, also when cancelled meanwhile."""
    await _wholly(*(client.stop() for client in clients))


@asynccontextmanager
async def started(client: Any, cluster: Cluster) -> AsyncIterator[Any]:
    """Start a consumer or producer and stop it at the end.

    Raises:
        Transient: The cluster cannot be reached, or refused something meanwhile.
    """
    await begin(client, cluster)
    try:
        yield client
    except KafkaError as error:
        raise Transient(f"Kafka at {cluster.bootstrap} refused: {error}") from error
    finally:
        await finish(client)


async def _begin(
    start: Callable[[], Coroutine[Any, Any, None]], stop: Callable[[], Coroutine[Any, Any, None]], cluster: Cluster
) -> None:
    try:
        await _wholly(start())
    except BaseException as error:
        await _wholly(stop())
        if isinstance(error, KafkaConnectionError):
            raise Transient(f"no Kafka answers at {cluster.bootstrap}: start it, or set [kafka] bootstrap") from None
        raise


async def _wholly(*works: Coroutine[Any, Any, None]) -> None:
    """Let clients' starts or stops come to their end before a cancellation goes on.

    Cancelled in there, aiokafka loses an open connection; or takes it for the end of a task that it has cancelled
    itself, and who was cancelled goes on as if nothing had been.
    """
    all_of_them = asyncio.gather(*works)
    # Where the cancellation goes on, nobody asks any more how they ended.
    all_of_them.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
    try:
        await asyncio.shield(all_of_them)
    except asyncio.CancelledError:
        await asyncio.wait([all_of_them], timeout=_WHOLLY_S)
        all_of_them.cancel()
        raise
