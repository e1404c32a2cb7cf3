"""Which payment or credit memo a refund closes: by rows, and by parts, which must agree."""

import msgspec

from adapters.zuora.asking.client import PAGE_SIZE_MAX, ZuoraClient
from adapters.zuora.asking.ids import checked, quoted
from adapters.zuora.reading.rows import all_rows, seen


class _Refund(msgspec.Struct, rename="camel"):
    id: str
    refund_applications: list[msgspec.Raw] | None = None


_refund = msgspec.json.Decoder(_Refund)


async def of_refund(client: ZuoraClient, raw: msgspec.Raw) -> dict[str, list[msgspec.Raw]]:
    """Return the applications and the parts."""
    refund = seen(raw, _refund, "a refund")
    applications = refund.refund_applications or []
    if len(applications) >= PAGE_SIZE_MAX:
        params = [("filter[]", f"refundid.EQ:{checked(refund.id)}")]
        applications = await all_rows(client, "refund-applications", params)
    return {
        "applications": applications,
        "parts": await client.v1_rows(f"/v1/refunds/{quoted(refund.id)}/parts", "parts"),
    }
