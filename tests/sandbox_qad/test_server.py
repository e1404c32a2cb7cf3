"""The server itself: limits on traffic, idle connections, listening and not, and the command that starts it."""

import asyncio
import os
import signal
import sys
import time

import aiohttp
import msgspec
import pytest

from sandbox.qad.house import HOUSE
from sandbox.qad.sample import sample_world
from sandbox.qad.server import QadServer

REFUSED = (aiohttp.ClientConnectionError,)


async def test_latency_and_a_cap_that_refuses(tenant, invoice_record):
    tenant.control.change_settings({"traffic": {"latency_ms": 400, "concurrency_max": 3}})
    started = time.monotonic()
    replies = await asyncio.gather(*(tenant.post("invoice", invoice_record(f"mlc-{n}")) for n in range(10)))
    assert time.monotonic() - started >= 0.4
    statuses = [reply.status for reply in replies]
    assert (statuses.count(200), statuses.count(503)) == (3, 7)
    assert tenant.control.state()["serving_max"] == 3
    assert tenant.control.counts()["10USACO"]["invoice"] == 3


async def test_a_cap_that_lets_callers_wait(tenant, invoice_record):
    tenant.control.change_settings({"traffic": {"latency_ms": 20, "concurrency_max": 2, "beyond": "queue"}})
    started = time.monotonic()
    replies = await asyncio.gather(*(tenant.post("invoice", invoice_record(f"mlc-{n}")) for n in range(10)))
    assert {reply.success for reply in replies} == {True}
    assert time.monotonic() - started >= 0.1
    state = tenant.control.state()
    assert (state["serving"], state["serving_max"]) == (0, 2)


def one_is_booked(tenant):
    def check():
        assert tenant.control.counts()["10USACO"]["invoice"] == 1

    return check


async def test_what_is_under_way_is_committed_though_its_caller_leaves(tenant, invoice_record, eventually):
    tenant.control.change_settings({"traffic": {"latency_ms": 500}})
    with pytest.raises(TimeoutError):
        await tenant.post("invoice", invoice_record(), timeout_s=0.05)
    assert tenant.control.counts()["10USACO"]["invoice"] == 0
    await eventually(one_is_booked(tenant))


async def test_an_idle_connection_is_closed_after_its_time():
    async with QadServer(keepalive_s=0.2) as server:
        port = int(server.origin.rpartition(":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /clouderp/api/qracore/securityControl HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await reader.readline()).startswith(b"HTTP/1.1 401")
        started = time.monotonic()
        while await asyncio.wait_for(reader.read(65536), timeout=10):
            pass
        assert 0.1 <= time.monotonic() - started < 5
        writer.close()


async def test_the_erp_stops_listening_while_the_control_answers(invoice_record, enter):
    server = QadServer()
    await server.start(control_port=0)
    try:
        tenant = await enter(server)
        await tenant.post("invoice", invoice_record())
        assert (await tenant.act("network", {"listening": False})).status == 200
        for _ in range(2):
            with pytest.raises(REFUSED):
                await tenant.post("invoice", invoice_record("mlc-2"))
        assert (await tenant.act("counts")).json["10USACO"]["invoice"] == 1
        await tenant.act("network", {"listening": True})
        assert (await tenant.post("invoice", invoice_record("mlc-2"))).success
    finally:
        await server.stop()


async def test_a_server_that_is_down_cuts_every_call(tenant):
    await tenant.act("network", {"is_down": True})
    with pytest.raises(REFUSED):
        await tenant.browse_reply("customers")
    await tenant.act("network", {"is_down": False})
    assert (await tenant.browse_reply("customers")).status == 200


async def test_a_server_stops_at_once_though_callers_hang(tenant, invoice_record, eventually):
    await tenant.act("faults", {"name": "commit_then_hang"})
    hanging = asyncio.create_task(tenant.post("invoice", invoice_record()))
    await eventually(one_is_booked(tenant))
    started = time.monotonic()
    await tenant.server.stop()
    assert time.monotonic() - started < 3
    with pytest.raises(REFUSED):
        await hanging


async def run(*arguments):
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "sandbox.qad",
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )


async def test_the_command_loads_a_world_and_a_dialect(tmp_path):
    world, dialect = tmp_path / "world.json", tmp_path / "dialect.json"
    world.write_bytes(msgspec.json.encode(sample_world()))
    dialect.write_bytes(msgspec.json.encode(msgspec.structs.replace(HOUSE, base="/erp/test", name="test")))
    process = await run("--world", str(world), "--dialect", str(dialect), "--control-port", "0", "--keepalive-s", "5")
    try:
        line = (await asyncio.wait_for(process.stdout.readline(), timeout=20)).decode()
        url, control_url = line.split()[3].rstrip(","), line.split()[-1]
        async with aiohttp.ClientSession() as session:
            form = {
                "client_id": "ml-connector",
                "grant_type": "password",
                "username": "clerk",
                "password": "clerk-word",
            }
            async with session.post(url + HOUSE.token_path, data=form) as answer:
                assert answer.status == 200
            async with session.get(control_url + "/state") as answer:
                assert (await answer.json())["dialect"] == "test"
        assert url.endswith("/erp/test")
        assert url.split(":")[2] != control_url.split(":")[2]
    finally:
        process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(process.communicate(), timeout=20)
    assert process.returncode == 0


async def test_the_command_says_in_one_sentence_why_it_cannot_start(tmp_path, server):
    world = tmp_path / "world.json"
    world.write_bytes(b'{"format": "ml-connector/sandbox/qad/1"}')
    port = server.origin.rpartition(":")[2]
    broken = tmp_path / "broken.json"
    broken.write_bytes(b"{")
    for arguments in (
        ("--world", str(world)),
        ("--world", str(broken)),
        ("--dialect", str(broken)),
        ("--world", str(tmp_path / "none.json")),
        ("--port", port),
        ("--port", "65536"),
    ):
        process = await run(*arguments)
        _, error = await asyncio.wait_for(process.communicate(), timeout=20)
        assert process.returncode == 1
        assert error.decode().startswith("The QAD stand-in cannot start: ")
        assert "Traceback" not in error.decode()
