"""Writes what people decide, and reads it back: the log says who, when and why; and what the ledger would say of it."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime

from adapters.kafka.publishing import Publication, Publisher
from adapters.kafka.reader import read_whole
from console.wiring import Wiring
from schemas.decisions import AnyDecision, Decision
from schemas.errors import CannotGoOn, Misconfigured, Unreadable
from schemas.events import read_decision, read_qad_reference
from schemas.topics import Topic, key
from streams.ledger.known.books import Books


async def decide(wiring: Wiring, decision: Decision) -> None:
    """Write a decision; back when the broker has it."""
    partitions = await wiring.partitions()
    async with Publisher(wiring.site.cluster) as publisher:
        await publisher.publish(
            [
                Publication(
                    topic=Topic.DECISIONS,
                    partition=partitions[decision.connection],
                    key=key(decision.connection),
                    event=decision,
                )
            ]
        )


async def decided(wiring: Wiring, connection: str) -> Sequence[AnyDecision]:
    """Return all decisions of a connection, oldest first; what nobody can read there is a dead letter already."""
    partitions = await wiring.partitions()
    found = []
    for record in await read_whole(wiring.site.cluster, partitions[connection], [Topic.DECISIONS]):
        with suppress(Unreadable):
            found.append(read_decision(record.value))
    return found


def proposer(people: Sequence[str], person: str) -> str:
    """Return who proposed what a person says as well and thereby approves; "" where they are the first to say it.

    Args:
        people: Who said it, in the order of the log.
        person: Who says it now.

    Raises:
        Misconfigured: Two have said it; or it was this person.
    """
    others = [one for one in people if not is_same_person(one, people[0])]
    if others:
        raise Misconfigured(f"{people[0]} and {others[0]} have decided it: look where it stands by ml-connector trace")
    if people and is_same_person(person, people[0]):
        raise Misconfigured(f"{people[0]} proposed it: another person must approve, by the same command")
    return people[0] if people else ""


def is_same_person(one: str, other: str) -> bool:
    """Return whether two names are one person's: case and spaces around them make no second one."""
    return one.strip().casefold() == other.strip().casefold()


async def read_books(wiring: Wiring, connection: str, decisions: Iterable[AnyDecision]) -> Books:
    """Return what QAD showed and what was published and approved, as the ledger stage knows it."""
    partitions = await wiring.partitions()
    books = Books()
    for record in await read_whole(wiring.site.cluster, partitions[connection], [Topic.QAD_REFERENCE]):
        with suppress(Unreadable):
            books.shown_by_qad(read_qad_reference(record.value))
    for decision in decisions:
        books.decided(decision)
    return books


@contextmanager
def as_the_ledger_says() -> Iterator[None]:
    """Refuse what the ledger stage would hold, in its words.

    Raises:
        Misconfigured: With the reason and what to do about it.
    """
    try:
        yield
    except CannotGoOn as stop:
        raise Misconfigured(f"{stop.reason.message}. {stop.reason.next_step}") from None


def now() -> datetime:
    """Return the moment of a decision."""
    return datetime.now(UTC)
