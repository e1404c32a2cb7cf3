"""What a tenant's callouts have to be like: each event's template and trigger, as Zuora's API takes them.

Nothing here sets them up: whoever does is a person.
"""

from typing import Any, Final

import msgspec

from adapters.zuora.receiving.doors import HmacRule
from streams.read.events import WantedEvent

SIGNED_DATA: Final = "{{Request.Body}}"
SIGNED_VALUE: Final = "{{Request.HMAC.Signed}}"
ALGORITHMS = {"sha256": "SHA-256", "sha384": "SHA-384", "sha512": "SHA-512"}


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """Where a tenant's callouts go, and how they are let in.

    Attributes:
        url: The door's address from outside; only its path where the rest is not configured.
        users: Names that are let in.
        hmac: How bodies are signed, if they are.
    """

    url: str
    users: tuple[str, ...]
    hmac: HmacRule | None = None


def template_of(event: WantedEvent, target: Target) -> dict[str, Any]:
    """Return an event's callout template as `POST /notifications/callout-templates` takes it, without its secrets."""
    template: dict[str, Any] = {
        "name": f"ml-connector {event.name}",
        "calloutBaseurl": target.url,
        "httpMethod": "POST",
        "contentType": "APPLICATION_JSON",
        "useCustomRequestBody": True,
        "customRequestBody": event.body,
        "requiredAuth": True,
        "calloutAuth": {"username": target.users[0], "preemptive": False},
        "calloutRetry": True,
        "active": True,
    }
    template |= {"eventCategory": event.code} if event.code else {"eventTypeName": event.name}
    if target.hmac is not None:
        template |= {
            "hmacKey": target.hmac.header,
            "hmacValue": SIGNED_VALUE,
            "hmacData": SIGNED_DATA,
            "hmacAlgorithm": ALGORITHMS[target.hmac.algorithm],
            "hmacOutputFormat": target.hmac.output.upper(),
        }
    return template


def trigger_of(event: WantedEvent) -> dict[str, Any] | None:
    """Return a custom event's trigger as `POST /events/event-triggers` takes it; None for a standard event."""
    if event.code:
        return None
    return {
        "active": True,
        "baseObject": event.base_object,
        "condition": event.condition,
        "eventType": {"name": event.name, "displayName": f"ml-connector: {event.name}"},
    }
