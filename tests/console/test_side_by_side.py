"""What is done side by side for ever: the end of one thing is said, and is not the end of the others."""

import asyncio

import pytest
from structlog.testing import capture_logs

from console.running import polling
from schemas.errors import Transient

ENDED = "this has ended; it begins again by itself"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(polling, "_AGAIN_MAX_S", 0.01)


class Works:
    """One thing that goes on, and one that ends by an error each time; who looks at the secrets anew is counted."""

    def __init__(self, error: Exception) -> None:
        self._error = error
        self.begun = self.steps = self.looks = 0

    async def failing(self) -> None:
        self.begun += 1
        raise self._error

    async def going_on(self) -> None:
        while True:
            self.steps += 1
            await asyncio.sleep(0.001)

    def look(self) -> None:
        self.looks += 1

    async def side_by_side(self) -> None:
        works = {"failing": self.failing, "going on": self.going_on}
        await polling._side_by_side("acme", works, before_again=self.look)


@pytest.mark.parametrize("error", [Transient("QAD is away"), KeyError("nobody thought of this")])
async def test_what_fails_is_said_and_begun_again_and_ends_nothing_else(error, eventually):
    works = Works(error)

    async def begun_again() -> None:
        assert works.begun > 5

    with capture_logs() as logs:
        task = asyncio.create_task(works.side_by_side())
        await eventually(begun_again, every_s=0.005)
        steps = works.steps
        await asyncio.sleep(0.02)
        assert (works.steps > steps > 0, works.looks >= works.begun - 1) == (True, True)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    told = [log for log in logs if log["event"] == ENDED]
    assert {(log["what"], log["whose"]) for log in told} == {("failing", "acme")}
    assert len(told) == works.begun
    # A programmer's error is told whole.
    assert all(("exc_info" in log) == isinstance(error, KeyError) for log in told)


async def test_a_pause_grows_while_it_fails_and_begins_anew_after_it_was_well(monkeypatch):
    tries: list[int] = []

    def pause(count: int, **_: float) -> float:
        tries.append(count)
        return 0.0

    monkeypatch.setattr(polling, "jittered", pause)
    lasts_s = iter([0.0, 0.0, 0.03, 0.0])

    async def failing() -> None:
        await asyncio.sleep(next(lasts_s, 60))
        raise Transient("away")

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await polling._side_by_side("acme", {"failing": failing}, before_again=lambda: None)
    assert tries == [1, 2, 1, 2]
