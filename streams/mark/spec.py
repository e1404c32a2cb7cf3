"""What the marking reads and writes: a consumer of what the match stage and the sink have said."""

from schemas.topics import Topic
from streams.stage import StageSpec

STAGE = "mark"

SPEC = StageSpec(
    name=STAGE,
    source=Topic.OUTCOMES,
    writes=(Topic.OUTCOMES,),
    sides=(Topic.MATCHED, Topic.DECISIONS),
    material=Topic.POSTINGS,
)
