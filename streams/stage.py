"""What a stage is to the lane that runs it: a pure core per partition.

The lane feeds it the stage's own outputs (to rebuild its state), side records, and inputs; the core answers with
outputs. A core reads no clock, draws no random number and does no IO: given the same log it gives the same bytes.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

import msgspec

from schemas.codec import Event
from schemas.topics import Topic
from streams.shelf import Kept

LIVE = "live"


class Output(msgspec.Struct, frozen=True):
    """One record to write, in this order; outcomes come last and complete an input."""

    topic: Topic
    key: bytes
    event: Event


class Input(msgspec.Struct, frozen=True):
    """One record to decide.

    Attributes:
        offset: Where it stands in the stage's source.
        timestamp_ms: When it was written there, by the broker's record.
        key: Its key.
        value: Its bytes.
        material: Bytes of the record that it refers to, where the stage has a material topic.
        again: Why a known input is decided again: "release", "replay", "reclass", or "" for a first time.
    """

    offset: int
    timestamp_ms: int
    key: bytes
    value: bytes
    material: bytes | None = None
    again: str = ""


class StageSpec(msgspec.Struct, frozen=True, kw_only=True):
    """What a stage reads and writes.

    Attributes:
        name: Its name; its group is `ml-connector.<name>`.
        source: The topic its agent consumes.
        writes: The topics it writes, which its state is folded from.
        sides: Topics that it reads beside, to their end before it starts.
        material: Topic whose records its inputs refer to by offset, if any.
        refers_to: Reads that offset from an input; None where it refers to nothing or cannot be read.
        run_records: Records that are handed over and acknowledged together.
    """

    name: str
    source: Topic
    writes: tuple[Topic, ...]
    sides: tuple[Topic, ...]
    material: Topic | None = None
    refers_to: Callable[[bytes], int | None] | None = None
    run_records: int = 500


class Core(Protocol):
    """The pure part of a stage for one partition."""

    @property
    def kept(self) -> Kept:
        """What is folded from the stage's own outputs: it can be written down, and taken up by an empty core."""
        ...

    def fold(self, topic: Topic, value: bytes) -> None:
        """Take up one output of this stage from the log; records of other stages are passed over."""

    def learn(self, topic: Topic, offset: int, value: bytes) -> Sequence[str]:
        """Take up one side record; return the keys that it changes."""

    def decide(self, item: Input) -> Sequence[Output]:
        """Decide one input and take the outputs up; none where nothing is new."""

    def held_by(self, keys: Iterable[str]) -> Sequence[tuple[int, str]]:
        """Return the inputs (offset, why again) that wait for any of these keys, oldest first."""

    def changed(self) -> Sequence[str]:
        """Return, once, the keys that the decisions since the last call have changed."""

    def unsettled(self) -> Sequence[tuple[int, str]]:
        """Return the inputs that stand still or were ordered again: they are decided once more at each start."""
