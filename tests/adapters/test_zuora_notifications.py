"""What a tenant's API shows of its callouts: right, missing, wrong in each way, and what nobody can tell."""

import re

import msgspec
import pytest

from adapters.zuora.notifications.compared import compare
from adapters.zuora.notifications.shown import look
from adapters.zuora.notifications.wanted import Target, template_of, trigger_of
from adapters.zuora.receiving.doors import HmacRule
from sandbox.zuora import BasicAuthentication, CalloutConfiguration, EventTrigger, Fault, Signature
from schemas.callouts import Callout
from streams.read.events import WANTED, wanted
from streams.read.hints import read_hint
from tests.adapters.strange import Told
from tests.adapters.zuora_tenant import NOON, speaking_to

PATH = "/callouts/mV8b2T0xQkz5nR4wY7cJ1d"
URL = f"https://callouts.example{PATH}"
RULE = HmacRule(header="X-Signed", algorithm="sha512", output="base64")
TARGET = Target(url=URL, users=("zuora",), hmac=RULE)
STANDARD = next(one for one in WANTED if one.code)
CUSTOM = next(one for one in WANTED if not one.code)
# The stand-in's own names of standard events.
NAMES = {one.name: one.name.replace(" ", "") for one in WANTED if one.code}

replace = msgspec.structs.replace


def right(event):
    return CalloutConfiguration(
        name=f"ml-connector {event.name}",
        event=NAMES.get(event.name, event.name),
        url=URL,
        body=event.body,
        basic=BasicAuthentication(username="zuora", password="never shown"),
        signature=Signature(header="X-Signed", secret="never shown", algorithm="SHA-512", output="BASE64"),
    )


@pytest.fixture
def configured(zuora):
    """A tenant that is configured as it is asked to be."""
    callouts = zuora.sandbox.callouts
    callouts.configurations = [right(event) for event in WANTED]
    callouts.triggers = [
        EventTrigger(name=one.name, base_object=one.base_object, change_types=["INSERT"], condition=one.condition)
        for one in WANTED
        if not one.code
    ]
    return callouts


async def checked(zuora, target=TARGET):
    return compare(WANTED, target, await look(await zuora.client()))


async def differing(zuora, target=TARGET):
    """Return what is missing or wrong."""
    return [
        (one.event, one.what, one.status, one.found)
        for one in await checked(zuora, target)
        if one.status in ("missing", "wrong")
    ]


def change(callouts, event, **changes):
    place = WANTED.index(event)
    callouts.configurations[place] = replace(callouts.configurations[place], **changes)


async def test_a_tenant_that_is_configured_as_asked_has_nothing_missing(zuora, configured):
    findings = await checked(zuora)
    assert {one.status for one in findings} == {"ok", "cannot be told"}
    untold = {(one.event, one.what) for one in findings if one.status == "cannot be told"}
    assert untold == {(one.event, "variants") for one in findings if one.event in NAMES}
    assert [one.found for one in findings if one.what == "deliveries"] == ["none failed in a day"]


async def test_where_only_the_path_is_known_the_host_may_be_any(zuora, configured):
    assert await differing(zuora, replace(TARGET, url=PATH)) == []
    assert await differing(zuora, replace(TARGET, url=PATH + "x"))


async def test_the_next_user_may_stand_there_already(zuora, configured):
    change(configured, STANDARD, basic=BasicAuthentication(username="zuora2", password="x"))
    assert await differing(zuora)
    assert await differing(zuora, replace(TARGET, users=("zuora", "zuora2"))) == []


async def test_a_tenant_without_anything_misses_all_of_it(zuora, configured):
    configured.configurations, configured.triggers = [], []
    missing = {(event, what) for event, what, status, _ in await differing(zuora) if status == "missing"}
    wanted = {(one.name, "template") for one in WANTED}
    custom = [one.name for one in WANTED if not one.code]
    assert missing == wanted | {(name, what) for name in custom for what in ("trigger", "notification")}


