"""How a deciding stage says where a document stands: only when that differs from what it last said."""

from decimal import Decimal

import msgspec

from schemas.deadletters import DeadLetter
from schemas.outcomes import AnyOutcome, Ignored, Parked, Released, Waiting, Whose
from schemas.reasons import Reason
from schemas.topics import Topic, key
from streams.stage import Input, StageSpec
from streams.standings import Entry, Standing


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """Which document an outcome is about, and which input it comes from.

    Attributes:
        record_id: Which version of the record, for a stage that may be given one version twice; else each input is one.
    """

    connection: str
    stage: str
    document: str
    number: str
    origin: int
    input_pass: str
    stamp: str
    record_id: str = ""


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """Where a document stands after a decision; without a reason it went on.

    Attributes:
        whose: Under whom its money stands, where no posting says so.
    """

    how: type[Waiting] | type[Parked] | type[Ignored] = Parked
    reason: Reason | None = None
    currency: str = ""
    value: Decimal | None = None
    whose: Whose | None = None


SETTLED = Verdict()


def outcome_of(verdict: Verdict, subject: Subject, entry: Entry | None) -> AnyOutcome | None:
    """Return the outcome to write, or None when the same version stands as it stood.

    A newer version is said although it stands still for the same reason: a release decides the newest.
    """
    last = entry.standing if entry else None
    if verdict.reason is None:
        if last is None:
            return None
        return Released(
            connection=subject.connection,
            stage=subject.stage,
            subject=subject.document,
            document=subject.document,
            number=subject.number,
            origin=subject.origin,
            input_pass=subject.input_pass,
            stamp=subject.stamp,
        )
    if last is not None and _is_same(last, subject) and type(last) is verdict.how and last.reason == verdict.reason:
        return None
    return verdict.how(
        connection=subject.connection,
        stage=subject.stage,
        subject=subject.document,
        document=subject.document,
        number=subject.number,
        origin=subject.origin,
        input_pass=subject.input_pass,
        stamp=subject.stamp,
        record_id=subject.record_id,
        reason=verdict.reason,
        currency=verdict.currency,
        value=verdict.value,
        whose=verdict.whose or msgspec.UNSET,
    )


def _is_same(last: Standing, subject: Subject) -> bool:
    """Return whether it is the version of a document that last stood still."""
    return last.origin == subject.origin or (bool(subject.record_id) and last.record_id == subject.record_id)


def outcome_key(outcome: AnyOutcome) -> bytes:
    """Return the key under which an outcome is written."""
    return key(outcome.connection, outcome.subject)


def dead_letter(item: Input, *, connection: str, spec: StageSpec, reason: str, side: Topic | None = None) -> DeadLetter:
    """Return the dead letter of an input, or of a record of a side topic, that could not be read: whole."""
    return DeadLetter(
        connection=connection,
        topic=(side or spec.source).value,
        offset=item.offset,
        at_ms=item.timestamp_ms,
        stage=spec.name,
        reason=reason,
        next_step="Find out who wrote these bytes; mend or upgrade, then put it back (ml-connector deadletters).",
        key=item.key,
        value=item.value,
    )
