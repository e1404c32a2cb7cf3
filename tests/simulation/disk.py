"""The disk of the machine that the workers run on, as far as the product writes to it."""

from dataclasses import dataclass

from adapters.kafka.bookmark import Bookmark, Mark


@dataclass
class Disk:
    """What stands in the sink's one file; None where it was lost, or on another machine."""

    mark: Mark | None = None


class MemoryBookmark(Bookmark):
    """The bookmark as one process has it: what it knows, and the file that all share."""

    def __init__(self, disk: Disk) -> None:
        super().__init__(None)
        self._disk = disk

    def read(self) -> Mark | None:
        """Return the mark as whoever was the last owner left it."""
        self._mark = self._disk.mark
        return self._mark

    def set(self, mark: Mark) -> None:
        """Replace the mark, here and in the file."""
        self._mark = self._disk.mark = mark
