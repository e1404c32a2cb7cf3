"""Callouts on their way: queued when an act ends, sent by real HTTP, tried again as Zuora does, kept in the history.

Order is that of the events but never promised. What fails with a code that Zuora does not try again is lost, as in
Zuora; the history and the polls are what remains. Runs in the event loop of the server; acts must run in the same
one.
"""

import asyncio
import base64
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import uuid4

import aiohttp
import msgspec

from sandbox.zuora.callouts.configuration import DEFAULT_TRIGGERS, CalloutConfiguration, EventTrigger
from sandbox.zuora.callouts.events import events_for
from sandbox.zuora.callouts.message import Callout, Event, build_callout, build_headers, merge_fields
from sandbox.zuora.chronicle import Change, Deed
from sandbox.zuora.clock import Stamp
from sandbox.zuora.faults import Faults
from sandbox.zuora.settings import CalloutPolicy
from sandbox.zuora.tenant import Tenant

# Zuora writes negative codes for what no server answered.
NETWORK_FAILURE = -1
INVALID_BODY = -2000
_STORED_RESPONSE_BYTES = 60 * 1024


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One try of one callout, as the history keeps it."""

    id: str
    notification_id: str
    number: int
    at: Stamp
    event: str
    category: str
    object_id: str
    context: dict[str, str]
    notification: str
    method: str
    url: str
    request_body: str
    response_code: int
    response_content: str
    failed: bool


class Traffic(msgspec.Struct, frozen=True, kw_only=True):
    """How many callouts are where."""

    queued: int
    in_flight: int
    waiting: int
    delivered: int
    lost: int


@dataclass(frozen=True)
class _Try:
    callout: Callout
    number: int


class Callouts:
    """All callouts of one tenant.

    Attributes:
        configurations: What is configured; replace the list to change it.
        triggers: The custom events.
        history: Attempts, newest last.
    """

    def __init__(self, tenant: Tenant, faults: Faults) -> None:
        self.configurations: list[CalloutConfiguration] = []
        self.triggers: list[EventTrigger] = list(DEFAULT_TRIGGERS)
        self.history: deque[Attempt] = deque(maxlen=tenant.settings.callouts.history_rows)
        self._tenant, self._faults = tenant, faults
        self._sent: dict[str, Callout] = {}
        self._queue: deque[_Try] = deque()
        self._timers: set[asyncio.TimerHandle] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._delivered = self._lost = 0
        self._session: aiohttp.ClientSession | None = None
        tenant.listeners.append(self._on_act)

    @property
    def traffic(self) -> Traffic:
        """Return how many callouts are where."""
        return Traffic(
            queued=len(self._queue),
            in_flight=len(self._tasks),
            waiting=len(self._timers),
            delivered=self._delivered,
            lost=self._lost,
        )

    def start(self) -> None:
        """Begin to deliver, with what was queued before; needs a running loop."""
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        self._send_next()

    async def stop(self) -> None:
        """Drop what is not delivered and close all connections."""
        session, self._session = self._session, None
        self._queue.clear()
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if session is not None:
            await session.close()

    def redeliver(self, notification_ids: Iterable[str]) -> int:
        """Send callouts of the history again, as they were, and return how many there were."""
        again = [self._sent[key] for key in notification_ids if key in self._sent]
        for callout in again:
            self._queue_after(0, _Try(callout, number=1))
        return len(again)

    @property
    def _policy(self) -> CalloutPolicy:
        return self._tenant.settings.callouts

    def _on_act(self, changes: list[Change], deeds: list[Deed]) -> None:
        for configuration in self.configurations:
            events = events_for(self._tenant, configuration, self.triggers, changes=changes, deeds=deeds)
            for event in events:
                self._fire(configuration, event)

    def _fire(self, configuration: CalloutConfiguration, event: Event) -> None:
        if self._faults.take("callout_drop", event.name) is not None:
            return
        callout = build_callout(self._tenant, configuration, event, notification_id=str(uuid4()))
        self._sent[callout.notification_id] = callout
        if len(self._sent) > self._policy.history_rows:
            del self._sent[next(iter(self._sent))]
        duplicate = self._faults.take("callout_duplicate", event.name)
        for _ in range(1 + (duplicate.times if duplicate else 0)):
            self._queue_after(self._detour_s(event), _Try(callout, number=1))

    def _detour_s(self, event: Event) -> float:
        delay = self._faults.take("callout_delay", event.name)
        reorder = self._faults.take("callout_reorder", event.name)
        wait_s = delay.seconds if delay else 0.0
        return wait_s + (self._faults.draw(reorder) * reorder.seconds if reorder else 0.0)

    def _queue_after(self, delay_s: float, planned: _Try) -> None:
        if delay_s <= 0:
            self._queue.append(planned)
            self._send_next()
            return

        def due() -> None:
            self._timers.discard(timer)
            self._queue.append(planned)
            self._send_next()

        timer = asyncio.get_running_loop().call_later(delay_s, due)
        self._timers.add(timer)

    def _send_next(self) -> None:
        while self._session is not None and self._queue and len(self._tasks) < self._policy.parallel:
            task = asyncio.create_task(self._try(self._session, self._queue.popleft()))
            self._tasks.add(task)
            task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._send_next()

    async def _try(self, session: aiohttp.ClientSession, planned: _Try) -> None:
        callout, request_id = planned.callout, str(uuid4())
        if callout.body is None:
            code, content = INVALID_BODY, "The request body is not valid JSON"
        else:
            headers = build_headers(callout, request_id=request_id)
            code, content = await _send(session, callout, headers, policy=self._policy)
        failed = code != 200 or (self._policy.confirm_by_content and _denies(content))
        self._note(planned, request_id, code=code, content=content, failed=failed)
        if not failed:
            self._delivered += 1
        elif callout.configuration.retry and _is_tried_again(code) and planned.number < self._policy.attempts:
            self._queue_after(self._policy.interval_s, _Try(callout, planned.number + 1))
        else:
            self._lost += 1

    def _note(self, planned: _Try, request_id: str, *, code: int, content: str, failed: bool) -> None:
        callout = planned.callout
        attempt = Attempt(
            id=request_id,
            notification_id=callout.notification_id,
            number=planned.number,
            at=self._tenant.clock.stamp(),
            event=callout.event.name,
            category=callout.event.category,
            object_id=callout.event.row.id,
            context=merge_fields(self._tenant, callout.event),
            notification=callout.configuration.name,
            method=callout.configuration.method,
            url=callout.url,
            request_body=(callout.body or b"").decode(),
            response_code=code,
            response_content=content,
            failed=failed,
        )
        self.history.append(attempt)


def _is_tried_again(code: int) -> bool:
    """Tell whether Zuora sends a callout again after this code; a 200 is here only when its content denies it."""
    if code == INVALID_BODY:
        return False
    return code < 0 or 100 <= code <= 200 or code in (403, 408, 429) or code >= 500


def _denies(content: str) -> bool:
    try:
        answer = msgspec.json.decode(content)
    except msgspec.DecodeError:
        return False
    return isinstance(answer, dict) and answer.get("success") is False


async def _send(
    session: aiohttp.ClientSession, callout: Callout, headers: dict[str, str], *, policy: CalloutPolicy
) -> tuple[int, str]:
    """Send one attempt, and once more with the password when the receiver asks for it; return code and content."""
    basic = callout.configuration.basic
    with_password = dict(headers)
    if basic is not None:
        credentials = base64.b64encode(f"{basic.username}:{basic.password}".encode()).decode()
        with_password["Authorization"] = f"Basic {credentials}"
    first = with_password if basic is not None and basic.preemptive else headers
    try:
        code, content, challenge = await _exchange(session, callout, first, policy=policy)
        if code == 401 and first is not with_password and basic is not None and challenge.lower().startswith("basic"):
            code, content, _ = await _exchange(session, callout, with_password, policy=policy)
    except (aiohttp.ClientError, TimeoutError, ValueError) as failure:
        return NETWORK_FAILURE, type(failure).__name__
    return code, content


async def _exchange(
    session: aiohttp.ClientSession, callout: Callout, headers: dict[str, str], *, policy: CalloutPolicy
) -> tuple[int, str, str]:
    timeout = aiohttp.ClientTimeout(
        total=policy.connect_timeout_s + policy.data_timeout_s,
        sock_connect=policy.connect_timeout_s,
        sock_read=policy.data_timeout_s,
    )
    async with session.request(
        callout.configuration.method,
        callout.url,
        data=callout.body,
        headers=headers,
        timeout=timeout,
        allow_redirects=False,
    ) as response:
        content = await response.content.read(_STORED_RESPONSE_BYTES)
        return response.status, content.decode(errors="replace"), response.headers.get("WWW-Authenticate", "")
