"""What a tenant's callouts have to be like, and what its API shows of them: right, missing, wrong, or not to be told.

Reads only; whoever sets callouts up is a person. The API shows templates, custom events and their notifications. That a
standard event is wired to its template, each variant by itself, stands in Zuora's pages alone.
"""

import json
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec

from adapters.zuora.client import ZuoraClient
from adapters.zuora.doors import HmacRule
from schemas.errors import ConnectorError
from streams.read.events import WantedEvent

Status = Literal["ok", "missing", "wrong", "cannot be told"]

SIGNED_DATA, SIGNED_VALUE = "{{Request.Body}}", "{{Request.HMAC.Signed}}"
_ALGORITHMS = {"sha256": "SHA-256", "sha384": "SHA-384", "sha512": "SHA-512"}
_PER_PAGE = 100
_PAGES_MAX = 100
_HISTORY_PAGES_MAX, _HISTORY_PER_PAGE = 5, 40


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


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was looked at.

    Attributes:
        event: Of which event; "" for all of them.
        what: Template, trigger, notification, variants or deliveries.
        status: What came of it.
        found: In a sentence.
    """

    event: str
    what: str
    status: Status
    found: str


class _Auth(msgspec.Struct, frozen=True, rename="camel"):
    username: str | None = None


class _Template(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
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


class _Trigger(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    active: bool | None = None
    base_object: str | None = None
    condition: str | None = None
    event_type: _EventType = _EventType()


class _Definition(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    name: str | None = None
    active: bool | None = None
    callout_active: bool | None = None
    event_type_name: str | None = None
    communication_profile_id: str | None = None
    callout: _Template | None = None


class _Attempt(msgspec.Struct, frozen=True, rename="camel"):
    request_url: str | None = None
    response_code: str | None = None


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """What the API shows; None where it does not let us see it."""

    templates: list[_Template] | None
    triggers: list[_Trigger] | None
    definitions: list[_Definition] | None
    failed: list[_Attempt] | None
    refusals: dict[str, str]


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
            "hmacAlgorithm": _ALGORITHMS[target.hmac.algorithm],
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


def compare(events: Iterable[WantedEvent], target: Target, shown: Shown) -> list[Finding]:
    """Return what is right, missing, wrong and not to be told."""
    findings = [finding for event in events for finding in _of_event(event, target, shown)]
    return [*findings, *_of_deliveries(target, shown)]


# -- reading ---------------------------------------------------------------------------------------------------------


class _TemplatePage(msgspec.Struct, frozen=True):
    data: list[_Template] = []
    next: str | None = None


class _TriggerPage(msgspec.Struct, frozen=True):
    data: list[_Trigger] = []
    next: str | None = None


class _DefinitionPage(msgspec.Struct, frozen=True):
    data: list[_Definition] = []
    next: str | None = None


class _HistoryPage(msgspec.Struct, frozen=True, rename="camel"):
    callout_histories: list[_Attempt] = []
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


async def _failed(client: ZuoraClient) -> AsyncIterator[list[_Attempt]]:
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


# -- comparing -------------------------------------------------------------------------------------------------------


def _of_event(event: WantedEvent, target: Target, shown: Shown) -> Iterator[Finding]:
    def found(what: str, problems: Sequence[str], right: str, *, missing: str) -> Finding:
        if missing:
            return Finding(event=event.name, what=what, status="missing", found=missing)
        status: Status = "wrong" if problems else "ok"
        return Finding(event=event.name, what=what, status=status, found="; ".join(problems) or right)

    def untold(what: str, why: str) -> Finding:
        return Finding(event=event.name, what=what, status="cannot be told", found=why)

    definitions = [one for one in shown.definitions or () if not event.code and one.event_type_name == event.name]
    if not event.code:
        if shown.triggers is None:
            yield untold("trigger", shown.refusals["triggers"])
        else:
            mine = [one for one in shown.triggers if one.event_type.name == event.name]
            problems = min((_problems_of_trigger(one, event) for one in mine), key=len, default=[])
            yield found("trigger", problems, "as it has to be", missing="" if mine else "there is no such event")
        if shown.definitions is None:
            yield untold("notification", shown.refusals["notifications"])
        else:
            problems = min((_problems_of_definition(one) for one in definitions), key=len, default=[])
            missing = "" if definitions else "no notification stands on this event"
            yield found("notification", problems, _profile(definitions), missing=missing)
    if shown.templates is None:
        yield untold("template", shown.refusals["templates"])
    else:
        of_definitions = [one.callout for one in definitions if one.callout is not None]
        candidates = [one for one in shown.templates if _is_of(one, event)]
        problems = min((_problems_of_template(one, event, target) for one in candidates), key=len, default=[])
        if candidates or not of_definitions:
            yield found("template", problems, "as it has to be", missing="" if candidates else "there is none")
        else:
            # A definition shows no body that was written by hand, and no signature.
            problems = min((_problems_of_call(one, target) for one in of_definitions), key=len)
            unseen = "its body and signature are not shown for a callout without a template"
            yield found("template", problems, "", missing="") if problems else untold("template", unseen)
    if event.code:
        told = f"only Zuora's pages show whether the notifications are wired to it: {', '.join(event.variants)}"
        yield untold("variants", told)


def _is_of(template: _Template, event: WantedEvent) -> bool:
    if event.code:
        category = str(template.event_category or "").removesuffix(".0")
        return category == str(event.code) or template.event_type_name == event.name.replace(" ", "")
    return template.event_type_name == event.name


def _problems_of_trigger(trigger: _Trigger, event: WantedEvent) -> list[str]:
    problems = []
    if trigger.active is False:
        problems.append("it is not active")
    if trigger.base_object != event.base_object:
        problems.append(f"it watches {trigger.base_object}, not {event.base_object}")
    if _without_blanks(trigger.condition) != _without_blanks(event.condition):
        problems.append("it has another condition")
    return problems


def _problems_of_definition(definition: _Definition) -> list[str]:
    problems = ["it is not active"] if definition.active is False else []
    return [*problems, *(["its callout is not active"] if definition.callout_active is False else [])]


def _profile(definitions: Sequence[_Definition]) -> str:
    profiles = sorted({one.communication_profile_id for one in definitions if one.communication_profile_id})
    return f"active, for accounts of profile {', '.join(profiles)} only" if profiles else "active"


def _problems_of_call(template: _Template, target: Target) -> list[str]:
    problems = []
    if not _goes_to(template.callout_baseurl or "", target.url):
        problems.append("it goes to another address")
    if template.http_method != "POST":
        problems.append(f"its method is {template.http_method}, not POST")
    if template.active is False:
        problems.append("it is not active")
    if template.callout_retry is False:
        problems.append("it is not tried again")
    if not template.required_auth:
        problems.append("it carries no password")
    elif template.callout_auth is None or template.callout_auth.username not in target.users:
        problems.append("its user is not callout_user")
    return problems


def _problems_of_template(template: _Template, event: WantedEvent, target: Target) -> list[str]:
    problems = _problems_of_call(template, target)
    if (template.content_type or "APPLICATION_JSON").upper().replace("/", "_") != "APPLICATION_JSON":
        problems.append("its content type is not JSON")
    if _body_of(template) != json.loads(event.body):
        problems.append("its body is another")
    if target.hmac is not None:
        problems += _problems_of_signature(template, target.hmac)
    return problems


def _problems_of_signature(template: _Template, rule: HmacRule) -> Iterator[str]:
    if not template.hmac_key:
        yield "it is not signed"
        return
    if template.hmac_key.casefold() != rule.header.casefold():
        yield f"its signature stands in {template.hmac_key}, not {rule.header}"
    if template.hmac_algorithm != _ALGORITHMS[rule.algorithm]:
        yield f"it is signed by {template.hmac_algorithm}, not {_ALGORITHMS[rule.algorithm]}"
    if template.hmac_output_format != rule.output.upper():
        yield f"its signature is written as {template.hmac_output_format}, not {rule.output.upper()}"
    if template.hmac_data != SIGNED_DATA:
        yield f"what is signed is not {SIGNED_DATA}"
    if template.hmac_value != SIGNED_VALUE:
        yield f"its signature is not {SIGNED_VALUE} alone"


def _body_of(template: _Template) -> Any:
    if not template.custom_request_body:
        return template.callout_params
    try:
        return json.loads(template.custom_request_body)
    except ValueError:
        return None


def _goes_to(given: str, url: str) -> bool:
    """Return whether an address is the door's; where only the door's path is known, whether the path is."""
    wanted, asked = urlsplit(url), urlsplit(given)
    if not wanted.netloc:
        return asked.path == wanted.path
    return (asked.scheme, asked.netloc.casefold(), asked.path) == (wanted.scheme, wanted.netloc.casefold(), wanted.path)


def _of_deliveries(target: Target, shown: Shown) -> Iterator[Finding]:
    if shown.failed is None:
        told = shown.refusals["deliveries"]
        yield Finding(event="", what="deliveries", status="cannot be told", found=told)
        return
    codes = Counter(one.response_code or "?" for one in shown.failed if _goes_to(one.request_url or "", target.url))
    failures = ", ".join(f"{code} ({count} times)" for code, count in sorted(codes.items()))
    if not codes and len(shown.failed) >= _HISTORY_PAGES_MAX * _HISTORY_PER_PAGE:
        told = f"none of the {len(shown.failed)} that were read; more failed, and were not looked at"
        yield Finding(event="", what="deliveries", status="cannot be told", found=told)
        return
    yield Finding(
        event="",
        what="deliveries",
        status="wrong" if codes else "ok",
        found=f"failed within the last day, and found by the poll: {failures}" if codes else "none failed in a day",
    )


def _without_blanks(condition: str | None) -> str:
    return "".join((condition or "").split()).replace('"', "'")
