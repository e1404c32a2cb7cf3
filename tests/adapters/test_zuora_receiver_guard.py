"""Slow, many and unfriendly clients: they are ended, they are few, and others are answered meanwhile."""

import asyncio
import sys
from contextlib import asynccontextmanager, suppress
from ipaddress import ip_network

import aiohttp
import pytest

from adapters.zuora.receiving.guard import Limits
from tests.adapters.receiving import BODY, PATH, Broker, basic, door, post, receiving

HEAD = "\r\n".join(
    [
        f"POST {PATH} HTTP/1.1",
        "Host: x",
        "Content-Type: application/json",
        f"Authorization: {basic()['Authorization']}",
        "",
    ]
).encode()
WHOLE = HEAD + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY
LIMIT_S = 20


@pytest.fixture
def broker():
    return Broker()


@asynccontextmanager
async def connected(url):
    host, port = url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        yield reader, writer
    finally:
        writer.close()


async def ended(reader):
    """Return all that comes until the other side ends the connection."""
    async with asyncio.timeout(LIMIT_S):
        try:
            return await reader.read()
        except ConnectionError:
            return b""


def came(broker, count):
    """Return a check that so many requests have their place, and wait there."""

    async def check():
        assert broker.came == count

    return check


async def dripping(writer, data, every_s=0.05):
    try:
        for byte in data:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(every_s)
    except ConnectionError:
        pass


@pytest.mark.parametrize("begun", [b"", HEAD[:20], HEAD], ids=["nothing", "a line", "a head without its end"])
@pytest.mark.parametrize("after", [b"", WHOLE], ids=["at first", "after a request"])
async def test_a_head_that_does_not_come_ends_the_connection(broker, begun, after):
    async with receiving({PATH: door()}, broker, limits=Limits(head_s=0.5)) as url, connected(url) as (reader, writer):
        writer.write(after + begun)
        answered = await ended(reader)
        assert answered.count(b"HTTP/1.1 200") == bool(after)
        assert (await post(url, **basic()))[0] == 200


async def test_a_head_that_comes_byte_by_byte_ends_the_connection(broker):
    async with receiving({PATH: door()}, broker, limits=Limits(head_s=0.5)) as url, connected(url) as (reader, writer):
        drip = asyncio.create_task(dripping(writer, HEAD * 1000))
        assert b"200" not in await ended(reader)
        drip.cancel()
    assert broker.kept == []


async def test_a_body_that_does_not_come_is_408_and_others_are_answered(broker):
    """Zuora calls again after 408."""
    async with receiving({PATH: door()}, broker, body_s=0.5) as url, connected(url) as (reader, writer):
        writer.write(HEAD + b"Content-Length: 500\r\n\r\n{")
        drip = asyncio.create_task(dripping(writer, b" " * 1000))
        assert (await post(url, **basic()))[0] == 200
        assert b"HTTP/1.1 408" in await ended(reader)
        drip.cancel()
    assert len(broker.kept) == 1


async def test_pipelined_requests_are_each_answered(broker):
    async with receiving({PATH: door()}, broker, limits=Limits(head_s=0.5)) as url, connected(url) as (reader, writer):
        writer.write(WHOLE * 50)
        assert (await ended(reader)).count(b"HTTP/1.1 200") == 50
    assert len(broker.kept) == 50


async def test_who_reads_no_answers_is_ended(broker):
    """Else each answer stays in memory for as long as he likes."""
    async with receiving({PATH: door()}, broker) as url, connected(url) as (reader, writer):
        reader._transport.pause_reading()
        taken = 0
        async with asyncio.timeout(LIMIT_S):
            try:
                while True:
                    writer.write(b"POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n" * 200)
                    await writer.drain()
                    taken += 200
            except ConnectionError:
                pass
        assert taken > 0
        assert (await post(url, **basic()))[0] == 200


@pytest.mark.parametrize("limits", [Limits(connections=3), Limits(connections_per_caller=3)], ids=["all", "caller"])
async def test_there_are_only_so_many_connections_and_they_are_given_back(broker, limits, heard, eventually):
    async with receiving({PATH: door()}, broker, limits=limits) as url:
        async with connected(url), connected(url), connected(url), connected(url) as (reader, _):
            assert await ended(reader) == b""
        assert "too many connections" in heard()

        async def back():
            with suppress(aiohttp.ServerDisconnectedError):
                assert (await post(url, **basic()))[0] == 200
            assert len(broker.kept) == 1

        await eventually(back)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have but one address here")
