"""Turns a record of the wire into what the books are asked for, and what the books hold into a record of the wire.

It is compiled once from a dialect's resource. It judges form only (is this a date, is this a number): what the values
mean is the books' business.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple, get_args

import msgspec
from msgspec import Struct

from sandbox.qad.books.documents import CONTENT_OF
from sandbox.qad.books.parties import BusinessRelationChange, CustomerChange, OperationsChange
from sandbox.qad.dialect import Dialect, Lines, Resource
from sandbox.qad.wire.columns import Type, View, writer_of
from sandbox.qad.wire.forms import (
    Formats,
    Malformed,
    path_of,
    pick,
    put,
    read_code,
    read_text,
)
from sandbox.qad.wire.tables import TABLE_OF_KIND

ASKED_AS: dict[str, type[Struct]] = {
    **{str(kind): content for kind, content in CONTENT_OF.items()},
    "customer": CustomerChange,
    "business_relation": BusinessRelationChange,
    "operations": OperationsChange,
}

# What a record may carry besides its own fields when it was read and is sent back.
_PLATFORM_FIELDS = frozenset({"instanceURI", "dataOperation", "disallowedActions", "isPredefaulted", "concurrencyHash"})


class _Field(NamedTuple):
    """How a field that a caller may send is read."""

    name: str
    path: tuple[str, ...]
    read: Callable[[Any], Any]


class RecordCodec:
    """Reads and writes the records of one resource."""

    def __init__(self, dialect: Dialect, resource: Resource) -> None:
        self.resource = resource
        self._record_uri = dialect.record_uri
        self._asked_as = ASKED_AS[resource.kind]
        formats = Formats(dialect)
        self._fields = list(_fields(self._asked_as, resource.fields, formats))
        self._lines = {name: _LinesCodec(self._asked_as, name, one, formats) for name, one in resource.lines.items()}
        self._words = {field: {wire: word for word, wire in words.items()} for field, words in resource.values.items()}
        self._table_columns = TABLE_OF_KIND[resource.kind].columns
        self._columns = [
            (path_of(wire), self._table_columns[name].read, self._writer(name, formats))
            for name, wire in resource.fields.items()
        ]
        self._known = {*resource.fields.values(), *(lines.name for lines in resource.lines.values())}
        self._known |= _PLATFORM_FIELDS | {dialect.record_uri}

    def decode(self, record: Any) -> Any:
        """Return what the books are asked for.

        Raises:
            Malformed: where a value has the wrong form.
        """
        return self._asked_as(**self.decode_fields(record))

    def decode_fields(self, record: Any) -> dict[str, Any]:
        """Return what a record says, by the books' names; what it leaves out is left out.

        Raises:
            Malformed: where a value has the wrong form.
        """
        if not isinstance(record, dict):
            raise Malformed(self.resource.list_name, record)
        said: dict[str, Any] = dict(self.resource.constants)
        said.update(_read(record, self._fields))
        for field, words in self._words.items():
            if field in said:
                said[field] = words.get(said[field], said[field])
        for field in self.resource.negative:
            if field in said:
                said[field] = -said[field]
        for name, lines in self._lines.items():
            rows = pick(record, lines.path)
            if rows is not None:
                said[name] = lines.decode(rows)
        return said

    def unknown_fields(self, record: Mapping[str, Any]) -> list[str]:
        """Return the names in a record that this resource does not have."""
        return sorted(name for name in _leaves(record) if name not in self._known and not name.startswith("custom"))

    def encode(self, view: View, row: Any) -> dict[str, Any]:
        """Return the record of a row."""
        record: dict[str, Any] = {}
        for path, read, write in self._columns:
            value = read(view, row)
            put(record, path, value if write is None else write(value))
        for name, lines in self._lines.items():
            put(record, lines.path, [lines.encode(one) for one in getattr(row.content, name)])
        if self._record_uri:
            record[self._record_uri] = f"{self.resource.view_uri}:{self.key_of(view, row)}"
        return record

    def key_of(self, view: View, row: Any) -> str:
        """Return the key of a row as it stands in its urn, where a dot inside a part is written %2E."""
        parts = (str(self._table_columns[name].read(view, row)) for name in self.resource.keys)
        return ".".join(part.replace(".", "%2E") for part in parts)

    def read_key(self, said: Mapping[str, str]) -> dict[str, Any] | None:
        """Return the key that a query names, by the books' names; None where a part is missing.

        Raises:
            Malformed: where a part has the wrong form.
        """
        key: dict[str, Any] = {}
        for name in self.resource.keys:
            wire = path_of(self.resource.fields[name])[-1]
            if wire not in said:
                return None
            key[name] = said[wire]
            if self._table_columns[name].type is Type.NUMBER:
                if not said[wire].isdecimal():
                    raise Malformed(wire, said[wire])
                key[name] = int(said[wire])
        return key

    def names_key(self, said: Mapping[str, str]) -> bool:
        """Say whether a query names any part of the key."""
        return any(path_of(self.resource.fields[name])[-1] in said for name in self.resource.keys)

    def wire_name(self, field: str) -> str:
        """Return the wire's name of a field, or of a `list.field`, of the books."""
        name, _, inner = field.partition(".")
        lines = self.resource.lines.get(name)
        if lines is None:
            return path_of(self.resource.fields.get(name, name))[-1]
        return path_of(lines.fields.get(inner, inner) or lines.name)[-1]

    def _writer(self, name: str, formats: Formats) -> Callable[[Any], Any] | None:
        """Return what turns a value into what JSON has for it; None where it is that already."""
        words = self.resource.values.get(name)
        if words:
            return lambda value: words.get(value, value)
        if name in self.resource.negative:
            return lambda value: formats.write(-value)
        return writer_of(self._table_columns[name].type, formats)


