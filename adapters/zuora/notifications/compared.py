"""What a tenant's callouts have to be like, held against what its API shows: right, missing, wrong, or not to be told.

That a standard event is wired to its template, each variant by itself, stands in Zuora's pages alone.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec

from adapters.zuora.notifications.shown import FAILED_MAX, Definition, Shown, Template, Trigger
from adapters.zuora.notifications.wanted import ALGORITHMS, SIGNED_DATA, SIGNED_VALUE, Target
from adapters.zuora.receiving.doors import HmacRule
from streams.read.events import WantedEvent

Status = Literal["ok", "missing", "wrong", "cannot be told"]


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


def compare(events: Iterable[WantedEvent], target: Target, shown: Shown) -> list[Finding]:
    """Return what is right, missing, wrong and not to be told."""
    findings = [finding for event in events for finding in _of_event(event, target, shown)]
    return [*findings, *_of_deliveries(target, shown)]


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


def _is_of(template: Template, event: WantedEvent) -> bool:
    if event.code:
        category = str(template.event_category or "").removesuffix(".0")
        return category == str(event.code) or template.event_type_name == event.name.replace(" ", "")
    return template.event_type_name == event.name


def _problems_of_trigger(trigger: Trigger, event: WantedEvent) -> list[str]:
    problems = []
    if trigger.active is False:
        problems.append("it is not active")
    if trigger.base_object != event.base_object:
        problems.append(f"it watches {trigger.base_object}, not {event.base_object}")
    if _without_blanks(trigger.condition) != _without_blanks(event.condition):
        problems.append("it has another condition")
    return problems


def _problems_of_definition(definition: Definition) -> list[str]:
    problems = ["it is not active"] if definition.active is False else []
    return [*problems, *(["its callout is not active"] if definition.callout_active is False else [])]


def _profile(definitions: Sequence[Definition]) -> str:
    profiles = sorted({one.communication_profile_id for one in definitions if one.communication_profile_id})
    return f"active, for accounts of profile {', '.join(profiles)} only" if profiles else "active"


def _problems_of_call(template: Template, target: Target) -> list[str]:
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


def _problems_of_template(template: Template, event: WantedEvent, target: Target) -> list[str]:
    problems = _problems_of_call(template, target)
    if (template.content_type or "APPLICATION_JSON").upper().replace("/", "_") != "APPLICATION_JSON":
        problems.append("its content type is not JSON")
    if _body_of(template) != json.loads(event.body):
        problems.append("its body is another")
    if target.hmac is not None:
        problems += _problems_of_signature(template, target.hmac)
    return problems


def _problems_of_signature(template: Template, rule: HmacRule) -> Iterator[str]:
    if not template.hmac_key:
        yield "it is not signed"
        return
    if template.hmac_key.casefold() != rule.header.casefold():
        yield f"its signature stands in {template.hmac_key}, not {rule.header}"
    if template.hmac_algorithm != ALGORITHMS[rule.algorithm]:
        yield f"it is signed by {template.hmac_algorithm}, not {ALGORITHMS[rule.algorithm]}"
    if template.hmac_output_format != rule.output.upper():
        yield f"its signature is written as {template.hmac_output_format}, not {rule.output.upper()}"
    if template.hmac_data != SIGNED_DATA:
        yield f"what is signed is not {SIGNED_DATA}"
    if template.hmac_value != SIGNED_VALUE:
        yield f"its signature is not {SIGNED_VALUE} alone"


def _body_of(template: Template) -> Any:
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
    if not codes and len(shown.failed) >= FAILED_MAX:
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
