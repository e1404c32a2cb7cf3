"""The content of postings, read again from the log by their offset.

It never decides which content counts: that is the one whose place the state names.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from adapters.kafka.reader import LogRecord
from schemas.events import read_postings
from schemas.ids import PostingId
from schemas.postings import Content, InverseContent, TransferContent
from streams.sink import saying
from streams.sink.saying import Job
from streams.sink.state import SinkState


class Inputs(Protocol):
    """The topic `postings`, read by offset."""

    async def get(self, offsets: Iterable[int]) -> Mapping[int, LogRecord]:
        """Return the records at these offsets."""
        ...


class Contents:
    """The postings of one connection, by name or by place."""

    def __init__(self, state: SinkState, inputs: Inputs) -> None:
        """Read where the state says that a posting stands."""
        self._state = state
        self._inputs = inputs
        self._reading = asyncio.Lock()

    async def of(self, name: PostingId) -> Job:
        """Return a posting with the content that counts for it."""
        origin, index = self._state.postings[name].place
        return (await self._at([origin]))[origin][index]

    async def at(self, places: Sequence[tuple[int, int]]) -> list[Job]:
        """Return the postings at these places: input, and place there."""
        wanted = set(places)
        found = await self._at({origin for origin, _ in wanted})
        return [job for origin, jobs in found.items() for job in jobs if (origin, job.index) in wanted]

    async def inverted(self, job: Job) -> Content | None:
        """Return the content of what a posting undoes as a whole or passes on, None where it does neither."""
        content = job.posting.content
        if not isinstance(content, InverseContent | TransferContent):
            return None
        return (await self.of(content.of)).posting.content

    async def _at(self, origins: Iterable[int]) -> dict[int, list[Job]]:
        async with self._reading:
            found = await self._inputs.get(origins)
        return {origin: saying.jobs_of(read_postings(record.value), origin) for origin, record in found.items()}