class _LinesCodec:
    """Reads and writes a list inside the records of a resource."""

    def __init__(self, asked_as: type[Struct], name: str, lines: Lines, formats: Formats) -> None:
        annotation = next(one.type for one in msgspec.structs.fields(asked_as) if one.name == name)
        self._line_type: type[Struct] = get_args(annotation)[0]
        self._lines = lines
        self._formats = formats
        self._fields = list(_fields(self._line_type, lines.fields, formats))
        self._signed = path_of(lines.signed_amount)
        self.path = path_of(lines.name)

    def decode(self, rows: Any) -> tuple[Any, ...]:
        """Return the lines that the books are asked for.

        Raises:
            Malformed: where they are no list of objects, or a value has the wrong form.
        """
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise Malformed(self._lines.name, rows)
        return tuple(self._line_type(**self._said(row), **self._two_sides(row)) for row in rows)

    def encode(self, line: Any) -> dict[str, Any]:
        """Return one line of the wire."""
        record: dict[str, Any] = {}
        for name, path, _ in self._fields:
            value = getattr(line, name)
            put(record, path, self._formats.write(-value if name in self._lines.negative else value))
        if self._signed:
            signed = line.debit_amount - line.credit_amount
            written = signed if self._lines.positive_side == "debit" else -signed
            put(record, self._signed, self._formats.write(written))
        return record

    def _said(self, row: dict[str, Any]) -> dict[str, Any]:
        """Read what a row says, each amount with the books' sign."""
        said = _read(row, self._fields)
        return {name: -value if name in self._lines.negative else value for name, value in said.items()}

    def _two_sides(self, row: dict[str, Any]) -> dict[str, Decimal]:
        """Read debit and credit from the one signed amount, where the dialect has one."""
        value = pick(row, self._signed) if self._signed else None
        if value is None:
            return {}
        try:
            signed = self._formats.read_amount(value)
        except (TypeError, ValueError):
            raise Malformed(self._signed[-1], value) from None
        debit = signed if self._lines.positive_side == "debit" else -signed
        return {"debit_amount": debit} if debit > 0 else {"credit_amount": -debit}


def _fields(record: type[Struct], names: Mapping[str, str], formats: Formats) -> Iterator[_Field]:
    """Yield how each field that a caller may send is read; what only the books say is not read."""
    readers: dict[Any, Callable[[Any], Any]] = {
        str: read_text,
        int: formats.read_integer,
        bool: formats.read_flag,
        Decimal: formats.read_amount,
        date: formats.read_date,
    }
    for one in msgspec.structs.fields(record):
        wire = names.get(one.name)
        if wire is not None:
            plain = next(found for found in (one.type, *get_args(one.type)) if found in readers)
            yield _Field(one.name, path_of(wire), read_code if one.name.endswith("_code") else readers[plain])


def _leaves(record: Mapping[str, Any], above: str = "") -> Iterator[str]:
    """Yield the names of what a record holds, dotted where it stands deeper."""
    for name, value in record.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{above}{name}.")
        else:
            yield above + name


def _read(record: dict[str, Any], fields: list[_Field]) -> dict[str, Any]:
    said: dict[str, Any] = {}
    for name, path, read in fields:
        value = record.get(path[0]) if len(path) == 1 else pick(record, path)
        if value is not None:
            try:
                said[name] = read(value)
            except (TypeError, ValueError):
                raise Malformed(path[-1], value) from None
    return said
