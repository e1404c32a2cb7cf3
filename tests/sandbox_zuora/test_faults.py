"""Every fault does what it says, to whom it says, as often as it says, and counts."""

import asyncio
import json
import time
from decimal import Decimal

import aiohttp
import pytest

from sandbox.zuora import FAULTS
from sandbox.zuora.acts import NewPayment, create_payment, delete_invoice

LIST = "/object-query/invoices"


async def arm(zuora, **fault):
    """Arm a fault over the control API and return how often it has fired, when asked."""
    armed = await zuora.control("POST", "/faults", fault)

    def fired():
        return next(one.fired for one in zuora.sandbox.faults.all if one.id == armed["id"])

    return fired


@pytest.mark.parametrize(
    ("fault", "status", "content_type", "code"),
    [
        ({"name": "unauthorized"}, 401, "application/json", 90000011),
        ({"name": "too_many_requests"}, 429, "application/json", 70),
        ({"name": "too_many_concurrent"}, 429, "application/json", 50000070),
        ({"name": "http_500"}, 500, "application/json", 50000060),
        ({"name": "http_500", "status": 400, "code": 53100350}, 400, "application/json", 53100350),
        ({"name": "http_503"}, 503, "text/html", None),
        ({"name": "http_503", "status": 504}, 504, "text/html", None),
        ({"name": "html_page"}, 200, "text/html", None),
        ({"name": "html_page", "status": 502}, 502, "text/html", None),
        ({"name": "success_false"}, 200, "application/json", 50000050),
        ({"name": "success_false", "code": 53100361}, 200, "application/json", 53100361),
    ],
)
async def test_an_answer_takes_the_place_of_the_right_one(zuora, fault, status, content_type, code):
    fired = await arm(zuora, count=1, **fault)
    reply = await zuora.get(LIST)
    assert (reply.status, reply.headers["Content-Type"]) == (status, content_type)
    if code is not None:
        assert reply.json["reasons"][0]["code"] == code
    else:
        assert reply.text.startswith("<html>")
    assert fired() == 1
    assert (await zuora.get(LIST)).json == {"data": []}
    assert fired() == 1


async def test_retry_after_comes_when_it_is_given(zuora):
    await arm(zuora, name="too_many_requests", count=1, retry_after_s=7)
    assert (await zuora.get(LIST)).headers["Retry-After"] == "7"
    await arm(zuora, name="too_many_requests", count=1)
    reply = await zuora.get(LIST)
    assert "Retry-After" not in reply.headers
    assert reply.headers["RateLimit-Remaining"] == "0"
    await arm(zuora, name="http_503", count=1, retry_after_s=9)
    assert (await zuora.get(LIST)).headers["Retry-After"] == "9"


async def test_the_token_call_is_only_hit_by_its_own_path(zuora):
    everything = await arm(zuora, name="http_503")
    assert (await zuora.ask_token()).status == 200
    assert everything() == 0
    token = await arm(zuora, name="too_many_requests", path="^/oauth/token$", count=2)
    assert [(await zuora.ask_token()).status for _ in range(3)] == [429, 429, 200]
    assert token() == 2


async def test_a_fault_lasts_until_it_is_disarmed(zuora):
    fired = await arm(zuora, name="unauthorized")
    assert [(await zuora.get(LIST)).status for _ in range(4)] == [401] * 4
    assert fired() == 4
    assert (await zuora.control("DELETE", "/faults"))["disarmed"] == 1
    assert (await zuora.get(LIST)).status == 200
    listed = await zuora.control("GET", "/faults")
    assert listed["armed"][0]["fired"] == 4
    assert set(listed["known"]) == set(FAULTS)


async def test_path_method_and_after_choose(zuora):
    fired = await arm(zuora, name="http_500", path="/v1/accounts", method="GET", after=1)
    paths = ["/v1/accounts/A-00000001", LIST, "/v1/accounts/A-00000001", "/v1/accounts/A-00000001"]
    assert [(await zuora.get(path)).status for path in paths] == [200, 200, 500, 500]
    assert (await zuora.api("PUT", "/v1/accounts/A-00000001", json={"notes": "n"})).status == 200
    assert fired() == 2


