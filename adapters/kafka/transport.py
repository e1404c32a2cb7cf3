"""The Faust transport that loses nothing: one message per run of records, committed below the lowest run still open.

Stock Faust acknowledges an event whose handler raised, and commits over an unfinished event at the head of a partition
(faust-streaming#606). Here an offset is committed only when every run before it was acknowledged. Private names of
faust-streaming are touched in this module alone; the version is pinned to the one they were read in.
"""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import faust
import structlog
from aiokafka import AIOKafkaConsumer
from faust.transport.drivers import TRANSPORTS
from faust.transport.drivers import aiokafka as driver
from faust.transport.utils import DefaultSchedulingStrategy
from faust.types import TP

log = structlog.get_logger(__name__)

SCHEME = "ml-connector"

# How long a look at what is held back takes at most: as Faust's own.
_HELD_S = 1.0


class RunThread(driver.AIOKafkaConsumerThread):
    """The thread of the client; it ends in good order also where the client does not."""

    async def on_thread_stop(self) -> None:
        """Close the client: woken after its session, aiokafka was seen to stumble over a connection it had given up.

        What is raised here would leave the thread before it says that it has ended, and the worker waiting for it.
        """
        try:
            await super().on_thread_stop()
        except Exception as error:  # noqa: BLE001 - whatever it was: nothing is read with this client any more
            log.warning("the Kafka client did not close cleanly", what=type(error).__name__)


class RunConsumer(driver.Consumer):
    """A consumer whose commits never pass an open run.

    A run is open from its delivery until that very message is acknowledged. An acknowledgement of a message that was
    fetched before the last seek or revocation is ignored: the run comes again, and a static member keeps its generation
    id, so no number would tell the two apart.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._open: dict[TP, dict[int, Any]] = {}
        self._let_go = asyncio.Event()

    def _new_consumer_thread(self) -> driver.AIOKafkaConsumerThread:
        return RunThread(self, loop=self.loop, beacon=self.beacon)

    def on_buffer_drop(self, tp: TP) -> None:
        """Fetch a partition again."""
        super().on_buffer_drop(tp)
        self._let_go.set()

    async def _wait_next_records(self, timeout: float) -> Any:
        """Go on as soon as a partition is let go: Faust sleeps for a second while it has none to fetch.

        One lane at full speed is held back every 600 documents: more than half of its time went by in those sleeps.
        """
        while self.flow_active and self._buffered_partitions and not self._get_active_partitions():
            if self.should_stop:
                break
            self._let_go.clear()
            await self.wait(self._let_go.wait(), timeout=_HELD_S)
        return await super()._wait_next_records(timeout)

    def _to_message(self, tp: TP, record: Any) -> Any:
        message = super()._to_message(tp, record)
        read = self._read_offset[tp]
        # What is below the read offset Faust drops as read before, and nobody would acknowledge it.
        if read is None or message.offset >= read:
            self._open.setdefault(tp, {})[message.offset] = message
        return message

    def ack(self, message: Any) -> bool:
        """Acknowledge a run, if it is the one that is open."""
        opened = self._open.get(message.tp, {})
        is_open = opened.get(message.offset) is message
        if not is_open:
            return False
        del opened[message.offset]
        return bool(super().ack(message))

    async def perform_seek(self) -> None:
        """Go back to what was committed, and to the start of what never was.

        aiokafka passes over a partition without a commit (or with a commit of 0), so what was fetched of it and dropped
        in the rebalance would never come again: 286 of 1500 records were lost that way before this was here.
        """
        self._open.clear()
        self._acked.clear()
        self._acked_index.clear()
        # Faust takes a commit that failed over the rebalance for made: only what the broker says counts.
        self._committed_offset.clear()
        await super().perform_seek()
        fresh = [tp for tp in self.assignment() if not self._committed_offset.get(tp)]
        if fresh:
            await self.seek_wait(await self.earliest_offsets(*fresh))

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Forget the open runs of partitions that are gone."""
        for tp in revoked:
            self._open.pop(tp, None)
        await super().on_partitions_revoked(revoked)

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Do nothing: offsets of runs jump, and Faust's list of gaps would grow for ever."""

    def _new_offset(self, tp: TP) -> int | None:
        floor = min(list(self._open.get(tp, ())), default=None)
        done = sorted(offset for offset in self._acked[tp] if floor is None or offset < floor)
        if not done:
            return None
        self._acked[tp][:] = [offset for offset in self._acked[tp] if offset > done[-1]]
        self._acked_index[tp].difference_update(done)
        return int(done[-1]) + 1


class IdempotentProducer(driver.Producer):
    """A producer that repeats nothing of its own accord: Faust offers no setting for it."""

    def _settings_extra(self) -> dict[str, Any]:
        return {"acks": "all", "enable_idempotence": True}


class RunTransport(driver.Transport):
    """Joins the two."""

    Consumer = RunConsumer
    Producer = IdempotentProducer


TRANSPORTS.aliases[SCHEME] = f"{__name__}:RunTransport"


def run_scheduler(run_records: int) -> type[DefaultSchedulingStrategy]:
    """Return a scheduler that delivers up to so many fetched records of one partition as one message."""

    class RunScheduler(DefaultSchedulingStrategy):
        """Turns what was fetched into runs; a run never mixes partitions."""

        def iterate(self, records: Mapping[TP, list[Any]]) -> Iterator[tuple[TP, Any]]:
            for tp, fetched in records.items():
                for start in range(0, len(fetched), run_records):
                    run = fetched[start : start + run_records]
                    yield tp, replace(run[-1], key=None, value=run, headers=())

    return RunScheduler


class RunSchema(faust.Schema[None, list[Any]]):
    """Hands the run through: the event's value is a list of aiokafka records, each with key, value and headers."""

    def __init__(self) -> None:
        super().__init__(key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")

    def loads_key(self, app: Any, message: Any, *, loads: Any = None, serializer: Any = None) -> None:
        """Return nothing: keys are in the records."""

    def loads_value(self, app: Any, message: Any, *, loads: Any = None, serializer: Any = None) -> list[Any]:
        """Return the run."""
        run: list[Any] = message.value
        return run


def client_of(app: faust.App) -> AIOKafkaConsumer:
    """Return the client under a running app's consumer."""
    consumer: Any = app.consumer
    client: AIOKafkaConsumer = consumer._thread._consumer  # noqa: SLF001 - Faust hands it out nowhere
    return client
