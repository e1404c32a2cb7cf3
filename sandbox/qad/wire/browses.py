"""Browses: pages of flat rows from a table, filtered, as one workspace sees them.

Rows come in the order in which the books got them, so a page asked again may have moved where documents were hidden
or added: as in the ERP, paging is by position.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

from sandbox.qad.dialect import Browse, Dialect
from sandbox.qad.visibility import Visibility
from sandbox.qad.wire.columns import Column, Table, View, writer_of
from sandbox.qad.wire.envelopes import Answer, Envelopes
from sandbox.qad.wire.filters import BadFilter, Filter, FilterReader, row_test
from sandbox.qad.wire.forms import Formats
from sandbox.qad.wire.tables import TABLES

# A condition on no column: nothing fulfils it.
_NOTHING = Filter("", "eq", ("",))


class _Shape:
    """A browse of the dialect, joined to its table."""

    def __init__(self, browse: Browse, formats: Formats) -> None:
        self.browse = browse
        self.table: Table = TABLES[browse.table]
        self.columns = {wire: (name, self.table.columns[name]) for name, wire in browse.columns.items()}
        self._formats = formats
        self._cells = [
            (f"{browse.prefix}.{wire}" if browse.prefix else wire, name, column, self._writer(name, column))
            for wire, (name, column) in self.columns.items()
        ]

    def column(self, field: str) -> tuple[str, Column] | None:
        """Return a column by its wire name, with or without the prefix."""
        return self.columns.get(field.removeprefix(f"{self.browse.prefix}."))

    def write(self, view: View, rows: Iterable[Any]) -> list[dict[str, Any]]:
        """Write rows, flat, with dotted names."""
        cells = [(wire, self._reader(name, column, view), write) for wire, name, column, write in self._cells]
        return [{name: read(row) if write is None else write(read(row)) for name, read, write in cells} for row in rows]

    def _reader(self, name: str, column: Column, view: View) -> Callable[[Any], Any]:
        """Return what reads a column from a row, with the sign that the wire has."""
        read = column.reader(view)
        if name not in self.browse.negative:
            return read
        tests = [(self.table.columns[one].reader(view), words) for one, words in self.browse.negative_where.items()]
        return lambda row: -read(row) if all(said(row) in words for said, words in tests) else read(row)

    def holds(self, view: View) -> list[Callable[[Any], bool]]:
        """Return the tests of what is in this browse at all."""
        return [_is(self.table.columns[name].reader(view), value) for name, value in self.browse.only.items()]

    def _writer(self, name: str, column: Column) -> Callable[[Any], Any] | None:
        """Return what turns a value into what JSON has for it; None where it is that already."""
        words = self.browse.values.get(name)
        if words:
            return lambda value: words.get(value, value)
        return writer_of(column.type, self._formats)


def _is(read: Callable[[Any], Any], value: str) -> Callable[[Any], bool]:
    return lambda row: bool(read(row) == value)


class BrowseEndpoint:
    """Answers browses."""

    def __init__(self, dialect: Dialect, envelopes: Envelopes) -> None:
        self._dialect = dialect
        self._envelopes = envelopes
        self._formats = Formats(dialect)
        self._filters = FilterReader(dialect.browse_parameters)
        self._shapes = {one.browse_id: _Shape(one, self._formats) for one in dialect.browses}

    def answer(
        self,
        view: View,
        query: Mapping[str, str],
        filters: Sequence[str],
        visibility: Visibility,
        *,
        is_shifted: Callable[[], bool] = lambda: False,
    ) -> Answer:
        """Answer one page.

        Args:
            view: As whom and where.
            query: The query.
            filters: All values of the filter parameter.
            visibility: What is not shown yet.
            is_shifted: Whether a row before this page has left the list since; asked behind a first page alone.
        """
        names = self._dialect.browse_parameters
        shape = self._shapes.get(query.get(names.browse_id, ""))
        if shape is None:
            return self._envelopes.gateway(404, "The browse does not exist.", field=names.browse_id)
        try:
            start, size = self._page(query)
            rows = self._rows(shape, view, self._read(filters))
        except BadFilter as error:
            return self._envelopes.gateway(400, f"The parameter cannot be read: {error}.")
        if visibility.has_hidden() and shape.table.document is not None:
            document = shape.table.document
            rows = (row for row in rows if not visibility.is_hidden(document(row)))
        start += 1 if start and is_shifted() else 0
        # One row more than the page says whether there is another page.
        stop = start + size + 1
        found = rows[start:stop] if isinstance(rows, list) else list(islice(rows, start, stop))
        return self._envelopes.page(shape.write(view, found[:size]), has_more=len(found) > size)

    def _page(self, query: Mapping[str, str]) -> tuple[int, int]:
        """Return the rows before the page, and its size; the action `first` is the first page whatever is named."""
        names, dialect = self._dialect.browse_parameters, self._dialect
        action = query.get(names.page_action, "first") if names.page_action else "next"
        page, size = query.get(names.page, "0"), query.get(names.page_size, str(dialect.page_size_default))
        if action not in ("first", "next") or not page.isdecimal() or not size.isdecimal() or not int(size):
            raise BadFilter(f"{names.page}, {names.page_size} or {names.page_action}")
        rows = min(int(size), dialect.page_size_max)
        if action == "first":
            return 0, rows
        return (int(page) if names.counts == "rows" else (max(1, int(page)) - 1) * rows), rows

    def _read(self, filters: Sequence[str]) -> list[Filter]:
        read = []
        for one in filters:
            try:
                read.append(self._filters.read(one))
            except BadFilter:
                match self._dialect.browse_parameters.unread:
                    case "refused":
                        raise
                    case "nothing":
                        read.append(_NOTHING)
                    case "ignored":
                        pass
        return read

    def _rows(self, shape: _Shape, view: View, filters: Sequence[Filter]) -> Iterable[Any]:
        """Return the rows that pass all filters; an index answers where one can."""
        candidates: Iterable[Any] | None = None
        tests = shape.holds(view)
        for written in filters:
            found = shape.column(written.field)
            if found is None or found[0] in self._dialect.browse_parameters.hidden:
                return []
            name, column = found
            asked = self._in_words_of_books(shape.browse, name, written)
            lookup = shape.table.lookups.get(name)
            if candidates is None and asked.operator == "eq" and asked.values[0] and lookup is not None:
                candidates = lookup(view, asked.values[0])
            else:
                tests.append(row_test(asked, column, view, self._formats))
        rows = shape.table.rows(view) if candidates is None else candidates
        for test in tests:
            rows = filter(test, rows)
        return rows

    def _in_words_of_books(self, browse: Browse, name: str, asked: Filter) -> Filter:
        words = browse.values.get(name)
        if not words:
            return asked
        of_books = {wire: word for word, wire in words.items()}
        return asked._replace(values=tuple(of_books.get(value, value) for value in asked.values))
