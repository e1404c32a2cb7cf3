"""The receiver with its broker away: 503 while nothing can be stored, and 200 only for what is there.

The broker is a process of its own, which no other test shares: it is halted (SIGSTOP), so that its connections stay
open and nothing answers; then it is killed in the middle of a stream of callouts. How the receiver judges what comes in
is shown in tests/adapters.
"""

import asyncio
import sys
import time
from dataclasses import dataclass, field

import aiohttp
import pytest

from adapters.kafka.reader import read_whole
from console.demo.house import House
from console.wiring import Wiring
from sandbox.kafka.broker import Broker
from sandbox.kafka.ports import free_port
from sandbox.process import spawn
from sandbox.world import Address, Addresses, Pace, build_world
from schemas.callouts import Callout
from schemas.codec import Decoder
from schemas.topics import Topic

# This site's callouts carry a password and no signature.
SITE = "amer"
# Zuora waits so long for an answer; what comes later counts as none.
PATIENCE_S = 15.0
BURST = 5

_callouts: Decoder[Callout] = Decoder(Callout)


@dataclass
class Zuora:
    """Calls the receiver, and remembers what it was answered."""

    session: aiohttp.ClientSession
    house: House
    answers: list[tuple[str, int]] = field(default_factory=list)
    slowest_s: float = 0.0

    async def call(self) -> int:
        """Send the next callout; return the answer."""
        name = f"callout-{len(self.answers)}"
        place = len(self.answers)
        self.answers.append((name, 0))
        door = self.house.world.sites[SITE].callout_door(self.house.receiver)
        began = time.monotonic()
        async with self.session.post(
            door.url,
            json={"object": "Invoice", "id": name},
            headers={
                "Zuora-Notification-Id": name,
                "Authorization": aiohttp.encode_basic_auth(door.user, door.password),
            },
        ) as answer:
            assert await answer.read() == b""
            if answer.status == 503:
                assert int(answer.headers["Retry-After"]) > 0
            self.slowest_s = max(self.slowest_s, time.monotonic() - began)
            self.answers[place] = (name, answer.status)
            return answer.status

    async def burst(self) -> set[int]:
        """Send several at once; return the answers that there were."""
        return set(await asyncio.gather(*(self.call() for _ in range(BURST))))

    async def stream(self, until: asyncio.Event) -> None:
        """Send burst after burst until something has happened, and until one after it is taken."""
        while not until.is_set() or await self.burst() != {200}:
            await self.burst()
            await asyncio.sleep(0.01)

    async def taken(self) -> None:
        try:
            assert await self.call() == 200
        except aiohttp.ClientConnectionError as error:
            raise AssertionError(str(error)) from None

    def with_status(self, status: int) -> set[str]:
        return {name for name, answered in self.answers if answered == status}


@pytest.mark.timeout(360)
async def test_what_is_answered_200_is_on_the_broker_and_what_cannot_be_stored_is_answered_503(tmp_path, eventually):
    with Broker(tmp_path / "kafka") as broker:
        house = set_up(tmp_path / "house", kafka=broker.bootstrap)
        await house.product.command("topics", "create")
        command = [sys.executable, "-m", "console", "--config", str(house.files.configuration), "receive"]
        process = spawn(command, log=house.logs / "receive.log", cwd=house.directory)
        async with aiohttp.ClientSession() as session:
            zuora = Zuora(session, house)
            await eventually(zuora.taken)
            assert await zuora.burst() == {200}

            broker.freeze()
            assert await zuora.burst() == {503}
            broker.thaw()
            await eventually(zuora.taken, within_s=60)
            assert await zuora.burst() == {200}

            before, back = len(zuora.with_status(200)), asyncio.Event()
            streaming = asyncio.create_task(zuora.stream(back))
            await asyncio.sleep(0.5)
            await asyncio.to_thread(broker.kill)
            assert len(zuora.with_status(200)) > before, "it was killed in the middle"
            await asyncio.to_thread(broker.start)
            back.set()
            async with asyncio.timeout(120):
                await streaming
            assert zuora.slowest_s < PATIENCE_S

            wiring = Wiring(house.site())
            partition = (await wiring.partitions())[SITE]
            stored = await read_whole(wiring.site.cluster, partition, [Topic.CALLOUTS])
            there = {_callouts(record.value).notification_id for record in stored}
            assert zuora.with_status(200) <= there
            assert there <= {name for name, _ in zuora.answers}
            # What was answered 503 may have come through all the same: Zuora sends it again, and nothing minds.
            assert len(zuora.with_status(503)) >= BURST
        assert process.poll() is None, "it stayed up all the time"
        process.terminate()
        assert await asyncio.to_thread(process.wait, 20) == 0
        log = (house.logs / "receive.log").read_text(encoding="utf-8")
        assert "callout not stored; Zuora calls again" in log
        assert "Traceback" not in log


def set_up(directory, *, kafka: str) -> House:
    """Write an installation; the stand-ins are never asked for anything."""
    usual = Addresses.usual()
    addresses = Addresses(
        kafka=kafka,
        zuora=usual.zuora,
        qad=usual.qad,
        receiver=Address(port=free_port()),
        observe=Address(port=free_port()),
    )
    return House(directory, build_world(seed=3, size=0.1), addresses, pace=Pace())
