"""Rates, concurrency, headers of every response, and compression."""

import asyncio

from sandbox.zuora import Limits
from sandbox.zuora.wire.limits import RateMeter, count_call


async def test_every_answer_names_its_request_and_repeats_the_track_id(zuora):
    ids = set()
    for path in ("/object-query/invoices", "/v1/invoices/x", "/v1/nosuch", "/object-query/nosuch"):
        reply = await zuora.get(path, headers={"Zuora-Track-Id": "ml-1"})
        assert reply.headers["Zuora-Track-Id"] == "ml-1"
        ids.add(reply.headers["Zuora-Request-Id"])
    assert len(ids) == 4
    assert "Zuora-Track-Id" not in (await zuora.get("/v1/invoices/x")).headers


async def test_every_answer_tells_the_time_of_the_tenants_own_clock(zuora):
    assert (await zuora.get("/object-query/invoices")).headers["Date"] == "Sun, 15 Mar 2026 12:00:00 GMT"
    zuora.sandbox.clock.advance(3600)
    assert (await zuora.get("/v1/invoices/x")).headers["Date"] == "Sun, 15 Mar 2026 13:00:00 GMT"


async def test_rates_are_told_on_every_call(zuora):
    headers = (await zuora.get("/object-query/invoices")).headers
    assert headers["RateLimit-Limit"] == "50000, 50000;w=60, 2250000;w=3600, 27000000;w=86400"
    assert int(headers["RateLimit-Remaining"]) == 49_999
    assert 0 < int(headers["RateLimit-Reset"]) <= 60


async def test_a_call_too_many_is_code_70(zuora):
    await zuora.token()
    await zuora.settings(limits={"calls_per_minute": 3})
    statuses = [(await zuora.get("/object-query/invoices")).status for _ in range(4)]
    reply = await zuora.get("/v1/invoices/x")
    assert statuses[-1] == reply.status == 429
    reason = reply.json["reasons"][0]
    assert reason["code"] == 70
    assert reason["message"].startswith("API Rate limit exceeded for the minute, retry after ")
    assert reply.headers["RateLimit-Remaining"] == "0"
    assert "Retry-After" not in reply.headers


def test_rates_are_counted_in_windows():
    now = [1000.0]
    meter, limits = RateMeter(lambda: now[0]), Limits(calls_per_minute=2, calls_per_hour=3)

    def answered():
        return count_call(meter, limits)[1] is None

    assert [answered() for _ in range(3)] == [True, True, False]
    now[0] += 60
    # The minute is new, but the call that was turned away counted for the hour.
    assert not answered()
    headers, _ = count_call(meter, limits)
    assert headers["RateLimit-Limit"].startswith("3, ")
    now[0] += 3600
    assert answered()


async def test_concurrency_has_limits_by_kind(zuora):
    await zuora.token()
    await zuora.settings(latency_s=0.2, limits={"concurrent": 1, "concurrent_object_query": 2})
    replies = await asyncio.gather(
        *(zuora.get("/object-query/invoices") for _ in range(4)), zuora.get("/v1/invoices/x")
    )
    queries, v1 = replies[:4], replies[4]
    assert sorted(reply.status for reply in queries) == [200, 200, 429, 429]
    assert v1.status == 200
    refused = next(reply for reply in queries if reply.status == 429)
    assert refused.headers["Retry-After"] == "120"
    assert refused.json["reasons"][0]["code"] == 50000070
    assert refused.headers["Concurrency-Limit-Type"] == "Object Query"
    assert v1.headers["Concurrency-Limit-Type"] == "Default"
    assert (v1.headers["Concurrency-Limit-Limit"], v1.headers["Concurrency-Limit-Remaining"]) == ("1", "0")
    counts = await zuora.control("GET", "/requests/counts")
    assert counts["most_in_flight"] == {"Object Query": 2, "Default": 1}


async def test_long_answers_are_compressed_for_those_who_take_it(zuora):
    for _ in range(3):
        zuora.posted()
    headers = {"Authorization": f"Bearer {await zuora.token()}"}

    async def raw(encoding):
        wanted = {**headers, "Accept-Encoding": encoding}
        async with zuora.session.get(f"{zuora.url}/object-query/invoices", headers=wanted) as response:
            return response.headers.get("Content-Encoding"), await response.json()

    plain = await raw("identity")
    assert plain[0] is None
    compressed = await raw("gzip")
    assert compressed[0] == "gzip"
    assert compressed[1] == plain[1]
    await zuora.settings(gzip=False)
    assert (await raw("gzip"))[0] is None
