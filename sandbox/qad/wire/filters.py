"""The filters of a browse: `field,op,value,literal`, or `field,rg,from,literal,to,literal`.

Texts compare without case. A field that the browse does not have matches nothing and is no error, as in the ERP.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from operator import eq, ge, gt, le, lt
from typing import Any, NamedTuple

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
_TEXT_ONLY = frozenset({"cn", "sw", "ew"})


class BadFilter(Exception):
    """A filter is not written as filters are."""


class Filter(NamedTuple):
    """One filter as it was asked: wire name of the field, operator, one value or two."""

    field: str
    operator: str
    values: tuple[str, ...]


def read_filter(text: str) -> Filter:
    """Take a filter apart; values may hold commas.

    Raises:
        BadFilter: where it has not the form.
    """
    field, _, rest = text.partition(",")
    operator, _, rest = rest.partition(",")
    if not rest.endswith(_LITERAL) or operator not in (*_COMPARE, "rg"):
        raise BadFilter(text)
    rest = rest.removesuffix(_LITERAL)
    if operator != "rg":
        return Filter(field, operator, (rest,))
    start, found, end = rest.partition(_LITERAL + ",")
    if not found:
        raise BadFilter(text)
    return Filter(field, operator, (start, end))


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
    if asked.operator == "rg":
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
            if value.casefold() not in ("true", "false"):
                raise ValueError(value)
            return value.casefold() == "true"
        case Type.MOMENT:
            moment = datetime.fromisoformat(value)
            return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        case Type.TEXT:
            return value.casefold()
