"""What belongs to objects of a tenant without Invoice Settlement: read by ZOQL, beside what Object Query has."""

import msgspec

from adapters.zuora.asking.answers import NotFound, decoded
from adapters.zuora.asking.client import ZuoraClient
from adapters.zuora.asking.ids import quoted
from adapters.zuora.reading.rows import seen
from adapters.zuora.reading.zoql import CREDIT_BALANCE_ADJUSTMENTS, INVOICE_PAYMENTS, rows_of
from schemas.errors import Unreadable


class _Parent(msgspec.Struct):
    id: str


class _Adjustment(msgspec.Struct, rename="pascal"):
    id: str
    invoice_id: str
    source_type: str = ""
    source_id: str = ""


class _Refund(msgspec.Struct, rename="pascal"):
    account_id: str


_refund = msgspec.json.Decoder(_Refund)
_parent = msgspec.json.Decoder(_Parent)
_adjustment = msgspec.json.Decoder(_Adjustment)

Children = dict[str, list[msgspec.Raw]]


async def of_applied_payment(client: ZuoraClient, raw: msgspec.Raw) -> Children:
    """Return what was applied when the payment was made: there is no later application, and no history."""
    payment = seen(raw, _parent, "a payment")
    rows, _ = await rows_of(client, INVOICE_PAYMENTS, "PaymentId", payment.id)
    return {"invoice_payments": rows}


async def of_adjustment(client: ZuoraClient, raw: msgspec.Raw) -> Children:
    """Return the invoice that is adjusted, which knows the currency, and the tax row where it is a tax's."""
    adjustment = seen(raw, _adjustment, "an adjustment")
    children = {"invoice": [await _one(client, "invoices", adjustment.invoice_id)]}
    if adjustment.source_type == "Tax":
        children["tax"] = [await _one(client, "taxation-items", adjustment.source_id)]
    return children


async def of_credit_balance(client: ZuoraClient, raw: msgspec.Raw) -> Children:
    """Return all that moved the credit balance of an account."""
    account = seen(raw, _parent, "an account")
    rows, _ = await rows_of(client, CREDIT_BALANCE_ADJUSTMENTS, "AccountId", account.id)
    return {"adjustments": rows}


async def of_applied_refund(client: ZuoraClient, raw: msgspec.Raw) -> Children:
    """Return the account, which knows the currency."""
    refund = seen(raw, _refund, "a refund")
    return {"account": [await _one(client, "accounts", refund.account_id)]}


async def _one(client: ZuoraClient, objects: str, zuora_id: str) -> msgspec.Raw:
    path = f"/object-query/{objects}/{quoted(zuora_id)}"
    try:
        answer = await client.get(path)
    except NotFound as error:
        raise Unreadable(f"it is of what Zuora does not show: {error}") from None
    # It stands in the record as it came: whole, or no record.
    decoded(answer.body, _parent, path)
    return msgspec.Raw(answer.body)
