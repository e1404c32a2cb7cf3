"""What the ledger stage reads and writes; each input refers to its record by offset."""

from schemas.errors import Unreadable
from schemas.events import read_matched
from schemas.matching import Matched
from schemas.topics import Topic
from streams.stage import StageSpec

STAGE = "ledger"


def record_offset(value: bytes) -> int | None:
    """Return the offset of the record that an input refers to, or None where there is nothing to decide."""
    try:
        matched = read_matched(value)
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
