"""The benchmark's target, and the sink's port over it: answers as the peer kit's does, and finds by reference."""

import asyncio
import json
from contextlib import asynccontextmanager

import aiohttp
import msgspec
import pytest
from aiohttp import web

from adapters.clock import boot_time_s
from benchmarks.peer_documents import posting_set_of
from benchmarks.peer_erp import KitErp
from benchmarks.peer_target import PAGE, PATH, Target, options_of
from schemas.errors import Conflict, NotSent, OutcomeUnknown, Transient
from streams.sink.finding import check_control
from streams.sink.freezing import freeze, intended
from streams.sink.state import SinkState


class Running:
    def __init__(self, url, log, erp):
        self.url, self.log, self.erp = url, log, erp

    def lines(self):
        return [line.split() for line in self.log.read_text().splitlines()]

    async def post(self, number, *, not_after=None):
        return await self.erp.post(command(number), not_after=not_after or boot_time_s() + 5)


@asynccontextmanager
async def running(tmp_path, **options):
    log = tmp_path / "accepted.log"
    given = {"--port": 0, "--log": log, "--delay-ms": 1} | {
        f"--{name.replace('_', '-')}": options[name] for name in options
    }
    target = Target(options_of([str(word) for pair in given.items() for word in pair]))
    runner = web.AppRunner(target.app(), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}{PATH}"
    try:
        async with KitErp(url) as erp:
            yield Running(url, log, erp)
    finally:
        await runner.cleanup()


def posting(number):
    document = {"id": f"D{number:07d}", "account": "A000001", "seq": number, "text": "x"}
    return posting_set_of(json.dumps(document).encode(), offset=number).postings[0]


def frozen(number):
    return freeze(posting(number), state=SinkState())


def command(number):
    return frozen(number).command


async def test_a_document_is_a_line_in_the_kits_log_and_is_found_by_its_reference(tmp_path):
    async with running(tmp_path) as target:
        assert await target.erp.find("invoice", command(7).reference) is None
        accepted = await target.post(7)
        found = await target.erp.find("invoice", command(7).reference)
        assert [line[1:] for line in target.lines()] == [["D0000007", "A000001", "7", "1"]]
        assert found.document.voucher == accepted.document.voucher == 7
        intent = intended(posting(7), frozen(7), connection="c", origin=0, index=0, attempt=1, mapping_version=1)
        check_control(found, intent)
        with pytest.raises(Conflict):
            check_control(found, msgspec.structs.replace(intent, customer="A000002"))


async def test_a_reply_that_is_lost_leaves_a_document_that_is_found(tmp_path):
    async with running(tmp_path, drop_share=1) as target:
        with pytest.raises(OutcomeUnknown):
            await target.post(1)
        assert [line[4] for line in target.lines()] == ["0"]
        assert (await target.erp.find("invoice", command(1).reference)).reference == command(1).reference


async def test_a_request_without_a_place_is_refused_and_changes_nothing(tmp_path):
    async with running(tmp_path, limit=1, delay_ms=200) as target:
        answers = await asyncio.gather(target.post(1), target.post(2), return_exceptions=True)
        assert sorted(type(answer).__name__ for answer in answers) == ["Accepted", "Transient"]
        assert len(target.lines()) == 1
        look_up = target.erp.find("invoice", command(1).reference)
        answers = await asyncio.gather(target.post(3), look_up, return_exceptions=True)
        assert sum(isinstance(answer, Transient) for answer in answers) == 1


async def test_nothing_is_sent_once_an_intent_is_too_old(tmp_path):
    async with running(tmp_path) as target:
        with pytest.raises(NotSent):
            await target.post(1, not_after=boot_time_s() - 1)
        assert target.lines() == []


async def test_what_came_twice_is_a_conflict(tmp_path):
    async with running(tmp_path) as target:
        await target.post(1)
        await target.post(1)
        with pytest.raises(Conflict):
            await target.erp.find("invoice", command(1).reference)


async def test_all_that_carries_a_reference_is_shown_page_by_page(tmp_path):
    count = PAGE + 3
    async with running(tmp_path, over="queue", delay_ms=0) as target:
        async with aiohttp.ClientSession() as session:
            await (await session.post(target.url, json={"id": "D9", "account": "A1", "seq": 1})).read()
        # One after the other: in a burst the last ones wait longer than a call may take.
        for number in range(1, count + 1):
            await target.post(number)
        pages = [page async for page in target.erp.find_all("invoice")]
    assert [len(page) for page in pages] == [PAGE, 3]
    assert {one.reference for page in pages for one in page} == {command(n).reference for n in range(1, count + 1)}


async def test_what_is_no_document_is_refused(tmp_path):
    async with running(tmp_path) as target, aiohttp.ClientSession() as session:
        async with session.post(target.url, data=b"[]") as answer:
            assert answer.status == 400
        assert target.lines() == []