async def test_a_flood_from_many_addresses_is_one_line_in_the_log(broker, heard):
    """An address is none of a fixed set: a line for each fills the disk, and what is kept of each the memory."""
    async with receiving({PATH: door()}, broker, limits=Limits(connections=1)) as url, connected(url):
        host, port = url.removeprefix("http://").split(":")
        for number in range(2, 12):
            reader, writer = await asyncio.open_connection(host, int(port), local_addr=(f"127.0.0.{number}", 0))
            assert await ended(reader) == b""
            writer.close()
    assert heard().count("too many connections") == 1


async def test_a_client_has_only_so_many_requests_at_once(broker, heard, eventually):
    broker.waits = asyncio.Event()
    async with receiving({PATH: door()}, broker, limits=Limits(requests_per_caller=2)) as url:
        waiting = [asyncio.create_task(post(url, **basic())) for _ in range(2)]
        await eventually(came(broker, len(waiting)), every_s=0.01)
        status, headers, _ = await post(url, **basic())
        assert (status, headers["Retry-After"]) == (503, "60")
        broker.waits.set()
        assert [status for status, _, _ in await asyncio.gather(*waiting)] == [200, 200]
        assert (await post(url, **basic()))[0] == 200
    assert "too many requests" in heard()


async def test_behind_a_listed_proxy_each_client_has_its_own_room(broker, eventually):
    limits = Limits(proxies=[ip_network("127.0.0.1")], requests_per_caller=1, connections_per_caller=2)
    broker.waits = asyncio.Event()
    async with receiving({PATH: door()}, broker, limits=limits) as url:
        waiting = [
            asyncio.create_task(post(url, **basic(), **{"X-Forwarded-For": f"10.0.0.{number}"})) for number in range(5)
        ]
        await eventually(came(broker, len(waiting)), every_s=0.01)
        assert (await post(url, **basic(), **{"X-Forwarded-For": "10.0.0.1"}))[0] == 503
        broker.waits.set()
        assert [status for status, _, _ in await asyncio.gather(*waiting)] == [200] * 5