@pytest.mark.parametrize("event", [STANDARD, CUSTOM], ids=["standard", "custom"])
@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"url": URL + "x"}, "another address"),
        ({"url": URL.replace("https", "http")}, "another address"),
        ({"url": URL.replace("callouts.example", "evil.example")}, "another address"),
        ({"method": "PUT"}, "PUT, not POST"),
        ({"active": False}, "not active"),
        ({"retry": False}, "not tried again"),
        ({"basic": None}, "no password"),
        ({"basic": BasicAuthentication(username="other", password="x")}, "not callout_user"),
        ({"body": ""}, "its body is another"),
        ({"body": "{{DataSource"}, "its body is another"),
        ({"body": '{"object": "Invoice", "id": "{{DataSource.Account.Id}}"}'}, "its body is another"),
        ({"signature": None}, "not signed"),
        ({"signature": Signature(header="X-S", secret="x", algorithm="SHA-512", output="BASE64")}, "X-S, not X-Signed"),
        ({"signature": Signature(header="X-Signed", secret="x", algorithm="MD5", output="BASE64")}, "MD5, not SHA-512"),
        ({"signature": Signature(header="X-Signed", secret="x", algorithm="SHA-512")}, "HEX, not BASE64"),
        (
            {
                "signature": Signature(
                    header="X-Signed", secret="x", algorithm="SHA-512", output="BASE64", data="{{Request.Headers.X}}"
                )
            },
            "what is signed",
        ),
        (
            {
                "signature": Signature(
                    header="X-Signed",
                    secret="x",
                    algorithm="SHA-512",
                    output="BASE64",
                    value="v1={{Request.HMAC.Signed}}",
                )
            },
            "alone",
        ),
    ],
)
async def test_what_is_wrong_with_a_template_is_said(zuora, configured, event, changes, said):
    change(configured, event, **changes)
    found = await differing(zuora)
    assert [one[:3] for one in found if one[1] == "template"] == [(event.name, "template", "wrong")]
    assert said in found[-1][3]


async def test_a_body_as_parameters_is_as_good(zuora, configured):
    shown = await look(await zuora.client())
    templates = [
        replace(one, callout_params=msgspec.json.decode(one.custom_request_body), custom_request_body=None)
        for one in shown.templates
    ]
    assert {one.status for one in compare(WANTED, TARGET, replace(shown, templates=templates))} == {
        "ok",
        "cannot be told",
    }


async def test_of_several_templates_of_one_event_the_best_counts(zuora, configured):
    configured.configurations.insert(0, replace(right(STANDARD), name="older", url="https://old.example/x"))
    assert await differing(zuora) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"active": False}, "not active"),
        ({"base_object": "Refund"}, "watches Refund"),
        ({"condition": "changeType == 'DELETE'"}, "another condition"),
    ],
)
async def test_what_is_wrong_with_a_custom_event_is_said(zuora, configured, changes, said):
    configured.triggers[0] = replace(configured.triggers[0], **changes)
    [(event, what, status, found)] = await differing(zuora)
    assert (event, what, status) == (CUSTOM.name, "trigger", "wrong")
    assert said in found


async def test_blanks_and_quotes_of_a_condition_are_no_difference(zuora, configured):
    condition = CUSTOM.condition.replace(" ", "  ").replace("'", '"')
    configured.triggers[0] = replace(configured.triggers[0], condition=condition)
    assert await differing(zuora) == []


async def test_a_profile_that_a_notification_is_bound_to_is_said(zuora, configured):
    change(configured, CUSTOM, communication_profile_id="8aprofile")
    [found] = [one for one in await checked(zuora) if (one.event, one.what) == (CUSTOM.name, "notification")]
    assert (found.status, "8aprofile" in found.found) == ("ok", True)


async def test_what_failed_within_a_day_is_counted_and_others_failures_are_not(zuora, configured, eventually):
    configured.configurations = [
        replace(right(STANDARD), url=url, basic=None, signature=None)
        for url in (f"http://127.0.0.1:1{PATH}", "http://127.0.0.1:1/other")
    ]
    zuora.invoice()

    async def tried():
        assert len(configured.history) == 2

    await eventually(tried)
    [found] = [one for one in await checked(zuora, replace(TARGET, url=PATH)) if one.what == "deliveries"]
    assert (found.status, "-1 (1 times)" in found.found) == ("wrong", True)


