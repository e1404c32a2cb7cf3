"""Callouts over real HTTP: which events fire, what arrives, how it is signed, when it is tried again, what remains."""

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from decimal import Decimal

import pytest
from aiohttp import web

from sandbox.zuora import BasicAuthentication, CalloutConfiguration, EventTrigger, Fault, Signature
from sandbox.zuora.acts import (
    Application,
    NewAccount,
    NewBillRun,
    NewCreditMemo,
    NewInvoice,
    NewItem,
    NewPayment,
    create_account,
    create_bill_run,
    create_credit_memo,
    create_payment,
    generate_bill_run,
    post_bill_run,
    post_credit_memo,
    post_invoice,
    process_payment,
    update_account,
)


@dataclass
class Receiver:
    """A real receiver that keeps what arrives and answers what it is told to."""

    url: str = ""
    seen: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    answers: list[tuple[int, dict[str, str], str]] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        self.seen.append((dict(request.headers), await request.read()))
        status, headers, body = self.answers.pop(0) if self.answers else (200, {}, "")
        return web.Response(status=status, headers=headers, text=body)

    def bodies(self) -> list[dict[str, str]]:
        return [json.loads(body) for _, body in self.seen]


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    one = Receiver()
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", one.take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    one.url = f"http://127.0.0.1:{runner.addresses[0][1]}/callout"
    yield one
    await runner.cleanup()


@pytest.fixture
async def listen(zuora, receiver):
    """Configure one callout to the receiver."""
    await zuora.settings(callouts={"interval_s": 0.02})

    def configure(event="InvoicePosted", **more):
        configuration = CalloutConfiguration(name=event, event=event, url=receiver.url, **more)
        zuora.sandbox.callouts.configurations = [*zuora.sandbox.callouts.configurations, configuration]

    return configure


def settled(zuora, receiver, count):
    """Tell whether so many requests arrived and nothing is under way any more."""
    traffic = zuora.sandbox.callouts.traffic
    return len(receiver.seen) == count and not (traffic.queued or traffic.in_flight or traffic.waiting)


async def test_a_posted_invoice_is_told(zuora, receiver, listen, eventually):
    listen()
    invoice = zuora.posted()
    await eventually(lambda: settled(zuora, receiver, 1))
    headers, body = receiver.seen[0]
    assert json.loads(body) == {
        "eventCategory": "1110",
        "object": "Invoice",
        "id": invoice.id,
        "number": "INV00000001",
    }
    assert headers["Content-Type"] == "application/json"
    assert len(headers["Zuora-Notification-Id"]) == len(headers["Zuora-Request-Id"]) == 36


@pytest.mark.parametrize("by", ["manual", "api", "bill_run"])
async def test_each_way_of_posting_is_a_notification_of_its_own(zuora, receiver, listen, eventually, by):
    listen(variants=["manual", "api"])
    post_invoice(zuora.tenant, invoice=zuora.draft().id, by=by)
    post_invoice(zuora.tenant, invoice=zuora.draft().id, by="api")
    await eventually(lambda: settled(zuora, receiver, 1 if by == "bill_run" else 2))


@pytest.mark.parametrize(
    ("auto_post", "switch", "told"), [(True, "manual", 2), (False, "bill_run", 2), (False, "manual", 0)]
)
async def test_a_bill_run_tells_of_its_end_and_of_its_invoices(
    zuora, receiver, listen, eventually, *, auto_post, switch, told
):
    await zuora.settings(hand_posted_bill_run=switch)
    listen("BillingRunCompletion")
    listen(variants=["bill_run"])
    listen("BillRunPosted")
    planned = [NewInvoice(account="A-00000001", items=[NewItem(charge_amount=Decimal(5))])] * 2
    run = create_bill_run(zuora.tenant, request=NewBillRun(invoices=planned, auto_post=auto_post))
    generate_bill_run(zuora.tenant, bill_run=run.id)
    if not auto_post:
        post_bill_run(zuora.tenant, bill_run=run.id)
    await eventually(lambda: settled(zuora, receiver, 2 + told))
    categories = sorted(body["eventCategory"] for body in receiver.bodies())
    assert categories == sorted(["1410", "user.notification:BillRunPosted", *["1110"] * told])


