"""Callouts come in: what is stored, what is answered, what is too much, and nothing of a body in a log."""

import asyncio
import base64
import gzip

import aiohttp
import pytest

from adapters.credentials.secret import Secret
from adapters.kafka.cluster import Cluster
from adapters.kafka.publishing import Publication, Publisher
from adapters.zuora.receiver import BODY_BYTES_MAX, HmacRule
from schemas.codec import encode
from schemas.errors import Transient
from schemas.topics import Topic
from tests.adapters.ground import given
from tests.adapters.receiving import (
    BODY,
    OBJECT,
    PATH,
    SECRET,
    SIGNED,
    WORD,
    Broker,
    basic,
    door,
    post,
    raw,
    receiving,
)


@pytest.fixture
def broker():
    return Broker()


@pytest.fixture
async def url(broker):
    doors = {PATH: door(), SIGNED: door(hmac_rule=HmacRule(), hmac_secret=Secret(SECRET))}
    async with receiving(doors, broker) as found:
        yield found


# -- what is stored --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        BODY,
        b"",
        b"not json",
        b"\x00\xff\xfe",
        b"[" * 60_000,
        "ü漢字🔑".encode(),
        b"a=1&b=2",
        b"x" * (BODY_BYTES_MAX - 1),
    ],
    ids=["callout", "empty", "text", "bytes", "deep", "scripts", "form", "largest"],
)
async def test_a_body_is_stored_as_it_came_whatever_it_is(url, broker, body):
    status, _, said = await post(url, body=body, **basic())
    assert (status, said) == (200, b"")
    assert broker.kept[0].body == body


async def test_what_is_stored_says_where_it_came_from_and_no_secret(url, broker):
    headers = {
        **basic(),
        "Zuora-Notification-Id": "n-1",
        "Zuora-Request-Id": "r-1",
        "Content-Type": "application/json; charset=UTF-8",
        "User-Agent": "Zuora",
        "Cookie": "canary-cookie",
        "X-Anything": "canary-header",
    }
    await post(url, **headers)
    [callout] = broker.kept
    assert (callout.tenant, callout.connection, callout.notification_id) == ("acme", "acme-main", "n-1")
    assert callout.content_type == "application/json"
    assert set(callout.headers) == {"Zuora-Notification-Id", "Zuora-Request-Id", "Content-Type", "User-Agent"}
    written = encode(callout).decode()
    for secret in (WORD, basic()["Authorization"].split()[1], "canary-cookie", "canary-header"):
        assert secret not in written


async def test_the_same_notification_again_is_stored_again(url, broker):
    """Dropping repeats is for those who read: here nothing is looked at."""
    for _ in range(3):
        assert (await post(url, **basic(), **{"Zuora-Notification-Id": "n-1"}))[0] == 200
    assert [callout.notification_id for callout in broker.kept] == ["n-1"] * 3


async def test_200_comes_after_the_broker_has_it(url, broker):
    broker.waits = asyncio.Event()
    posting = asyncio.create_task(post(url, **basic()))
    done, _ = await asyncio.wait([posting], timeout=0.2)
    assert not done
    broker.waits.set()
    assert (await posting)[0] == 200
    assert len(broker.kept) == 1


async def test_a_broker_that_is_away_is_503_and_nothing_is_lost(url, broker):
    broker.fails = Transient("Kafka did not take it: KafkaConnectionError")
    status, headers, body = await post(url, **basic(), **{"Zuora-Notification-Id": "n-1"})
    assert (status, body, headers["Retry-After"].isdigit()) == (503, b"", True)
    assert broker.kept == []
    broker.fails = None
    assert (await post(url, **basic(), **{"Zuora-Notification-Id": "n-1"}))[0] == 200
    assert len(broker.kept) == 1


async def test_a_real_publisher_without_a_broker_is_503_in_time(unused_tcp_port):
    """Zuora waits 15 s for an answer; one that comes later is a callout that is called again for nothing."""
    async with Publisher(Cluster(f"127.0.0.1:{unused_tcp_port}")) as publisher:

        async def store(callout):
            await publisher.publish([Publication(topic=Topic.CALLOUTS, partition=0, key=b"k", event=callout)])

        stand_in = Broker()
        stand_in.store = store
        async with receiving({PATH: door()}, stand_in) as url, asyncio.timeout(14):
            answers = await asyncio.gather(*(post(url, **basic()) for _ in range(5)))
    assert {status for status, _, _ in answers} == {503}


