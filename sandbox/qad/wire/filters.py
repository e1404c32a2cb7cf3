"""The filters of a browse: `field,op,value,literal`, or `field,rg,from,literal,to,literal`, or as a dialect has them.

Texts compare without case. A field that the browse does not have matches nothing and is no error, as in the ERP.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from operator import eq, ge, gt, le, lt
from typing import Any, NamedTuple

from sandbox.qad.dialect import BrowseParameters
from sandbox.qad.wire.columns import Column, Type, View
from sandbox.qad.wire.forms import Formats

_LITERAL = ",literal"
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "eq": eq,
    "gt": gt,
    "ge": ge,
    "lt": lt,
    "le": le,
    "cn": lambda text, part: part in text,
    "sw": lambda text, part: text.startswith(part),
    "ew": lambda text, part: text.endswith(part),
}
_RANGE = "rg"
_TEXT_ONLY = frozenset({"cn", "sw", "ew"})


class BadFilter(Exception):
    """A filter is not written as filters are."""


class Filter(NamedTuple):
    """One filter as it was asked: wire name of the field, operator, one value or two."""

    field: str
    operator: str
    values: tuple[str, ...]


class FilterReader:
    """Takes filters apart, in the form that a dialect writes them in."""

    def __init__(self, spelled: BrowseParameters) -> None:
        self._operators = {spelled.operators.get(one, one): one for one in (*_COMPARE, _RANGE)}
        words = "|".join(re.escape(word) for word in sorted(self._operators, key=len, reverse=True))
        parts = {"column": r"(?P<column>[\w.]*)", "operator": f"(?P<operator>{words})", "value": "(?P<value>.*)"}
        form = re.escape(spelled.condition)
        for mark, part in parts.items():
            form = form.replace(re.escape(f"{{{mark}}}"), part)
        self._form = re.compile(form, re.DOTALL)

    def read(self, text: str) -> Filter:
        """Take a filter apart; values may hold what filters are made of.

        Raises:
            BadFilter: where it has not the form.
        """
        found = self._form.fullmatch(text)
        if found is None:
            raise BadFilter(text)
        operator = self._operators[found["operator"]]
        if operator != _RANGE:
            return Filter(found["column"], operator, (found["value"],))
        start, parted, end = found["value"].partition(_LITERAL + ",")
        if not parted:
            raise BadFilter(text)
        return Filter(found["column"], operator, (start, end))


def row_test(asked: Filter, column: Column, view: View, formats: Formats) -> Callable[[Any], bool]:
    """Return the test of a row.

    Raises:
        BadFilter: where a value does not fit the column.
    """
    try:
        operands = [_operand(value, column.type, formats) for value in asked.values]
    except (TypeError, ValueError, InvalidOperation) as error:
        raise BadFilter(asked.field) from error
    if asked.operator in _TEXT_ONLY and column.type is not Type.TEXT:
        raise BadFilter(asked.field)
    read = column.reader(view)
    if asked.operator == _RANGE:
        low, high = operands
        if column.type is Type.TEXT:
            return lambda row: low <= str(read(row)).casefold() <= high
        return lambda row: (value := read(row)) is not None and low <= value <= high
    compare, operand = _COMPARE[asked.operator], operands[0]
    if column.type is Type.TEXT:
        return lambda row: compare(str(read(row)).casefold(), operand)
    return lambda row: (value := read(row)) is not None and compare(value, operand)


def _operand(value: str, type_: Type, formats: Formats) -> Any:
    match type_:
        case Type.NUMBER:
            number = Decimal(value)
            if not number.is_finite():
                raise ValueError(value)
            return number
        case Type.DATE:
            return formats.read_date(value)
        case Type.FLAG:
            return formats.flag_in_filter(value)
        case Type.MOMENT:
            moment = datetime.fromisoformat(value)
            return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        case Type.TEXT:
            return value.casefold()
