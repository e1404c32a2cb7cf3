"""Hands callouts in at the receiver, as Zuora does or otherwise, and holds what was answered against the log."""

import base64
import hashlib
import hmac
import json
from collections import Counter

import aiohttp

from adapters.kafka.reader import read_whole
from schemas.callouts import Callout
from schemas.events import read_callout
from schemas.topics import Topic
from tests.faults.places import Place
from tests.faults.scenario import Trial


class Caller:
    """Hands callouts in at a place's door, as its Zuora does, or otherwise.

    Attributes:
        taken: Ids of the notifications that were answered 200.
        answers: How often each status was answered; 0 where nobody answered.
    """

    def __init__(self, trial: Trial, session: aiohttp.ClientSession, place: Place, series: str) -> None:
        self._session = session
        self._series = f"{series}-{place.name}-{trial.draw.randrange(10**9)}"
        self.place = place
        self.door = place.world.callout_door(trial.installation.receiver)
        self.taken: set[str] = set()
        self.answers: Counter[int] = Counter()
        self._sent = 0

    def headers(self, body: bytes, *, password: str | None = None, secret: str | None = None) -> dict[str, str]:
        """Return what goes with a body; another password or another secret where they are given."""
        word = self.door.password if password is None else password
        coded = base64.b64encode(f"{self.door.user}:{word}".encode()).decode()
        found = {"Authorization": f"Basic {coded}", "Content-Type": "application/json"}
        key = secret or self.door.hmac_secret
        if self.door.hmac_secret:
            found[self.door.hmac_header] = hmac.new(key.encode(), body, hashlib.sha256).hexdigest()
        return found

    async def hand_in(self, body: bytes, headers: dict[str, str] | None = None) -> int:
        """Send a notification of its own; return the status."""
        self._sent += 1
        name = f"{self._series}-{self._sent}"
        status = await self.send(body, {**(headers or self.headers(body)), "Zuora-Notification-Id": name})
        if status == 200:
            self.taken.add(name)
        return status

    async def send(self, body: bytes, headers: dict[str, str]) -> int:
        """Send what is given; return the status."""
        try:
            async with self._session.post(self.door.url, data=body, headers=headers) as answer:
                await answer.read()
                status = answer.status
        except (aiohttp.ClientError, TimeoutError):
            status = 0
        self.answers[status] += 1
        return status


def hint(kind: str, zuora_id: str) -> bytes:
    """Return a body as docs/zuora.md asks for it."""
    return json.dumps({"object": kind, "id": zuora_id}).encode()


async def stored(trial: Trial, place: Place) -> list[Callout]:
    """Return all callouts of a place that are on the broker."""
    cluster, partition = trial.installation.cluster, trial.installation.partitions[place.name]
    return [read_callout(one.value) for one in await read_whole(cluster, partition, [Topic.CALLOUTS])]


async def hold_taken(trial: Trial, *callers: Caller) -> None:
    """Hold that whatever was answered 200 is on the broker."""
    for caller in callers:
        there = {callout.notification_id for callout in await stored(trial, caller.place)}
        missing = caller.taken - there
        if missing:
            trial.findings.append(f"{caller.place.name}: {len(missing)} answered 200 are not on the broker")


def session_of_callers() -> aiohttp.ClientSession:
    """Return a session with connections enough, and patience."""
    timeout = aiohttp.ClientTimeout(total=30)
    return aiohttp.ClientSession(timeout=timeout, connector=aiohttp.TCPConnector(limit=60))


def someones(trial: Trial, place: Place) -> str:
    """Return the id of an invoice of a place."""
    return trial.draw.choice(list(place.zuora.tenant.invoices.latest))


def is_quiet(place: Place) -> bool:
    """Return whether a place's Zuora has no callout to send now; what failed it sends again much later."""
    traffic = place.zuora.callouts.traffic
    return not (traffic.queued or traffic.in_flight)


def told(answers: Counter[int]) -> str:
    """Return how often each status was answered, in words."""
    return ", ".join(f"{status}: {count}" for status, count in sorted(answers.items()))
