"""Whose turn it is: what happens next to a posting, once nothing else acts on what that touches.

No two tasks act on one posting: what undoes an allocation never meets it half sent. Before something is undone QAD is
asked whether it holds what by the log is not there. What happens next is decided in streams/sink/steps.py; nothing is
written and nothing sent here.
"""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from typing import Protocol

from adapters.kafka.sink_contents import Contents
from schemas.ids import PostingId
from schemas.money import ZERO
from schemas.postings import AllocationContent, ReceiptContent
from streams.sink.saying import Job
from streams.sink.state import SinkState
from streams.sink.steps import Annul, Ready, Step, WaitFor, next_step

# How long a receipt waits for an invoice that is on its way at this moment, so as to carry its application.
_CARRY_PATIENCE_S = 10.0


class Holding(Protocol):
    """What QAD holds (sink_holdings.py)."""

    async def looked(self) -> None:
        """Return once what QAD holds has been read, where the log cannot say it."""
        ...

    def may_be_held(self, name: PostingId) -> bool:
        """Return whether QAD may hold a posting that by the log is not there."""
        ...

    async def held(self, job: Job) -> Decimal | None:
        """Return how much QAD holds of such a posting, or None."""
        ...


class Turns:
    """The turns of one session's postings."""

    def __init__(
        self,
        state: SinkState,
        holdings: Holding,
        contents: Contents,
        live: Mapping[PostingId, asyncio.Task[None]],
    ) -> None:
        """Build it.

        Args:
            state: Where all postings stand.
            holdings: What QAD holds.
            contents: What postings say.
            live: The postings on their way, with their tasks; the session keeps it.
        """
        self._state = state
        self._holdings = holdings
        self._contents = contents
        self._live = live
        self._acting: dict[PostingId, asyncio.Task[None]] = {}
        # What QAD held, when it was asked last, of what a posting undoes.
        self._held: dict[PostingId, dict[PostingId, Decimal]] = {}
        self._asking = asyncio.Lock()

    async def next(self, job: Job) -> Step | None:
        """Return what happens next to a posting when that can happen now, or None if it has ended meanwhile.

        Whoever acts on it says so (`acting_on`) before anything else is waited for.
        """
        step = await self._turn(job)
        if isinstance(step, Ready) and not self._may_be_there(job.name):
            await self._carry(job)
            step = await self._turn(job)
        return step

    @contextmanager
    def acting_on(self, name: PostingId, step: Step | None = None) -> Iterator[None]:
        """Mark that the current task writes or sends what becomes of a posting, and of what that undoes."""
        task, names = self._live[name], (name, *(_undone_by(step) if isinstance(step, Annul) else ()))
        self._acting.update(dict.fromkeys(names, task))
        try:
            yield
        finally:
            for one in names:
                del self._acting[one]

    async def nobody_acts_on(self, name: PostingId) -> None:
        """Return when nobody acts on a posting."""
        while name in self._acting:
            await asyncio.wait([self._acting[name]])

    def held(self, name: PostingId) -> Mapping[PostingId, Decimal]:
        """Return what QAD held, when it was asked last, of what a posting undoes."""
        return self._held.get(name, {})

    def over(self, name: PostingId) -> None:
        """Forget a posting that is on its way no more."""
        self._held.pop(name, None)

    # -- who waits for whom --------------------------------------------------------------------------------------------

    async def _turn(self, job: Job) -> Step | None:
        while not self._state.settled(job.name):
            step = await self._next(job)
            under_way = self._under_way(job, step)
            if under_way:
                await asyncio.wait(under_way)
            elif not self._state.settled(job.name):
                return step
        return None

    def _under_way(self, job: Job, step: Step) -> list[asyncio.Task[None]]:
        """Return the tasks that must end first: the posting that it waits for, or whoever acts on what it touches."""
        if isinstance(step, WaitFor):
            return [self._live[step.posting]] if step.posting in self._live else []
        content = job.posting.content
        touched = [job.name]
        if isinstance(step, Annul):
            touched.extend(_undone_by(step))
            # The receipt that is being sent may carry what is undone.
            touched.extend([content.payer] if isinstance(content, AllocationContent) else [])
        else:
            touched.extend(offer.allocation for offer in job.offers)
        return [self._acting[name] for name in touched if name in self._acting]

    def _may_be_there(self, name: PostingId) -> bool:
        standing = self._state.postings.get(name)
        return standing is not None and standing.may_be_there

    async def _carry(self, job: Job) -> None:
        """Let invoices that are on their way at this moment come in first, so that the receipt can carry them."""
        content = job.posting.content
        if isinstance(content, ReceiptContent):
            coming = [self._live[offer.item] for offer in content.offers if offer.item in self._live]
            if coming:
                await asyncio.wait(coming, timeout=_CARRY_PATIENCE_S)

    # -- what QAD holds ------------------------------------------------------------------------------------------------

    async def _next(self, job: Job) -> Step:
        """Return what happens next, once QAD was asked what it holds of that which would be annulled."""
        asked: set[PostingId] = set()
        held = self._held[job.name] = {}
        while True:
            step = next_step(job.posting, self._state, held)
            names = _annulled_by(step, job)
            if asked.issuperset(names):
                return step
            # One after the other, so that what undoes first also acts first.
            async with self._asking:
                await self._holdings.looked()
                for name in filter(self._holdings.may_be_held, names):
                    amount = await self._held_of(name, job)
                    if amount is not None:
                        held[name] = amount
            asked.update(names)

    async def _held_of(self, name: PostingId, job: Job) -> Decimal | None:
        """Return how much QAD holds of a posting that by the log is not there, or None."""
        if name != job.name and self._state.postings.get(name) is None:
            return ZERO
        other = job if name == job.name else await self._contents.of(name)
        content = job.posting.content
        is_payer = isinstance(content, AllocationContent) and name == content.payer
        # Only a receipt carries something.
        if is_payer and not isinstance(other.posting.content, ReceiptContent):
            return None
        return await self._holdings.held(other)


def _undone_by(annul: Annul) -> tuple[PostingId, ...]:
    """Return the postings of which something is undone."""
    return tuple(annul.cancels) or annul.undone


def _annulled_by(step: Step, job: Job) -> tuple[PostingId, ...]:
    """Return of which postings nothing may be in QAD for this step: itself, what it undoes, and what may carry that."""
    content = job.posting.content
    if not isinstance(step, Annul):
        return ()
    return (job.name, *_undone_by(step), *((content.payer,) if isinstance(content, AllocationContent) else ()))
