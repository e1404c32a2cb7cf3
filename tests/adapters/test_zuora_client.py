"""Asking Zuora: patient with what passes and with limits, one budget of calls, and Zuora's own time."""

import asyncio
import time
from datetime import datetime, timedelta

import pytest

from schemas.errors import Transient
from tests.adapters.strange import Told
from tests.adapters.zuora_tenant import TOKEN, client_of, rows_of, speaking_to

CODES = "/v1/accounting-codes"


@pytest.fixture
async def speaker(strange):
    async with speaking_to(strange) as client:
        yield client


# -- what passes -----------------------------------------------------------------------------------------------------


async def test_a_token_that_ends_in_the_middle_of_a_list_loses_no_row(zuora, quick):
    for number in range(25):
        zuora.account(account_number=f"B-{number:03}")
    ended = zuora.arm("unauthorized", "^/object-query/accounts$", after=1, count=1)
    client = await zuora.client()
    rows = await rows_of(client, "accounts", ("sort[]", "updateddate.ASC"), page_size=10)
    assert (len(rows), len(set(rows)), ended.fired, zuora.token_calls) == (26, 26, 1, 2)


@pytest.mark.parametrize(
    "fault",
    [
        "too_many_requests",
        "too_many_concurrent",
        "http_503",
        "http_500",
        "reset",
        "cut_body",
        "lost_reply",
        "html_page",
    ],
)
async def test_a_passing_fault_is_waited_out(zuora, quick, fault):
    armed = zuora.arm(fault, CODES, count=2)
    client = await zuora.client()
    assert len(await client.v1_rows(CODES, "accountingCodes")) == 7
    assert (armed.fired, len(zuora.requests(CODES))) == (2, 3)


@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_a_gateway_that_does_not_come_back_is_transient_after_five_tries(zuora, quick, status):
    armed = zuora.arm("http_503", CODES, status=status)
    client = await zuora.client()
    with pytest.raises(Transient):
        await client.get(CODES)
    assert armed.fired == 5


@pytest.mark.parametrize("status", [200, 502])
async def test_a_page_for_people_is_never_an_answer(zuora, quick, status):
    armed = zuora.arm("html_page", "^/object-query/accounts$", status=status)
    client = await zuora.client()
    with pytest.raises(Transient, match="page instead of an answer"):
        await rows_of(client, "accounts")
    assert armed.fired == 5


async def test_the_right_body_under_a_wrong_type_is_not_taken(zuora, quick):
    armed = zuora.arm("wrong_content_type", CODES)
    client = await zuora.client()
    with pytest.raises(Transient):
        await client.get(CODES)
    assert armed.fired == 5


async def test_a_call_that_hangs_ends(zuora, quick, monkeypatch):
    monkeypatch.setattr("adapters.zuora.asking.call._REQUEST_TIMEOUT_S", 0.1)
    client = await zuora.client()
    await client.token.get()
    armed = zuora.arm("hang", CODES, seconds=60)
    async with asyncio.timeout(30):
        with pytest.raises(Transient, match="TimeoutError"):
            await client.get(CODES)
    assert armed.fired == 5


async def test_an_answer_that_hangs_after_the_work_is_asked_for_again(zuora, quick, monkeypatch):
    monkeypatch.setattr("adapters.zuora.asking.call._REQUEST_TIMEOUT_S", 0.2)
    client = await zuora.client()
    await client.token.get()
    armed = zuora.arm("hang_after", CODES, count=1, seconds=5)
    assert await client.get(CODES)
    assert armed.fired == 1


# -- limits ----------------------------------------------------------------------------------------------------------


async def test_what_zuora_asks_to_wait_is_waited(zuora, monkeypatch):
    monkeypatch.setattr("adapters.zuora.asking.pacing.PAUSE_MAX_S", 0.6)
    armed = zuora.arm("too_many_requests", CODES, count=1, retry_after_s=1)
    client = await zuora.client()
    await client.token.get()
    began_s = time.monotonic()
    await client.get(CODES)
    assert time.monotonic() - began_s >= 1.0
    assert armed.fired == 1


async def test_an_hour_that_zuora_asks_for_hangs_nobody(zuora, quick):
    armed = zuora.arm("too_many_requests", CODES, retry_after_s=3600)
    client = await zuora.client()
    async with asyncio.timeout(30):
        with pytest.raises(Transient) as limited:
            await client.get(CODES)
    assert limited.value.retry_after_s == 3600
    assert armed.fired == 5