async def test_only_electronic_payments_are_told(zuora, receiver, listen, eventually):
    listen("PaymentProcessed")
    create_payment(zuora.tenant, request=NewPayment(account="A-00000001", amount=Decimal(1)))
    waiting = create_payment(
        zuora.tenant,
        request=NewPayment(account="A-00000001", amount=Decimal(2), type="Electronic", processing=True),
    )
    process_payment(zuora.tenant, payment=waiting.id)
    await eventually(lambda: settled(zuora, receiver, 1))
    assert receiver.bodies()[0] == {
        "eventCategory": "2120",
        "object": "Payment",
        "id": waiting.id,
        "number": "P-00000002",
    }
    await zuora.settings(payment_processed_for_external=True)
    create_payment(zuora.tenant, request=NewPayment(account="A-00000001", amount=Decimal(1)))
    await eventually(lambda: settled(zuora, receiver, 2))


async def test_a_posted_memo_is_told(zuora, receiver, listen, eventually):
    listen("CreditMemoPosted")
    memo = create_credit_memo(
        zuora.tenant, request=NewCreditMemo(account="A-00000001", items=[NewItem(charge_amount=Decimal(5))])
    )
    post_credit_memo(zuora.tenant, credit_memo=memo.id)
    await eventually(lambda: settled(zuora, receiver, 1))
    assert receiver.bodies()[0] == {
        "eventCategory": "2720",
        "object": "CreditMemo",
        "id": memo.id,
        "number": "CM-00000001",
    }


async def test_custom_events_follow_rows(zuora, receiver, listen, eventually):
    body = '{"row": "{{DataSource.PaymentApplication.Id}}", "amount": "{{DataSource.PaymentApplication.ApplyAmount}}"}'
    listen("PaymentApplied", body=body)
    invoice = zuora.posted()
    part = [Application(invoice=invoice.id, amount=Decimal(30))]
    create_payment(zuora.tenant, request=NewPayment(account="A-00000001", amount=Decimal(30), invoices=part))
    await eventually(lambda: settled(zuora, receiver, 1))
    (row,) = zuora.tenant.payment_applications.latest.values()
    assert receiver.bodies() == [{"row": row.id, "amount": "30.0"}]


@pytest.mark.parametrize("on_balance", [False, True])
async def test_accounts_are_told_but_not_for_their_balance(zuora, receiver, listen, eventually, on_balance):
    await zuora.settings(balance_fires_account_event=on_balance)
    listen("AccountChanged")
    account = create_account(zuora.tenant, request=NewAccount(name="New", currency="EUR"))
    update_account(zuora.tenant, account=account.id, name="Newer")
    zuora.posted()
    await eventually(lambda: settled(zuora, receiver, 3 if on_balance else 2))
    assert [(body["object"], body["id"]) for body in receiver.bodies()[:2]] == [("Account", account.id)] * 2


async def test_a_trigger_may_wait_for_a_value(zuora, receiver, listen, eventually):
    trigger = EventTrigger(
        name="Reversed", base_object="Invoice", change_types=["UPDATE"], field="transferredToAccounting", becomes="Yes"
    )
    zuora.sandbox.callouts.triggers.append(trigger)
    listen("Reversed")
    zuora.posted()
    for mark in ("Processing", "Yes", "Yes"):
        await zuora.api("PUT", "/v1/invoices/INV00000001", json={"transferredToAccounting": mark})
    await eventually(lambda: settled(zuora, receiver, 1))


