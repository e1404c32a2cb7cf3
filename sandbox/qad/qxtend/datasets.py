"""A dataset: its rows are linked, its texts typed, and out comes what the books are asked for.

Form alone is judged; what the values mean is the books' business. Of the control row they make themselves what the
customer's profile says, so here it is only held against the whole amount.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, get_args

import msgspec
from msgspec import Struct

from sandbox.qad.books.amounts import ZERO
from sandbox.qad.books.documents import CONTENT_OF, INVOICE_RULES, Document, Kind
from sandbox.qad.books.errors import Code, refuse
from sandbox.qad.qxtend.messages import Row, SoapFault
from sandbox.qad.qxtend.spelling import Api, Table
from sandbox.qad.wire.columns import View
from sandbox.qad.wire.tables import TABLE_OF_KIND

_AMOUNT = re.compile(r"-?\d{1,30}(\.\d{1,10})?", re.ASCII)
_WHOLE = re.compile(r"\d{1,9}", re.ASCII)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_FLAGS = {"true": True, "false": False}


class DatasetCodec:
    """Reads and writes the datasets of one API."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._content: type[Struct] = CONTENT_OF[Kind(api.kind)]
        self._tables = {table.name: table for table in api.tables}

    def decode(self, rows: Sequence[Row], *, is_raw: bool) -> Any:
        """Return what the books are asked for.

        Args:
            rows: as they came.
            is_raw: words are the books' own, not translated ones.

        Raises:
            SoapFault: a row is of no table, hangs nowhere, or holds what its field cannot.
            Refused: the control row is not the document's.
        """
        self._check_links(rows)
        said: dict[str, Any] = {}
        parts: dict[str, list[dict[str, Any]]] = {}
        control: list[Decimal] = []
        for row in rows:
            table = self._tables[row.table]
            if not table.part:
                self._take(said, dict(_typed(self._content, table, row)))
                continue
            line = dict(_typed(self._line(table), table, row))
            if table.has_control_row and not line.get("gl_account_code"):
                control.append(line.get("debit_amount", ZERO) - line.get("credit_amount", ZERO))
            else:
                parts.setdefault(table.part, []).append(line)
        for field, words in self._api.values.items():
            if field in said and not is_raw:
                said[field] = {wire: word for word, wire in words.items()}.get(said[field], f"?{said[field]}"[:20])
        if "original_amount" in said:
            self._check_control(said, control)
        lists = {
            table.part: tuple(self._line(table)(**_turned(table, line, said)) for line in parts[table.part])
            for table in self._api.tables
            if table.part in parts
        }
        return self._content(**said, **lists)

    def unknown_fields(self, rows: Sequence[Row]) -> list[str]:
        """Return the elements that their tables do not have."""
        known = {
            name: {*table.fields.values(), *(side for sides in table.sides.values() for side in sides)}
            for name, table in self._tables.items()
        }
        return sorted({name for row in rows for name in row.said if name not in known.get(row.table, ())})

    def encode(self, view: View, document: Document) -> list[tuple[str, dict[str, Any]]]:
        """Return the rows of a stored document that say its own fields."""
        columns = TABLE_OF_KIND[self._api.kind].columns
        found = []
        for table in self._api.tables:
            if not table.part and table.fields:
                fields = {wire: columns[name].read(view, document) for name, wire in table.fields.items()}
                for name, words in self._api.values.items():
                    if name in table.fields:
                        fields[table.fields[name]] = words.get(fields[table.fields[name]], "")
                for name, sides in table.sides.items():
                    rule = INVOICE_RULES.get(columns["invoice_type"].read(view, document))
                    fields[sides[0 if rule is None or rule.raises_debt else 1]] = columns[name].read(view, document)
                found.append((table.name, fields))
        return found

    def element(self, field: str) -> str:
        """Return the element of a books' field, or of a `list.field`; the field itself where there is none."""
        part, _, inner = field.rpartition(".")
        for table in self._api.tables:
            if table.part == part and inner in table.fields:
                return table.fields[inner]
            if table.part == part and inner in table.sides:
                return table.sides[inner][0]
        return field

    def _check_links(self, rows: Sequence[Row]) -> None:
        by_id: dict[str, Row] = {}
        for row in rows:
            table = self._tables.get(row.table)
            if table is None:
                raise SoapFault("Client", f"{self._api.root} has no table {row.table}.")
            if not row.rowid or row.rowid in by_id:
                raise SoapFault("Client", f"A row of {row.table} has no tc_Rowid of its own.")
            parent = by_id.get(row.parent)
            if (parent.table if parent else "") != table.parent or bool(row.parent) != bool(table.parent):
                raise SoapFault("Client", f"A row of {row.table} has no row of {table.parent or 'nothing'} above it.")
            by_id[row.rowid] = row
        for table in self._api.tables:
            count = sum(row.table == table.name for row in rows)
            if not table.part and count != 1:
                raise SoapFault("Client", f"A call carries one {table.name}, not {count}.")

    def _take(self, said: dict[str, Any], more: Mapping[str, Any]) -> None:
        for name, value in more.items():
            if said.setdefault(name, value) != value:
                raise refuse(Code.VALUE_NOT_ALLOWED, name, value, f"{name} is said twice, and not alike.")

    def _line(self, table: Table) -> type[Struct]:
        annotation = next(one.type for one in msgspec.structs.fields(self._content) if one.name == table.part)
        found: type[Struct] = get_args(annotation)[0]
        return found

    def _check_control(self, said: dict[str, Any], control: Sequence[Decimal]) -> None:
        """Turn the two sides of an invoice into its total, and hold the one control row against it."""
        signed = said["original_amount"]
        rule = INVOICE_RULES.get(said.get("invoice_type", ""))
        if rule is not None and not rule.raises_debt:
            said["original_amount"] = -signed
        if list(control) != [signed]:
            message = "The posting needs one control line over the whole amount."
            raise refuse(Code.OUT_OF_BALANCE, "posting_lines.debit_amount", sum(control, ZERO), message)


