"""Within a tenant's limits, against a server that counts: no answer of 429, one token for all, no token storm."""

import asyncio
from itertools import pairwise

import aiohttp
import pytest

from adapters.zuora.asking.commons import Commons
from adapters.zuora.asking.pacing import Priority
from sandbox.zuora.settings import Limits
from schemas.errors import ConnectorError, Refused, Transient
from tests.adapters.strange import Told
from tests.adapters.zuora_tenant import TOKEN as GRANTED
from tests.adapters.zuora_tenant import budget, client_of, speaking_to

CODES, TOKEN = "/v1/accounting-codes", "/oauth/token"
# What one process asks an address for at most, in a minute.
TOKENS_MAX = 20


async def test_a_tenants_limit_is_never_hit(zuora):
    """No limit of ours: what Zuora's headers say is enough."""
    zuora.use(limits=Limits(calls_per_minute=40, window_s=1.0))
    client = await zuora.client()
    await asyncio.gather(*(client.get(CODES) for _ in range(100)))
    assert {entry.status for entry in zuora.requests()} == {200}
    assert client.budget.usage().refused == 0
    assert client.budget.usage().limit == 40


async def test_a_limit_that_another_integration_uses_as_well_is_not_hit_by_us(zuora):
    zuora.use(limits=Limits(calls_per_minute=60, window_s=1.0))
    client = await zuora.client()
    token = await client.token.get()
    over, statuses = asyncio.Event(), list[int]()

    async def other() -> None:
        async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}) as session:
            while not over.is_set():
                async with session.get(f"{zuora.url}/v1/invoices/nothing") as answer:
                    statuses.append(answer.status)
                await asyncio.sleep(0.05)

    others = asyncio.create_task(other())
    await asyncio.gather(*(client.get(CODES) for _ in range(100)))
    # However slow the other is here: both ask side by side until it has asked as well.
    while len(statuses) <= 3 and not others.done():
        await client.get(CODES)
    over.set()
    await others
    assert client.budget.usage().refused == 0


async def test_the_places_of_a_tenant_are_never_all_taken(zuora):
    zuora.use(latency_s=0.02, limits=Limits(concurrent=12, concurrent_object_query=6))
    client = await zuora.client(concurrency=5)
    lists = [client.object_query_page("accounts", []) for _ in range(20)]
    await asyncio.gather(*(client.get(CODES) for _ in range(20)), *lists)
    assert {entry.status for entry in zuora.requests()} == {200}
    assert zuora.sandbox.concurrency.most["Default"] <= 5
    assert zuora.sandbox.concurrency.most["Object Query"] <= 5
    assert client.budget.usage().in_flight == {"Default": 0, "Object Query": 0}


async def test_places_that_another_integration_holds_are_left_to_it(zuora, quick, eventually):
    """We were promised ten; eight of twelve are held by another: what Zuora tells of it is enough."""
    zuora.use(latency_s=0.02, limits=Limits(concurrent=12))
    held = zuora.arm("slow", "^/v1/invoices/nothing$", seconds=60)
    client = await zuora.client(concurrency=10)
    token = await client.token.get()
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}) as session:
        others = [asyncio.create_task(session.get(f"{zuora.url}/v1/invoices/nothing")) for _ in range(8)]

        async def are_held() -> None:
            assert held.fired == 8

        await eventually(are_held, within_s=30, every_s=0.01)
        # The first call hears how many places are left.
        await client.get(CODES)
        await asyncio.gather(*(client.get(CODES) for _ in range(30)))
        assert not any(other.done() for other in others)
        for other in others:
            other.cancel()
    assert 8 < zuora.sandbox.concurrency.most["Default"] <= 12
    assert client.budget.usage().refused == 0


async def test_clients_of_one_process_share_a_token_and_a_budget(zuora):
    zuora.use(latency_s=0.01)
    shared = {"commons": Commons(), "budget": budget(concurrency=3)}
    clients = [await zuora.client(**shared) for _ in range(3)]
    backfill = await zuora.client(**shared, priority=Priority.BACKFILL)
    await asyncio.gather(*(client.get(CODES) for client in (*clients, backfill) for _ in range(10)))
    assert zuora.token_calls == 1
    assert zuora.sandbox.concurrency.most["Default"] == 3
    assert shared["budget"].usage().used == 40


async def test_another_credential_has_a_token_of_its_own(zuora):
    commons = Commons()
    await (await zuora.client(commons=commons)).get(CODES)
    with pytest.raises(ConnectorError):
        await (await zuora.client(commons=commons, client_secret="another-secret")).get(CODES)
    assert zuora.token_calls == 2


async def test_a_storm_of_refused_tokens_is_never_one_of_token_calls(zuora, quick, eventually):
    """Over two tenants of one address, one with a wrong secret: each call wants new tokens, few are asked for."""
    zuora.arm("unauthorized", "^/v1/")
    commons = Commons()
    clients = [await zuora.client(commons=commons), await zuora.client(commons=commons, client_secret="wrong-secret")]

    async def storm(client) -> None:
        while True:
            with pytest.raises(ConnectorError):
                await client.get(CODES)

    storms = [asyncio.create_task(storm(client)) for client in clients for _ in range(10)]

    async def at_most() -> None:
        assert zuora.token_calls == TOKENS_MAX

    try:
        await eventually(at_most, within_s=20, every_s=0.05)
        await asyncio.sleep(0.5)
        assert zuora.token_calls == TOKENS_MAX
    finally:
        for one in storms:
            one.cancel()
        await asyncio.wait(storms)