async def test_merge_fields_reach_the_account_and_are_escaped(zuora, receiver, listen, eventually):
    update_account(zuora.tenant, account="A-00000001", name='Quote " and \\')
    body = (
        '{"name":"{{DataSource.Account.Name}}","erp":"{{DataSource.Account.QADCustomer__c}}","x":"{{DataSource.X.Y}}"}'
    )
    listen(body=body, headers={"X-Number": "static"})
    zuora.posted()
    await eventually(lambda: settled(zuora, receiver, 1))
    assert receiver.bodies()[0] == {"name": 'Quote " and \\', "erp": "C0001", "x": ""}
    assert receiver.seen[0][0]["X-Number"] == "static"


async def test_a_body_that_is_no_json_is_never_sent(zuora, receiver, listen, eventually):
    listen(body='{"id": {{DataSource.Invoice.InvoiceNumber}}}')
    zuora.posted()
    await eventually(lambda: len(zuora.sandbox.callouts.history) == 1)
    assert zuora.sandbox.callouts.history[0].response_code == -2000
    assert settled(zuora, receiver, 0)


async def test_the_password_comes_after_the_challenge(zuora, receiver, listen, eventually):
    listen(basic=BasicAuthentication(username="zuora", password="säcret"))
    receiver.answers = [(401, {"WWW-Authenticate": 'Basic realm="ml"'}, "")]
    zuora.posted()
    await eventually(lambda: settled(zuora, receiver, 2))
    first, second = (headers for headers, _ in receiver.seen)
    assert "Authorization" not in first
    assert base64.b64decode(second["Authorization"].removeprefix("Basic ")).decode() == "zuora:säcret"
    assert first["Zuora-Notification-Id"] == second["Zuora-Notification-Id"]
    assert zuora.sandbox.callouts.traffic.delivered == 1


async def test_the_password_may_come_at_once(zuora, receiver, listen, eventually):
    listen(basic=BasicAuthentication(username="u", password="p", preemptive=True))
    zuora.posted()
    await eventually(lambda: settled(zuora, receiver, 1))
    assert receiver.seen[0][0]["Authorization"].startswith("Basic ")


async def test_a_401_without_a_challenge_is_lost(zuora, receiver, listen, eventually):
    listen(basic=BasicAuthentication(username="u", password="p"))
    receiver.answers = [(401, {}, "")]
    zuora.posted()
    await eventually(lambda: settled(zuora, receiver, 1))
    assert zuora.sandbox.callouts.traffic.lost == 1


@pytest.mark.parametrize(
    ("algorithm", "output"), [("SHA-256", "HEX"), ("SHA-512", "BASE64"), ("SHA-1", "HEX"), ("MD5", "BASE64")]
)
async def test_the_signature_is_over_the_raw_body(zuora, receiver, listen, eventually, *, algorithm, output):
    listen(signature=Signature(header="X-ML-Signature", secret="s3", algorithm=algorithm, output=output))
    zuora.posted()
    await eventually(lambda: settled(zuora, receiver, 1))
    headers, body = receiver.seen[0]
    digest = hmac.new(b"s3", body, algorithm.replace("-", "").lower()).digest()
    assert headers["X-ML-Signature"] == (digest.hex() if output == "HEX" else base64.b64encode(digest).decode())


async def test_the_signature_may_cover_headers_and_be_dressed(zuora, receiver, listen, eventually):
    signature = Signature(
        header="X-Sig",
        secret="s",
        data="{{Request.Headers.Zuora-Notification-Id}}.{{Request.Body}}",
        value="v1={{Request.HMAC.Signed}}",
    )
    listen(signature=signature)
    zuora.posted()
    await eventually(lambda: settled(zuora, receiver, 1))
    headers, body = receiver.seen[0]
    signed = f"{headers['Zuora-Notification-Id']}.".encode() + body
    assert headers["X-Sig"] == "v1=" + hmac.new(b"s", signed, hashlib.sha256).hexdigest()


