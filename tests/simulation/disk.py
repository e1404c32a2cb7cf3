"""The disk of the machine that the workers run on, as far as the product writes to it."""

from dataclasses import dataclass, field

from adapters.kafka.bookmark import Bookmark, Mark

# What becomes of the file where the end of the log is lost.
LOST_MARKS = ("stays", "is lost", "goes back")


@dataclass
class Disk:
    """What stands in the sink's one file, None where it was lost, or on another machine; and all that stood there."""

    mark: Mark | None = None
    before: list[Mark] = field(default_factory=list)
    boot: int = 1

    def write(self, mark: Mark) -> None:
        """Write the file."""
        self.mark = mark
        self.before.append(mark)

    def lose_power(self, end: int) -> None:
        """Start again with the file as it was when the log ended there."""
        self.boot += 1
        self.mark = next((mark for mark in reversed(self.before) if mark.offset < end and not mark.pending), None)


class MemoryBookmark(Bookmark):
    """The bookmark as one process has it: what it knows, and the file that all share."""

    def __init__(self, disk: Disk) -> None:
        super().__init__(None, boot=str(disk.boot))
        self._disk = disk

    def read(self) -> Mark | None:
        """Return the mark as whoever was the last owner left it."""
        self._mark = self._disk.mark
        return self._mark

    def set(self, mark: Mark) -> None:
        """Replace the mark, here and in the file."""
        super().set(mark)
        assert self._mark is not None
        self._disk.write(self._mark)