async def test_a_share_is_drawn_from_its_seed(zuora):
    async def draw(seed):
        fired = await arm(zuora, name="http_500", share=0.3, seed=seed)
        statuses = [(await zuora.get(LIST)).status for _ in range(60)]
        assert fired() == statuses.count(500)
        await zuora.control("DELETE", "/faults")
        return statuses

    first, second, other = await draw(1), await draw(1), await draw(2)
    assert first == second != other
    assert 5 < first.count(500) < 35


async def test_one_fault_is_disarmed_by_its_id(zuora):
    first = await zuora.control("POST", "/faults", {"name": "http_500", "path": "invoices"})
    await zuora.control("POST", "/faults", {"name": "http_500", "path": "accounts"})
    await zuora.control("DELETE", f"/faults/{first['id']}")
    assert (await zuora.get(LIST)).status == 200
    assert (await zuora.get("/object-query/accounts")).status == 500


@pytest.mark.parametrize("body", [{"name": "nosuch"}, {"name": "slow", "colour": 1}, {"name": "slow", "path": "("}, []])
async def test_a_fault_that_is_none_is_refused(zuora, body):
    assert (await zuora.call("POST", "/control/faults", json=body)).status == 400


async def test_half_a_body_with_a_length_to_match(zuora):
    zuora.posted()
    fired = await arm(zuora, name="truncated_json", count=1)
    text = (await zuora.get(LIST)).text
    with pytest.raises(json.JSONDecodeError):
        json.loads(text)
    assert text.startswith('{"data":[{')
    assert fired() == 1


async def test_half_a_body_and_a_cut(zuora):
    zuora.posted()
    fired = await arm(zuora, name="cut_body", count=1)
    with pytest.raises(aiohttp.ClientPayloadError):
        await zuora.get(LIST)
    assert fired() == 1


async def test_the_wrong_content_type_around_the_right_body(zuora):
    fired = await arm(zuora, name="wrong_content_type", count=1)
    reply = await zuora.get(LIST)
    assert (reply.headers["Content-Type"], reply.json) == ("text/plain", {"data": []})
    assert fired() == 1


async def test_a_redirect_names_what_it_is_told_to(zuora):
    fired = await arm(zuora, name="redirect", count=1, status=302, location="https://elsewhere.example/x")
    await zuora.token()
    reply = await zuora.call(
        "GET", LIST, headers={"Authorization": f"Bearer {await zuora.token()}"}, allow_redirects=False
    )
    assert (reply.status, reply.headers["Location"]) == (302, "https://elsewhere.example/x")
    assert fired() == 1


async def test_the_gateway_does_not_know_the_path(zuora):
    fired = await arm(zuora, name="no_route", count=1)
    reply = await zuora.get(LIST)
    assert (reply.status, reply.json) == (404, {"message": "no Route matched with those values"})
    assert fired() == 1


async def test_a_bomb_is_small_on_the_wire(zuora):
    fired = await arm(zuora, name="bomb", count=1)
    reply = await zuora.get(LIST)
    assert (reply.status, reply.headers["Content-Encoding"]) == (200, "gzip")
    assert int(reply.headers["Content-Length"]) < 200_000
    assert len(reply.text) == 100_000_000
    assert fired() == 1


async def test_a_connection_is_reset_before_or_after_the_work(zuora):
    zuora.posted()
    await zuora.token()
    body = {"comments": "done"}
    before = await arm(zuora, name="reset", path="/v1/invoices", method="PUT", count=2)
    with pytest.raises(aiohttp.ClientConnectionError):
        await zuora.api("PUT", "/v1/invoices/INV00000001", json=body)
    assert before() >= 1
    assert zuora.invoice("INV00000001").comments is None
    await zuora.control("DELETE", "/faults")
    after = await arm(zuora, name="lost_reply", path="/v1/invoices", method="PUT", count=2)
    with pytest.raises(aiohttp.ClientConnectionError):
        await zuora.api("PUT", "/v1/invoices/INV00000001", json=body)
    assert after() >= 1
    assert zuora.invoice("INV00000001").comments == "done"
    assert zuora.sandbox.journal.entries[-1].status == 0