async def test_a_storm_without_retry_after_ends_in_five_tries(zuora, quick):
    armed = zuora.arm("too_many_requests", CODES)
    client = await zuora.client()
    with pytest.raises(Transient) as limited:
        await client.get(CODES)
    assert limited.value.retry_after_s is None
    assert (armed.fired, zuora.token_calls) == (5, 1)


async def test_no_more_calls_are_in_flight_than_the_tenant_was_promised(zuora):
    zuora.use(latency_s=0.02)
    client = await zuora.client(concurrency=3)
    await asyncio.gather(*(client.get(CODES) for _ in range(12)))
    assert zuora.sandbox.concurrency.most["Default"] == 3


@pytest.mark.parametrize("asked", ["\u00b2", "soon", "-5", "Sun, 15 Mar 2026 12:00:00 GMT", ""])
async def test_a_wait_that_is_no_number_is_none(speaker, strange, quick, asked):
    strange.tell("/v1/x", Told(status=429, headers={"Retry-After": asked}), Told())
    await speaker.get("/v1/x")
    assert strange.times("/v1/x") == 2


async def test_a_request_id_that_is_no_text_can_be_written(unused_tcp_port_factory):
    """Bytes that are no UTF-8 would otherwise end the writing of the record that names them."""
    token = b'{"access_token": "t", "expires_in": 3598}'

    async def answer(reader, writer):
        asked = await reader.readuntil(b"\r\n\r\n")
        body = token if asked.startswith(b"POST") else b'{"success": true}'
        head = (
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nZuora-Request-Id: caf\xe9\r\nConnection: close\r\n"
        )
        writer.write(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", port := unused_tcp_port_factory())
    async with server, client_of(f"http://127.0.0.1:{port}") as client:
        assert (await client.get("/v1/x")).request_id == "caf?"


# -- whose clock -----------------------------------------------------------------------------------------------------


async def test_time_is_zuoras_time(zuora):
    client = await zuora.client()
    await client.get(CODES)
    assert abs((client.now() - zuora.sandbox.clock.stamp().utc()).total_seconds()) < 3


@pytest.mark.parametrize(
    "date",
    [
        "",
        "yesterday",
        "Sun, 99 Mar 2026 12:00:00 GMT",
        "Sun, 15 Mar 2026 12:00:00",
        "Fri, 31 Dec 9999 23:59:59 -1200",
    ],
)
async def test_a_date_that_is_none_changes_no_clock(speaker, strange, date):
    strange.tell("/v1/x", Told(b'{"success": true}', headers={"Date": date}))
    await speaker.get("/v1/x")
    assert speaker.clock_ahead_s == pytest.approx(0, abs=3)


async def test_the_token_tells_the_time_before_any_call(zuora):
    client = await zuora.client()
    now = await client.hear_time()
    assert abs((now - zuora.sandbox.clock.stamp().utc()).total_seconds()) < 3
    await client.hear_time()
    assert zuora.token_calls == 1


async def test_without_zuoras_time_there_is_none(strange):
    strange.tell("/oauth/token", Told(TOKEN.body, headers={"Date": ""}))
    async with client_of(strange.url) as client:
        with pytest.raises(Transient, match="tell no time"):
            await client.hear_time()


async def test_time_goes_on_between_answers_whatever_is_done_to_our_clock(zuora, monkeypatch):
    client = await zuora.client()
    before = await client.hear_time()

    class Tomorrow(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) + timedelta(days=1)

    monkeypatch.setattr("adapters.zuora.asking.clock.datetime", Tomorrow)
    assert timedelta(0) <= client.now() - before < timedelta(seconds=10)


async def test_those_that_were_turned_away_together_do_not_come_again_together(strange, monkeypatch):
    # Long beside what a busy machine adds to each of them.
    monkeypatch.setattr("adapters.zuora.asking.pacing.PAUSE_MAX_S", 2.0)
    away = Told(b"<html>away</html>", status=503, content_type="text/html")
    paths = [f"/v1/x{number}" for number in range(20)]
    for path in paths:
        strange.tell(path, away, Told(b'{"success": true}'))

    async def paused_s(path: str) -> float:
        began_s = time.monotonic()
        await client.get(path)
        return time.monotonic() - began_s

    async with speaking_to(strange) as client:
        await client.token.get()
        pauses_s = await asyncio.gather(*(paused_s(path) for path in paths))
    # Drawn from the whole of it: that all lie in its last third, or within one, happens less than once in a million.
    assert min(pauses_s) < 4 / 3
    assert max(pauses_s) - min(pauses_s) > 2 / 3
