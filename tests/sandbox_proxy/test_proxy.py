"""The fault proxy between real sockets: each fault does what it says, and is counted."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web

from sandbox.proxy.control import serve_control
from sandbox.proxy.proxy import HOST, FaultProxy
from sandbox.proxy.weather import LostReply, Weather

LINE = b"hello\n"
LARGE = bytes(range(256)) * 4096


@asynccontextmanager
async def echoing() -> AsyncIterator[int]:
    """A server that sends back what it gets; yields its port."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while piece := await reader.read(65_536):
                writer.write(piece)
                await writer.drain()
        except ConnectionError:
            pass
        writer.close()

    server = await asyncio.start_server(echo, HOST, 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


@pytest.fixture
async def proxy() -> AsyncIterator[FaultProxy]:
    async with echoing() as port, FaultProxy(HOST, port, seed=7) as found:
        yield found


@asynccontextmanager
async def connected(proxy: FaultProxy) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection(HOST, proxy.port)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def said_back(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, said: bytes = LINE) -> float:
    """Send, wait until all of it has come back, and return how long that took."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    writer.write(said)
    assert await reader.readexactly(len(said)) == said
    return loop.time() - began


async def test_in_fair_weather_everything_comes_through_and_nothing_is_counted(proxy):
    async with connected(proxy) as (reader, writer):
        await said_back(reader, writer, LARGE)
        writer.write_eof()
        assert await reader.read() == b""
    assert proxy.counts == {"connections": 1}


async def test_latency_is_paid_both_ways_and_keeps_the_order(proxy):
    proxy.weather = Weather(latency_ms=100, jitter_ms=50)
    async with connected(proxy) as (reader, writer):
        assert await said_back(reader, writer) >= 0.2
        assert await said_back(reader, writer, LARGE) >= 0.2
    delayed = proxy.counts["delayed"]
    assert delayed >= 4
    proxy.weather = Weather()
    async with connected(proxy) as (reader, writer):
        await said_back(reader, writer)
    assert proxy.counts["delayed"] == delayed


async def test_slices_and_bandwidth(proxy):
    async with connected(proxy) as (reader, writer):
        proxy.weather = Weather(slice_bytes=1000)
        await said_back(reader, writer, LARGE[:10_000])
        assert proxy.counts["sliced"] >= 1
        proxy.weather = Weather(bandwidth_bytes_s=50_000)
        assert await said_back(reader, writer, LARGE[:10_000]) >= 0.2
        assert proxy.counts["throttled"] >= 1


async def test_what_was_sent_into_a_black_hole_arrives_when_it_ends(proxy):
    async with connected(proxy) as (reader, writer):
        await said_back(reader, writer)
        proxy.weather = Weather(black_hole=True)
        writer.write(LINE)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await reader.readexactly(1)
        assert proxy.counts["held"] == 1
        proxy.weather = Weather()
        assert await reader.readexactly(len(LINE)) == LINE


async def test_connections_are_cut_reset_and_refused(proxy):
    async with connected(proxy) as (reader, writer):
        await said_back(reader, writer)
        assert proxy.cut() == 1
        assert await reader.read() == b""
    async with connected(proxy) as (reader, writer):
        await said_back(reader, writer)
        assert proxy.reset() == 1
        with pytest.raises(ConnectionResetError):
            await reader.read()
    proxy.weather = Weather(refuse=True)
    async with connected(proxy) as (reader, writer):
        with pytest.raises(ConnectionResetError):
            await said_back(reader, writer)
    proxy.weather = Weather()
    async with connected(proxy) as (reader, writer):
        await said_back(reader, writer)
    assert (proxy.counts["cut"], proxy.counts["reset"], proxy.counts["refused"]) == (1, 1, 1)


async def test_where_nobody_listens_the_caller_is_reset():
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        async with FaultProxy(HOST, taken.getsockname()[1]) as proxy:
            async with connected(proxy) as (reader, _):
                with pytest.raises(ConnectionResetError):
                    await reader.read()
            assert proxy.counts["unreachable"] == 1


@asynccontextmanager
async def counting() -> AsyncIterator[tuple[int, list[str]]]:
    """An HTTP server that notes what it has done; yields its port and the notes."""
    done: list[str] = []

    async def act(request: web.Request) -> web.Response:
        done.append(f"{request.method} {(await request.read()).decode()}")
        return web.Response(text="done" * 10)

    application = web.Application()
    application.router.add_route("*", "/", act)
    runner = web.AppRunner(application)
    await runner.setup()
    try:
        await web.TCPSite(runner, HOST, 0).start()
        yield runner.addresses[0][1], done
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("how", ["reset", "close", "silence"])
async def test_a_reply_is_lost_after_the_other_side_has_done_it(how):
    async with counting() as (port, done), FaultProxy(HOST, port, seed=7) as proxy:
        proxy.lose_replies(LostReply(nth=3, begins="POST ", how=how))
        url, heard = f"http://{HOST}:{proxy.port}/", []
        timeout = aiohttp.ClientTimeout(total=0.5)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            for number in range(7):
                async with session.get(url) as answer:
                    assert await answer.text() == "done" * 10
                try:
                    async with session.post(url, data=str(number)) as answer:
                        heard.append((number, await answer.text()))
                except (aiohttp.ClientConnectionError, TimeoutError):
                    pass
        assert [number for number, _ in heard] == [0, 1, 3, 4, 6]
        assert [one for one in done if one.startswith("POST")] == [f"POST {number}" for number in range(7)]
        assert proxy.counts["reply_lost"] == 2


async def test_the_same_seed_loses_the_same_replies_and_never_more_than_told():
    async def lost(seed: int, count: int | None) -> list[int]:
        async with counting() as (port, _), FaultProxy(HOST, port, seed=seed) as proxy:
            proxy.lose_replies(LostReply(share=0.3, count=count))
            found = []
            for number in range(30):
                async with aiohttp.ClientSession() as session:
                    try:
                        async with session.post(f"http://{HOST}:{proxy.port}/") as answer:
                            await answer.read()
                    except aiohttp.ClientConnectionError:
                        found.append(number)
            return found

    assert await lost(1, None) == await lost(1, None)
    assert await lost(1, None) != await lost(2, None)
    assert len(await lost(1, 2)) == 2


async def test_it_is_steered_over_http_while_it_runs(proxy):
    control = await serve_control(proxy)
    url = f"http://{HOST}:{control.sockets[0].getsockname()[1]}"
    async with control, aiohttp.ClientSession() as session, connected(proxy) as (reader, writer):
        await said_back(reader, writer)
        async with session.put(f"{url}/weather", json={"latency_ms": 200}) as answer:
            assert (await answer.json())["weather"]["latency_ms"] == 200
        assert await said_back(reader, writer) >= 0.4
        async with session.put(f"{url}/replies", json={"nth": 1, "how": "close"}) as answer:
            assert answer.status == 200
        writer.write(LINE)
        assert await reader.read() == b""
        async with session.post(f"{url}/reset") as answer:
            assert await answer.json() == {"ended": 0}
        async with session.get(f"{url}/") as answer:
            shown = await answer.json()
        assert shown["counts"]["reply_lost"] == 1
        assert shown["port"] == proxy.port
        for method, path, body, status in (
            ("PUT", "weather", b'{"rain": 1}', 400),
            ("PUT", "weather", b"[]", 400),
            ("PUT", "weather", b"{", 400),
            ("POST", "burn", b"", 404),
        ):
            async with session.request(method, f"{url}/{path}", data=body) as answer:
                assert answer.status == status
                assert (await answer.json())["error"]
