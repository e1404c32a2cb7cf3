"""Dead letters: what they are, and putting their bytes back into their topic, once, after whatever made them is mended.

Put back means written again behind all that stands there, marked by a header, and then a decision that says who and
why. Nothing is put back by itself, so what is still bad comes back as one new dead letter. A stage meets the bytes as
it meets any repeat: what is in QAD stays as it is.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress

import msgspec

from adapters.kafka.cluster import started
from adapters.kafka.reader import read_whole
from adapters.store.readmodel import ReadModel
from console.decisions import decide, decided, now
from console.wiring import STAGES, Wiring
from schemas.deadletters import DeadLetter
from schemas.decisions import DeadLetterPutBack
from schemas.errors import Misconfigured, Unreadable
from schemas.events import EVENTS, read_dead_letter
from schemas.ids import document_key
from schemas.topics import Topic

HEADER = "put-back"

_SOURCES = {spec.source for spec in STAGES.values()}
# What a stage writes for another one: of two versions of a document there, the later one counts.
_RESULTS = (Topic.MATCHED, Topic.POSTINGS)


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """A dead letter, and what has become of it.

    Attributes:
        name: How commands name it: topic@offset of the original.
        put_back_at: Where the bytes stand again; None where nobody has put them back.
    """

    name: str
    letter: DeadLetter
    put_back_at: int | None = None


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """What putting one dead letter back would do.

    Attributes:
        hindrance: Why it is not put back; "" where it can be.
        still_unreadable: What this version says to the bytes; "" where it reads them.
    """

    connection: str
    name: str
    hindrance: str
    still_unreadable: str


async def read_letters(wiring: Wiring, connections: Iterable[str]) -> list[Letter]:
    """Return all dead letters of these connections from the log, oldest first; one that stood there twice, once."""
    partitions = await wiring.partitions()
    found: list[Letter] = []
    for connection in connections:
        put_back = {
            (decision.topic, decision.offset): decision.again_at
            for decision in await decided(wiring, connection)
            if isinstance(decision, DeadLetterPutBack)
        }
        letters: dict[tuple[str, int, bytes], DeadLetter] = {}
        for record in await read_whole(wiring.site.cluster, partitions[connection], [Topic.DEAD_LETTERS]):
            with suppress(Unreadable):  # bytes of nobody, on the very topic for such
                letter = read_dead_letter(record.value)
                # What never stood in a topic is told apart by its key.
                letters[letter.topic, letter.offset, letter.key if letter.offset < 0 else b""] = letter
        found.extend(
            Letter(
                name=f"{letter.topic}@{letter.offset}",
                letter=letter,
                put_back_at=put_back.get((letter.topic, letter.offset)),
            )
            for letter in letters.values()
        )
    return found


def named(letters: Sequence[Letter], names: Sequence[str]) -> list[Letter]:
    """Return the letters of these names.

    Raises:
        Misconfigured: There is no such letter, or several connections have one of that name.
    """
    found = []
    for name in dict.fromkeys(names):
        matching = [one for one in letters if one.name == name]
        if not matching:
            raise Misconfigured(f"no dead letter is named {name}: deadletters list names them")
        connections = sorted({one.letter.connection for one in matching})
        if len(connections) > 1:
            raise Misconfigured(f"{' and '.join(connections)} have a {name} each: name one with --connection")
        found.extend(matching)
    return found


def plan(letters: Iterable[Letter], model: ReadModel) -> list[Move]:
    """Return what putting these letters back would do; nothing is changed."""
    return [
        Move(
            connection=one.letter.connection,
            name=one.name,
            hindrance=_hindrance(one, model),
            still_unreadable=_unreadable(one.letter),
        )
        for one in letters
    ]


async def put_back(wiring: Wiring, letters: Iterable[Letter], *, by: str, why: str) -> list[DeadLetterPutBack]:
    """Write the bytes of letters into their topics again; return what was decided, with where each stands now.

    The bytes come first: ended between the two, the letter is put back once more, which a stage takes for a repeat.
    """
    partitions = await wiring.partitions()
    cluster = wiring.site.cluster
    decisions = []
    async with started(cluster.producer(), cluster) as producer:
        for one in letters:
            letter = one.letter
            sent = await producer.send_and_wait(
                cluster.name(Topic(letter.topic)),
                letter.value,
                key=letter.key,
                partition=partitions[letter.connection],
                headers=[(HEADER, one.name.encode())],
            )
            decision = DeadLetterPutBack(
                connection=letter.connection,
                by=by,
                at=now(),
                why=why,
                topic=letter.topic,
                offset=letter.offset,
                again_at=sent.offset,
            )
            await decide(wiring, decision)
            decisions.append(decision)
    return decisions


def _hindrance(one: Letter, model: ReadModel) -> str:
    letter = one.letter
    if one.put_back_at is not None:
        return f"it was put back already and stands at {letter.topic}@{one.put_back_at}"
    if letter.offset < 0:
        return "it never stood in a topic: what it is about is read again when it changes in Zuora"
    if letter.topic not in _SOURCES:
        # Behind newer decisions or references the old one would count as the newest.
        return f"{letter.topic} is read beside the inputs: decide it again, or let the poll read it again"
    newer = _newer(letter, model)
    if newer is not None:
        return f"a newer one of the same document stands at {letter.topic}@{newer}: that one counts"
    return ""


def _newer(letter: DeadLetter, model: ReadModel) -> int | None:
    """Return the offset of a later result of the same document, where an older one would take its place."""
    words = letter.key.decode(errors="replace").split("|")
    if letter.topic not in _RESULTS or len(words) != len(("connection", "kind", "id")):
        return None
    events = model.events_of(letter.connection, document_key(words[1], words[2]))
    later = [event.offset for event in events if event.topic == letter.topic and event.offset > letter.offset]
    return max(later, default=None)


def _unreadable(letter: DeadLetter) -> str:
    try:
        EVENTS[Topic(letter.topic)](letter.value)
    except Unreadable as error:
        return str(error)
    return ""
