"""The topics: one table that serves the code, the set-up command, the tests and the documentation.

Every topic is partitioned by connection: a connection has one partition number, the same in every topic, for ever.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

# A Zuora record is stored whole, with all its items; 16 MiB is what a broker and its clients are set up to carry.
RECORD_BYTES_MAX = 16 * 1024 * 1024
# Key, headers and the batch around a record take some bytes of their own.
OVERHEAD_BYTES = 64 * 1024
MESSAGE_BYTES_MAX = RECORD_BYTES_MAX + OVERHEAD_BYTES
# A dead letter holds a record's key and value in base64, a third longer, and stands under the same key.
LETTER_MESSAGE_BYTES_MAX = 40 * 1024 * 1024


class Topic(StrEnum):
    """Names of the topics, without the namespace of a deployment."""

    CALLOUTS = "zuora.callouts"
    RECORDS = "zuora.records"
    ZUORA_REFERENCE = "zuora.reference"
    QAD_REFERENCE = "qad.reference"
    DECISIONS = "decisions"
    MATCHED = "matched"
    POSTINGS = "postings"
    OUTCOMES = "outcomes"
    DEAD_LETTERS = "dead-letters"
    CURSORS = "cursors"


@dataclass(frozen=True, kw_only=True)
class TopicSpec:
    """What a topic is: the set-up command creates it so, and every start checks it.

    Attributes:
        topic: Its name.
        key: What its keys are made of.
        holds: What stands in it.
        compacted: Only the newest of each key matters.
        transactional: It is read committed.
        message_bytes_max: The longest record, with its key, headers and batch.
    """

    topic: Topic
    key: str
    holds: str
    compacted: bool = False
    transactional: bool = False
    message_bytes_max: int = MESSAGE_BYTES_MAX

    def settings(self) -> dict[str, str]:
        """Return the broker's settings of this topic: kept for ever, unless only the newest of each key matters."""
        return {
            "cleanup.policy": "compact" if self.compacted else "delete",
            "retention.ms": "-1",
            "retention.bytes": "-1",
            "max.message.bytes": str(self.message_bytes_max),
            "message.timestamp.type": "CreateTime",
        }

    def to_mend(self, found: Mapping[str, str]) -> dict[str, str]:
        """Return what must be set on a topic that stands there already: else it loses records, or refuses some.

        Args:
            found: The broker's settings of it.
        """
        kept = ("cleanup.policy",) if self.compacted else ("cleanup.policy", "retention.ms", "retention.bytes")
        settings = self.settings()
        wrong = [name for name in kept if found.get(name) != settings[name]]
        if int(found.get("max.message.bytes", "0")) < self.message_bytes_max:
            wrong.append("max.message.bytes")
        return {name: settings[name] for name in wrong}


TOPICS: tuple[TopicSpec, ...] = (
    TopicSpec(
        topic=Topic.CALLOUTS,
        key="connection, notification id",
        holds="hints as received; nothing in them is trusted",
    ),
    TopicSpec(
        topic=Topic.RECORDS,
        key="connection, kind, id",
        holds="what Zuora said, whole and verbatim, and how it was found; repeats are allowed",
    ),
    TopicSpec(
        topic=Topic.ZUORA_REFERENCE,
        key="connection, kind, code",
        holds="accounting codes, bill runs as Zuora last showed them; changes only",
    ),
    TopicSpec(
        topic=Topic.QAD_REFERENCE,
        key="connection, kind, code",
        holds="customers, GL accounts, daybooks, periods, currencies as QAD last showed them; changes only",
    ),
    TopicSpec(topic=Topic.DECISIONS, key="connection", holds="what people decided; who, when, why"),
    TopicSpec(
        topic=Topic.MATCHED,
        key="connection, kind, id",
        holds="which QAD customer, by which rule; refers to its record",
    ),
    TopicSpec(
        topic=Topic.POSTINGS,
        key="connection, kind, id",
        holds="what one input became: canonical, balanced postings",
    ),
    TopicSpec(
        topic=Topic.OUTCOMES,
        key="connection, id",
        holds="intended, posted, rejected, unknown, waiting, parked, released, superseded, ignored; read committed",
        transactional=True,
    ),
    TopicSpec(
        topic=Topic.DEAD_LETTERS,
        key="as the original",
        holds="bytes that could not be read, whole, with where they came from",
        message_bytes_max=LETTER_MESSAGE_BYTES_MAX,
    ),
    TopicSpec(
        topic=Topic.CURSORS,
        key="connection, kind, way of reading unless it is a poll",
        holds="positions of polls and backfills, written after the page's records",
        compacted=True,
    ),
)

SPEC = {spec.topic: spec for spec in TOPICS}


def key(*parts: str) -> bytes:
    """Return the key of a record: its parts joined by `|`, as the table above names them."""
    return "|".join(parts).encode()
