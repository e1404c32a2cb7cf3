"""What the stage of customers reads and writes: what people approved, and what became of it in QAD."""

from schemas.topics import Topic
from streams.stage import StageSpec

STAGE = "customers"

SPEC = StageSpec(name=STAGE, source=Topic.DECISIONS, writes=(Topic.OUTCOMES,), sides=())