@pytest.mark.parametrize("error", [OSError("disk"), TimeoutError(), RuntimeError("closed"), ValueError("x")], ids=repr)
async def test_whatever_fails_while_it_is_stored_is_503(url, broker, error):
    broker.fails = error
    status, _, _ = await post(url, **basic())
    given(broker.kept == [], "nothing was stored")
    assert status == 503


@pytest.mark.parametrize("name", [b"User-Agent", b"Zuora-Notification-Id"])
async def test_a_header_that_is_no_text_does_not_keep_a_hint_out(url, broker, name):
    status, _ = await raw(
        url,
        b"POST " + PATH.encode() + b" HTTP/1.1",
        b"Authorization: " + basic()["Authorization"].encode(),
        name + b": caf\xe9",
        b"Content-Length: 2",
        body=b"{}",
    )
    assert (status, len(broker.kept)) == (200, 1)


# -- limits ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [BODY_BYTES_MAX + 1, 10 * BODY_BYTES_MAX])
@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_that_is_too_large_is_413(url, broker, size, chunked):
    async def pieces():
        for _ in range(0, size, 4096):
            yield b"x" * 4096

    status, _, body = await post(url, body=pieces() if chunked else b"x" * size, **basic())
    assert (status, broker.kept) == (413, [])
    assert WORD.encode() not in body


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "identity, gzip", "x", "GZIP"])
async def test_no_encoding_is_taken(url, broker, bomb, encoding):
    status, _, body = await post(url, body=bomb, **basic(), **{"Content-Encoding": encoding})
    assert (status, body, broker.kept) == (415, b"", [])


@pytest.mark.parametrize("encoding", ["identity", "Identity"])
async def test_no_encoding_may_be_said(url, broker, encoding):
    assert (await post(url, **basic(), **{"Content-Encoding": encoding}))[0] == 200


@pytest.fixture(scope="module")
def bomb():
    return gzip.compress(b"0" * 50_000_000)


async def test_a_body_that_never_ends_is_not_stored(url, broker):
    host, port = url.removeprefix("http://").split(":")
    _, writer = await asyncio.open_connection(host, int(port))
    head = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: {basic()['Authorization']}\r\nContent-Length: 50\r\n\r\n"
    writer.write(head.encode() + b'{"objectId":')
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    assert (await post(url, **basic()))[0] == 200
    assert [callout.body for callout in broker.kept] == [BODY]


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
async def test_only_posts_are_callouts(url, broker, method):
    status, _, _ = await post(url, method=method, **basic())
    assert (status, broker.kept) == (405, [])


@pytest.mark.parametrize("path", ["/", "/callouts", PATH + "/", PATH[:-1], PATH + "x", "//" + PATH])
async def test_no_other_path_is_a_door(url, broker, path):
    status, _, _ = await post(url, path, **basic())
    assert (status, broker.kept) == (404, [])


async def test_a_storm_is_stored_whole(url, broker):
    async with aiohttp.ClientSession(headers=basic()) as session:

        async def one(number):
            async with session.post(url + PATH, data=b"%d" % number) as answer:
                return answer.status

        assert set(await asyncio.gather(*(one(number) for number in range(300)))) == {200}
    assert {int(callout.body) for callout in broker.kept} == set(range(300))


# -- quiet -----------------------------------------------------------------------------------------------------------


async def test_nothing_of_a_callout_is_in_a_log(url, broker, heard):
    coded = basic()["Authorization"].split()[1]
    await post(url, **basic())
    await post(url)
    await post(url, Authorization="Basic " + base64.b64encode(b"zuora:canary-guess").decode())
    await post(url, SIGNED, **basic(), **{"X-ML-Signature": "canary-signature"})
    await post(url, body=b"canary-body" * BODY_BYTES_MAX, **basic())
    broker.fails = Transient("Kafka did not take it")
    await post(url, **basic())
    broker.fails = RuntimeError("a programmer's error")
    await post(url, **basic())
    log = heard()
    assert "not stored" in log
    assert "wrong signature" in log
    for canary in ("canary", coded, SECRET, PATH, OBJECT):
        assert canary not in log, canary


async def test_a_door_shows_no_secret():
    shown = repr(door(hmac_rule=HmacRule(), hmac_secret=Secret(SECRET)))
    assert WORD not in shown
    assert SECRET not in shown
