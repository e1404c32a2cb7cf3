"""A QAD that has no room gets fewer calls at once, and as many as before when it bears them."""

import asyncio

import pytest
from structlog.testing import capture_logs

from adapters.kafka import sink_gate
from adapters.kafka.sink_gate import Gate
from adapters.kafka.sink_pressure import Pressure
from schemas.errors import Overloaded, Rejected, Transient

SLOTS = 16


class Qad:
    """Has so many sessions, and refuses whoever comes beyond."""

    def __init__(self, sessions: int) -> None:
        self.sessions = sessions
        self.at_once = 0
        self.most_at_once = 0
        self.refused = self.served = 0

    async def ask(self) -> str:
        if self.at_once >= self.sessions:
            self.refused += 1
            raise Overloaded("no session is left")
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(0.002)
        self.at_once -= 1
        self.served += 1
        return "yes"


async def through(gate: Gate, qad: Qad) -> str:
    async with gate.slots:
        turn = gate.turn()
        while True:
            async with turn:
                return await qad.ask()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sink_gate, "_PAUSE_S", 0.002)
    monkeypatch.setattr(sink_gate, "_PAUSE_MAX_S", 0.02)


@pytest.mark.parametrize("sessions", [1, 2, 5])
async def test_all_come_through_a_qad_with_few_sessions_and_few_are_refused(sessions):
    gate, qad = Gate(SLOTS), Qad(sessions)
    async with asyncio.timeout(30):
        assert await asyncio.gather(*(through(gate, qad) for _ in range(400))) == ["yes"] * 400
    assert (qad.served, qad.most_at_once) == (400, sessions)
    # Without the bound each of the other slots would ask in vain again and again.
    assert qad.refused < 400 / 2


async def test_it_is_said_once_and_so_is_its_end():
    gate, qad = Gate(SLOTS), Qad(2)
    with capture_logs() as logs:
        await asyncio.gather(*(through(gate, qad) for _ in range(50)))
        assert [one["event"] for one in logs] == ["QAD has no room for so many calls; fewer are made at once"]
        qad.sessions = SLOTS
        await asyncio.gather(*(through(gate, qad) for _ in range(1_000)))
    assert logs[-1]["event"] == "QAD bears as many calls at once as before"
    assert qad.most_at_once == SLOTS


async def test_without_trouble_nobody_waits():
    gate, qad = Gate(SLOTS), Qad(SLOTS)
    await asyncio.gather(*(through(gate, qad) for _ in range(100)))
    assert (qad.most_at_once, qad.refused) == (SLOTS, 0)


async def entered(pressure: Pressure, count: int) -> list["asyncio.Task[None]"]:
    tasks = [asyncio.create_task(pressure.enter()) for _ in range(count)]
    await asyncio.sleep(0)
    return tasks


@pytest.mark.parametrize("error", [None, Transient("later"), Rejected("daybook", ("no",)), asyncio.CancelledError()])
async def test_a_place_is_given_back_whatever_the_call_came_to(error):
    pressure = Pressure()
    await entered(pressure, 2)
    pressure.leave(Overloaded("full"))
    pressure.leave(error)
    [task] = await entered(pressure, 1)
    assert task.done()


async def test_who_gives_up_waiting_takes_no_place_with_it():
    pressure = Pressure()
    await entered(pressure, 2)
    pressure.leave(Overloaded("full"))
    first, second = await entered(pressure, 2)
    assert not first.done()
    first.cancel()
    await asyncio.sleep(0)
    pressure.leave(None)
    await asyncio.sleep(0)
    assert (first.cancelled(), second.done()) == (True, True)


async def test_who_is_cancelled_when_its_turn_has_come_gives_it_back():
    pressure = Pressure()
    await entered(pressure, 2)
    pressure.leave(Overloaded("full"))
    first, second = await entered(pressure, 2)
    pressure.leave(Transient("later"))
    first.cancel()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert (first.cancelled(), second.done()) == (True, True)
