"""Zuora's token: one for all callers, renewed before its end, and never a storm of token calls."""

import asyncio
from contextlib import AsyncExitStack
from itertools import pairwise
from types import SimpleNamespace

import pytest

from adapters.zuora.asking.budget import DEFAULT
from adapters.zuora.asking.client import ZuoraClient
from adapters.zuora.asking.pacing import Priority
from schemas.errors import ConnectorError, Misconfigured, Refused, Transient
from tests.adapters.strange import Told
from tests.adapters.zuora_tenant import client_of, zuora_tenant

TOKEN = "/oauth/token"
# Characters that a form must escape.
SECRET = "a+b/c="


def speaker(url: str) -> ZuoraClient:
    return client_of(url, client_secret=SECRET)


async def test_callers_that_come_together_wait_for_one_call(zuora):
    slow = zuora.arm("slow", f"^{TOKEN}$", seconds=0.1)
    client = await zuora.client()
    tokens = await asyncio.gather(*(client.token.get() for _ in range(20)))
    assert len(set(tokens)) == 1
    assert (zuora.token_calls, client.token.fetched, slow.fired) == (1, 1, 1)


async def test_twenty_calls_in_flight_share_one_token(zuora):
    client = await zuora.client()
    await asyncio.gather(*(client.get("/v1/accounting-codes") for _ in range(20)))
    assert zuora.token_calls == 1


async def test_the_scope_says_which_tenant_answered(zuora):
    client = await zuora.client()
    await client.token.get()
    assert "tenant.12270" in client.token.scope.split()


@pytest.mark.parametrize("written", ["number", "text"])
async def test_a_token_is_renewed_five_minutes_before_its_hour_ends(zuora, monkeypatch, written):
    machine = SimpleNamespace(now_s=1000.0)
    monkeypatch.setattr("adapters.zuora.asking.token.time", SimpleNamespace(monotonic=lambda: machine.now_s))
    zuora.use(expires_in=written)
    client = await zuora.client()
    first = await client.token.get()
    machine.now_s += 3598 - 301
    assert await client.token.get() == first
    machine.now_s += 2
    assert await client.token.get() != first
    assert zuora.token_calls == 2


async def test_a_short_token_is_renewed_before_zuora_refuses_it(quick, eventually):
    async with zuora_tenant() as zuora:
        zuora.use(token_life_s=1)
        zuora.sandbox.clock.reset()
        client = await zuora.client()

        async def renewed() -> None:
            await client.get("/v1/accounting-codes")
            assert zuora.token_calls == 3

        await eventually(renewed, within_s=5, every_s=0.05)
        assert {entry.status for entry in zuora.requests()} == {200}


async def test_a_revoked_token_is_fetched_anew_once_for_all(zuora, quick):
    client = await zuora.client()
    await client.get("/v1/accounting-codes")
    zuora.sandbox.tokens.revoke()
    await asyncio.gather(*(client.get("/v1/accounting-codes") for _ in range(20)))
    assert zuora.token_calls == 2


async def test_a_wrong_secret_is_one_clear_sentence(zuora, told):
    client = await zuora.client(client_secret="canary-3f9a51c7")
    with pytest.raises(Refused) as refused:
        await client.get("/v1/accounting-codes")
    sentence = str(refused.value)
    assert "client id and secret" in sentence
    assert "data centre" in sentence
    assert "\n" not in sentence
    assert "canary-3f9a51c7" not in told(refused.value)
    assert zuora.token_calls == 1


async def test_token_calls_keep_their_distance(zuora, monkeypatch):
    monkeypatch.setattr("adapters.zuora.asking.token._PAUSE_BETWEEN_S", 0.2)
    sent_s: list[float] = []
    # When each left, by the clock that the pause is counted on: how long it took to arrive is the machine's matter.
    monkeypatch.setattr("adapters.zuora.asking.pacing.TokenPace.sent", lambda _, now_s: sent_s.append(now_s))
    client = await zuora.client(client_secret="wrong")
    for _ in range(3):
        with pytest.raises(Refused):
            await client.token.get()
    assert zuora.token_calls == 3
    assert [later - earlier >= 0.2 for earlier, later in pairwise(sent_s)] == [True, True]


async def test_callers_that_come_together_share_a_refusal(zuora, quick):
    client = await zuora.client(client_secret="wrong")
    answers = await asyncio.gather(*(client.token.get() for _ in range(20)), return_exceptions=True)
    assert {type(answer) for answer in answers} == {Refused}
    assert zuora.token_calls == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_the_secret_never_follows_a_redirect(strange, status):
    strange.tell(TOKEN, Told(status=status, headers={"Location": f"{strange.url}/elsewhere"}))
    async with speaker(strange.url) as client:
        with pytest.raises(Misconfigured, match="redirect"):
            await client.token.get()
    assert strange.times("/elsewhere") == 0
    assert strange.times(TOKEN) == 1


async def test_the_secret_is_in_the_body_and_nowhere_else(strange):
    strange.tell(TOKEN, Told(b'{"access_token": "t", "expires_in": 3598}'))
    async with speaker(strange.url) as client:
        await client.token.get()
    [asked] = strange.asked
    assert (asked.method, asked.query) == ("POST", {})
    assert b"a%2Bb%2Fc%3D" in asked.body
    assert "Authorization" not in asked.headers
    assert not [value for value in asked.headers.values() if SECRET in value]


