"""The sink's outcomes, as they are written: each says which posting, of which input, of which document."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Literal, TypeVar

import msgspec

from schemas.errors import OutcomeUnknown, Rejected
from schemas.ids import PostingId
from schemas.money import ZERO
from schemas.outcomes import (
    Document,
    Intended,
    Parked,
    Posted,
    RejectedByQad,
    Standstill,
    Superseded,
    Unknown,
    Waiting,
)
from schemas.postings import AllocationContent, Offer, Posting, PostingSet
from schemas.reasons import Reason
from streams.sink.carrying import offers_of
from streams.sink.spec import STAGE
from streams.sink.state import SinkState, Standing
from streams.sink.steps import Annul

Still = TypeVar("Still", bound=Standstill)


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """A posting on its way, with where its content stands.

    Attributes:
        connection: Its connection.
        posting: The posting.
        origin: Offset of its input in `postings`.
        index: Its place there.
        mapping_version: The mapping that built it.
        undone: How much of an allocation or unapplication is not to be sent any more.
        offers: The applications that the document itself may carry.
    """

    connection: str
    posting: Posting
    origin: int
    index: int
    mapping_version: int
    undone: Decimal = ZERO
    offers: tuple[Offer, ...] = ()

    @property
    def name(self) -> PostingId:
        """The posting's id."""
        return self.posting.id

    @property
    def place(self) -> tuple[int, int]:
        """Where its content stands: of two, the later is the newer."""
        return self.origin, self.index


def jobs_of(event: PostingSet, origin: int) -> list[Job]:
    """Return the postings of one input, in their order."""
    return [
        Job(
            connection=event.connection,
            posting=posting,
            origin=origin,
            index=index,
            mapping_version=event.mapping_version,
            offers=offers_of(posting, event.postings),
        )
        for index, posting in enumerate(event.postings)
    ]


def say_still(
    job: Job,
    how: type[Still],
    reason: Reason,
    *,
    said: tuple[str, ...] = (),
    cancels: Mapping[PostingId, Decimal] | None = None,
) -> Still:
    """Say that a posting does not go on, and why."""
    currency, value = worth(job)
    return how(
        connection=job.connection,
        stage=STAGE,
        subject=job.name,
        document=job.posting.document,
        number=job.posting.number,
        origin=job.origin,
        index=job.index,
        reason=reason,
        currency=currency,
        value=value,
        said=said,
        cancels=dict(cancels) if cancels else msgspec.UNSET,
    )


def say_annulled(job: Job, annul: Annul, state: SinkState) -> list[Waiting | Parked | Superseded]:
    """Say what a posting undoes before it was sent, and what that leaves of itself."""
    others = [say_superseded(job.connection, name, state.postings[name], annul.reason) for name in annul.undone]
    rest = msgspec.structs.replace(job, undone=job.undone + sum(annul.cancels.values(), ZERO))
    how: type[Waiting] | type[Superseded] = Waiting if annul.goes_on else Superseded
    return [*others, say_still(rest, how, annul.reason, cancels=annul.cancels)]


def say_superseded(connection: str, name: PostingId, standing: Standing, reason: Reason) -> Superseded:
    """Say that another posting will not be made."""
    return Superseded(
        connection=connection,
        stage=STAGE,
        subject=name,
        document=standing.document,
        number=standing.number,
        origin=standing.origin,
        index=standing.index,
        reason=reason,
    )


def say_posted(
    job: Job,
    intent: Intended,
    qad: Document,
    *,
    how: Literal["answer", "look_up", "carried", "opening"],
    untold: tuple[PostingId, ...] = (),
    warnings: tuple[str, ...] = (),
) -> Posted:
    """Say that a posting is in QAD."""
    return Posted(
        connection=job.connection,
        stage=STAGE,
        subject=job.name,
        document=job.posting.document,
        number=job.posting.number,
        origin=intent.origin,
        index=intent.index,
        qad=qad,
        attempt=intent.attempt,
        customer=intent.customer,
        currency=intent.currency,
        total=intent.total,
        how=how,
        source_hash=intent.source_hash,
        content_hash=intent.content_hash,
        carried=intent.carried,
        untold=untold,
        warnings=warnings,
    )


def say_there(job: Job, qad: Document, *, customer: str, how: Literal["carried", "opening"]) -> Posted:
    """Say that a posting is in QAD without a call of its own."""
    currency, value = worth(job)
    return Posted(
        connection=job.connection,
        stage=STAGE,
        subject=job.name,
        document=job.posting.document,
        number=job.posting.number,
        origin=job.origin,
        index=job.index,
        qad=qad,
        attempt=0,
        customer=customer,
        currency=currency,
        total=value if value is not None else qad.total or Decimal(0),
        how=how,
        source_hash=job.posting.source_hash,
        content_hash=job.posting.content_hash,
    )


def say_rejected(job: Job, intent: Intended, rejected: Rejected) -> RejectedByQad:
    """Say that QAD refused a posting and changed nothing."""
    return RejectedByQad(
        connection=job.connection,
        stage=STAGE,
        subject=job.name,
        document=job.posting.document,
        number=job.posting.number,
        origin=intent.origin,
        index=intent.index,
        attempt=intent.attempt,
        reason_class=rejected.reason_class,
        messages=rejected.messages,
        answer=rejected.answer,
    )


def say_unknown(job: Job, intent: Intended, unknown: OutcomeUnknown) -> Unknown:
    """Say that nobody knows what became of a call."""
    return Unknown(
        connection=job.connection,
        stage=STAGE,
        subject=job.name,
        document=job.posting.document,
        number=job.posting.number,
        origin=intent.origin,
        index=intent.index,
        attempt=intent.attempt,
        what=str(unknown),
        answer=unknown.answer,
    )


def worth(job: Job) -> tuple[str, Decimal | None]:
    """Return the currency and the value of what is left of a posting to be sent; no value of an opening item."""
    content = job.posting.content
    if isinstance(content, AllocationContent):
        return content.currency, content.amount - job.undone
    return content.currency, getattr(content, "total", None)
