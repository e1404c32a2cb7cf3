"""Callouts as a tenant configures them: for which event, to where, with which body, authentication and signature.

The names are Python's; what each one is called in Zuora's callout templates stands beside it. Merge fields such as
`{{DataSource.Invoice.Id}}` may stand in the body, the URL, the headers and the signature.
"""

from typing import Literal

import msgspec

from sandbox.zuora.chronicle import Variant

ChangeType = Literal["INSERT", "UPDATE", "DELETE"]

# Standard events by name: the deed and the object that fire them, and Zuora's category code.
STANDARD_EVENTS = {
    "BillingRunCompletion": ("completed", "BillingRun", "1410"),
    "InvoicePosted": ("posted", "Invoice", "1110"),
    "PaymentProcessed": ("processed", "Payment", "2120"),
    "CreditMemoPosted": ("posted", "CreditMemo", "2720"),
    "DebitMemoPosted": ("posted", "DebitMemo", "2820"),
    "PaymentRefundProcessed": ("payment_refunded", "Refund", "2410"),
    "CreditMemoRefundProcessed": ("memo_refunded", "Refund", "2430"),
}


class BasicAuthentication(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """User and password (calloutAuth); unless preemptive, they are only sent after a 401 that asks for Basic."""

    username: str
    password: str
    preemptive: bool = False


class Signature(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The HMAC of a callout.

    Attributes:
        header: Name of the header (hmacKey).
        secret: Shared secret (hmacSecret).
        algorithm: Hash (hmacAlgorithm).
        output: How the signature is written (hmacOutputFormat).
        data: What is signed (hmacData).
        value: What the header holds (hmacValue).
    """

    header: str
    secret: str
    algorithm: Literal["MD5", "SHA-1", "SHA-224", "SHA-256", "SHA-384", "SHA-512"] = "SHA-256"
    output: Literal["HEX", "BASE64"] = "HEX"
    data: str = "{{Request.Body}}"
    value: str = "{{Request.HMAC.Signed}}"


class EventTrigger(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A custom event: what must happen to an object of a kind.

    Attributes:
        name: Name of the event.
        base_object: Account, PaymentApplication, Invoice, BillingRun ...
        change_types: Changes that fire it.
        field: With `becomes`: fires only when this field, as Object Query names it, takes that value.
        becomes: The value.
        leaves: With `field`, in place of `becomes`: fires only when this field had that value and has another now.
        active: Whether it fires at all.
        condition: What the API shows in place of the JEXL of the above, where people wrote it otherwise.
    """

    name: str
    base_object: str
    change_types: list[ChangeType]
    field: str | None = None
    becomes: str | None = None
    leaves: str | None = None
    active: bool = True
    condition: str = ""

    @property
    def jexl(self) -> str:
        """The condition as Zuora writes it."""
        if self.condition:
            return self.condition
        if self.field is None:
            return " || ".join(f"changeType == '{change}'" for change in self.change_types)
        name, signs = f"{self.base_object}.{self.field[:1].upper()}{self.field[1:]}", ("==", "!=")
        if self.leaves is not None:
            return f"{name} {signs[1]} '{self.leaves}' && {name}_old {signs[0]} '{self.leaves}'"
        return f"{name} {signs[0]} '{self.becomes}' && {name}_old {signs[1]} '{self.becomes}'"


class CalloutConfiguration(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One callout.

    Attributes:
        name: Name of the notification.
        event: A standard event (`STANDARD_EVENTS`) or the name of an event trigger.
        url: Where to (calloutBaseurl).
        body: Template of the JSON body (customRequestBody); empty for category, object, id and number.
        headers: Further headers (calloutHeaders).
        variants: For posting events, which ways of posting fire it; in Zuora each is a notification of its own.
        communication_profile_id: If set, only accounts with this profile fire it.
        active: Whether it is sent at all.
        retry: Whether what fails is sent again (calloutRetry).
    """

    name: str
    event: str
    url: str
    method: Literal["POST", "PUT", "PATCH", "GET", "DELETE"] = "POST"
    body: str = ""
    headers: dict[str, str] = {}
    basic: BasicAuthentication | None = None
    signature: Signature | None = None
    variants: list[Variant] = msgspec.field(default_factory=lambda: ["manual", "api", "bill_run"])
    communication_profile_id: str | None = None
    active: bool = True
    retry: bool = True


# Custom events that every tenant of the stand-in has from the start; a world may add others.
DEFAULT_TRIGGERS = (
    EventTrigger(name="PaymentApplied", base_object="PaymentApplication", change_types=["INSERT"]),
    EventTrigger(name="CreditMemoApplied", base_object="CreditMemoApplication", change_types=["INSERT"]),
    EventTrigger(name="AccountChanged", base_object="Account", change_types=["INSERT", "UPDATE"]),
    EventTrigger(
        name="BillRunPosted", base_object="BillingRun", change_types=["UPDATE"], field="status", becomes="Posted"
    ),
)
