"""What Zuora's API shows of a tenant's callouts: templates, triggers, notifications, and deliveries that failed.

Reads only; what is refused is left out with its reason, and keeps nothing else from being seen.
"""

from collections.abc import AsyncIterator
from typing import Any, Final

import msgspec

from adapters.zuora.asking.client import ZuoraClient
from schemas.errors import ConnectorError

_PER_PAGE = 100
_PAGES_MAX = 100
_HISTORY_PAGES_MAX = 5
_HISTORY_PER_PAGE = 40
# So many failed deliveries are looked at.
FAILED_MAX: Final = _HISTORY_PAGES_MAX * _HISTORY_PER_PAGE


class _Auth(msgspec.Struct, frozen=True, rename="camel"):
    username: str | None = None


class Template(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """A callout template, or the callout of a notification definition, which shows less."""

    name: str | None = None
    callout_baseurl: str | None = None
    http_method: str | None = None
    event_category: int | float | str | None = None
    event_type_name: str | None = None
    active: bool | None = None
    callout_retry: bool | None = None
    required_auth: bool | None = None
    callout_auth: _Auth | None = None
    content_type: str | None = None
    callout_params: dict[str, str] | None = None
    custom_request_body: str | None = None
    hmac_key: str | None = None
    hmac_value: str | None = None
    hmac_data: str | None = None
    hmac_algorithm: str | None = None
    hmac_output_format: str | None = None


class _EventType(msgspec.Struct, frozen=True, rename="camel"):
    name: str = ""


class Trigger(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """What fires a custom event."""

    active: bool | None = None
    base_object: str | None = None
    condition: str | None = None
    event_type: _EventType = _EventType()


class Definition(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """A notification that stands on an event."""

    name: str | None = None
    active: bool | None = None
    callout_active: bool | None = None
    event_type_name: str | None = None
    communication_profile_id: str | None = None
    callout: Template | None = None


class Attempt(msgspec.Struct, frozen=True, rename="camel"):
    """A callout that failed."""

    request_url: str | None = None
    response_code: str | None = None


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """What the API shows; None where it does not let us see it."""

    templates: list[Template] | None
    triggers: list[Trigger] | None
    definitions: list[Definition] | None
    failed: list[Attempt] | None
    refusals: dict[str, str]


async def look(client: ZuoraClient) -> Shown:
    """Read what the API shows of callouts; what it refuses is left out, with its reason."""
    refusals: dict[str, str] = {}

    async def rows(what: str, pages: AsyncIterator[list[Any]]) -> list[Any] | None:
        try:
            return [row async for page in pages for row in page]
        except ConnectorError as error:
            refusals[what] = str(error)
            return None

    return Shown(
        templates=await rows("templates", _listed(client, "/notifications/callout-templates", _templates, start=1)),
        triggers=await rows("triggers", _listed(client, "/events/event-triggers", _triggers, start=0)),
        definitions=await rows(
            "notifications", _listed(client, "/notifications/notification-definitions", _definitions, start=1)
        ),
        failed=await rows("deliveries", _failed(client)),
        refusals=refusals,
    )


class _TemplatePage(msgspec.Struct, frozen=True):
    data: list[Template] = []
    next: str | None = None


class _TriggerPage(msgspec.Struct, frozen=True):
    data: list[Trigger] = []
    next: str | None = None


class _DefinitionPage(msgspec.Struct, frozen=True):
    data: list[Definition] = []
    next: str | None = None


class _HistoryPage(msgspec.Struct, frozen=True, rename="camel"):
    callout_histories: list[Attempt] = []
    next_page: str | None = None


_templates = msgspec.json.Decoder(_TemplatePage)
_triggers = msgspec.json.Decoder(_TriggerPage)
_definitions = msgspec.json.Decoder(_DefinitionPage)
_history = msgspec.json.Decoder(_HistoryPage)


async def _listed(client: ZuoraClient, path: str, decoder: Any, *, start: int) -> AsyncIterator[list[Any]]:
    """Yield the pages of a list; `next` is only asked whether there is one, since another host is never followed."""
    for _ in range(_PAGES_MAX):
        answer = await client.get(path, [("start", str(start)), ("limit", str(_PER_PAGE))])
        page = _decoded(decoder, answer.body, path)
        yield page.data
        if not page.next or not page.data:
            return
        start += len(page.data)


async def _failed(client: ZuoraClient) -> AsyncIterator[list[Attempt]]:
    """Yield the pages of the callouts that failed within the last day."""
    path = "/v1/notification-history/callout"
    for number in range(1, _HISTORY_PAGES_MAX + 1):
        params = [("failedOnly", "true"), ("page", str(number)), ("pageSize", str(_HISTORY_PER_PAGE))]
        page = _decoded(_history, (await client.get(path, params)).body, path)
        yield page.callout_histories
        if not page.next_page:
            return


def _decoded(decoder: Any, body: bytes, path: str) -> Any:
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, ValueError, RecursionError):
        raise ConnectorError(f"Zuora's answer to GET {path} is not what it documents") from None
