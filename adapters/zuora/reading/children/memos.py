"""Items of a memo with all their taxes, and of a credit memo what it was applied to: by rows, and by what stands."""

import msgspec

from adapters.zuora.asking.client import PAGE_SIZE_MAX, ZuoraClient
from adapters.zuora.asking.ids import checked, quoted
from adapters.zuora.reading.rows import all_rows, seen
from schemas.zuora import TAX


class _CreditMemo(msgspec.Struct, rename="camel"):
    id: str
    account_id: str | None = None
    credit_memo_applications: list[msgspec.Raw] | None = None


class _DebitMemo(msgspec.Struct):
    id: str


class _Item(msgspec.Struct, rename="camel"):
    id: str
    taxation_items: msgspec.Raw = msgspec.Raw(b"null")


class _Taxes(msgspec.Struct, rename="camel"):
    next_page: str | None = None


class _Application(msgspec.Struct, rename="camel"):
    credit_memo_id: str | None = None


_credit_memo = msgspec.json.Decoder(_CreditMemo)
_debit_memo = msgspec.json.Decoder(_DebitMemo)
_item = msgspec.json.Decoder(_Item)
_taxes = msgspec.json.Decoder(_Taxes)
_application = msgspec.json.Decoder(_Application)


async def of_credit_memo(client: ZuoraClient, raw: msgspec.Raw) -> dict[str, list[msgspec.Raw]]:
    """Return the items with their taxes, the applications and the parts."""
    memo = seen(raw, _credit_memo, "a credit memo")
    path = f"/v1/credit-memos/{quoted(memo.id)}"
    return {
        **await _items(client, path, f"credit memo {memo.id}"),
        "applications": await _applications(client, memo),
        "parts": await client.v1_rows(f"{path}/parts", "parts"),
    }


async def of_debit_memo(client: ZuoraClient, raw: msgspec.Raw) -> dict[str, list[msgspec.Raw]]:
    """Return the items with their taxes."""
    memo = seen(raw, _debit_memo, "a debit memo")
    return await _items(client, f"/v1/debit-memos/{quoted(memo.id)}", f"debit memo {memo.id}")


async def _items(client: ZuoraClient, path: str, of: str) -> dict[str, list[msgspec.Raw]]:
    children = {"items": await client.v1_rows(f"{path}/items", "items")}
    for row in list(children["items"]):
        item = seen(row, _item, f"items of {of}")
        if _goes_on(item.taxation_items, of):
            rows = await client.v1_rows(f"{path}/items/{quoted(item.id)}/taxation-items", "data")
            children[f"{TAX}.{item.id}"] = rows
    return children


async def _applications(client: ZuoraClient, memo: _CreditMemo) -> list[msgspec.Raw]:
    expanded = memo.credit_memo_applications or []
    if len(expanded) < PAGE_SIZE_MAX or not memo.account_id:
        return expanded
    # There is no filter by memo: those of its account are read, and sorted out here.
    params = [("filter[]", f"accountid.EQ:{checked(memo.account_id)}")]
    rows = await all_rows(client, "credit-memo-applications", params)
    what = f"applications of credit memo {memo.id}"
    return [row for row in rows if seen(row, _application, what).credit_memo_id == memo.id]


def _goes_on(taxes: msgspec.Raw, of: str) -> bool:
    """Return whether the taxes within an item are cut; before Zuora-Version 239 they are a bare list."""
    if not bytes(taxes).startswith(b"{"):
        return False
    return bool(seen(taxes, _taxes, f"taxes of {of}").next_page)
