"""Where the documents of one stage and partition stand: newest version, newest pass, what they wait for.

Folded from the stage's own outcomes by one rule. Shared by the stages that decide documents; the sink has its own
(streams/sink/state.py).
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import msgspec

from schemas.decisions import (
    DocumentCorrected,
    DocumentReclassified,
    DocumentReleased,
    DocumentReplayed,
    StageReplayed,
)
from schemas.outcomes import AnyOutcome, Ignored, Parked, Released, Waiting
from streams import waits
from streams.shelf import Shelf, Snapshot, packed
from streams.stage import LIVE

Standing = Waiting | Parked | Ignored
# Why a document is decided again that people moved lines of: only what they decided is news of it.
RECLASS = "reclass"


class Entry(msgspec.Struct, array_like=True):
    """One document.

    Attributes:
        origin: Offset of the newest version that was decided.
        passes: How many times that version was decided with a new result, after the first.
        stamp: Newest stamp of that version.
        standing: Its last outcome here, if it stands still or is ignored.
        decisions: Offset of `decisions` up to which its last result knew them.
    """

    origin: int
    passes: int = 0
    stamp: str = ""
    standing: Standing | None = None
    decisions: int = -1

    @property
    def is_unsettled(self) -> bool:
        """It stands still; or it is ignored, and a newer version has a result, which says that it is not.

        A process that is killed between a result and its outcome leaves the older outcome standing.
        """
        if isinstance(self.standing, Ignored):
            return self.standing.origin < self.origin
        return self.standing is not None


def _entries() -> Shelf[Entry]:
    return Shelf(Entry, ended=lambda entry: not entry.is_unsettled)


def _waiting() -> defaultdict[str, set[str]]:
    return defaultdict(set)


@dataclass(slots=True)
class Standings:
    """All documents of one stage and partition."""

    entries: Shelf[Entry] = field(default_factory=_entries)
    _waiting: defaultdict[str, set[str]] = field(default_factory=_waiting)
    _ordered: dict[str, tuple[int, str]] = field(default_factory=dict)
    _replays: list[StageReplayed] = field(default_factory=list)

    def settle(self, document: str, *, origin: int, input_pass: str, stamp: str, decisions: int | None = None) -> None:
        """Take up that a result of this input exists, and how far it knew the decisions."""
        entry = self._settled(document, origin=origin, input_pass=input_pass, stamp=stamp)
        if decisions is not None:
            entry.decisions = decisions
        self.entries.put(document, entry)

    def stand(self, outcome: AnyOutcome) -> None:
        """Take up an outcome of this stage."""
        document = outcome.subject
        entry = self._settled(document, origin=outcome.origin, input_pass=outcome.input_pass, stamp=outcome.stamp)
        self._forget(document, entry)
        if isinstance(outcome, Waiting | Parked | Ignored):
            entry.standing = outcome
            for key in outcome.reason.waits_for:
                self._waiting[key].add(document)
        elif isinstance(outcome, Released):
            entry.standing = None
        self.entries.put(document, entry)

    def order(
        self,
        decision: DocumentReleased | DocumentReplayed | DocumentCorrected | DocumentReclassified | StageReplayed,
        offset: int,
    ) -> None:
        """Take up that a person asked for a document, or a range of inputs, to be decided again."""
        match decision:
            case StageReplayed():
                self._replays.append(decision)
            case DocumentReleased():
                self._ordered[decision.document] = (offset, "release")
            case DocumentReplayed() | DocumentCorrected():
                self._ordered[decision.document] = (offset, "replay")
            case DocumentReclassified(document=document):
                # What was asked for and is not answered yet is more.
                self._ordered[document] = (offset, self._unanswered(document) or RECLASS)

    def again(self, offset: int, document: str) -> str:
        """Return why an input is decided again although it may be known: "replay", "release", "reclass", or ""."""
        if any(replay.from_offset <= offset < replay.to_offset for replay in self._replays):
            return "replay"
        return self._unanswered(document)

    def held_by(self, keys: Iterable[str]) -> list[tuple[int, str]]:
        """Return (origin, why) of the documents that any of these keys release, oldest first."""
        found: dict[int, str] = {}
        for key in keys:
            for entry in self.waiting_for(key):
                found[entry.origin] = "release"
            document = key.removeprefix("release:")
            if document != key and (named := self.entries.get(document)) is not None:
                if named.standing is not None:
                    found[named.origin] = "release"
                if document in self._ordered:
                    found[named.origin] = self._ordered[document][1]
        return sorted(found.items())

    def waiting_for(self, key: str) -> Iterator[Entry]:
        """Yield the documents that stand still until a key changes."""
        for document in self._waiting.get(key, ()):
            yield self.entries[document]

    def unsettled(self) -> list[tuple[int, str]]:
        """Return (origin, why) of all that stands still or was ordered and not yet answered, oldest first."""
        found = {entry.origin: "release" for entry in self.entries.live.values()}
        for document, (offset, why) in self._ordered.items():
            entry = self.entries.get(document)
            if entry is not None and offset > entry.decisions:
                found[entry.origin] = why
        return sorted(found.items())

    def documents_waited_for(self) -> list[str]:
        """Return the keys of documents that something waits for: a start asks again, in case a change was missed."""
        return sorted(key for key in self._waiting if waits.is_document(key))

    def parts(self) -> Sequence[Snapshot]:
        """Return what was folded; what people ordered is learnt from their decisions again."""
        return (packed(self._waiting), *self.entries.parts())

    def restore(self, parts: Iterator[bytearray]) -> None:
        """Take up what `parts` gave."""
        self._waiting.update(msgspec.msgpack.decode(next(parts), type=dict[str, set[str]]))
        self.entries.restore(parts)

    def _settled(self, document: str, *, origin: int, input_pass: str, stamp: str) -> Entry:
        entry = self.entries.get(document) or Entry(origin=origin, stamp=stamp)
        if origin > entry.origin:
            entry.origin, entry.passes, entry.stamp = origin, 0, stamp
        # Two topics are read in any order: what an older input came to says nothing of the newest.
        if origin == entry.origin:
            entry.passes = max(entry.passes, pass_number(input_pass))
        return entry

    def _unanswered(self, document: str) -> str:
        ordered = self._ordered.get(document)
        entry = self.entries.get(document) if ordered else None
        return ordered[1] if entry and ordered and ordered[0] > entry.decisions else ""

    def _forget(self, document: str, entry: Entry) -> None:
        if entry.standing is not None:
            for key in entry.standing.reason.waits_for:
                self._waiting[key].discard(document)
                if not self._waiting[key]:
                    del self._waiting[key]


def pass_number(input_pass: str) -> int:
    """Return 0 for live, n for `release:n`, `replay:n` and `reclass:n`."""
    _, _, number = input_pass.partition(":")
    return int(number) if number else 0


def next_pass(entry: Entry | None, offset: int, again: str) -> str:
    """Return the pass under which a result of this input stands."""
    if not again or entry is None or entry.origin != offset:
        return LIVE
    return f"{again}:{entry.passes + 1}"