@pytest.mark.parametrize(("name", "done"), [("hang", None), ("hang_after", "done")])
async def test_a_call_hangs_until_the_client_goes(zuora, name, done):
    zuora.posted()
    await zuora.token()
    fired = await arm(zuora, name=name, path="/v1/invoices", count=1)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await zuora.api("PUT", "/v1/invoices/INV00000001", json={"comments": "done"})
    assert fired() == 1
    assert zuora.invoice("INV00000001").comments == done


async def test_a_call_that_hangs_can_end_by_itself(zuora):
    await zuora.token()
    await arm(zuora, name="hang", count=2, seconds=0.05)
    with pytest.raises(aiohttp.ClientConnectionError):
        await zuora.api("POST", "/v1/action/update", json={})


async def test_slow_is_slow(zuora):
    await zuora.token()
    fired = await arm(zuora, name="slow", count=1, seconds=0.2)
    started_s = time.monotonic()
    assert (await zuora.get(LIST)).status == 200
    assert time.monotonic() - started_s >= 0.2
    assert fired() == 1


async def test_the_third_page_fails_once(zuora):
    for _ in range(9):
        zuora.draft()
    fired = await arm(zuora, name="page_fails", path=f"{LIST}$", page=3)
    cursors, statuses = [[]], []
    for _ in range(3):
        reply = await zuora.get(LIST, ("pageSize", 2), *cursors[-1])
        statuses.append(reply.status)
        if reply.status == 200:
            cursors.append([("cursor", reply.json["nextPage"])])
    assert statuses == [200, 200, 500]
    assert fired() == 1
    assert (await zuora.get(LIST, ("pageSize", 2), *cursors[-1])).status == 200


async def test_a_cursor_is_lost(zuora):
    for _ in range(3):
        zuora.draft()
    fired = await arm(zuora, name="cursor_lost", count=1)
    cursor = (await zuora.get(LIST, ("pageSize", 2))).json["nextPage"]
    query = [("pageSize", 2), ("cursor", cursor)]
    lost = await zuora.get(LIST, *query)
    assert (lost.status, lost.json["reasons"][0]["code"]) == (400, 50000027)
    assert (await zuora.get(LIST, *query)).status == 200
    assert fired() == 1


async def test_a_late_commit_appears_with_an_older_stamp(zuora):
    fired = await arm(zuora, name="late_commit", path="^create_payment$", count=1, seconds=120)
    request = NewPayment(account="A-00000001", amount=Decimal(5))
    late = create_payment(zuora.tenant, request=request)
    zuora.sandbox.clock.advance(60)
    early = create_payment(zuora.tenant, request=request)

    async def seen():
        return {row["id"] for row in (await zuora.get("/object-query/payments")).json["data"]}

    assert await seen() == {early.id}
    assert (await zuora.get(f"/object-query/payments/{late.id}")).status == 404
    assert (await zuora.get(f"/v1/payments/{late.id}")).json["success"] is False
    zuora.sandbox.clock.advance(60)
    rows = (await zuora.get("/object-query/payments", ("sort[]", "updateddate.ASC"))).json["data"]
    assert [row["id"] for row in rows] == [late.id, early.id]
    assert rows[0]["updatedDate"] < rows[1]["updatedDate"]
    assert fired() == 1


async def test_until_a_late_commit_the_old_version_is_read(zuora):
    await arm(zuora, name="late_commit", path="^update_account$", seconds=30)
    await zuora.control("POST", "/acts/update_account", {"account": "A-00000001", "name": "Renamed"})
    name = (await zuora.get("/object-query/accounts/A-00000001")).json["name"]
    assert name == "Müller & Söhne"
    # A later change that is not held back shows both.
    zuora.posted()
    assert (await zuora.get("/object-query/accounts/A-00000001")).json["name"] == "Renamed"


async def test_a_deleted_row_may_still_be_read_for_a_while(zuora):
    draft = zuora.draft()
    await arm(zuora, name="late_commit", path="^delete_invoice$", seconds=10)
    delete_invoice(zuora.tenant, invoice=draft.id)
    assert (await zuora.get(f"/object-query/invoices/{draft.id}")).status == 200
    zuora.sandbox.clock.advance(10)
    assert (await zuora.get(f"/object-query/invoices/{draft.id}")).status == 404


async def test_nothing_fires_on_the_control_api(zuora):
    await arm(zuora, name="http_503")
    assert (await zuora.call("GET", "/control")).status == 200
