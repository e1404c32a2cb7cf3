"""What the match stage reads and writes."""

from schemas.topics import Topic
from streams.stage import StageSpec

STAGE = "match"

SPEC = StageSpec(
    name=STAGE,
    source=Topic.RECORDS,
    writes=(Topic.MATCHED, Topic.OUTCOMES),
    sides=(Topic.DECISIONS, Topic.QAD_REFERENCE),
)
