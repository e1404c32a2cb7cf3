"""A connection that QAD does not let in stops, says so once, and one call at a time finds out when that ends."""

import asyncio

import pytest
from structlog.testing import capture_logs

from adapters.kafka import sink_gate
from adapters.kafka.sink_gate import Gate
from schemas.errors import Misconfigured, OutcomeUnknown, Refused, Rejected, Transient

STOPPED = "this connection stops, and is tried again by itself"
GOES_ON = "this connection goes on: QAD lets it in again"


class Qad:
    """Answers as it is told, and counts who asks and how many at once."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.calls = 0
        self.at_once = 0
        self.most_at_once = 0

    async def ask(self) -> str:
        self.calls += 1
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(0.001)
        self.at_once -= 1
        if self.error is not None:
            raise self.error
        return "yes"


async def through(gate: Gate, qad: Qad) -> str:
    turn = gate.turn()
    while True:
        async with turn:
            return await qad.ask()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sink_gate, "_PAUSE_S", 0.001)
    monkeypatch.setattr(sink_gate, "_PAUSE_MAX_S", 0.02)


@pytest.mark.parametrize("error", [Refused("no permission"), Misconfigured("no column x")])
async def test_a_stop_is_said_once_and_so_is_its_end(error, eventually):
    gate, qad = Gate(), Qad()
    qad.error = error
    with capture_logs() as logs:
        asking = [asyncio.create_task(through(gate, qad)) for _ in range(8)]

        async def probed() -> None:
            assert qad.calls >= 30

        await eventually(probed, every_s=0.005)
        qad.most_at_once = qad.at_once
        late = asyncio.create_task(through(gate, qad))
        await asyncio.sleep(0.05)
        assert qad.most_at_once == 1
        assert not late.done()
        qad.error = None
        assert await asyncio.gather(*asking, late) == ["yes"] * 9
    assert [log["event"] for log in logs] == [STOPPED, GOES_ON]
    assert logs[0]["what"] == str(error)


async def test_a_call_that_was_on_the_wire_already_does_not_open_it(eventually):
    gate, qad = Gate(), Qad()
    early = gate.turn()
    async with early:
        qad.error = Refused("no")
        refused = asyncio.create_task(through(gate, qad))

        async def was_refused() -> None:
            assert qad.calls

        await eventually(was_refused, every_s=0.001)
    late = asyncio.create_task(through(gate, Qad()))
    await asyncio.sleep(0.02)
    assert not late.done()
    qad.error = None
    assert await asyncio.gather(refused, late) == ["yes", "yes"]


@pytest.mark.parametrize("error", [Rejected("daybook", ("no",)), OutcomeUnknown("no answer")])
async def test_whatever_else_comes_back_the_connection_goes_on(error):
    gate, qad = Gate(), Qad()
    qad.error = Refused("no")
    refused = asyncio.create_task(through(gate, qad))
    await asyncio.sleep(0.01)
    qad.error = error
    with pytest.raises(type(error)):
        await refused
    assert await through(gate, Qad()) == "yes"


async def test_who_is_to_find_out_and_gets_no_answer_asks_again(eventually):
    gate, qad = Gate(), Qad()
    qad.error = Refused("no")
    refused = asyncio.create_task(through(gate, qad))
    await asyncio.sleep(0.01)
    qad.error, calls = Transient("down"), qad.calls

    async def asked() -> None:
        assert qad.calls > calls + 3

    await eventually(asked, every_s=0.005)
    qad.error = None
    assert await refused == "yes"


async def test_a_transient_refusal_stops_nobody_else():
    gate, qad = Gate(), Qad()
    qad.error = Transient("locked")
    asking = asyncio.create_task(through(gate, qad))
    await asyncio.sleep(0.01)
    assert await asyncio.wait_for(through(gate, Qad()), 1) == "yes"
    qad.error = None
    assert await asking == "yes"


async def test_what_qad_asks_for_is_waited_but_never_beyond_the_cap():
    for asked, least in ((0.01, 0.01), (3600.0, 0.02)):
        gate, qad, loop = Gate(), Qad(), asyncio.get_running_loop()
        qad.error = Transient("too many", retry_after_s=asked)
        asking = asyncio.create_task(through(gate, qad))
        await asyncio.sleep(0.002)
        began, qad.error = loop.time(), None
        assert await asking == "yes"
        assert least * 0.5 <= loop.time() - began < 60
