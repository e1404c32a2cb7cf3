"""What the two works on customers read and write: what people approved is made, what changed in Zuora is aligned."""

from schemas.topics import Topic
from streams.stage import StageSpec

STAGE = "customers"
ALIGN = "align"

SPEC = StageSpec(name=STAGE, source=Topic.DECISIONS, writes=(Topic.OUTCOMES,), sides=())
ALIGN_SPEC = StageSpec(
    name=ALIGN, source=Topic.MATCHED, writes=(Topic.OUTCOMES,), sides=(Topic.DECISIONS, Topic.QAD_REFERENCE)
)
