"""Browses: pages of flat rows from a table, filtered, as one workspace sees them.

Rows come in the order in which the books got them, so a page asked again may have moved where documents were hidden
or added: as in the ERP, paging is by position.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

from sandbox.qad.dialect import Browse, Dialect
from sandbox.qad.visibility import Visibility
from sandbox.qad.wire.columns import Column, Table, Type, View
from sandbox.qad.wire.envelopes import Answer, Envelopes
from sandbox.qad.wire.filters import BadFilter, Filter, read_filter, row_test
from sandbox.qad.wire.forms import Formats
from sandbox.qad.wire.tables import TABLES


class _Shape:
    """A browse of the dialect, joined to its table."""

    def __init__(self, browse: Browse, formats: Formats) -> None:
        self.browse = browse
        self.table: Table = TABLES[browse.table]
        self.columns = {wire: (name, self.table.columns[name]) for name, wire in browse.columns.items()}
        self._formats = formats
        self._cells = [
            (f"{browse.prefix}.{wire}", column, browse.values.get(name))
            for wire, (name, column) in self.columns.items()
        ]

    def column(self, field: str) -> tuple[str, Column] | None:
        """Return a column by its wire name, with or without the prefix."""
        return self.columns.get(field.removeprefix(f"{self.browse.prefix}."))

    def write(self, view: View, rows: Iterable[Any]) -> list[dict[str, Any]]:
        """Write rows, flat, with dotted names."""
        cells = [(name, column.reader(view), self._writer(column, words)) for name, column, words in self._cells]
        return [{name: read(row) if write is None else write(read(row)) for name, read, write in cells} for row in rows]

    def _writer(self, column: Column, words: Mapping[str, str] | None) -> Callable[[Any], Any] | None:
        """Return what turns a value into what JSON has for it; None where it is that already."""
        if words:
            return lambda value: words.get(value, value)
        return self._formats.write if column.type in (Type.DATE, Type.MOMENT) else None


class BrowseEndpoint:
    """Answers browses."""

    def __init__(self, dialect: Dialect, envelopes: Envelopes) -> None:
        self._dialect = dialect
        self._envelopes = envelopes
        self._formats = Formats(dialect)
        self._shapes = {one.browse_id: _Shape(one, self._formats) for one in dialect.browses}

    def answer(self, view: View, query: Mapping[str, str], filters: Sequence[str], visibility: Visibility) -> Answer:
        """Answer one page; `filters` are all values of the filter parameter."""
        names = self._dialect.browse_parameters
        shape = self._shapes.get(query.get(names.browse_id, ""))
        if shape is None:
            return self._envelopes.gateway(404, "The browse does not exist.", field=names.browse_id)
        try:
            page, size = self._page(query)
            rows = self._rows(shape, view, [read_filter(one) for one in filters])
        except BadFilter as error:
            return self._envelopes.gateway(400, f"The parameter cannot be read: {error}.")
        if visibility.has_hidden() and shape.table.document is not None:
            document = shape.table.document
            rows = (row for row in rows if not visibility.is_hidden(document(row)))
        # One row more than the page says whether there is another page.
        start, stop = (page - 1) * size, page * size + 1
        found = rows[start:stop] if isinstance(rows, list) else list(islice(rows, start, stop))
        return self._envelopes.page(shape.write(view, found[:size]), has_more=len(found) > size)

    def _page(self, query: Mapping[str, str]) -> tuple[int, int]:
        """Return page and size; the action `first` is the first page whatever page is named."""
        names, dialect = self._dialect.browse_parameters, self._dialect
        action = query.get(names.page_action, "first")
        page, size = query.get(names.page, "1"), query.get(names.page_size, str(dialect.page_size_default))
        if action not in ("first", "next") or not page.isdecimal() or not size.isdecimal() or not int(size):
            raise BadFilter(f"{names.page}, {names.page_size} or {names.page_action}")
        return (max(1, int(page)) if action == "next" else 1), min(int(size), dialect.page_size_max)

    def _rows(self, shape: _Shape, view: View, filters: Sequence[Filter]) -> Iterable[Any]:
        """Return the rows that pass all filters; an index answers where one can."""
        candidates: Iterable[Any] | None = None
        tests: list[Callable[[Any], bool]] = []
        for written in filters:
            found = shape.column(written.field)
            if found is None:
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
