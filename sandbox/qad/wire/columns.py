"""What a table is made of: columns, rows, indexed look-ups, and the view that one workspace has of the books."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import Enum, auto
from functools import partial
from operator import attrgetter
from types import MappingProxyType
from typing import Any, NamedTuple, get_args

import msgspec
from msgspec import Struct

from sandbox.qad.books.books import Books
from sandbox.qad.books.documents import Document
from sandbox.qad.books.ledger import Ledger
from sandbox.qad.books.master import Catalogue
from sandbox.qad.wire.forms import Formats


class Type(Enum):
    """What a column holds; filters compare accordingly."""

    TEXT = auto()
    NUMBER = auto()
    DATE = auto()
    FLAG = auto()
    MOMENT = auto()


class View:
    """The books as one workspace sees them."""

    def __init__(self, books: Books, entity_code: str) -> None:
        self.books = books
        self.master = books.master
        self.ledger: Ledger = books.ledgers[entity_code]
        self.entity = self.ledger.entity
        self.catalogue: Catalogue = books.master.catalogue_of(self.entity)


class Column(NamedTuple):
    """One column.

    Attributes:
        type: what it holds.
        read: reads it from a row of a view.
        read_plain: reads it from a row alone, where that is enough; the quicker way.
    """

    type: Type
    read: Callable[[View, Any], Any]
    read_plain: Callable[[Any], Any] | None = None

    def reader(self, view: View) -> Callable[[Any], Any]:
        """Return what reads it from the rows of a view."""
        return self.read_plain or partial(self.read, view)


class Table(NamedTuple):
    """One table.

    Attributes:
        columns: by name.
        rows: all rows of a view, in order.
        lookups: columns whose equality is answered by an index, lazily where there may be many rows.
        document: the document that a row belongs to, for rows that have one.
    """

    columns: dict[str, Column]
    rows: Callable[[View], Sequence[Any]]
    lookups: Mapping[str, Callable[[View, str], Iterable[Any]]] = MappingProxyType({})
    document: Callable[[Any], Document] | None = None


_TYPES = {
    str: Type.TEXT,
    int: Type.NUMBER,
    Decimal: Type.NUMBER,
    date: Type.DATE,
    bool: Type.FLAG,
    datetime: Type.MOMENT,
}


def _type_of(annotation: Any) -> Type | None:
    """Return the type of a column for a field's annotation; None for lists and other records."""
    for one in (annotation, *get_args(annotation)):
        if one in _TYPES:
            return _TYPES[one]
        if isinstance(one, type) and issubclass(one, str):
            return Type.TEXT
    return None


def column(type_: Type, path: str) -> Column:
    """Return a column that a row reaches by a path of attributes."""
    read = attrgetter(path)
    return Column(type_, lambda _view, row: read(row), read)


def fields_of(record: type[Struct], prefix: str = "", *, without: Iterable[str] = ()) -> dict[str, Column]:
    """Return a column for each plain field of a record that a row reaches by a path."""
    columns = {}
    for one in msgspec.structs.fields(record):
        type_ = _type_of(one.type)
        if type_ is not None and one.name not in without:
            columns[one.name] = column(type_, prefix + one.name)
    return columns


def entity_column() -> Column:
    """Return the column with the entity of the view."""
    return Column(Type.TEXT, lambda view, _row: view.entity.entity_code)


def writer_of(type_: Type, formats: Formats) -> Callable[[Any], Any] | None:
    """Return what turns values of a column into what JSON has for them; None where they are that already."""
    match type_:
        case Type.DATE | Type.MOMENT:
            return formats.write
        case Type.NUMBER if formats.writes_numbers:
            return formats.write
        case Type.FLAG if formats.writes_flags:
            return formats.write
        case _:
            return None
