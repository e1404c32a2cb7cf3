"""What a tenant has configured of its notifications, as the API shows it: templates, custom events, definitions.

Definitions stand on custom events alone; that a standard event is wired to its template is shown by no endpoint. A
password and the secret of a signature are never shown.
"""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode
from uuid import NAMESPACE_URL, uuid5

from sandbox.zuora.callouts.configuration import STANDARD_EVENTS, CalloutConfiguration, EventTrigger
from sandbox.zuora.refusal import invalid_query
from sandbox.zuora.wire.answers import Answer, plain_json
from sandbox.zuora.wire.call import Call

_LIMIT, _LIMIT_MAX = 20, 100


def list_templates(call: Call) -> Answer:
    """Answer GET /notifications/callout-templates."""
    return _page(call, [_template(one) for one in call.sandbox.callouts.configurations], first=1)


def list_triggers(call: Call) -> Answer:
    """Answer GET /events/event-triggers."""
    return _page(call, [_trigger(one) for one in call.sandbox.callouts.triggers], first=0)


def list_definitions(call: Call) -> Answer:
    """Answer GET /notifications/notification-definitions: those of custom events."""
    custom = [one for one in call.sandbox.callouts.configurations if one.event not in STANDARD_EVENTS]
    return _page(call, [_definition(one) for one in custom], first=1)


def _page(call: Call, rows: Sequence[dict[str, Any]], *, first: int) -> Answer:
    start, limit = call.parameter("start", str(first)), call.parameter("limit", str(_LIMIT))
    if not (start.isdigit() and limit.isdigit()) or int(start) < first or not 1 <= int(limit) <= _LIMIT_MAX:
        raise invalid_query(f"start must be a number from {first}, limit one from 1 to {_LIMIT_MAX}")
    begin = int(start) - first
    shown = [{name: value for name, value in row.items() if value is not None} for row in rows[begin:][: int(limit)]]
    page: dict[str, Any] = {"data": shown}
    if begin + int(limit) < len(rows):
        page["next"] = f"{call.path}?{urlencode({'start': int(start) + int(limit), 'limit': limit})}"
    return plain_json(page)


def _template(configuration: CalloutConfiguration) -> dict[str, Any]:
    signature = configuration.signature
    standard = STANDARD_EVENTS.get(configuration.event)
    return {
        **_callout(configuration),
        "eventCategory": int(standard[2]) if standard else None,
        "eventTypeName": None if standard else configuration.event,
        "contentType": "APPLICATION_JSON",
        "useCustomRequestBody": bool(configuration.body),
        "customRequestBody": configuration.body or None,
        "calloutHeaders": configuration.headers or None,
        "hmacKey": signature.header if signature else None,
        "hmacValue": signature.value if signature else None,
        "hmacData": signature.data if signature else None,
        "hmacAlgorithm": signature.algorithm if signature else None,
        "hmacOutputFormat": signature.output if signature else None,
    }


def _definition(configuration: CalloutConfiguration) -> dict[str, Any]:
    return {
        "id": _id("definition", configuration.name),
        "name": configuration.name,
        "active": True,
        "calloutActive": configuration.active,
        "eventTypeName": configuration.event,
        "eventTypeNamespace": "user.notification",
        "communicationProfileId": configuration.communication_profile_id,
        "callout": {**_callout(configuration), "eventTypeName": configuration.event},
    }


def _callout(configuration: CalloutConfiguration) -> dict[str, Any]:
    """Return what a template and a definition's callout share."""
    basic = configuration.basic
    return {
        "id": _id("callout", configuration.name),
        "name": configuration.name,
        "active": configuration.active,
        "calloutBaseurl": configuration.url,
        "httpMethod": configuration.method,
        "calloutRetry": configuration.retry,
        "requiredAuth": basic is not None,
        "calloutAuth": {"username": basic.username, "preemptive": basic.preemptive} if basic else None,
    }


def _trigger(trigger: EventTrigger) -> dict[str, Any]:
    return {
        "id": _id("trigger", trigger.name),
        "active": trigger.active,
        "baseObject": trigger.base_object,
        "condition": trigger.jexl,
        "eventType": {"name": trigger.name, "displayName": trigger.name},
    }


def _id(kind: str, name: str) -> str:
    return uuid5(NAMESPACE_URL, f"{kind}:{name}").hex
