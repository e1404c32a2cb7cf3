"""filter[] as conditions on rows: the fields and operators it takes, how a value is read, and which rows match.

`field.OP:value`, joined by AND. EQ, NE and IN go with every field, SW with text, LT LE GT GE with numbers, dates and
moments. Names, operators and text are compared without regard to case. Whatever the API reference does not list is
refused.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from operator import attrgetter
from typing import Any
from zoneinfo import ZoneInfo

from sandbox.zuora.clock import Stamp
from sandbox.zuora.objects import Record
from sandbox.zuora.query.catalog import ObjectKind, QueryField
from sandbox.zuora.refusal import Refused, invalid_query

Predicate = Callable[[Record], bool]

_CONDITION = re.compile(r"(?P<field>[A-Za-z][A-Za-z0-9_]*)\.(?P<operator>[A-Za-z]{2}):(?P<value>.*)", re.DOTALL)
_EMPTY = "\x02\x03"
_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "LT": lambda held, given: bool(held < given),
    "LE": lambda held, given: bool(held <= given),
    "GT": lambda held, given: bool(held > given),
    "GE": lambda held, given: bool(held >= given),
}


@dataclass(frozen=True)
class Condition:
    """One filter: a field, an operator, and the values it names (one, unless IN); None stands for null."""

    field: QueryField
    operator: str
    values: tuple[Any, ...]


@dataclass(frozen=True)
class FilterRules:
    """What filter[] takes in this tenant.

    Attributes:
        filterable: Names in lower case, the indexed custom fields among them.
        fields: All fields that could be named, by the name in lower case.
        zone: Zone of a moment that is given without one.
        match_case: Whether text is compared exactly.
    """

    filterable: frozenset[str]
    fields: dict[str, QueryField]
    zone: ZoneInfo
    match_case: bool


def filter_rules(
    kind: ObjectKind, *, extra: Sequence[str], custom: dict[str, bool], zone: ZoneInfo, match_case: bool
) -> FilterRules:
    """Return the rules for one object: the listed fields, what a tenant adds, and its indexed custom fields."""
    indexed = {name.lower(): QueryField(name, name, str) for name, is_indexed in custom.items() if is_indexed}
    return FilterRules(
        filterable=kind.filterable | frozenset(name.lower() for name in extra) | frozenset(indexed),
        fields={**kind.fields, **indexed},
        zone=zone,
        match_case=match_case,
    )


def field_named(rules: FilterRules, name: str) -> QueryField:
    """Return a field that filter[] or sort[] names, or refuse one that is not listed."""
    field = rules.fields.get(name.lower())
    if field is None or name.lower() not in rules.filterable:
        raise invalid_query(f"Invalid filter parameter: {name}")
    return field


def read_condition(rules: FilterRules, text: str) -> Condition:
    """Return one filter[] parameter as a condition."""
    match = _CONDITION.fullmatch(text)
    if match is None:
        raise invalid_query(f"Invalid filter parameter: {text}")
    field, operator = field_named(rules, match["field"]), match["operator"].upper()
    is_text = field.type is str
    allowed = {"EQ", "NE", "IN"} | ({"SW"} if is_text else set(_COMPARISONS) if field.type is not bool else set())
    if operator not in allowed:
        raise invalid_query(f"Invalid filter parameter: {match['field']}.{match['operator']}")
    raw = match["value"]
    if operator == "IN":
        if not (raw.startswith("[") and raw.endswith("]")):
            raise invalid_query(f"Invalid filter parameter: {text}")
        return Condition(field, operator, tuple(_read(rules, field, value) for value in raw[1:-1].split(",")))
    return Condition(field, operator, (_read(rules, field, raw),))


def _read(rules: FilterRules, field: QueryField, raw: str) -> Any:
    if raw == "null":
        return None
    try:
        return read_value(field.type, raw, zone=rules.zone)
    except ValueError:
        raise _bad_value(field, raw) from None


def _bad_value(field: QueryField, raw: str) -> Refused:
    return invalid_query(f"Invalid value for filter parameter {field.name}: {raw}")


def read_value(kind: type, raw: str, *, zone: ZoneInfo) -> Any:
    """Return the value that a text stands for in a field of this type.

    Raises:
        ValueError: It stands for none.
    """
    if kind is Stamp:
        return _read_stamp(raw, zone)
    if kind is date:
        if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", raw):
            raise ValueError(raw)
        return date.fromisoformat(raw)
    if kind is bool:
        return {"true": True, "false": False}[raw.lower()] if raw.lower() in ("true", "false") else _reject(raw)
    if kind is Decimal or kind is int:
        # Decimal alone would also take underscores, other scripts' digits and infinities.
        return Decimal(raw) if re.fullmatch(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?", raw) else _reject(raw)
    return "" if raw == _EMPTY else raw


def _reject(raw: str) -> Any:
    raise ValueError(raw)


def _read_stamp(raw: str, zone: ZoneInfo) -> Stamp:
    # Whole seconds, with or without an offset; a "+" that was not encoded arrives as a space and is refused.
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(Z|[+-]\d{2}:\d{2})?", raw):
        raise ValueError(raw)
    moment = datetime.fromisoformat(raw)
    return Stamp(int((moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp()))


class _Remembered(dict[Any, bool]):
    """A test of values that is made once for each value: a column such as the status holds few, in many rows."""

    def __init__(self, test: Callable[[Any], bool]) -> None:
        super().__init__()
        self._test = test

    def __missing__(self, value: Any) -> bool:
        passed = self[value] = self._test(value)
        return passed


def predicate(conditions: Sequence[Condition], *, match_case: bool) -> Predicate:
    """Return the test that a row must pass to satisfy every condition."""
    tests = [_row_test(condition, match_case=match_case) for condition in conditions]
    if len(tests) == 1:
        return tests[0]
    return lambda row: all(test(row) for test in tests)


def _row_test(condition: Condition, *, match_case: bool) -> Predicate:
    name, remembered = condition.field.attribute, _Remembered(_value_test(condition, match_case=match_case))
    if name.endswith(("__c", "__NS")):
        return lambda row: remembered[(row.custom or {}).get(name)]
    held = attrgetter(name)
    return lambda row: remembered[held(row)]


def _value_test(condition: Condition, *, match_case: bool) -> Callable[[Any], bool]:
    """Return the test of one value; null is equal to null only, and less or greater than nothing."""
    operator, given = condition.operator, condition.values[0]
    if operator in _COMPARISONS:
        compare = _COMPARISONS[operator]
        return lambda value: value is not None and given is not None and compare(value, given)
    fold = str.lower if condition.field.type is str and not match_case else _unchanged

    def folded(value: Any) -> Any:
        return None if value is None else fold(value)

    if operator == "SW":
        return lambda value: value is not None and given is not None and folded(value).startswith(folded(given))
    wanted = {folded(value) for value in condition.values}
    return (lambda value: folded(value) not in wanted) if operator == "NE" else (lambda value: folded(value) in wanted)


def _unchanged(value: Any) -> Any:
    return value
