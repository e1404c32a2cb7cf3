"""What the sink reads and writes."""

from schemas.topics import Topic
from streams.stage import StageSpec

STAGE = "sink"

SPEC = StageSpec(
    name=STAGE,
    source=Topic.POSTINGS,
    writes=(Topic.OUTCOMES,),
    sides=(Topic.DECISIONS, Topic.QAD_REFERENCE),
    # What is handed over again after a crash: small, since each posting is a call.
    run_records=20,
)
