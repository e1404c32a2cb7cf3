"""Topic `zuora.callouts`: hints, as they came in. A hint says where to look; what is true is read back from Zuora."""

from datetime import datetime

from schemas.codec import Event


class Callout(Event, frozen=True, kw_only=True, tag="callout"):
    """One notification as received.

    Attributes:
        connection: The connection in whose partition it stands: the first of its tenant.
        tenant: The Zuora tenant whose path it came to.
        received_at: When, by our clock.
        notification_id: `Zuora-Notification-Id`: the same on every retry.
        headers: The headers that matter for a trace; never credentials.
        content_type: As sent.
        body: The bytes, whole.
        login: Which of the tenant's two logins it came with, `current` or `next`; "" before that was kept.
        signature: Which of its two secrets it was signed with; "" where it is not signed.
    """

    connection: str
    tenant: str
    received_at: datetime
    notification_id: str
    headers: dict[str, str]
    content_type: str
    body: bytes
    login: str = ""
    signature: str = ""
