"""Callouts come in: what is stored, what is answered, what is too much, and nothing of a body in a log."""

import asyncio
import base64
import gzip

import aiohttp
import pytest

from adapters.credentials.secret import Secret
from adapters.kafka.cluster import Cluster
from adapters.kafka.publishing import Publication, Publisher
from adapters.zuora.receiving.doors import HmacRule
from adapters.zuora.receiving.receiver import BODY_BYTES_MAX, DEPTH_MAX
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
    doors = {PATH: door(), SIGNED: door(hmac_rule=HmacRule(), hmac_secrets=(Secret(SECRET),))}
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
        "ü漢字🔑".encode(),
        b"a=1&b=2",
        b"x" * (BODY_BYTES_MAX - 1),
    ],
    ids=["callout", "empty", "text", "bytes", "scripts", "form", "largest"],
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
    async with Publisher(Cluster(f"127.0.0.1:{unused_tcp_port}"), write_timeout_s=6) as publisher:

        async def store(callout):
            await publisher.publish([Publication(topic=Topic.CALLOUTS, partition=0, key=b"k", event=callout)])

        stand_in = Broker()
        stand_in.store = store
        async with receiving({PATH: door()}, stand_in) as url, asyncio.timeout(11):
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
        b"Content-Type: application/json",
        name + b": caf\xe9",
        b"Content-Length: 2",
        body=b"{}",
    )
    assert (status, len(broker.kept)) == (200, 1)


@pytest.mark.parametrize(
    "kind", ["", "text/plain", "application/xml", "multipart/form-data; boundary=x", "application/json-seq", "json"]
)
async def test_what_is_neither_json_nor_a_form_is_refused(url, broker, kind):
    status, _, _ = await post(url, **basic(), **{"Content-Type": kind})
    assert (status, broker.kept) == (415, [])


@pytest.mark.parametrize(
    "kind", ["application/json", "Application/JSON; charset=UTF-8", "application/x-www-form-urlencoded"]
)
async def test_json_and_forms_are_taken(url, broker, kind):
    assert (await post(url, **basic(), **{"Content-Type": kind}))[0] == 200
    assert len(broker.kept) == 1


DEEP = b"[" * DEPTH_MAX + b'"["' + b"]" * DEPTH_MAX


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (DEEP, 200),
        (b"[" + DEEP + b"]", 400),
        (b'{"a":' * (DEPTH_MAX + 1) + b"1" + b"}" * (DEPTH_MAX + 1), 400),
        (b"[" * 60_000, 400),
        (b"[]" * 30_000, 200),
        (b'"' + b"[" * 1000 + b'\\"' + b"[" * 1000 + b'"', 200),
        (b'"' + b"[" * 1000, 200),
        (b'"' + b'\\"' * 30_000, 200),
        (b'"\\\\"' + b"[" * 100, 400),
    ],
    ids=["deepest", "deeper", "objects", "brackets", "flat", "in a string", "string without end", "quotes", "after it"],
)
async def test_json_that_is_nested_deeper_than_any_callout_is_refused(url, broker, body, status):
    assert (await post(url, body=body, **basic()))[0] == status
    assert len(broker.kept) == (status == 200)


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


@pytest.mark.parametrize(("word", "told"), [(WORD, b"100 Continue"), ("wrong", b"401")])
async def test_who_asks_before_he_sends_a_body_is_told(url, broker, word, told):
    host, port = url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    lines = [f"POST {PATH} HTTP/1.1", "Host: x", f"Authorization: {basic(word=word)['Authorization']}"]
    lines += ["Content-Type: application/json", f"Content-Length: {len(BODY)}", "Expect: 100-continue", "", ""]
    writer.write("\r\n".join(lines).encode())
    async with asyncio.timeout(5):
        first = await reader.readuntil(b"\r\n")
        if word == WORD:
            writer.write(BODY)
            await reader.readuntil(b"HTTP/1.1 200")
    writer.close()
    assert told in first
    assert len(broker.kept) == (word == WORD)


async def test_a_body_that_never_ends_is_not_stored(url, broker):
    host, port = url.removeprefix("http://").split(":")
    _, writer = await asyncio.open_connection(host, int(port))
    lines = [f"POST {PATH} HTTP/1.1", "Host: x", f"Authorization: {basic()['Authorization']}"]
    head = "\r\n".join([*lines, "Content-Type: application/json", "Content-Length: 50", "", ""])
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
    async with aiohttp.ClientSession(headers={**basic(), "Content-Type": "application/json"}) as session:

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
    await post(url, **basic(), **{"Content-Type": "canary/type"})
    await post(url, body=b'"canary"' + b"[" * 100, **basic())
    await raw(url, b"POST " + PATH.encode() + b" HTTP/1.1", b"X-Canary\x00: canary-header")
    broker.fails = Transient("Kafka did not take it")
    await post(url, **basic())
    broker.fails = RuntimeError("a programmer's error")
    await post(url, **basic())
    log = heard()
    assert "not stored" in log
    assert "wrong signature" in log
    assert "wrong password" in log
    assert "no HTTP" in log
    for canary in ("canary", coded, SECRET, PATH, OBJECT):
        assert canary not in log, canary


async def test_a_door_shows_no_secret():
    shown = repr(door(hmac_rule=HmacRule(), hmac_secrets=(Secret(SECRET),)))
    assert WORD not in shown
    assert SECRET not in shown
