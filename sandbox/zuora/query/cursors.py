"""The two kinds of cursor that Zuora's own examples decode to: a place in the order, or a count of rows to skip.

A client must treat both as opaque. Neither is a snapshot: under an offset rows shift between pages when others move.
"""

import base64
import binascii
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from sandbox.zuora.clock import Stamp
from sandbox.zuora.query.catalog import QueryField
from sandbox.zuora.query.conditions import read_value
from sandbox.zuora.refusal import Refused, invalid_query


@dataclass(frozen=True)
class Sorting:
    """The order of a list: by one field, then by id, both ascending or both descending."""

    field: QueryField
    descending: bool

    @property
    def direction(self) -> str:
        """Return ASC or DESC."""
        return "DESC" if self.descending else "ASC"


class _OrderBy(msgspec.Struct):
    field: str
    order: str


class _Place(msgspec.Struct, rename="camel"):
    value: str | None
    order_by: _OrderBy


def write_offset(count: int) -> str:
    """Return the cursor that skips so many rows."""
    return base64.b64encode(str(count).encode()).decode()


def write_place(sorting: Sorting, value: Any, key: str) -> str:
    """Return the cursor that goes on after a row with this value and this id."""
    name = sorting.field.name[0].upper() + sorting.field.name[1:]
    places = [
        _Place(value=_as_text(value), order_by=_OrderBy(name, sorting.direction)),
        _Place(value=key, order_by=_OrderBy("Id", sorting.direction)),
    ]
    return base64.b64encode(msgspec.json.encode(places)).decode()


def _as_text(value: Any) -> str | None:
    if isinstance(value, Stamp):
        return value.utc().strftime("%Y-%m-%dT%H:%M:%SZ")
    return str(value).lower() if isinstance(value, bool) else None if value is None else str(value)


def read_offset(cursor: str) -> int:
    """Return how many rows a cursor skips."""
    text = _decoded(cursor)
    if not text.isdigit():
        raise _invalid(cursor)
    return int(text)


def read_place(cursor: str, sorting: Sorting, zone: ZoneInfo) -> tuple[Any, str]:
    """Return the value and the id after which a cursor goes on; it must have been made under the same order."""
    try:
        value, key = msgspec.json.decode(_decoded(cursor), type=tuple[_Place, _Place])
        if value.order_by.order != sorting.direction or value.order_by.field.lower() != sorting.field.name.lower():
            raise _invalid(cursor)
        typed = None if value.value is None else read_value(sorting.field.type, value.value, zone=zone)
    except ValueError:
        raise _invalid(cursor) from None
    return typed, key.value or ""


def _decoded(cursor: str) -> str:
    try:
        return base64.b64decode(cursor, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise _invalid(cursor) from None


def _invalid(cursor: str) -> Refused:
    return invalid_query(f"Invalid cursor: {cursor}")