@pytest.mark.parametrize(
    ("path", "what"),
    [
        ("^/notifications/callout-templates", "template"),
        ("^/notifications/notification-definitions", "notification"),
        ("^/events/event-triggers", "trigger"),
        ("^/v1/notification-history", "deliveries"),
    ],
)
async def test_what_the_user_may_not_see_cannot_be_told(zuora, configured, path, what):
    zuora.sandbox.faults.arm(Fault(name="http_500", path=path, status=403, code=50000010))
    findings = await checked(zuora)
    assert {one.status for one in findings if one.what == what} == {"cannot be told"}
    assert {one.status for one in findings if one.what != what} == {"ok", "cannot be told"}


async def test_long_lists_are_read_whole(zuora, configured):
    others = [replace(right(STANDARD), name=f"other {number}", url="https://other.example/x") for number in range(250)]
    configured.configurations = others + configured.configurations
    assert await differing(zuora) == []


# What the API reference lists for POST /events/event-triggers, of what this product reads.
BASE_OBJECTS = {
    "Account",
    "BillingRun",
    "Contact",
    "CreditBalanceAdjustment",
    "CreditMemo",
    "CreditMemoApplication",
    "CreditMemoItem",
    "DebitMemo",
    "DebitMemoItem",
    "Invoice",
    "InvoiceAdjustment",
    "InvoiceItem",
    "InvoiceItemAdjustment",
    "Payment",
    "PaymentApplication",
    "PaymentPart",
    "Refund",
    "RefundApplication",
    "TaxationItem",
}

# -- the table -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("event", WANTED, ids=lambda event: event.name)
def test_what_is_asked_for_is_a_hint(event):
    body = event.body.replace(f"{{{{DataSource.{event.id_field}}}}}", "8a8082e65ba3d1a4015ba3e27b2c0b1d")
    callout = Callout(
        connection="c",
        tenant="t",
        received_at=NOON,
        notification_id="n",
        headers={},
        content_type="application/json",
        body=body.encode(),
    )
    assert read_hint(callout).id == "8a8082e65ba3d1a4015ba3e27b2c0b1d"


def test_a_tenant_is_asked_for_what_it_can_have():
    names = {on: {one.name for one in wanted(settlement=on)} for on in (True, False)}
    assert names[True] | names[False] == {one.name for one in WANTED}
    assert "Credit Memo Posted" in names[True] - names[False]
    assert "InvoiceAdjustmentChanged" in names[False] - names[True]
    assert {"Invoice Posted", "AccountChanged"} <= names[True] & names[False]


def test_a_custom_event_watches_what_zuora_lets_it_watch():
    custom = [one for one in WANTED if not one.code]
    assert {one.base_object for one in custom} <= BASE_OBJECTS
    for one in custom:
        named = set(re.findall(r"\b([A-Z]\w+)\.\w+", one.condition))
        assert named == {one.base_object}, "no field of another object may stand in a condition"


def test_no_event_is_asked_for_twice():
    assert len({one.name for one in WANTED}) == len(WANTED)
    # Zuora merges or deletes triggers of the same condition, whatever they are called.
    conditions = [one.condition for one in WANTED if not one.code]
    assert len(set(conditions)) == len(conditions)
    assert "changeType == 'INSERT' || changeType == 'UPDATE'" not in conditions, "its own examples have this one"
    assert all(bool(one.code) != bool(one.base_object) for one in WANTED)


def test_what_is_printed_holds_no_secret_and_what_zuora_needs():
    template = template_of(STANDARD, TARGET)
    assert {"name", "calloutBaseurl", "httpMethod", "eventCategory"} <= set(template)
    assert "hmacSecret" not in template
    assert "password" not in template["calloutAuth"]
    assert trigger_of(STANDARD) is None
    assert trigger_of(CUSTOM)["condition"] == CUSTOM.condition


async def test_failures_that_were_not_all_looked_at_are_not_none(strange):
    """Those of another integration fill all the pages that are read; ours come behind them."""
    others = b",".join([b'{"requestUrl": "https://other.example/x", "responseCode": "500"}'] * 40)
    page = b'{"success": true, "calloutHistories": [%s], "nextPage": "https://z.example/v1/next"}' % others
    strange.tell("/v1/notification-history/callout", Told(page))
    async with speaking_to(strange) as client:
        [found] = [one for one in compare((), TARGET, await look(client)) if one.what == "deliveries"]
    assert found.status == "cannot be told"
