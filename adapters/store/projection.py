"""What an event says to people: about which document it is, and where that document stands after it.

Pure: a record of the log in, rows out. Bytes that cannot be read make a row all the same, so that nothing is invisible.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import msgspec

from schemas.callouts import Callout
from schemas.codec import Event
from schemas.cursors import Position, Reread
from schemas.deadletters import DeadLetter
from schemas.decisions import AnyDecision, DeadLetterPutBack, MappingPublished
from schemas.errors import Unreadable
from schemas.events import EVENTS
from schemas.ids import document_key
from schemas.matching import AccountSeen, MatchedEvent
from schemas.outcomes import AnyOutcome, Ignored, Intended, Parked, Posted, Standstill, Superseded, Waiting
from schemas.postings import AllocationContent, OpeningContent, Posting, PostingSet
from schemas.records import RecordKind, ZuoraRecord
from schemas.references import Customer, QadReference, ZuoraReference, reference_code, reference_kind
from schemas.topics import Topic
from streams.documents import facts_of
from streams.read.hints import read_hint
from streams.waits import accounts_among


class EventRow(msgspec.Struct, frozen=True, kw_only=True):
    """One event."""

    type: str
    connection: str = ""
    document: str = ""
    number: str = ""
    subject: str = ""


class DocumentRow(msgspec.Struct, frozen=True, kw_only=True):
    """What Zuora says a document is."""

    connection: str
    document: str
    number: str
    currency: str
    value: Decimal


class StandingRow(msgspec.Struct, frozen=True, kw_only=True):
    """Where a subject stands for a stage.

    Attributes:
        account: Id of the billing account for which it stands still, if it is for one.
    """

    connection: str
    stage: str
    subject: str
    document: str
    number: str
    status: str
    origin: int
    rule: str = ""
    message: str = ""
    next_step: str = ""
    blocked_by: str = ""
    currency: str = ""
    value: Decimal | None = None
    said: tuple[str, ...] = ()
    account: str = ""


class DeadLetterRow(msgspec.Struct, frozen=True, kw_only=True):
    """One dead letter."""

    connection: str
    topic: str
    offset: int
    stage: str
    reason: str
    next_step: str


class PostingRow(msgspec.Struct, frozen=True, kw_only=True):
    """What a posting uses of QAD.

    Attributes:
        day: Its posting date.
        uses: `kind:code` of each reference that it names.
    """

    posting: str
    document: str
    currency: str
    total: Decimal
    day: str
    uses: tuple[str, ...]


class Projected(msgspec.Struct, frozen=True, kw_only=True):
    """The rows of one event."""

    event: EventRow
    document: DocumentRow | None = None
    standing: StandingRow | None = None
    dead_letter: DeadLetterRow | None = None
    put_back: DeadLetterPutBack | None = None
    reread: Reread | None = None
    postings: tuple[PostingRow, ...] = ()
    shown: QadReference | None = None
    published: MappingPublished | None = None


def project(topic: Topic, value: bytes) -> Projected:
    """Return the rows of one record of the log."""
    try:
        event = EVENTS[topic](value)
    except Unreadable:
        return Projected(event=EventRow(type="unreadable"))
    return _ROWS[topic](event)


def _tag(event: Event) -> str:
    return str(event.__struct_config__.tag)


def _callout(event: Callout) -> Projected:
    try:
        hint = read_hint(event)
    except Unreadable:
        hint = None
    document = document_key(hint.kind, hint.id) if hint else ""
    row = EventRow(type="callout", connection=event.connection, document=document, subject=event.notification_id)
    return Projected(event=row)


def _record(event: ZuoraRecord) -> Projected:
    document = document_key(event.kind, event.id)
    number, facts = "", None
    if event.kind != RecordKind.ACCOUNT:
        try:
            found = facts_of(event)
        except Unreadable:
            found = None
        if found is not None:
            number = found.number
            facts = DocumentRow(
                connection=event.connection,
                document=document,
                number=number,
                currency=found.currency,
                value=found.value,
            )
    what = "deletion" if event.deleted else "record"
    row = EventRow(type=f"{what} by {event.found.by}", connection=event.connection, document=document, number=number)
    return Projected(event=row, document=facts)


def _matched(event: MatchedEvent) -> Projected:
    if isinstance(event, AccountSeen):
        document = document_key(RecordKind.ACCOUNT, event.id)
    else:
        document = document_key(event.kind, event.id)
    row = EventRow(type=_tag(event), connection=event.connection, document=document, number=event.number)
    return Projected(event=row)


def _postings(event: PostingSet) -> Projected:
    document = document_key(event.kind, event.id)
    row = EventRow(
        type=f"{len(event.postings)} postings", connection=event.connection, document=document, number=event.number
    )
    return Projected(event=row, postings=tuple(found for one in event.postings if (found := _use(one)) is not None))


def _use(posting: Posting) -> PostingRow | None:
    """Return what a posting uses, None where nothing is posted: an opening item is looked up."""
    content = posting.content
    if isinstance(content, OpeningContent):
        return None
    uses = [f"daybook:{content.daybook}", f"currency:{content.currency}"]
    uses += [f"customer:{customer}" for customer in (getattr(content, "customer", ""),) if customer]
    uses += [f"gl_account:{account}" for account in (getattr(content, "bank_account", ""),) if account]
    uses += [f"gl_account:{line.account}" for line in getattr(content, "lines", ())]
    return PostingRow(
        posting=posting.id,
        document=posting.document,
        currency=content.currency,
        total=content.amount if isinstance(content, AllocationContent) else content.total,
        day=str(content.posting_date),
        uses=tuple(dict.fromkeys(uses)),
    )


def _outcome(event: AnyOutcome) -> Projected:
    row = EventRow(
        type=f"{event.stage} {_tag(event)}",
        connection=event.connection,
        document=event.document,
        number=event.number,
        subject=event.subject,
    )
    standing = StandingRow(
        connection=event.connection,
        stage=event.stage,
        subject=event.subject,
        document=event.document,
        number=event.number,
        status=_tag(event),
        origin=event.origin,
    )
    match event:
        case Waiting() | Parked() | Ignored() | Superseded():
            standing = _with_reason(standing, event)
        case Intended() | Posted():
            standing = msgspec.structs.replace(standing, currency=event.currency, value=event.total)
        case _:
            pass
    return Projected(event=row, standing=standing)


def _with_reason(standing: StandingRow, event: Standstill) -> StandingRow:
    reason = event.reason
    return msgspec.structs.replace(
        standing,
        rule=reason.rule,
        message=reason.message,
        next_step=reason.next_step,
        blocked_by=reason.blocked_by,
        currency=event.currency,
        value=event.value,
        said=event.said,
        account=next(iter(accounts_among(reason.waits_for)), ""),
    )


def _decision(event: AnyDecision) -> Projected:
    row = EventRow(
        type=f"decision {_tag(event)}",
        connection=event.connection,
        document=getattr(event, "document", ""),
        number=str(getattr(event, "number", "")),
        subject=event.by,
    )
    return Projected(
        event=row,
        put_back=event if isinstance(event, DeadLetterPutBack) else None,
        published=event if isinstance(event, MappingPublished) else None,
    )


def _zuora_reference(event: ZuoraReference) -> Projected:
    return Projected(event=EventRow(type=reference_kind(event), subject=reference_code(event)))


def _qad_reference(event: QadReference) -> Projected:
    shown = event
    if isinstance(event, Customer):
        # Drift goes by code and flags: who a customer is stays in the log.
        shown = Customer(
            code=event.code, active=event.active, held=event.held, currency=event.currency, gone=event.gone
        )
    return Projected(event=EventRow(type=reference_kind(event), subject=reference_code(event)), shown=shown)


def _cursor(event: Position) -> Projected:
    row = EventRow(type=_tag(event), connection=event.connection, subject=event.kind)
    return Projected(event=row, reread=event if isinstance(event, Reread) else None)


def _dead_letter(event: DeadLetter) -> Projected:
    letter = DeadLetterRow(
        connection=event.connection,
        topic=event.topic,
        offset=event.offset,
        stage=event.stage,
        reason=event.reason,
        next_step=event.next_step,
    )
    row = EventRow(type="dead letter", connection=event.connection, subject=f"{event.topic}@{event.offset}")
    return Projected(event=row, dead_letter=letter)


_ROWS: Mapping[Topic, Callable[[Any], Projected]] = {
    Topic.CALLOUTS: _callout,
    Topic.RECORDS: _record,
    Topic.ZUORA_REFERENCE: _zuora_reference,
    Topic.QAD_REFERENCE: _qad_reference,
    Topic.DECISIONS: _decision,
    Topic.MATCHED: _matched,
    Topic.POSTINGS: _postings,
    Topic.OUTCOMES: _outcome,
    Topic.DEAD_LETTERS: _dead_letter,
    Topic.CURSORS: _cursor,
}