def _turned(table: Table, line: dict[str, Any], said: Mapping[str, Any]) -> dict[str, Any]:
    """Turn two sides of a row into the amount that the books have: above zero where it raises the document's total."""
    rule = INVOICE_RULES.get(said.get("invoice_type", ""))
    sign = -1 if rule is not None and rule.raises_debt else 1
    return {name: sign * value if name in table.sides else value for name, value in line.items()}


def _typed(kind: type[Struct], table: Table, row: Row) -> Iterator[tuple[str, Any]]:
    types = {one.name: one.type for one in msgspec.structs.fields(kind)}
    for name, element in table.fields.items():
        text = row.said.get(element)
        read = next(_READERS[one] for one in (types[name], *get_args(types[name])) if one in _READERS)
        # Left out is the default, and so is empty, but for texts, where it is a blank.
        if text is not None and (text or types[name] is str):
            try:
                yield name, read(text)
            except ValueError:
                raise SoapFault("Client", f"{element} cannot be {text[:40]!r}.") from None
    for name, (debit, credit) in table.sides.items():
        try:
            yield name, _amount(row.said.get(debit) or "0") - _amount(row.said.get(credit) or "0")
        except ValueError:
            raise SoapFault("Client", f"{debit} or {credit} is no amount.") from None


def _amount(text: str) -> Decimal:
    if not _AMOUNT.fullmatch(text):
        raise ValueError(text)
    return Decimal(text)


def _whole(text: str) -> int:
    if not _WHOLE.fullmatch(text):
        raise ValueError(text)
    return int(text)


def _day(text: str) -> date:
    if not _DAY.fullmatch(text):
        raise ValueError(text)
    return date.fromisoformat(text)


def _flag(text: str) -> bool:
    if text not in _FLAGS:
        raise ValueError(text)
    return _FLAGS[text]


_READERS: Mapping[Any, Callable[[str], Any]] = {str: str, int: _whole, bool: _flag, Decimal: _amount, date: _day}
