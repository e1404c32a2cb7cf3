"""What a payment was applied to: by rows, which are its history, and by parts, which are what stands today."""

import msgspec

from adapters.zuora.asking.client import PAGE_SIZE_MAX, ZuoraClient
from adapters.zuora.asking.ids import checked, quoted
from adapters.zuora.reading.rows import all_rows, seen


class _Payment(msgspec.Struct, rename="camel"):
    id: str
    payment_applications: list[msgspec.Raw] | None = None


_payment = msgspec.json.Decoder(_Payment)


async def of_payment(client: ZuoraClient, raw: msgspec.Raw) -> dict[str, list[msgspec.Raw]]:
    """Return the applications and the parts."""
    payment = seen(raw, _payment, "a payment")
    applications = payment.payment_applications or []
    if len(applications) >= PAGE_SIZE_MAX:
        params = [("filter[]", f"paymentid.EQ:{checked(payment.id)}")]
        applications = await all_rows(client, "payment-applications", params)
    return {
        "applications": applications,
        "parts": await client.v1_rows(f"/v1/payments/{quoted(payment.id)}/parts", "parts"),
    }
