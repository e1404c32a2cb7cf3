"""All rows of one kind of object, in two views: what acts work on, and what readers are shown.

The two differ only inside an act and while a late commit is withheld. Look-ups by id, number and the fields that are
filtered often are indexed, and the shown rows are kept in the order of their update stamps, which is how they are
polled.
"""

from bisect import bisect_left, insort
from collections.abc import Iterator
from typing import Generic, TypeVar

from sandbox.zuora.objects import Record

R = TypeVar("R", bound=Record)


class Table(Generic[R]):
    """The rows of one kind.

    Attributes:
        kind: Class of the rows.
        latest: Newest version by id.
        shown: Version that readers get, by id.
        order: (update stamp in seconds, id) of the shown rows, ascending.
        revision: Counts the changes of what is shown.
    """

    def __init__(self, kind: type[R], *, number: str | None = None, indexed: tuple[str, ...] = ()) -> None:
        self.kind = kind
        self.number = number
        self.latest: dict[str, R] = {}
        self.shown: dict[str, R] = {}
        self.order: list[tuple[int, str]] = []
        self.revision = 0
        self._ids_by_number: dict[str, str] = {}
        self._indexes: dict[str, dict[str, list[str]]] = {field: {} for field in indexed}

    def __len__(self) -> int:
        return len(self.latest)

    def find(self, key: str) -> R | None:
        """Return the newest version of the row with this id or number, in capitals or not."""
        return self.latest.get(key) or self.latest.get(self._ids_by_number.get(key.lower(), ""))

    def find_shown(self, key: str) -> R | None:
        """Return what a reader sees under this id or number."""
        return self.shown.get(key) or self.shown.get(self._ids_by_number.get(key.lower(), ""))

    def children(self, field: str, value: str) -> list[R]:
        """Return the newest versions of the rows whose indexed field has this value, oldest first."""
        return [self.latest[key] for key in self._indexes[field].get(value.lower(), ())]

    def children_shown(self, field: str, value: str) -> Iterator[R]:
        """Yield the rows that a reader sees under this value of an indexed field, oldest first."""
        for key in self._indexes[field].get(value.lower(), ()):
            row = self.shown.get(key)
            if row is not None:
                yield row

    def is_indexed(self, field: str) -> bool:
        """Tell whether rows can be looked up by this field."""
        return field in self._indexes

    def write(self, key: str, row: R | None) -> R | None:
        """Set or remove the newest version and return the one before it; readers see nothing of it yet."""
        before = self.latest.get(key)
        if row is None:
            self.latest.pop(key, None)
        else:
            self.latest[key] = row
        if self.number is not None:
            self._renumber(key, before=before, after=row)
        for field, index in self._indexes.items():
            self._reindex(index, key, old=getattr(before, field, None), new=getattr(row, field, None))
        return before

    def _renumber(self, key: str, *, before: R | None, after: R | None) -> None:
        old, new = getattr(before, self.number or "", None), getattr(after, self.number or "", None)
        if old != new:
            if old is not None:
                self._ids_by_number.pop(old.lower(), None)
            if new is not None:
                self._ids_by_number[new.lower()] = key

    @staticmethod
    def _reindex(index: dict[str, list[str]], key: str, *, old: str | None, new: str | None) -> None:
        if old == new:
            return
        if old is not None:
            index[old.lower()].remove(key)
        if new is not None:
            index.setdefault(new if new.islower() else new.lower(), []).append(key)

    def show(self, key: str) -> None:
        """Let readers see the newest version, or that there is none any more."""
        old, new = self.shown.get(key), self.latest.get(key)
        if old is not None:
            del self.order[bisect_left(self.order, (old.updated_date.epoch_s, key))]
        if new is None:
            self.shown.pop(key, None)
        else:
            self.shown[key] = new
            insort(self.order, (new.updated_date.epoch_s, key))
        self.revision += 1
