"""ZOQL: the part of its grammar that reads the objects of a tenant without Invoice Settlement, and nothing more.

`select FIELDS from OBJECT where CONDITIONS`: keywords in lower case, at most 200 conditions joined by and/or (and binds
closer), no order by, no limit, no join, no `*`, no brackets, no `in`. Text stands in single quotes, with a backslash
before a quote or a backslash in it. Rows come in no order that means anything.
"""

import operator
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from sandbox.zuora.clock import Stamp
from sandbox.zuora.objects import Record
from sandbox.zuora.query.catalog import CHILD_KINDS, ObjectKind, QueryField
from sandbox.zuora.refusal import Category, Refused
from sandbox.zuora.tenant import Tenant

MOST_CONDITIONS = 200

# What exists only without Invoice Settlement; ZOQL knows nothing of what exists only with it.
OBJECTS: dict[str, ObjectKind] = {
    kind.record.__name__: kind
    for kind in (
        CHILD_KINDS[path]
        for path in (
            "invoice-payments",
            "invoice-adjustments",
            "invoice-item-adjustments",
            "credit-balance-adjustments",
            "refunds",
        )
    )
}

_TOKEN = re.compile(r"\s*(?:('(?:[^'\\]|\\.)*')|(!=|<=|>=|=|<|>)|(,)|([^\s,'=<>!]+))")
_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclass(frozen=True)
class Condition:
    """One comparison of a field."""

    field: QueryField
    compare: Callable[[Any, Any], bool]
    value: Any

    def holds(self, row: Record) -> bool:
        """Tell whether it holds for a row; nothing but "is null" holds for a field that is not set."""
        held = getattr(row, self.field.attribute)
        if held is None or self.value is None:
            return self.compare(held, self.value) if self.compare in (operator.eq, operator.ne) else False
        return self.compare(held, self.value)


@dataclass(frozen=True)
class Query:
    """A query that was understood: of which object, which fields, and one of these groups of conditions must hold."""

    kind: ObjectKind
    fields: tuple[QueryField, ...]
    groups: tuple[tuple[Condition, ...], ...]

    def rows(self, tenant: Tenant) -> list[Record]:
        """Return what a reader finds, in the order of ids, which are as good as random."""
        shown = tenant.tables[self.kind.record].shown
        return [
            shown[key]
            for key in sorted(shown)
            if not self.groups or any(all(one.holds(shown[key]) for one in group) for group in self.groups)
        ]


def fault(code: str, message: str) -> Refused:
    """Return a refusal with a fault code of Actions."""
    return Refused(Category.INVALID_VALUE, message, fault=code)


def read_query(text: str, tenant: Tenant) -> Query:
    """Return the query that a text is.

    Raises:
        Refused: It is none that ZOQL takes, or asks for what the tenant does not have.
    """
    tokens = list(_tokens(text))
    if not tokens or tokens[0] != "select" or "from" not in tokens:
        raise _malformed()
    at = tokens.index("from")
    names, rest = tokens[1:at], tokens[at + 1 :]
    if not names or not rest or names[1::2] != [","] * (len(names) // 2) or len(names) % 2 == 0:
        raise _malformed()
    kind = OBJECTS.get(rest[0])
    settings = tenant.settings
    if kind is None or (settings.invoice_settlement and not settings.zoql_with_settlement):
        raise fault("INVALID_TYPE", f"invalid type for query: {rest[0]}")
    fields = tuple(_field(kind, name) for name in names[0::2])
    if len(rest) == 1:
        return Query(kind, fields, ())
    if rest[1] != "where":
        raise _malformed()
    return Query(kind, fields, _groups(kind, rest[2:], tenant))


def _tokens(text: str) -> Iterator[str]:
    at = 0
    text = text.strip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise _malformed()
        yield match[0].strip()
        at = match.end()


def _groups(kind: ObjectKind, tokens: list[str], tenant: Tenant) -> tuple[tuple[Condition, ...], ...]:
    groups: list[list[Condition]] = [[]]
    if len(tokens) % 4 != 3:
        raise _malformed()
    for at in range(0, len(tokens), 4):
        name, sign, value, *joint = tokens[at : at + 4]
        if sign not in _COMPARISONS or joint not in ([], ["and"], ["or"]):
            raise _malformed()
        column = _field(kind, name)
        groups[-1].append(Condition(column, _COMPARISONS[sign], _value(column, value, tenant)))
        if joint == ["or"]:
            groups.append([])
    if sum(map(len, groups)) > MOST_CONDITIONS:
        raise fault("MALFORMED_QUERY", f"A query takes at most {MOST_CONDITIONS} conditions")
    return tuple(map(tuple, groups))


def _field(kind: ObjectKind, name: str) -> QueryField:
    column = kind.fields.get(name.lower())
    if column is None:
        raise fault("INVALID_FIELD", f"invalid field for query: {kind.record.__name__}.{name}")
    return column


def _value(column: QueryField, written: str, tenant: Tenant) -> Any:
    if written == "null":
        return None
    text = re.sub(r"\\(.)", r"\1", written[1:-1]) if written.startswith("'") else None
    try:
        if column.type is Decimal and text is None:
            return Decimal(written)
        if text is not None and column.type is Stamp:
            moment = datetime.fromisoformat(text)
            return Stamp(int((moment if moment.tzinfo else moment.replace(tzinfo=tenant.zone.zone)).timestamp()))
        if text is not None and column.type is date:
            return date.fromisoformat(text)
        if text is not None and column.type is str:
            return text
    except (ValueError, InvalidOperation):
        pass
    raise fault("INVALID_VALUE", f"invalid value for {column.name}: {written[:40]}")


def _malformed() -> Refused:
    return fault("MALFORMED_QUERY", "You have an error in your ZOQL syntax")