async def test_too_many_token_calls_pass(zuora, quick):
    limited = zuora.arm("too_many_requests", f"^{TOKEN}$", count=1)
    client = await zuora.client()
    with pytest.raises(Transient, match="too many requests"):
        await client.token.get()
    assert await client.token.get()
    assert limited.fired == 1


async def test_a_token_call_says_how_long_zuora_asked_to_wait(zuora):
    zuora.arm("too_many_requests", f"^{TOKEN}$", count=1, retry_after_s=7)
    client = await zuora.client()
    with pytest.raises(Transient) as limited:
        await client.token.get()
    assert limited.value.retry_after_s == 7


@pytest.mark.parametrize("fault", ["too_many_requests", "http_503", "reset", "cut_body"])
async def test_a_call_waits_out_a_passing_fault_of_the_token_call(zuora, quick, fault):
    armed = zuora.arm(fault, f"^{TOKEN}$", count=1)
    client = await zuora.client()
    try:
        await client.get("/v1/accounting-codes")
    finally:
        assert armed.fired == 1


@pytest.mark.parametrize("fault", ["http_503", "reset", "cut_body", "html_page", "wrong_content_type"])
async def test_a_passing_fault_of_the_token_call_is_transient(zuora, quick, fault):
    armed = zuora.arm(fault, f"^{TOKEN}$", count=1)
    client = await zuora.client()
    with pytest.raises(Transient):
        await client.token.get()
    assert await client.token.get()
    assert armed.fired == 1


async def test_a_token_call_that_hangs_ends(zuora, monkeypatch):
    monkeypatch.setattr("adapters.zuora.asking.token._REQUEST_TIMEOUT_S", 0.2)
    zuora.arm("hang", f"^{TOKEN}$", seconds=60)
    client = await zuora.client()
    async with asyncio.timeout(30):
        with pytest.raises(Transient, match="no answer in time"):
            await client.token.get()


async def test_a_zuora_that_is_not_there_is_transient(unused_tcp_port):
    async with speaker(f"http://127.0.0.1:{unused_tcp_port}") as client:
        with pytest.raises(Transient, match="cannot be reached"):
            await client.token.get()


@pytest.mark.parametrize(
    "answer",
    [
        Told(b"<html>sign in</html>", content_type="text/html"),
        Told(b'{"success": false, "reasons": [{"code": 90000011, "message": "no"}]}'),
        Told(b"not found", status=404, content_type="text/plain"),
        Told(b'{"code": 53100020, "message": "bad"}', status=400),
        Told(b'{"access_token": "abc", "expi'),
        Told(b"{}"),
        Told(b"[]"),
        Told(b'{"access_token": 5}'),
        Told(b'{"access_token": "abc", "expires_in": "soon"}'),
        Told(b'{"access_token": "\xff\xfe"}'),
        Told(b'{"access_token": ""}'),
        Told(b'{"access_token": "abc\\r\\nX: y"}'),
        Told(b'{"access_token": "abc", "expires_in": 0}'),
        Told(b'{"access_token": "abc", "expires_in": "nan"}'),
        Told(b'{"access_token": "abc", "expires_in": "inf"}'),
    ],
    ids=lambda answer: answer.body.decode("latin-1")[:28],
)
async def test_whatever_answers_in_its_place_is_an_error_of_ours(strange, answer):
    strange.tell(TOKEN, answer)
    async with speaker(strange.url) as client:
        with pytest.raises(ConnectorError):
            await client.token.get()


async def test_a_token_call_that_leads_nowhere_is_no_deleted_object(strange):
    strange.tell(TOKEN, Told(b'{"reasons": [{"code": 50000040, "message": "Cannot find entity"}]}', status=404))
    async with speaker(strange.url) as client:
        with pytest.raises(Misconfigured, match="base_url"):
            await client.get("/object-query/invoices/i1")


async def test_a_refusal_is_not_remembered_for_those_who_come_later(zuora, quick):
    armed = zuora.arm("http_503", f"^{TOKEN}$", count=1)
    client = await zuora.client()
    first = await asyncio.gather(*(client.token.get() for _ in range(5)), return_exceptions=True)
    assert {type(answer) for answer in first} == {Transient}
    assert await client.token.get()
    assert (armed.fired, zuora.token_calls) == (1, 2)


async def test_who_waits_behind_one_that_was_cancelled_asks_by_itself(zuora, quick):
    zuora.arm("slow", f"^{TOKEN}$", seconds=0.2)
    client = await zuora.client()
    first, second = (asyncio.create_task(client.token.get()) for _ in range(2))
    await asyncio.wait([first], timeout=0.05)
    first.cancel()
    assert await second
    assert first.cancelled()


async def test_a_token_that_ended_while_its_call_waited_for_its_turn_is_not_sent(strange, quick, eventually):
    """A page of a small budget waits longer than the five minutes by which a token is renewed early."""
    strange.tell("/oauth/token", *(Told(b'{"access_token": "t%d", "expires_in": 3600}' % number) for number in (1, 2)))
    strange.tell("/v1/x", Told())
    async with client_of(strange.url) as client:
        async with AsyncExitStack() as others:
            for _ in range(client.budget.allowance.concurrency):
                await others.enter_async_context(client.budget.turn(DEFAULT, Priority.LIVE))
            asked = asyncio.create_task(client.get("/v1/x"))

            async def waits() -> None:
                assert client.budget.waited_for

            await eventually(waits, within_s=5, every_s=0.01)
            await client.token.refused("t1")
        await asked
    assert [one.headers["Authorization"] for one in strange.asked if one.path == "/v1/x"] == ["Bearer t2"]
