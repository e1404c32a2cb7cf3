"""What a payment was applied to, and which payment or credit memo a refund closes: by rows, and by parts.

The rows of a payment are its history, its parts what stands today; those of a refund must agree.
"""

from collections.abc import Sequence
from typing import Literal

import msgspec

from adapters.zuora.asking.client import PAGE_SIZE_MAX, ZuoraClient
from adapters.zuora.asking.ids import checked, quoted
from adapters.zuora.reading.rows import all_rows, seen


class _Payment(msgspec.Struct, rename="camel"):
    id: str
    payment_applications: list[msgspec.Raw] | None = None


class _Refund(msgspec.Struct, rename="camel"):
    id: str
    refund_applications: list[msgspec.Raw] | None = None


_payment = msgspec.json.Decoder(_Payment)
_refund = msgspec.json.Decoder(_Refund)


async def of_payment(client: ZuoraClient, raw: msgspec.Raw) -> dict[str, list[msgspec.Raw]]:
    """Return the applications and the parts of a payment."""
    payment = seen(raw, _payment, "a payment")
    return await _rows_and_parts(client, "payment", payment.id, payment.payment_applications or ())


async def of_refund(client: ZuoraClient, raw: msgspec.Raw) -> dict[str, list[msgspec.Raw]]:
    """Return the applications and the parts of a refund."""
    refund = seen(raw, _refund, "a refund")
    return await _rows_and_parts(client, "refund", refund.id, refund.refund_applications or ())


async def _rows_and_parts(
    client: ZuoraClient, parent: Literal["payment", "refund"], key: str, expanded: Sequence[msgspec.Raw]
) -> dict[str, list[msgspec.Raw]]:
    applications = list(expanded)
    if len(applications) >= PAGE_SIZE_MAX:
        params = [("filter[]", f"{parent}id.EQ:{checked(key)}")]
        applications = await all_rows(client, f"{parent}-applications", params)
    parts = await client.v1_rows(f"/v1/{parent}s/{quoted(key)}/parts", "parts")
    return {"applications": applications, "parts": parts}
