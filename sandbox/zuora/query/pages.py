"""One page of a list: which rows match, in which order, from where on, and the cursor for what follows.

Rows come from an id, a number or an indexed parent where a filter names one; else they are walked in the order of
their update stamps, between the bounds that filters set. Only an unusual sort collects and sorts all that match.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Literal
from zoneinfo import ZoneInfo

from sandbox.zuora.clock import Stamp
from sandbox.zuora.objects import Record
from sandbox.zuora.query.conditions import Condition, Predicate, predicate
from sandbox.zuora.query.cursors import Sorting, read_offset, read_place, write_offset, write_place
from sandbox.zuora.table import Table

# Pages whose offset is remembered: enough for many pollers, and forgetting one only costs a longer walk.
_REMEMBERED = 256
_BOUNDING = frozenset(("EQ", "LT", "LE", "GT", "GE"))


@dataclass(frozen=True)
class ListQuery:
    """A list as it was asked for.

    Attributes:
        sees: What the request may see, where that is not all.
        viewer: Tells one such request from another.
    """

    conditions: tuple[Condition, ...]
    sorting: Sorting
    page_size: int
    cursor: str | None
    cursor_kind: Literal["keyset", "offset"]
    match_case: bool
    zone: ZoneInfo
    sees: Predicate | None = None
    viewer: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Page:
    """The rows of one page and the cursor of the next, if there is one."""

    rows: list[Record]
    next_cursor: str | None


@dataclass
class OffsetMemory:
    """Where, in a table that has not changed since, the walk behind an offset cursor had got to."""

    revision: int = -1
    places: dict[tuple[Any, ...], int] = field(default_factory=dict)

    def recall(self, table: Table[Any], asked: tuple[Any, ...]) -> int | None:
        """Return the place to go on from, if nothing has moved."""
        return self.places.get(asked) if self.revision == table.revision else None

    def note(self, table: Table[Any], asked: tuple[Any, ...], place: int) -> None:
        """Remember the place behind an offset."""
        if self.revision != table.revision or len(self.places) >= _REMEMBERED:
            self.revision = table.revision
            self.places.clear()
        self.places[asked] = place


@dataclass(frozen=True)
class _Order:
    """Candidates in ascending order of (sort value, id), those between two places still to be tested."""

    keys: Sequence[tuple[Any, str]]
    low: int
    high: int
    test: Predicate
    sort_value: Callable[[Any], Any]

    def walk(self, table: Table[Any], start: int, *, descending: bool) -> Iterator[tuple[int, Record]]:
        """Yield place and row of those that pass the tests, from a place on."""
        places = range(start, self.low - 1, -1) if descending else range(start, self.high)
        for place in places:
            row = table.shown[self.keys[place][1]]
            if self.test(row):
                yield place, row

    def first(self, *, descending: bool) -> int:
        """Return the place where a walk begins."""
        return self.high - 1 if descending else self.low


def read_page(table: Table[Any], query: ListQuery, memory: OffsetMemory) -> Page:
    """Return one page of what a reader of the table is shown."""
    order = _ordered(table, query)
    if query.cursor_kind == "offset":
        return _offset_page(table, query, order, memory)
    return _keyset_page(table, query, order)


def _ordered(table: Table[Any], query: ListQuery) -> _Order:
    few, name = _few_candidates(table, query.conditions), query.sorting.field.attribute
    if few is None and name == "updated_date":
        low, high = _bounds(table.order, query.conditions)
        unbounded = [condition for condition in query.conditions if not _is_bound(condition)]
        return _Order(table.order, low, high, _test(query, unbounded), _second)
    test = _test(query, query.conditions)
    candidates = table.shown.values() if few is None else few
    keys = sorted((_nulls_first(getattr(row, name)), row.id) for row in candidates if test(row))
    return _Order(keys, 0, len(keys), predicate((), match_case=query.match_case), _nulls_first)


def _test(query: ListQuery, conditions: Sequence[Condition]) -> Predicate:
    test, sees = predicate(conditions, match_case=query.match_case), query.sees
    return test if sees is None else lambda row: test(row) and sees(row)


def _second(stamp: Stamp) -> int:
    return stamp.epoch_s


def _nulls_first(value: Any) -> tuple[bool, Any]:
    return value is not None, value


def _few_candidates(table: Table[Any], conditions: Sequence[Condition]) -> list[Record] | None:
    """Return the rows that an id, a number or an indexed parent narrows the list to; None if nothing does."""
    for condition in conditions:
        name, values = condition.field.attribute, condition.values
        if condition.operator not in ("EQ", "IN") or None in values:
            continue
        distinct = sorted({value.lower() for value in values if isinstance(value, str)})
        if name in ("id", table.number):
            found = (table.find_shown(value) for value in distinct)
            return [row for row in found if row is not None]
        if table.is_indexed(name):
            return [row for value in distinct for row in table.children_shown(name, value)]
    return None


def _is_bound(condition: Condition) -> bool:
    named = condition.field.attribute == "updated_date" and condition.operator in _BOUNDING
    return named and condition.values[0] is not None


def _bounds(order: Sequence[tuple[int, str]], conditions: Sequence[Condition]) -> tuple[int, int]:
    """Return the places between which the update stamp satisfies every condition on it."""
    low, high = 0, len(order)
    for condition in filter(_is_bound, conditions):
        second, operator = condition.values[0].epoch_s, condition.operator
        at, after = bisect_left(order, (second, "")), bisect_left(order, (second + 1, ""))
        if operator in ("EQ", "GE", "GT"):
            low = max(low, after if operator == "GT" else at)
        if operator in ("EQ", "LE", "LT"):
            high = min(high, at if operator == "LT" else after)
    return low, max(low, high)


def _keyset_page(table: Table[Any], query: ListQuery, order: _Order) -> Page:
    descending, sorting = query.sorting.descending, query.sorting
    start = order.first(descending=descending)
    if query.cursor is not None:
        value, key = read_place(query.cursor, sorting, query.zone)
        place = (order.sort_value(value), key)
        if descending:
            start = min(start, bisect_left(order.keys, place) - 1)
        else:
            start = max(start, bisect_right(order.keys, place))
    taken = list(islice(order.walk(table, start, descending=descending), query.page_size + 1))
    rows = [row for _, row in taken[: query.page_size]]
    if len(taken) <= query.page_size:
        return Page(rows, None)
    return Page(rows, write_place(sorting, getattr(rows[-1], sorting.field.attribute), rows[-1].id))


def _offset_page(table: Table[Any], query: ListQuery, order: _Order, memory: OffsetMemory) -> Page:
    skip = read_offset(query.cursor) if query.cursor is not None else 0
    descending, asked = query.sorting.descending, (query.conditions, query.sorting, query.viewer)
    place = memory.recall(table, (*asked, skip))
    start, left_to_skip = (order.first(descending=descending), skip) if place is None else (place, 0)
    walk = order.walk(table, start, descending=descending)
    taken = list(islice(walk, left_to_skip, left_to_skip + query.page_size + 1))
    rows = [row for _, row in taken[: query.page_size]]
    if len(taken) <= query.page_size:
        return Page(rows, None)
    memory.note(table, (*asked, skip + query.page_size), taken[-1][0])
    return Page(rows, write_offset(skip + query.page_size))
