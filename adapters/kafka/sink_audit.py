"""Which postings have no outcome although the sink's group has committed past them: they were lost, and are taken up.

It reads `postings` beside the stage, from where every posting is accounted for to where the group has committed. It
never sends anything.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from types import TracebackType

import msgspec

from adapters.kafka.cluster import Cluster, begin, finish
from schemas.errors import Unreadable
from schemas.events import read_postings
from schemas.ids import PostingId
from streams.sink.spec import SPEC, STAGE

# How long one poll waits, and how many records it takes.
_POLL_MS = 500
_POLL_RECORDS = 2000


class _Named(msgspec.Struct, frozen=True):
    id: PostingId


class _Input(msgspec.Struct, frozen=True):
    """An input as far as it is needed here: a million of them are read after a log was lost."""

    postings: tuple[_Named, ...] = ()


class Audit:
    """The postings behind the commit of one partition."""

    def __init__(self, cluster: Cluster, partition: int) -> None:
        """Name them."""
        self._cluster = cluster
        self._part = cluster.partition(SPEC.source, partition)
        # It joins no group: it asks for its commit alone.
        self._consumer = cluster.consumer(group_id=cluster.group(STAGE), max_poll_records=_POLL_RECORDS)

    async def __aenter__(self) -> "Audit":
        await begin(self._consumer, self._cluster)
        self._consumer.assign([self._part])
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await finish(self._consumer)

    async def committed(self) -> int:
        """Return the offset up to which the group has done its work, 0 where it has done none."""
        return int(await self._consumer.committed(self._part) or 0)

    async def lost(self, first: int, end: int, has_outcome: Callable[[PostingId], bool]) -> Sequence[tuple[int, int]]:
        """Return where postings stand (input, place there) that have no outcome, each where it came last, in order.

        Args:
            first: Offset to begin with.
            end: Offset before which the last one stands.
            has_outcome: Whether a posting has one.
        """
        places: dict[PostingId, tuple[int, int]] = {}
        async for offset, value in self._inputs(first, end):
            missing = [(index, name) for index, name in enumerate(_names(value)) if not has_outcome(name)]
            # Read as far as it was needed; only what is taken up is read whole.
            if missing and _is_readable(value):
                places |= {name: (offset, index) for index, name in missing}
        return sorted(places.values())

    async def _inputs(self, first: int, end: int) -> AsyncIterator[tuple[int, bytes]]:
        ends = await self._consumer.end_offsets([self._part])
        end = min(end, int(ends[self._part]))
        if first >= end:
            return
        self._consumer.seek(self._part, first)
        while await self._consumer.position(self._part) < end:
            fetched = await self._consumer.getmany(self._part, timeout_ms=_POLL_MS)
            for record in fetched.get(self._part, ()):
                if record.offset < end:
                    yield record.offset, record.value or b""


def _names(value: bytes) -> Sequence[PostingId]:
    """Return the postings of an input; none of bytes that nobody can read: they are a dead letter."""
    try:
        return [posting.id for posting in _decode(value).postings]
    except (msgspec.DecodeError, ValueError, RecursionError):
        return ()


def _is_readable(value: bytes) -> bool:
    """Whether it is no dead letter."""
    try:
        read_postings(value)
    except Unreadable:
        return False
    return True


_decode = msgspec.json.Decoder(_Input).decode
