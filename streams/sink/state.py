"""Where each posting of one connection stands: folded from the sink's own outcomes by one rule.

The newest outcome of a posting is its standing, with one exception: nothing after `posted` takes a posting out of QAD
again.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import Enum

import msgspec

from schemas.ids import PostingId
from schemas.money import ZERO
from schemas.outcomes import (
    AnyOutcome,
    Document,
    Ignored,
    Intended,
    Parked,
    Posted,
    RejectedByQad,
    Released,
    Superseded,
    Unknown,
    Waiting,
)
from streams import waits
from streams.shelf import Shelf, Snapshot, packed, shape_of


class Status(Enum):
    """How far a posting is."""

    INTENDED = "intended"
    UNKNOWN = "unknown"
    POSTED = "posted"
    REJECTED = "rejected"
    WAITING = "waiting"
    PARKED = "parked"
    SUPERSEDED = "superseded"


_SETTLED = frozenset({Status.POSTED, Status.SUPERSEDED})

# What parks by these rules may be in QAD: its reference stands there with other content, QAD says that it has it
# already, nobody can look, or a receipt may carry it.
CONFLICT = "conflict"
DUPLICATE = "duplicate"
NO_LOOK_UP = "unknown_no_look_up"
LOG_NOT_WHOLE = "log_not_whole"
CARRIED_OR_NOT = "carried_or_not"
# ... QAD has it in a status that never makes its GL entry, or had it without that entry and shows it no more.
NEVER_ENTERED = "never_entered"
GONE = "gone_from_qad"
_DISPUTED = frozenset({CONFLICT, DUPLICATE, NO_LOOK_UP, LOG_NOT_WHOLE, CARRIED_OR_NOT, NEVER_ENTERED, GONE})
# What waits by this one is in QAD, in a status that has made no GL entry yet: it is looked up, and never sent again.
NO_ENTRY = "no_gl_entry"
# What parks by this one may be in QAD where that was so before: no intent in the log means that there was no call.
CRASHED = "crashed"

Standstill = Waiting | Parked | Superseded | Ignored


class Standing(msgspec.Struct, array_like=True):
    """One posting.

    Attributes:
        status: How far it is.
        origin: Offset of the content that counts: frozen from Intended on.
        index: Its place in that input.
        first: Offset of the earliest content that an outcome named: it may have been sent since then.
        attempt: Calls intended so far.
        doubted: A call may have been made and nobody knows what became of it: it is looked up.
        disputed: It may be in QAD and was given to a person: nothing goes on with it until that person releases it.
        document: `kind:id` of the Zuora document.
        number: Zuora's number.
        intent: What was intended last, with its control columns.
        qad: Its document, once posted.
        customer: The customer it went to.
        value: What it is worth, where an outcome said so: what is left of it to be sent.
        undone: Of an allocation or unapplication: how much of it and of the other cancelled out before they were sent.
        carried: Allocations that it carries, once posted.
        untold: Allocations that it may carry or not, once posted: nobody can tell.
        reason: Why it stands still.
    """

    status: Status
    origin: int
    index: int
    document: str
    number: str
    first: int
    attempt: int = 0
    doubted: bool = False
    disputed: bool = False
    intent: Intended | None = None
    qad: Document | None = None
    customer: str = ""
    value: Decimal | None = None
    undone: Decimal = ZERO
    carried: frozenset[PostingId] = frozenset()
    untold: frozenset[PostingId] = frozenset()
    source_hash: str = ""
    reason: Standstill | None = None

    @property
    def place(self) -> tuple[int, int]:
        """Where the content that counts stands: of two, the later is the newer."""
        return self.origin, self.index

    @property
    def stands_still(self) -> bool:
        """It is certainly not in QAD, and no call for it is under way."""
        return not self.may_be_there and self.status not in _SETTLED

    @property
    def went_alone(self) -> bool:
        """Of an allocation: a call of its own was intended once, and that is so of none that a receipt carries."""
        return self.intent is not None

    @property
    def lacks_entry(self) -> bool:
        """QAD was seen to have it, in a status that has made no GL entry yet."""
        return self.reason is not None and self.reason.reason.rule == NO_ENTRY

    @property
    def may_be_there(self) -> bool:
        """Nobody knows whether it is in QAD."""
        return self.doubted or self.disputed

    def may_carry(self, allocation: PostingId) -> bool:
        """Return whether an allocation is, or may be, in QAD because this posting carries it."""
        if not self.may_be_there:
            return allocation in self.carried or allocation in self.untold
        # What was sent although the log knows of no intent may carry whatever it offered; so may what is disputed, for
        # its last intent need not be the one that made what stands in QAD.
        return self.intent is None or self.disputed or allocation in self.intent.carried


@dataclass
class SinkState:
    """All postings of one connection."""

    shape = shape_of(Standing)

    postings: Shelf[Standing] = field(
        default_factory=lambda: Shelf(Standing, ended=lambda standing: standing.status in _SETTLED)
    )
    _waiting: defaultdict[str, set[PostingId]] = field(default_factory=lambda: defaultdict(set))

    def take(self, outcome: AnyOutcome) -> None:
        """Take up one outcome of the sink."""
        name = PostingId(outcome.subject)
        standing = self.postings.get(name)
        if standing is None:
            standing = Standing(
                Status.WAITING,
                outcome.origin,
                outcome.index,
                document=outcome.document,
                number=outcome.number,
                first=outcome.origin,
            )
        if standing.status is Status.POSTED:
            return
        self._forget(name, standing)
        standing.origin, standing.index = outcome.origin, outcome.index
        standing.first = min(standing.first, outcome.origin)
        match outcome:
            case Intended():
                standing.status, standing.intent, standing.attempt = Status.INTENDED, outcome, outcome.attempt
                standing.doubted, standing.disputed, standing.value = True, False, outcome.total
                standing.customer, standing.source_hash = outcome.customer, outcome.source_hash
            case Posted():
                standing.status, standing.qad, standing.customer = Status.POSTED, outcome.qad, outcome.customer
                standing.carried, standing.untold = frozenset(outcome.carried), frozenset(outcome.untold)
                standing.source_hash = outcome.source_hash
                standing.intent, standing.doubted, standing.disputed = None, False, False
            case Unknown():
                standing.status = Status.UNKNOWN
            case RejectedByQad():
                standing.status, standing.doubted = Status.REJECTED, False
            case Waiting() | Parked():
                standing.status = Status.WAITING if isinstance(outcome, Waiting) else Status.PARKED
                self._cancel(standing, outcome)
                self._hold(name, standing, outcome)
            case Superseded() | Ignored():
                standing.status, standing.reason = Status.SUPERSEDED, outcome
                self._cancel(standing, outcome)
            case Released():
                standing.status = Status.WAITING
        self.postings.put(name, standing)

    def settled(self, name: PostingId) -> bool:
        """Return whether a posting is in QAD, or never will be."""
        return self.status(name) in _SETTLED

    def status(self, name: PostingId) -> Status | None:
        """Return how far a posting is, or None where nothing is known of it."""
        standing = self.postings.get(name)
        return standing.status if standing else None

    def undone(self, name: PostingId) -> Decimal:
        """Return how much of an allocation or unapplication is not to be sent any more."""
        standing = self.postings.get(name)
        return standing.undone if standing else ZERO

    def held_by(self, keys: Iterable[str], *, topic: str = "", offset: int = 0) -> list[PostingId]:
        """Return the postings that any of these keys release, in the order of their inputs.

        Args:
            keys: What changed.
            topic: The side topic that says so, "" where a posting does.
            offset: Where: a posting that stands still although this was known is not released by it.
        """
        found = {
            name
            for key in keys
            for name in self._waiting.get(key, ())
            if not topic or self._knew(name).get(topic, -1) < offset
        }
        return sorted(found, key=self._turn)

    def to_settle(self) -> list[PostingId]:
        """Return the postings to begin with after a start, in the order of their inputs.

        All that is neither in QAD nor superseded, but what waits for something that comes from a side topic alone, or
        for a person: nothing is sent again because a process was started.
        """
        names = (
            PostingId(name)
            for name, standing in self.postings.live.items()
            if standing.doubted or standing.reason is None or _goes_on(standing.reason)
        )
        return sorted(names, key=self._turn)

    def lacking_entry(self) -> list[PostingId]:
        """Return the postings that QAD has without their GL entry, in the order of their inputs."""
        names = (PostingId(name) for name, standing in self.postings.live.items() if standing.lacks_entry)
        return sorted(names, key=self._turn)

    def standing_still(self) -> frozenset[PostingId]:
        """Return the postings that by the log are certainly not in QAD."""
        return frozenset(PostingId(name) for name, one in self.postings.live.items() if one.stands_still)

    def refused_alike(self) -> list[list[PostingId]]:
        """Return what QAD refused and waits for a side topic, by what it waits for and posting date, oldest first."""
        alike: defaultdict[tuple[tuple[str, ...], date], list[PostingId]] = defaultdict(list)
        for name, standing in sorted(self.postings.live.items(), key=lambda item: item[1].place):
            if isinstance(standing.reason, Waiting) and standing.intent is not None and not _goes_on(standing.reason):
                alike[standing.reason.reason.waits_for, standing.intent.day].append(PostingId(name))
        return list(alike.values())

    def known_sides(self) -> dict[str, int]:
        """Return from which offset on each side topic may hold what releases a posting that stands still."""
        known: dict[str, int] = {}
        for standing in self.postings.live.values():
            if standing.reason is not None:
                for topic, offset in standing.reason.sides.items():
                    known[topic] = min(known.get(topic, offset + 1), offset + 1)
        return known

    def parts(self) -> Sequence[Snapshot]:
        """Return the state as it is now."""
        return (packed(self._waiting), *self.postings.parts())

    def restore(self, parts: Iterator[bytearray]) -> None:
        """Take up what `parts` gave."""
        self._waiting.update(msgspec.msgpack.decode(next(parts), type=dict[str, set[PostingId]]))
        self.postings.restore(parts)

    def _turn(self, name: PostingId) -> tuple[tuple[int, int], PostingId]:
        """Return what orders postings: their place; and their name, so that no order rests on that of a set."""
        return self.postings[name].place, name

    def _knew(self, name: PostingId) -> dict[str, int]:
        reason = self.postings[name].reason
        return reason.sides if reason is not None else {}

    def _cancel(self, standing: Standing, outcome: Standstill) -> None:
        for name, amount in (outcome.cancels or {}).items():
            allocation = self.postings[name]
            allocation.undone += amount
            standing.undone += amount
            if allocation.value is not None:
                allocation.value -= amount
            self.postings.put(name, allocation)

    def _hold(self, name: PostingId, standing: Standing, outcome: Standstill) -> None:
        standing.reason = outcome
        if outcome.reason.rule in _DISPUTED or (outcome.reason.rule == CRASHED and standing.may_be_there):
            standing.doubted, standing.disputed = False, True
        elif outcome.reason.rule == NO_ENTRY and not standing.may_be_there:
            # It was found although the log has lost its intent.
            standing.disputed = True
        standing.value = standing.value if outcome.value is None else outcome.value
        for key in self._keys(standing):
            self._waiting[key].add(name)

    def _forget(self, name: PostingId, standing: Standing) -> None:
        for key in self._keys(standing):
            self._waiting[key].discard(name)
            if not self._waiting[key]:
                del self._waiting[key]
        standing.reason = None

    def _keys(self, standing: Standing) -> tuple[str, ...]:
        if standing.reason is None:
            return ()
        return (*standing.reason.reason.waits_for, waits.release(standing.document))


def _goes_on(said: Standstill) -> bool:
    """Return whether no side topic is needed: it waits for a posting; or for nothing, as what an unapplication left."""
    keys = said.reason.waits_for
    return waits.of_postings(keys) or (isinstance(said, Waiting) and not keys)