@pytest.mark.parametrize("status", [403, 408, 429, 500, 502, 503])
async def test_these_codes_are_tried_again_with_the_same_notification_id(zuora, receiver, listen, eventually, status):
    listen()
    receiver.answers = [(status, {}, "no")] * 2
    zuora.posted()
    await eventually(lambda: settled(zuora, receiver, 3))
    assert len({headers["Zuora-Notification-Id"] for headers, _ in receiver.seen}) == 1
    assert len({headers["Zuora-Request-Id"] for headers, _ in receiver.seen}) == 3
    assert [attempt.response_code for attempt in zuora.sandbox.callouts.history] == [status, status, 200]
    assert [attempt.number for attempt in zuora.sandbox.callouts.history] == [1, 2, 3]


@pytest.mark.parametrize("status", [201, 204, 302, 400, 404, 409])
async def test_these_codes_are_not_tried_again(zuora, receiver, listen, eventually, status):
    listen()
    receiver.answers = [(status, {"Location": receiver.url} if status == 302 else {}, "")]
    zuora.posted()
    await eventually(lambda: settled(zuora, receiver, 1))
    assert zuora.sandbox.callouts.traffic.lost == 1


async def test_after_three_tries_it_is_lost(zuora, receiver, listen, eventually):
    listen()
    receiver.answers = [(500, {}, "")] * 9
    zuora.posted()
    await eventually(lambda: settled(zuora, receiver, 3))
    assert zuora.sandbox.callouts.traffic.lost == 1


async def test_a_200_may_be_denied_by_its_content(zuora, receiver, listen, eventually):
    await zuora.settings(callouts={"confirm_by_content": True})
    listen()
    receiver.answers = [(200, {}, '{"success": false}')]
    zuora.posted()
    await eventually(lambda: settled(zuora, receiver, 2))


async def test_a_receiver_that_is_not_there_is_a_negative_code(zuora, listen, eventually):
    await zuora.settings(callouts={"attempts": 2})
    zuora.sandbox.callouts.configurations = [
        CalloutConfiguration(name="gone", event="InvoicePosted", url="http://127.0.0.1:1/x")
    ]
    zuora.posted()
    await eventually(lambda: len(zuora.sandbox.callouts.history) == 2)
    assert {attempt.response_code for attempt in zuora.sandbox.callouts.history} == {-1}


async def test_a_receiver_that_does_not_answer_is_given_up(zuora, listen, eventually):
    await zuora.settings(callouts={"attempts": 1, "data_timeout_s": 0.1})
    zuora.sandbox.faults.arm(Fault(name="hang", path="/object-query", count=1))
    # The stand-in itself is a server that can hang.
    zuora.sandbox.callouts.configurations = [
        CalloutConfiguration(name="slow", event="InvoicePosted", url=f"{zuora.url}/object-query/invoices")
    ]
    zuora.posted()
    await eventually(lambda: len(zuora.sandbox.callouts.history) == 1)
    assert zuora.sandbox.callouts.history[0].response_code == -1


async def test_only_accounts_with_the_profile_are_told(zuora, receiver, listen, eventually):
    listen(communication_profile_id="prof1")
    zuora.posted()
    update_account(zuora.tenant, account="A-00000001", communication_profile_id="prof1")
    zuora.posted()
    await eventually(lambda: settled(zuora, receiver, 1))
    assert receiver.bodies()[0]["number"] == "INV00000002"


async def test_a_callout_that_is_not_active_is_silent(zuora, receiver, listen):
    listen(active=False)
    listen("CreditMemoPosted")
    zuora.posted()
    # A callout is queued before the act returns, so there would be something under way.
    assert settled(zuora, receiver, 0)


