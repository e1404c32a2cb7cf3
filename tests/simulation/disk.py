"""The disk of the machine that the workers run on, as far as the product writes to it."""

from dataclasses import dataclass, field

from adapters.kafka.bookmark import Bookmark, Mark
from tests.simulation.process import Process

# What becomes of the file where the end of the log is lost.
LOST_MARKS = ("stays", "is lost", "goes back")


@dataclass
class Disk:
    """What stands in the sink's one file, None where it was lost, or on another machine; and what stood there before.

    Only what was written since it was last made durable is known.
    """

    mark: Mark | None = None
    before: list[Mark] = field(default_factory=list)
    boot: int = 1

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


class MemoryBookmark(Bookmark):
    """The bookmark as one process has it: what it knows, and the file that all share."""

    def __init__(self, disk: Disk, process: Process) -> None:
        super().__init__(None, boot=str(disk.boot))
        self._disk = disk
        self._process = process

    def close(self) -> None:
        """Note that the owner ends in good order, unless it was killed."""
        if not self._process.dead:
            super().close()

    def _load(self) -> Mark | None:
        return self._disk.mark

    def _store(self, mark: Mark, *, durable: bool) -> None:
        if not self._process.dead:
            self._disk.write(mark, durable=durable)
