"""What the read stage reads and writes."""

from schemas.topics import Topic
from streams.stage import StageSpec

STAGE = "read"

SPEC = StageSpec(
    name=STAGE,
    source=Topic.CALLOUTS,
    writes=(Topic.RECORDS, Topic.OUTCOMES),
    sides=(),
    # What is read again after a crash: each hint is a few calls.
    run_records=50,
)
