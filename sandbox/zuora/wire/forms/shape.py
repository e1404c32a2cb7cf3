"""How v1 writes any row: fields by the names of Object Query, amounts as text, moments without a zone."""

from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from typing import Any

import msgspec

from sandbox.zuora.clock import Stamp, TenantZone
from sandbox.zuora.objects import Record

Form = dict[str, Any]
AUDIT = "createdById createdDate updatedById updatedDate"


def v1_encoder(zone: TenantZone) -> msgspec.json.Encoder:
    """Return the encoder that writes numbers and moments as v1 does."""

    def write_stamp(value: Any) -> str:
        if isinstance(value, Stamp):
            return zone.without_zone(value)
        raise NotImplementedError(f"v1 writes no {type(value)}")

    return msgspec.json.Encoder(enc_hook=write_stamp, decimal_format="number")


@cache
def attributes(kind: type[Record]) -> Mapping[str, str]:
    """Return the attributes of a row by the names that Object Query gives them."""
    return {column.encode_name: column.name for column in msgspec.structs.fields(kind)}


def same(row: Record, names: str) -> Form:
    """Return the fields that v1 calls as Object Query does."""
    known = attributes(type(row))
    return {name: getattr(row, known[name]) for name in names.split() if name in known}


def text(amount: Decimal | None) -> str | None:
    """Return an amount as those endpoints write it that write strings."""
    return None if amount is None else format(amount, "f")


def without_nulls(form: Any) -> Any:
    """Return a form without what is not set, at every depth."""
    if isinstance(form, dict):
        return {name: without_nulls(value) for name, value in form.items() if value is not None}
    return [without_nulls(value) for value in form] if isinstance(form, list) else form
