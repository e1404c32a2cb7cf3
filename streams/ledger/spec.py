"""What the ledger stage reads and writes; each input refers to its record by offset."""

from schemas.codec import Decoder
from schemas.errors import Unreadable
from schemas.matching import Matched, MatchedEvent
from schemas.topics import Topic
from streams.stage import StageSpec

STAGE = "ledger"

decode_matched: Decoder[MatchedEvent] = Decoder(MatchedEvent)


def record_offset(value: bytes) -> int | None:
    """Return the offset of the record that an input refers to, or None where there is nothing to decide."""
    try:
        matched = decode_matched(value)
    except Unreadable:
        return None
    return matched.origin if isinstance(matched, Matched) else None


SPEC = StageSpec(
    name=STAGE,
    source=Topic.MATCHED,
    writes=(Topic.POSTINGS, Topic.OUTCOMES),
    sides=(Topic.DECISIONS, Topic.ZUORA_REFERENCE, Topic.QAD_REFERENCE),
    material=Topic.RECORDS,
    refers_to=record_offset,
)
