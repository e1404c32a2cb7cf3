"""What can be written and read by resource, elsewhere: the house's resources in this tenant's words."""

import msgspec

from sandbox.qad.dialect import Lines, Resource
from sandbox.qad.elsewhere.words import DIRECTIONS, STATUSES, places
from sandbox.qad.house.resources import RESOURCES as HOUSE

_VALUES = {"payment": {"status": STATUSES}, "banking": {"direction": DIRECTIONS}}
# What a line above zero means: of an invoice revenue, of anything else a debit.
_CREDIT_ABOVE_ZERO = frozenset({"invoice"})
_SIDES = ("debit_amount", "credit_amount")


def _elsewhere(resource: Resource) -> Resource:
    return msgspec.structs.replace(
        resource,
        path=f"/services/ar/{resource.kind}",
        view_uri=f"urn:ar:{resource.kind}",
        list_name=f"tt{resource.kind.capitalize()}",
        fields=places(*resource.fields),
        lines={name: _lines(resource.kind, lines) for name, lines in resource.lines.items()},
        values=_VALUES.get(resource.kind, {}),
    )


def _lines(kind: str, lines: Lines) -> Lines:
    has_sides = _SIDES[0] in lines.fields
    return Lines(
        name=f"detail.tt{lines.name[:1].upper()}{lines.name[1:]}",
        fields=places(*(name for name in lines.fields if name not in _SIDES)),
        signed_amount="money.tcSigned" if has_sides else "",
        positive_side="credit" if kind in _CREDIT_ABOVE_ZERO else "debit",
    )


def _of_type(invoices: Resource, kind: str, **changes: object) -> Resource:
    """Return invoices of one type: the type is not in the record, the resource says it."""
    fields = {name: wire for name, wire in invoices.fields.items() if name != "invoice_type"}
    return msgspec.structs.replace(invoices, constants={"invoice_type": kind}, fields=fields, **changes)


def _below_zero(lines: dict[str, Lines], name: str, *amounts: str) -> dict[str, Lines]:
    """Return lists of lines, one of which has these amounts with the other sign."""
    return {**lines, name: msgspec.structs.replace(lines[name], negative=amounts)}


_INVOICES, *_OTHERS = (_elsewhere(resource) for resource in HOUSE)

RESOURCES: tuple[Resource, ...] = (
    _of_type(_INVOICES, "INVOICE"),
    _of_type(
        _INVOICES,
        "CREDITNOTE",
        path="/services/ar/credit",
        view_uri="urn:ar:credit",
        list_name="ttCredit",
        negative=("original_amount", "tax_amount"),
        lines=_below_zero(_INVOICES.lines, "tax_lines", "base_amount", "tax_amount"),
    ),
    *_OTHERS,
)
