"""The work of a lane's session: inputs go into the stage's core, what it makes goes to the log.

Memory is ahead of the log while outputs are on their way: the lane is told of it. It never acknowledges anything, and
never decides anything itself.
"""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Any, NamedTuple, Protocol

from adapters.kafka.crashes import CRASHES_MAX, Crashes
from adapters.kafka.reader import ByOffset
from schemas.codec import encode
from schemas.topics import OVERHEAD_BYTES, SPEC, Topic
from streams.outcomes import dead_letter
from streams.stage import Core, Input, Output, StageSpec


class OutputTooLargeError(Exception):
    """What a stage makes of one input is more than a topic takes: it counts as a crash at that input."""


class Ready(NamedTuple):
    """An output as the log will have it."""

    topic: Topic
    key: bytes
    value: bytes


class Writing(Protocol):
    """What takes the outputs: the lane."""

    def deciding(self) -> AbstractContextManager[None]:
        """Mark that memory is ahead of the log until the block ends well."""
        ...

    async def write(self, outputs: Sequence[Ready]) -> None:
        """Send outputs in order; back when the broker has them."""
        ...


class Work:
    """One session's work: inputs in, outputs out."""

    def __init__(
        self,
        spec: StageSpec,
        core: Core,
        lane: Writing,
        *,
        connection: str,
        crashes: Crashes,
        inputs: ByOffset,
        material: ByOffset,
        told: Any,
    ) -> None:
        """Build it.

        Args:
            spec: The stage.
            core: Decides.
            lane: Takes the outputs.
            connection: Whose inputs they are.
            crashes: What is known of crashes at them.
            inputs: The stage's input topic.
            material: The topic of what inputs refer to.
            told: The log that hears of an input that is given up.
        """
        self._spec = spec
        self._core = core
        self._lane = lane
        self._connection = connection
        self._crashes = crashes
        self._inputs = inputs
        self._material = material
        self._log = told

    async def run(self, records: Iterable[Any]) -> None:
        """Decide a run of records as they were delivered."""
        await self._decide(
            [Input(record.offset, record.timestamp, record.key or b"", record.value or b"") for record in records]
        )

    async def again(self, held: Sequence[tuple[int, str]]) -> None:
        """Decide inputs again, by their offsets."""
        if not held:
            return
        records = await self._inputs.get(offset for offset, _ in held)
        await self._decide(
            [
                Input(offset, records[offset].timestamp_ms, records[offset].key, records[offset].value, again=why)
                for offset, why in held
            ]
        )

    async def _decide(self, items: Sequence[Input]) -> None:
        outputs: list[Ready] = []
        supplied = await self._with_material(items)
        with self._lane.deciding():
            for item in supplied:
                outputs.extend(self._one(item))
            await self._lane.write(outputs)
        changed = self._core.changed()
        if changed:
            await self.again(self._core.held_by(changed))

    def _one(self, item: Input) -> Sequence[Ready]:
        if self._crashes.too_many(item.offset):
            return (self._given_up(item),)
        with self._crashes.at(item.offset):
            return [_ready(output) for output in self._core.decide(item)]

    def _given_up(self, item: Input) -> Ready:
        """Return the dead letter of an input that has crashed too often: it must not stop the others here."""
        self._log.error("an input is given up", offset=item.offset, crashes=CRASHES_MAX)
        reason = f"{CRASHES_MAX} crashes at this record"
        letter = dead_letter(item, connection=self._connection, spec=self._spec, reason=reason)
        return _ready(Output(Topic.DEAD_LETTERS, item.key, letter))

    async def _with_material(self, items: Sequence[Input]) -> Sequence[Input]:
        refers_to = self._spec.refers_to
        if refers_to is None:
            return items
        refers = {item.offset: refers_to(item.value) for item in items}
        found = await self._material.get(offset for offset in refers.values() if offset is not None)
        return [item if (offset := refers[item.offset]) is None else _with(item, found[offset].value) for item in items]


def _ready(output: Output) -> Ready:
    value, most = encode(output.event), SPEC[output.topic].message_bytes_max - OVERHEAD_BYTES
    if len(value) > most:
        raise OutputTooLargeError(f"{output.topic} takes {most} bytes, not {len(value)}")
    return Ready(output.topic, output.key, value)


def _with(item: Input, material: bytes) -> Input:
    return Input(item.offset, item.timestamp_ms, item.key, item.value, material, item.again)
