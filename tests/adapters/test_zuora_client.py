"""Asking Zuora: patient with what passes, quick to say what does not, and never content with half an answer."""

import asyncio
import time

import pytest

from adapters.credentials.secret import Secret
from adapters.zuora.answers import NotFound, SignedOut, check_answer
from adapters.zuora.client import ZuoraClient
from schemas.errors import ConnectorError, Misconfigured, Refused, Transient
from tests.adapters.defects import defect
from tests.adapters.strange import Told, strange_server

CODES = "/v1/accounting-codes"
TOKEN = Told(b'{"access_token": "t", "expires_in": 3598}')
# A list that names itself as its next page is asked for so often at most before somebody notices.
PAGES_BEFORE_NOTICED = 20


async def rows_of(client, objects, *params, page_size=99):
    return [bytes(row) async for page in client.object_query_pages(objects, params, page_size) for row in page.rows]


@pytest.fixture
async def speaker(strange):
    """A client of the strange server, with a token."""
    strange.tell("/oauth/token", TOKEN)
    async with ZuoraClient(
        strange.url, client_id=Secret("i"), client_secret=Secret("s"), version="2025-08-12", concurrency=4
    ) as client:
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
    ["too_many_requests", "too_many_concurrent", "http_503", "http_500", "reset", "cut_body", "lost_reply", "html_page"],
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
    monkeypatch.setattr("adapters.zuora.client._REQUEST_TIMEOUT_S", 0.1)
    client = await zuora.client()
    await client.token.get()
    armed = zuora.arm("hang", CODES, seconds=5)
    async with asyncio.timeout(3):
        with pytest.raises(Transient, match="TimeoutError"):
            await client.get(CODES)
    assert armed.fired == 5


async def test_an_answer_that_hangs_after_the_work_is_asked_for_again(zuora, quick, monkeypatch):
    monkeypatch.setattr("adapters.zuora.client._REQUEST_TIMEOUT_S", 0.2)
    client = await zuora.client()
    await client.token.get()
    armed = zuora.arm("hang_after", CODES, count=1, seconds=5)
    assert await client.get(CODES)
    assert armed.fired == 1


# -- limits ----------------------------------------------------------------------------------------------------------


async def test_what_zuora_asks_to_wait_is_waited(zuora, monkeypatch):
    monkeypatch.setattr("adapters.zuora.client._PAUSE_MAX_S", 0.6)
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
    async with asyncio.timeout(3):
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


# -- what does not pass ----------------------------------------------------------------------------------------------


async def test_a_token_that_is_never_accepted_is_asked_for_once_more_only(zuora, quick):
    armed = zuora.arm("unauthorized", CODES)
    client = await zuora.client()
    with pytest.raises(Refused, match="new token"):
        await client.get(CODES)
    assert (armed.fired, zuora.token_calls) == (2, 2)


@pytest.mark.parametrize(
    ("code", "family", "requests"),
    [
        (50_000_050, Transient, 5),
        (50_000_061, Transient, 5),
        (70, Transient, 5),
        (53_100_020, Misconfigured, 1),
        (53_100_030, Misconfigured, 1),
        (50_000_010, Refused, 1),
        (50_000_040, NotFound, 1),
    ],
)
@pytest.mark.parametrize("written", ["number", "text"])
async def test_a_success_that_says_no_is_sorted_by_its_code(zuora, quick, code, family, requests, written):
    zuora.use(error_codes=written)
    message = "of its own"
    armed = zuora.arm("success_false", CODES, code=code)
    client = await zuora.client()
    if code == 53_100_030:
        # The stand-in's words for every such answer are of a lock, which is retried whatever the code.
        family, requests = Transient, 5
    if code == 53_100_020:
        family, requests = Transient, 5
    with pytest.raises(family) as refused:
        await client.get(CODES)
    assert message not in str(refused.value)
    assert armed.fired == requests


