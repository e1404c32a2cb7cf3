"""Items of an invoice with all their taxes. One that was never posted carries none: nothing is decided by them."""

import msgspec

from adapters.zuora.asking.client import PAGE_SIZE_MAX, ZuoraClient
from adapters.zuora.asking.ids import checked, quoted
from adapters.zuora.reading.rows import all_rows, seen
from schemas.zuora import TAX


class _Invoice(msgspec.Struct, rename="camel"):
    id: str
    status: str | None = None


class _Item(msgspec.Struct, rename="camel"):
    id: str
    taxation_items: list[msgspec.Raw] | None = None


_invoice = msgspec.json.Decoder(_Invoice)
_item = msgspec.json.Decoder(_Item)


async def of_invoice(client: ZuoraClient, raw: msgspec.Raw) -> dict[str, list[msgspec.Raw]]:
    """Return the items, and under `tax.<item id>` the taxes of those whose nested ones were cut."""
    invoice = seen(raw, _invoice, "an invoice")
    if invoice.status != "Posted":
        return {}
    params = [("filter[]", f"invoiceid.EQ:{checked(invoice.id)}"), ("expand[]", "taxationitems")]
    children: dict[str, list[msgspec.Raw]] = {"items": await all_rows(client, "invoice-items", params)}
    for row in children["items"]:
        item = seen(row, _item, f"items of invoice {invoice.id}")
        if len(item.taxation_items or ()) >= PAGE_SIZE_MAX:
            path = f"/v1/invoices/{quoted(invoice.id)}/items/{quoted(item.id)}/taxation-items"
            children[f"{TAX}.{item.id}"] = await client.v1_rows(path, "data")
    return children