async def test_history_over_the_api_shows_failures_first(zuora, receiver, listen, eventually):
    listen()
    receiver.answers = [(404, {}, "unknown path")]
    lost = zuora.posted()
    zuora.posted()
    await eventually(lambda: settled(zuora, receiver, 2))
    path = "/v1/notification-history/callout"
    rows = (await zuora.get(path)).json["calloutHistories"]
    assert len(rows) == 1
    assert (rows[0]["responseCode"], rows[0]["attemptedNum"], rows[0]["eventCategory"]) == ("404", "1", "1110")
    assert "responseContent" not in rows[0]
    assert all(isinstance(value, str) for value in rows[0].values())
    rows = (await zuora.get(path, ("failedOnly", "false"), ("includeResponseContent", "true"))).json["calloutHistories"]
    assert [row["responseContent"] for row in rows] == ["unknown path", ""]
    rows = (await zuora.get(path, ("failedOnly", "false"), ("objectId", lost.id))).json["calloutHistories"]
    assert len(rows) == 1
    zuora.sandbox.clock.advance(2 * 86_400)
    await zuora.control("POST", "/tokens/revoke")
    zuora._token = None
    assert (await zuora.get(path)).json["calloutHistories"] == []
    rows = (await zuora.get(path, ("startTime", "2026-03-15T00:00:00"))).json["calloutHistories"]
    assert len(rows) == 1
    assert (await zuora.get(path, ("startTime", "yesterday"))).status == 400


async def test_a_lost_callout_can_be_sent_again(zuora, receiver, listen, eventually):
    listen()
    receiver.answers = [(404, {}, "")]
    zuora.posted()
    await eventually(lambda: settled(zuora, receiver, 1))
    history = await zuora.control("GET", "/callouts/history")
    again = [history["rows"][0]["notification_id"], "unknown"]
    assert (await zuora.control("POST", "/callouts/redeliver", {"notification_ids": again}))["redelivered"] == 1
    await eventually(lambda: settled(zuora, receiver, 2))
    assert receiver.seen[0][1] == receiver.seen[1][1]


async def test_duplicates_drops_and_delays(zuora, receiver, listen, eventually):
    listen()
    duplicate = zuora.sandbox.faults.arm(Fault(name="callout_duplicate", count=1, times=4))
    zuora.posted()
    await eventually(lambda: settled(zuora, receiver, 5))
    assert len({headers["Zuora-Notification-Id"] for headers, _ in receiver.seen}) == 1
    drop = zuora.sandbox.faults.arm(Fault(name="callout_drop", share=0.5, seed=3))
    for _ in range(20):
        zuora.posted()
    await eventually(lambda: settled(zuora, receiver, 25 - drop.fired))
    zuora.sandbox.faults.disarm()
    delay = zuora.sandbox.faults.arm(Fault(name="callout_delay", count=1, seconds=0.1))
    zuora.posted()
    assert zuora.sandbox.callouts.traffic.waiting == 1
    await eventually(lambda: settled(zuora, receiver, 26 - drop.fired))
    assert duplicate.fired == delay.fired == 1
    assert 2 < drop.fired < 18


async def test_callouts_can_come_in_another_order(zuora, receiver, listen, eventually):
    listen()
    fault = zuora.sandbox.faults.arm(Fault(name="callout_reorder", seconds=0.2, seed=1))
    made = [zuora.posted().invoice_number for _ in range(10)]
    await eventually(lambda: settled(zuora, receiver, 10))
    arrived = [body["number"] for body in receiver.bodies()]
    assert sorted(arrived) == made != arrived
    assert fault.fired == 10


async def test_a_storm_is_delivered_within_the_width_of_the_pipe(zuora, receiver, listen, eventually):
    await zuora.settings(callouts={"parallel": 5})
    listen()
    planned = [NewInvoice(account="A-00000001", items=[NewItem(charge_amount=Decimal(5))])] * 300
    run = create_bill_run(zuora.tenant, request=NewBillRun(invoices=planned, auto_post=True))
    generate_bill_run(zuora.tenant, bill_run=run.id)
    assert zuora.sandbox.callouts.traffic.in_flight == 5
    assert zuora.sandbox.callouts.traffic.queued == 295
    await eventually(lambda: settled(zuora, receiver, 300))
    assert zuora.sandbox.callouts.traffic.delivered == 300