async def test_who_has_a_network_of_version_6_has_no_more_room_than_who_has_an_address(broker, eventually):
    """One caller takes each of the 2^64 addresses that he has; an address of version 4 is a caller of its own."""
    limits = Limits(proxies=[ip_network("127.0.0.1")], requests_per_caller=1)
    broker.waits = asyncio.Event()

    async def status(*hops):
        headers = aiohttp.typedefs.CIMultiDict([("Content-Type", "application/json"), *basic().items()])
        for hop in hops:
            headers.add("X-Forwarded-For", hop)
        async with aiohttp.ClientSession() as session, session.post(url + PATH, data=BODY, headers=headers) as answer:
            return answer.status

    async with receiving({PATH: door()}, broker, limits=limits) as url:
        first = ["2001:db8:0:1::1", "[2001:db8:0:2::1]:50123", "192.0.2.1:5000", "::ffff:192.0.2.2"]
        waiting = [asyncio.create_task(status(hop)) for hop in first]
        await eventually(came(broker, len(waiting)), every_s=0.01)
        # What stands before the last hop anybody may have written, in a header of his own as well.
        for others in (["2001:DB8:0:1:ffff::7"], ["[2001:db8:0:2::2]"], ["198.51.100.9", "192.0.2.1:61000"]):
            assert await status(*others) == 503
        assert await status("192.0.2.1:61000, 192.0.2.2") == 503
        broker.waits.set()
        assert await asyncio.gather(*waiting) == [200] * 4


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have but one address here")
async def test_callers_of_version_4_at_a_door_for_both_are_told_apart(broker):
    """All of them stand in one network of 64 bits there: ::ffff:0:0/96."""
    limits = Limits(connections_per_caller=1)
    async with receiving({PATH: door()}, broker, limits=limits, both_versions=True) as url:
        port = int(url.rpartition(":")[2])
        opened = [
            await asyncio.open_connection("127.0.0.1", port, local_addr=(address, 0))
            for address in ("127.0.0.2", "127.0.0.3", "127.0.0.2")
        ]
        assert await ended(opened[2][0]) == b""
        for reader, writer in opened[:2]:
            writer.write(WHOLE)
            async with asyncio.timeout(LIMIT_S):
                assert b" 200 " in await reader.readline()
        for _, writer in opened:
            writer.close()


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("192.0.2.7", [], "192.0.2.7"),
        # Not listed: whatever it says of others.
        ("192.0.2.7", ["10.9.9.9"], "192.0.2.7"),
        ("10.1.0.1", ["192.0.2.7"], "192.0.2.7"),
        # Only the last hop is the proxy's own word.
        ("10.1.0.1", ["198.51.100.1, 192.0.2.7"], "192.0.2.7"),
        ("10.1.0.1", ["198.51.100.1", "192.0.2.7, 10.1.0.2"], "192.0.2.7"),
        ("10.1.0.1", ["10.1.0.3, 10.1.0.2"], "10.1.0.3"),
        ("10.1.0.1", ["2001:db8::1"], "2001:db8::/64"),
        ("10.1.0.1", ["192.0.2.7:5000"], "192.0.2.7"),
        ("10.1.0.1", ["[2001:db8::1]:443"], "2001:db8::/64"),
        ("10.1.0.1", ["[2001:db8::1]"], "2001:db8::/64"),
        ("10.1.0.1", ["  198.51.100.1:80 ,\t192.0.2.7:5000  "], "192.0.2.7"),
        # Of a proxy behind the proxy, with its port, the hop before counts.
        ("10.1.0.1", ["192.0.2.7:5000", "10.1.0.2:8080"], "192.0.2.7"),
        ("10.1.0.1", ["198.51.100.1", "[2001:db8::5]:1, 10.1.0.3:1", "10.1.0.2"], "2001:db8::/64"),
        # A list may have empty places.
        ("10.1.0.1", ["192.0.2.7, ,", "", "10.1.0.2,"], "192.0.2.7"),
        # Digits after the last colon of an address of version 6 are its own, not a port.
        ("10.1.0.1", ["2001:db8::7:443"], "2001:db8::/64"),
        ("10.1.0.1", ["[2001:db8::1"], "10.1.0.1"),
        ("10.1.0.1", ["[2001:db8::1]443"], "10.1.0.1"),
        ("10.1.0.1", ["192.0.2.7:"], "10.1.0.1"),
        ("10.1.0.1", ["192.0.2.7:123456"], "10.1.0.1"),
        ("10.1.0.1", ["unknown"], "10.1.0.1"),
        ("10.1.0.1", ["192.0.2.7, unknown:443"], "10.1.0.1"),
        # Not listed, whatever it says and however it writes it.
        ("2001:db8:0:0:ffff::9", ["[10.1.0.1]:1, 192.0.2.7:5000"], "2001:db8::/64"),
        ("10.1.0.1", ["::ffff:192.0.2.7"], "192.0.2.7"),
        # Through a network of version 6 alone: one network of 64 bits holds all addresses of version 4.
        ("64:ff9b::192.0.2.7", [], "192.0.2.7"),
        # A listed proxy is told apart from strangers beside it.
        ("2001:db8:1::1", [], "2001:db8:1::1"),
        ("2001:db8:1::2", [], "2001:db8:1::/64"),
        ("", [], ""),
        ("10.1.0.1", ["nonsense"], "10.1.0.1"),
        ("10.1.0.1", [""], "10.1.0.1"),
        ("::1", ["192.0.2.7"], "192.0.2.7"),
        ("::ffff:10.1.0.1", ["192.0.2.7"], "192.0.2.7"),
    ],
)
def test_only_a_listed_proxy_is_believed_whom_it_speaks_for(peer, forwarded, client):
    limits = Limits(proxies=[ip_network("10.1.0.0/24"), ip_network("::1"), ip_network("2001:db8:1::1")])
    assert limits.caller_of(peer, forwarded) == client


async def test_a_flood_of_what_is_no_http_is_one_line_in_the_log(broker, heard):
    async with receiving({PATH: door()}, broker) as url:
        for _ in range(20):
            async with connected(url) as (reader, writer):
                writer.write(b"canary \xff\x00 nonsense\r\n\r\n")
                assert b"400" in await ended(reader)
    log = heard()
    assert log.count("no HTTP") == 1
    assert "canary" not in log
    assert "Traceback" not in log
