"""Rows as the JSON that Object Query writes: camelCase, nulls left out, moments with the offset of the tenant's zone.

Custom fields stand beside the others with their first letter in lower case. Expanded children are cut at the page
size, without a mark, exactly as Zuora does it. Amounts are written as plain numbers from Decimal.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import msgspec

from sandbox.zuora.clock import Stamp, TenantZone
from sandbox.zuora.objects import Record
from sandbox.zuora.query.catalog import CHILD_KINDS, Many, ObjectKind, One
from sandbox.zuora.tenant import Tenant


@dataclass(frozen=True)
class Expansion:
    """A relation to be added to each row, and what to show of the related rows."""

    relation: One | Many
    selection: "Selection"


@dataclass(frozen=True)
class Selection:
    """What to show of a row.

    Attributes:
        names: Names of fields in lower case; None for all.
        expansions: Relations to add.
        nulls: Whether fields that are not set are written as null.
        children: Most rows of a relation; None for all, which only the control API asks for.
    """

    names: frozenset[str] | None = None
    expansions: tuple[Expansion, ...] = ()
    nulls: bool = False
    children: int | None = field(default=10)


def object_query_encoder(zone: TenantZone) -> msgspec.json.Encoder:
    """Return the encoder that writes numbers and moments as Object Query does."""

    def write_stamp(value: Any) -> str:
        if isinstance(value, Stamp):
            return zone.with_offset(value)
        raise NotImplementedError(f"Object Query writes no {type(value)}")

    return msgspec.json.Encoder(enc_hook=write_stamp, decimal_format="number")


def lowered(name: str) -> str:
    """Return a field name with its first letter in lower case, as Object Query has it."""
    return name[0].lower() + name[1:]


class Renderer:
    """Writes the rows of one tenant."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant
        self._encoder = object_query_encoder(tenant.zone)

    def row(self, kind: ObjectKind, row: Record, selection: Selection) -> bytes:
        """Return one row as a JSON object."""
        parts = [self._own_fields(kind, row, selection)]
        for expansion in selection.expansions:
            related = self._related(row, expansion)
            if related is not None:
                parts.append(b'{"' + expansion.relation.name.encode() + b'":' + related + b"}")
        return _joined(parts)

    def rows(self, kind: ObjectKind, rows: Sequence[Record], selection: Selection) -> bytes:
        """Return rows as a JSON array."""
        return b"[" + b",".join([self.row(kind, row, selection) for row in rows]) + b"]"

    def encode(self, value: Any) -> bytes:
        """Return any other value as JSON, numbers and moments as in rows."""
        return self._encoder.encode(value)

    def _own_fields(self, kind: ObjectKind, row: Record, selection: Selection) -> bytes:
        if selection.names is not None or selection.nulls:
            return self._encoder.encode(self._chosen(kind, row, selection))
        if row.custom is None:
            return self._encoder.encode(row)
        plain = self._encoder.encode(msgspec.structs.replace(row, custom=None))
        return _joined([plain, self._encoder.encode({lowered(name): value for name, value in row.custom.items()})])

    def _chosen(self, kind: ObjectKind, row: Record, selection: Selection) -> dict[str, Any]:
        held = {column.name: getattr(row, column.attribute) for column in kind.fields.values()}
        if selection.nulls:
            held |= {lowered(name): None for name in self._tenant.custom_fields.get(kind.record.__name__, {})}
        held |= {lowered(name): value for name, value in (row.custom or {}).items()}
        names = selection.names
        return {
            name: value
            for name, value in held.items()
            if (names is None or name.lower() in names) and (value is not None or selection.nulls)
        }

    def _related(self, row: Record, expansion: Expansion) -> bytes | None:
        relation, selection = expansion.relation, expansion.selection
        target = CHILD_KINDS[relation.path]
        table = self._tenant.tables[target.record]
        if isinstance(relation, Many):
            children = islice(table.children_shown(relation.field, row.id), selection.children)
            return self.rows(target, list(children), selection)
        key = getattr(row, relation.field)
        related = table.shown.get(key) if key else None
        return self.row(target, related, selection) if related is not None else None


def _joined(parts: Sequence[bytes]) -> bytes:
    """Return JSON objects as one; an empty one adds nothing."""
    filled = [part[1:-1] for part in parts if part != b"{}"]
    return b"{" + b",".join(filled) + b"}"
