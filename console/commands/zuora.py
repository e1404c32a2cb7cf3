"""`zuora callouts`: what a tenant's callouts have to be like, and whether they are. It only reads."""

import sys
from collections.abc import Sequence
from typing import Any

import click

from adapters.zuora.notifications.compared import Finding, compare
from adapters.zuora.notifications.shown import look
from adapters.zuora.notifications.wanted import Target, template_of, trigger_of
from console.context import Context, command_options
from console.output import EXIT_FINDINGS
from schemas.errors import Misconfigured
from streams.read.events import WANTED, WantedEvent, wanted

# Without a public address the path is all that is known of where callouts go.
_SOMEWHERE = "https://YOUR-HOST"
# Tenants with Invoice Settlement and without it.
_EITHER = "either"


@click.group()
def zuora() -> None:
    """What is to be configured in Zuora, and whether it is."""


@zuora.command()
@click.option("--tenant", "-t", default="", help="Name of the tenant; may be left out where there is one.")
@click.option("--check", is_flag=True, help="Compare with what the tenant's API shows; 3 where something is missing.")
@command_options
def callouts(context: Context, tenant: str, check: bool) -> None:
    """Say exactly what to configure for callouts, or check it. Nothing is ever changed in Zuora."""
    name = _tenant(context, tenant)
    target = _target(context, name)
    if not check:
        _print(context, name, target)
        return
    findings = context.run(_checked(context, name, target))
    context.output.result({"tenant": name, "findings": findings})
    context.output.table(
        ("event", "what", "", "found"), [(one.event, one.what, one.status, one.found) for one in findings]
    )
    if any(one.status in ("missing", "wrong") for one in findings):
        context.output.say(f"ml-connector zuora callouts --tenant {name} says what it has to be like.")
        sys.exit(EXIT_FINDINGS)


async def _checked(context: Context, tenant: str, target: Target) -> list[Finding]:
    async with context.wiring.zuora(tenant) as client:
        settlement = await context.wiring.settlement(client, tenant).is_on()
        return compare(wanted(settlement=settlement), target, await look(client))


def _tenant(context: Context, name: str) -> str:
    """Return the name of a tenant with callouts, or of the only one."""
    tenants = {name: tenant for name, tenant in context.site.config.tenants.items() if tenant.callouts is not None}
    if not name and len(tenants) == 1:
        return next(iter(tenants))
    if name not in tenants:
        known = ", ".join(tenants) or "there is none: [tenants.NAME.callouts] names their path"
        raise Misconfigured(f"name a tenant that takes callouts with --tenant: {known}")
    return name


def _target(context: Context, name: str) -> Target:
    settings = context.site.config.tenants[name].callouts
    if settings is None:
        raise Misconfigured(f"[tenants.{name}.callouts] is not there")
    credentials, owner = context.wiring.credentials, f"zuora/{name}"
    users = [credentials.get_optional(owner, field) for field in ("callout_user", "callout_user_next")]
    return Target(
        url=context.site.config.receiver.url.rstrip("/") + settings.path,
        # Asked for here, they are names and no secret: Zuora shows them as well.
        users=tuple(user.reveal() for user in users if user is not None) or (f"callout_user of {owner}",),
        hmac=settings.hmac,
    )


def _print(context: Context, name: str, target: Target) -> None:
    output = context.output
    said = context.site.config.tenants[name].invoice_settlement
    # Where nobody has said it, each row says which tenants it is for; the check looks for itself.
    events = WANTED if said == "probe" else wanted(settlement=said == "on")
    plan = [{"event": one, "trigger": trigger_of(one), "template": template_of(one, target)} for one in events]
    output.result({"tenant": name, "events": plan})
    address = target.url if target.url.startswith("http") else _SOMEWHERE + target.url
    facts: dict[str, Any] = {
        "URL": address,
        "method, content type": "POST, APPLICATION_JSON, with a custom request body (or the same two as parameters)",
        "authentication": f"Basic, user {target.users[0]}, its password as sealed: zuora/{name} callout_password",
        "retry": "on; confirm by response content: off",
    }
    if target.hmac is not None:
        template = template_of(WANTED[0], target)
        fields = ("hmacKey", "hmacValue", "hmacData", "hmacAlgorithm", "hmacOutputFormat")
        facts |= {field: template[field] for field in fields}
        facts["hmacSecret"] = f"as sealed: zuora/{name} hmac_secret"
    output.say("Every callout template:")
    output.facts(facts)
    output.say("\nOne template for each event, with this body:")
    output.table(("event", "code", "each variant by itself", "settlement", "body"), standard_rows(events))
    output.say("Custom events: a trigger for each, a notification on it, and a template:")
    output.table(("event", "base object", "condition", "settlement", "body"), custom_rows(events))
    output.say(
        "Put each notification into the communication profile of the accounts that are billed: others fire nothing.\n"
        f"Then: ml-connector zuora callouts --tenant {name} --check"
    )


def standard_rows(events: Sequence[WantedEvent]) -> list[tuple[str, ...]]:
    """Return what there is to configure of standard events."""
    return [
        (one.name, str(one.code), ", ".join(one.variants), one.settlement or _EITHER, one.body)
        for one in events
        if one.code
    ]


def custom_rows(events: Sequence[WantedEvent]) -> list[tuple[str, ...]]:
    """Return what there is to configure of custom events."""
    return [
        (one.name, one.base_object, one.condition, one.settlement or _EITHER, one.body)
        for one in events
        if not one.code
    ]
