"""One callout as it will arrive: merge fields filled in, body checked, headers and signature made.

Pure: what it makes of an event follows from the event, the configuration and the ids given to it.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

import msgspec

from sandbox.zuora.callouts.configuration import CalloutConfiguration, Signature
from sandbox.zuora.clock import Stamp
from sandbox.zuora.objects import Account, Record
from sandbox.zuora.tenant import Tenant

_MERGE_FIELD = re.compile(r"\{\{\s*([\w.-]+)\s*\}\}")
_HASHES = {
    "MD5": "md5",
    "SHA-1": "sha1",
    "SHA-224": "sha224",
    "SHA-256": "sha256",
    "SHA-384": "sha384",
    "SHA-512": "sha512",
}


@dataclass(frozen=True)
class Event:
    """Something that a callout may be configured for."""

    name: str
    category: str
    row: Record

    @property
    def object_name(self) -> str:
        """Return the object as merge fields name it."""
        return type(self.row).__name__


@dataclass(frozen=True)
class Callout:
    """An event on its way to one configured receiver.

    Attributes:
        notification_id: The same over all attempts.
        body: None when the template does not give valid JSON; such a callout is never sent.
    """

    notification_id: str
    configuration: CalloutConfiguration
    event: Event
    url: str
    body: bytes | None


def build_callout(
    tenant: Tenant, configuration: CalloutConfiguration, event: Event, *, notification_id: str
) -> Callout:
    """Return the callout for an event as it stands now."""
    values = _values(tenant, event)
    template = configuration.body or _default_body(event)
    body: bytes | None = _merged(template, lambda name: _escaped(values(name))).encode()
    if configuration.body:
        try:
            msgspec.json.decode(body or b"")
        except msgspec.DecodeError:
            body = None
    return Callout(
        notification_id=notification_id,
        configuration=configuration,
        event=event,
        url=_merged(configuration.url, values),
        body=body,
    )


def build_headers(callout: Callout, *, request_id: str) -> dict[str, str]:
    """Return the headers of one attempt, the signature over its body among them."""
    configuration = callout.configuration
    headers = {
        "Content-Type": "application/json",
        "Zuora-Request-Id": request_id,
        "Zuora-Notification-Id": callout.notification_id,
        "X-Amzn-Trace-Id": f"Root=1-{request_id}",
        **configuration.headers,
    }
    if configuration.signature is not None:
        signed = _signed(configuration.signature, callout.body or b"", headers)
        headers[configuration.signature.header] = signed
    return headers


def merge_fields(tenant: Tenant, event: Event) -> dict[str, str]:
    """Return what an event tells, by merge field, as the callout history shows it."""
    fields = {"<Object.ID>": event.row.id, "<Event.Category>": event.name}
    account = tenant.accounts.latest.get(getattr(event.row, "account_id", None) or "")
    for name, row in ((event.object_name, event.row), ("Account", account)):
        if row is not None:
            columns = {field.encode_name: getattr(row, field.name) for field in msgspec.structs.fields(row)}
            texts = {column: _text(held) for column, held in columns.items() if not isinstance(held, list | dict)}
            fields |= {f"<{name}.{_spelled(column)}>": text for column, text in texts.items() if text}
    return fields


def _spelled(column: str) -> str:
    return "ID" if column == "id" else column[0].upper() + column[1:]


def _signed(signature: Signature, body: bytes, headers: dict[str, str]) -> str:
    by_name = {name.lower(): value for name, value in headers.items()}

    def request_value(name: str) -> str:
        if name == "Request.Body":
            return body.decode()
        return by_name.get(name.removeprefix("Request.Headers.").lower(), "")

    message = _merged(signature.data, request_value).encode()
    digest = hmac.new(signature.secret.encode(), message, getattr(hashlib, _HASHES[signature.algorithm])).digest()
    written = digest.hex() if signature.output == "HEX" else base64.b64encode(digest).decode()
    return _merged(signature.value, lambda name: written if name == "Request.HMAC.Signed" else request_value(name))


def _default_body(event: Event) -> str:
    number = next(
        (
            name
            for name in ("InvoiceNumber", "MemoNumber", "PaymentNumber", "BillingRunNumber", "AccountNumber")
            if name.lower() in _columns(event.row)
        ),
        None,
    )
    parts = {
        "eventCategory": event.category,
        "object": event.object_name,
        "id": f"{{{{DataSource.{event.object_name}.Id}}}}",
        "number": f"{{{{DataSource.{event.object_name}.{number}}}}}" if number else "",
    }
    return msgspec.json.encode(parts).decode()


def _merged(template: str, value: Callable[[str], str]) -> str:
    return _MERGE_FIELD.sub(lambda match: value(match[1]), template)


def _escaped(text: str) -> str:
    return msgspec.json.encode(text).decode()[1:-1]


def _values(tenant: Tenant, event: Event) -> Callable[[str], str]:
    """Return what each merge field stands for; one that names nothing is empty."""
    account = tenant.accounts.latest.get(getattr(event.row, "account_id", None) or "")

    def value(name: str) -> str:
        source, _, column = name.removeprefix("DataSource.").partition(".")
        if source == "Event":
            return {"Name": event.name, "Category": event.category}.get(column, "")
        row = event.row if source in (event.object_name, "BillRun") else account if source == "Account" else None
        return _text(_columns(row).get(column.lower())) if row is not None else ""

    return value


def _columns(row: Record | Account) -> dict[str, Any]:
    columns = {column.encode_name.lower(): getattr(row, column.name) for column in msgspec.structs.fields(row)}
    return columns | {name.lower(): held for name, held in (row.custom or {}).items()}


def _text(value: Any) -> str:
    if isinstance(value, Stamp):
        return value.utc().strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)