@pytest.mark.parametrize("wrong", ["token", "secret"])
async def test_a_tenant_that_is_always_refused_leaves_the_tokens_of_its_address_to_others(
    strange, monkeypatch, eventually, wrong
):
    """Else it has all of them in a minute, and whoever comes after waits for most of the next."""
    monkeypatch.setattr("adapters.zuora.asking.token._PAUSE_BETWEEN_S", 0.05)
    commons = Commons()
    strange.tell(TOKEN, Told(status=401) if wrong == "secret" else GRANTED)
    strange.tell(CODES, Told(status=401))

    async def storm() -> None:
        while True:
            with pytest.raises(Refused):
                await bad.get(CODES)

    async with client_of(strange.url, client_id="bad", commons=commons) as bad:
        storms = [asyncio.create_task(storm()) for _ in range(10)]
        try:
            await asyncio.wait(storms, timeout=1.5)
            # 0.05, 0.1, 0.2, 0.4, 0.4 ... s apart.
            assert strange.times(TOKEN) < TOKENS_MAX / 2

            async def refused_in_a_row() -> None:
                assert strange.times(TOKEN) > 3

            await eventually(refused_in_a_row, within_s=30, every_s=0.05)
            strange.tell(TOKEN, GRANTED)
            strange.tell("/v1/good", Told(b"{}"))
            async with client_of(strange.url, client_id="good", commons=commons) as good, asyncio.timeout(30):
                await good.get("/v1/good")
        finally:
            for one in storms:
                one.cancel()
            await asyncio.wait(storms)


async def test_a_token_that_is_accepted_ends_the_row_of_refusals(zuora, monkeypatch):
    monkeypatch.setattr("adapters.zuora.asking.token._PAUSE_BETWEEN_S", 0.5)
    sent_s: list[float] = []
    monkeypatch.setattr("adapters.zuora.asking.pacing.TokenPace.sent", lambda _, now_s: sent_s.append(now_s))
    client = await zuora.client()
    for _ in range(5):
        await client.get(CODES)
        zuora.sandbox.tokens.revoke()
    # Each is refused once, and the next one accepted: the distance stays what it is, and is not doubled three times.
    distances_s = [later - earlier for earlier, later in pairwise(sent_s)]
    assert (len(distances_s), distances_s[-1] < 4.0) == (4, True)


async def test_the_last_tokens_of_an_address_are_left_to_others(zuora, quick):
    """Zuora lets six through; somebody else at this address may need one."""
    zuora.use(limits=Limits(token_calls=6))
    zuora.arm("unauthorized", "^/v1/")
    client = await zuora.client()
    with pytest.raises(ConnectorError):
        await client.get(CODES)
    third = asyncio.create_task(client.get(CODES))
    await asyncio.wait([third], timeout=0.3)
    assert (third.done(), client.rests, zuora.token_calls) == (False, True, 2)
    third.cancel()
    await asyncio.wait([third])


async def test_after_a_429_nobody_of_the_process_asks_for_a_while(strange, eventually, monkeypatch):
    """What is turned away counts as well: the next call would be turned away too."""
    monkeypatch.setattr("adapters.zuora.asking.pacing.PAUSE_MAX_S", 0.4)
    strange.tell("/v1/limited", Told(status=429, headers={"Retry-After": "1"}), Told())
    strange.tell("/v1/x", Told())
    async with speaking_to(strange) as client:
        limited = asyncio.create_task(client.get("/v1/limited"))

        async def refused() -> None:
            assert client.budget.usage().refused == 1

        await eventually(refused, within_s=5, every_s=0.01)
        other = asyncio.create_task(client.get("/v1/x"))
        await asyncio.wait([other], timeout=0.2)
        assert not other.done()
        await asyncio.gather(limited, other)
    assert (client.budget.usage().refused, strange.times("/v1/limited")) == (1, 2)


async def test_429_without_an_end_ends_in_five_tries(zuora, quick):
    armed = zuora.arm("too_many_concurrent", CODES)
    client = await zuora.client()
    with pytest.raises(Transient):
        await client.get(CODES)
    assert (armed.fired, client.budget.usage().refused) == (5, 5)


async def test_a_secret_that_changed_is_asked_a_token_for(zuora):
    known = zuora.sandbox.world.clients[0]
    commons = Commons()
    with pytest.raises(ConnectorError):
        await (await zuora.client(commons=commons, client_secret="the-old-secret")).get(CODES)
    await (await zuora.client(commons=commons, client_secret=known.client_secret)).get(CODES)
    assert zuora.token_calls == 2


async def test_the_last_429_of_a_call_closes_the_way_as_well(strange, monkeypatch):
    """Its caller is told that it failed, and asks for the next thing at once."""
    monkeypatch.setattr("adapters.zuora.asking.call.TRIES_MAX", 1)
    strange.tell("/v1/limited", Told(status=429, headers={"Retry-After": "1"}))
    strange.tell("/v1/x", Told())
    async with speaking_to(strange) as client:
        with pytest.raises(Transient):
            await client.get("/v1/limited")
        other = asyncio.create_task(client.get("/v1/x"))
        await asyncio.wait([other], timeout=0.3)
        assert (other.done(), strange.times("/v1/x")) == (False, 0)
        await other
