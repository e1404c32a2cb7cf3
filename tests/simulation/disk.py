"""The disk of the machine that the workers run on, as far as the product writes to it: bookmark and checkpoints.

The files are the product's own, byte for byte; that a disk takes its time and loses things is what is simulated.
"""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from random import Random

from adapters.kafka.bookmark import Bookmark, Mark
from adapters.kafka.checkpoint import About, Checkpoint, pack, unpack
from adapters.kafka.cluster import Cluster
from schemas.topics import Topic
from streams.shelf import Kept, Snapshot
from tests.simulation.counting import Tally
from tests.simulation.process import Process

# What becomes of the file where the end of the log is lost.
LOST_MARKS = ("stays", "is lost", "goes back")
# What becomes of a checkpoint.
DELETED, CUT, GARBLED, OLDER, ANOTHERS = "is deleted", "is cut", "is garbled", "is an older one", "is another stage's"
SPOILT_CHECKPOINTS = (DELETED, CUT, GARBLED, OLDER, ANOTHERS)
# Never in a history: no topic of one holds so many.
NEVER = 1_000_000
_GARBLED_EACH = 31
# How long a checkpoint is being written, while the lane goes on.
_WRITING_S = 0.3


@dataclass
class Disk:
    """What stands in the sink's one file, None where it was lost, or on another machine; and what stood there before.

    Only what was written since it was last made durable is known.

    Attributes:
        checkpoints: The file of each stage.
        older: What stood there before, oldest first.
        records_newer: So many newer records are worth a checkpoint.
    """

    tally: Tally
    random: Random
    mark: Mark | None = None
    before: list[Mark] = field(default_factory=list)
    boot: int = 1
    checkpoints: dict[str, bytes] = field(default_factory=dict)
    older: defaultdict[str, list[bytes]] = field(default_factory=lambda: defaultdict(list))
    records_newer: int = NEVER

    def write(self, mark: Mark, *, durable: bool) -> None:
        """Write the file; what is durable never goes back."""
        if durable:
            self.before.clear()
        self.mark = mark
        self.before.append(mark)

    def lose_power(self, end: int) -> None:
        """Start again with the file as it was when the log ended there, as far as it can go back."""
        self.boot += 1
        if self.mark is not None:
            agreeing = (mark for mark in reversed(self.before) if mark.offset < end and not mark.pending)
            self.mark = next(agreeing, self.before[0])
            self.before = [self.mark]

    def keep(self, stage: str, content: bytes) -> None:
        """Put a checkpoint in place of the one before."""
        if stage in self.checkpoints:
            self.older[stage].append(self.checkpoints[stage])
        self.checkpoints[stage] = content

    def spoil(self, stage: str, how: str, number: int) -> bool:
        """Do something to a checkpoint; return whether there was anything to do it to."""
        content = self.checkpoints.get(stage)
        others = [other for name, other in sorted(self.checkpoints.items()) if name != stage]
        choice = {OLDER: self.older[stage], ANOTHERS: others}.get(how, [content] if content else [])
        if not choice:
            return False
        chosen = choice[number % len(choice)]
        place = number * 997 % len(chosen)
        if how == DELETED:
            del self.checkpoints[stage]
        elif how == CUT:
            self.checkpoints[stage] = chosen[:place]
        elif how == GARBLED:
            # Here and there, and behind its head: what the checksum alone can tell.
            behind = len(chosen) // 3
            changed = (one ^ (at % _GARBLED_EACH == number) for at, one in enumerate(chosen[behind:]))
            self.checkpoints[stage] = chosen[:behind] + bytes(changed)
        else:
            self.checkpoints[stage] = chosen
        self.tally.fired(f"the checkpoint of {stage} {how}")
        return True


class MemoryBookmark(Bookmark):
    """The bookmark as one process has it: what it knows, and the file that all share."""

    def __init__(self, disk: Disk, process: Process) -> None:
        super().__init__(None, boot=str(disk.boot))
        self._disk = disk
        self._process = process

    def begins(self, values: Sequence[bytes]) -> None:
        """Write it, or be killed before."""
        self._process.ends_at("bookmark.begins")
        super().begins(values)

    def committed(self, values: Sequence[bytes], last_offset: int) -> None:
        """Write it, or be killed before."""
        self._process.ends_at("bookmark.committed")
        super().committed(values, last_offset)

    def close(self) -> None:
        """Note that the owner ends in good order, unless it was killed."""
        if not self._process.dead:
            super().close()

    def _load(self) -> Mark | None:
        return self._disk.mark

    def _store(self, mark: Mark, *, durable: bool) -> None:
        if not self._process.dead:
            self._disk.write(mark, durable=durable)


class MemoryCheckpoint(Checkpoint):
    """The checkpoint of a stage as one process has it, in the file that all share."""

    def __init__(self, disk: Disk, process: Process, *, cluster: Cluster, connection: str) -> None:
        self._disk = disk
        self._process = process
        self._name = process.spec.name
        super().__init__(Path(self._name), cluster=cluster, stage=self._name, connection=connection, partition=0)

    async def restore(self, kept: Kept) -> dict[Topic, int]:
        """Count what came of it."""
        there = self._name in self._disk.checkpoints
        positions = await super().restore(kept)
        if there:
            self._disk.tally.fired(f"a checkpoint is {'taken up' if positions else 'not used'}: {self._name}")
        return positions

    def is_due(self, positions: Mapping[Topic, int]) -> bool:
        """Return whether so much is newer as is worth while here."""
        return sum(positions.values()) - self._kept_records >= self._disk.records_newer

    async def _load(self) -> tuple[About, list[bytearray]]:
        content = self._disk.checkpoints.get(self._name)
        if content is None:
            raise FileNotFoundError
        return unpack(BytesIO(content), len(content))

    async def _store(self, about: About, parts: Sequence[Snapshot]) -> None:
        """Write what was taken down before, while the lane goes on."""
        await asyncio.sleep(self._disk.random.uniform(0, _WRITING_S))
        file = BytesIO()
        pack(file, about, parts)
        await self._process.passing("checkpoint")
        self._disk.keep(self._name, file.getvalue())

    async def _remove(self) -> None:
        self._disk.checkpoints.pop(self._name, None)
