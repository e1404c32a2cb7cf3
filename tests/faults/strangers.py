"""Strangers at the receiver's door: bad clients that would take what others need, and callouts that are forged."""

import asyncio
import json
from collections import Counter

from tests.faults.callers import Caller, hint, hold_taken, is_quiet, session_of_callers, someones, told
from tests.faults.scenario import Scenario, Trial, until

_CANARY = "canary-of-a-forged-callout"


async def bad_clients(trial: Trial) -> None:
    """Let bad clients do their worst, and hold that the good ones' callouts are all taken meanwhile."""
    bad, *others = trial.installation.places
    ended = asyncio.Event()
    async with session_of_callers() as session, session_of_callers() as own:
        theirs = Caller(trial, session, bad, "bad")
        good = [Caller(trial, own, place, "good") for place in others]

        async def well_behaved(caller: Caller) -> None:
            while not ended.is_set():
                await caller.hand_in(hint("Invoice", someones(trial, caller.place)))
                await asyncio.sleep(0.3)

        tasks = [asyncio.create_task(well_behaved(caller)) for caller in good]
        for _ in range(trial.rounds):
            await asyncio.gather(
                *(_slow_head(trial, theirs) for _ in range(60)),
                *(_slow_body(trial, theirs) for _ in range(30)),
                *(_pipelined(trial, theirs, 40) for _ in range(5)),
                *(_refused(trial, theirs, 413, "oversized refused", b"x" * 1_000_000) for _ in range(5)),
                *(
                    _refused(trial, theirs, 415, "compressed refused", b"\x1f\x8b" * 20_000, encoding="gzip")
                    for _ in range(5)
                ),
            )
        ended.set()
        await asyncio.gather(*tasks)
    answers = sum((caller.answers for caller in good), Counter[int]())
    trial.fired["callouts of others taken"] += answers[200]
    if set(answers) != {200}:
        trial.findings.append(f"callouts of others were answered: {told(answers)}")
    await hold_taken(trial, theirs, *good)


async def _refused(
    trial: Trial, caller: Caller, status: int, name: str, body: bytes, *, encoding: str = "identity"
) -> None:
    answered = await caller.hand_in(body, {**caller.headers(body), "Content-Encoding": encoding})
    if answered == status:
        trial.fired[name] += 1
    elif answered == 200:
        trial.findings.append(f"answered 200 and not {status}: {name}")


async def _slow_head(trial: Trial, caller: Caller) -> None:
    """Send a head byte by byte until the connection is ended."""
    async with _raw(caller) as (reader, writer):
        dripping = asyncio.create_task(_drip(writer, b"POST /callouts HTTP/1.1\r\nX-Slow: " + b"x" * 1000))
        if not await _rest(reader):
            trial.fired["slow heads ended"] += 1
        dripping.cancel()


async def _slow_body(trial: Trial, caller: Caller) -> None:
    """Send a body byte by byte, until that is answered."""
    async with _raw(caller) as (reader, writer):
        writer.write(_head(caller, b"", length=5000))
        dripping = asyncio.create_task(_drip(writer, b" " * 1000))
        if b" 408 " in (await _rest(reader))[:40]:
            trial.fired["slow bodies answered 408"] += 1
        dripping.cancel()


async def _pipelined(trial: Trial, caller: Caller, count: int) -> None:
    """Send many requests without waiting for an answer."""
    async with _raw(caller) as (reader, writer):
        bodies = [hint("Invoice", someones(trial, caller.place)) for _ in range(count)]
        writer.write(b"".join(_head(caller, body, length=len(body)) + body for body in bodies))
        answers = b""
        # One after the other waits for the broker: a busy machine needs longer for all than for half a minute.
        while answers.count(b"HTTP/1.1 ") < count and (came := await _some(reader)):
            answers += came
        trial.fired["pipelined answered"] += answers.count(b"HTTP/1.1 200")
        if answers.count(b"HTTP/1.1 ") < count:
            trial.findings.append(f"of {count} requests on one connection not all were answered: {answers[-200:]!r}")


class _raw:  # noqa: N801 - it is used as a function
    """A connection of one's own to the receiver."""

    def __init__(self, caller: Caller) -> None:
        self._host, _, port = caller.door.url.removeprefix("http://").split("/")[0].partition(":")
        self._port = int(port)

    async def __aenter__(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, self._writer = await asyncio.open_connection(self._host, self._port)
        return reader, self._writer

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()


def _head(caller: Caller, body: bytes, *, length: int) -> bytes:
    path = "/" + caller.door.url.removeprefix("http://").partition("/")[2]
    lines = [f"POST {path} HTTP/1.1", "Host: x", f"Content-Length: {length}"]
    lines += [f"{name}: {value}" for name, value in caller.headers(body).items()]
    return "\r\n".join([*lines, "", ""]).encode()


async def _drip(writer: asyncio.StreamWriter, data: bytes) -> None:
    try:
        for byte in data:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0.5)
    except ConnectionError:
        pass


async def _some(reader: asyncio.StreamReader) -> bytes:
    """Return what comes next; nothing where the connection is ended, or nothing comes for half a minute."""
    try:
        async with asyncio.timeout(30):
            return await reader.read(65536)
    except (ConnectionError, TimeoutError):
        return b""


async def _rest(reader: asyncio.StreamReader) -> bytes:
    """Return all that comes until the other side ends the connection; half a minute at most."""
    try:
        async with asyncio.timeout(30):
            return await reader.read()
    except ConnectionError:
        return b""
    except TimeoutError:
        return b"not ended"


_STRANGE = (
    "../accounts/x",
    "%2e%2e/accounts",
    "x?fields=1",
    "x#f",
    "a/b",
    "//evil.example",
    "0" * 32,
    "I" * 500,
    "🔑",
    "x\n",
)


async def forged(trial: Trial) -> None:
    """Hand in callouts that Zuora never sent, others than it sent, and those that it sent long ago."""
    seen = {place.name: len(place.zuora.journal.entries) for place in trial.installation.places}
    async with session_of_callers() as session:
        for place in trial.installation.places:
            caller = Caller(trial, session, place, "forged")
            body = json.dumps({"object": "Invoice", "id": someones(trial, place), "x": _CANARY}).encode()
            good = caller.headers(body)
            await _must_refuse(trial, caller, "without a password", body, {"Content-Type": "application/json"})
            for word in ("", _CANARY, caller.door.password[:-1], caller.door.password + "x"):
                await _must_refuse(trial, caller, "with a wrong password", body, caller.headers(body, password=word))
            if caller.door.hmac_secret:
                await _must_refuse(trial, caller, "with a wrong signature", body, caller.headers(body, secret=_CANARY))
                await _must_refuse(trial, caller, "tampered with", body.replace(b"Invoice", b"Payment"), good)
                unsigned = {name: value for name, value in good.items() if name != caller.door.hmac_header}
                await _must_refuse(trial, caller, "without a signature", body, unsigned)
            for strange in _STRANGE:
                # Who knows every secret may hand in what he likes: it is read back, or it is none.
                trial.fired["strange ids taken"] += await caller.hand_in(hint("Invoice", strange)) == 200
            for other in trial.installation.places:
                trial.fired["another's ids taken"] += (
                    await caller.hand_in(hint("Invoice", someones(trial, other))) == 200
                )
            old = list({one.notification_id: None for one in place.zuora.callouts.history if not one.failed})[-20:]
            trial.fired["replayed"] += sum(place.zuora.callouts.redeliver(old) for _ in range(3))
            await hold_taken(trial, caller)
    await until(lambda: all(is_quiet(place) for place in trial.installation.places), within_s=30)
    await asyncio.sleep(5)
    for place in trial.installation.places:
        asked = {one.path for one in list(place.zuora.journal.entries)[seen[place.name] :]}
        led_astray = [path for path in asked if ".." in path or path.startswith(("/v1/accounts/x", "/accounts"))]
        if led_astray:
            trial.findings.append(f"{place.name}: a forged id led to {led_astray[:3]}")
    _hold_quiet(trial)


async def _must_refuse(trial: Trial, caller: Caller, how: str, body: bytes, headers: dict[str, str]) -> None:
    status = await caller.hand_in(body, headers)
    if status == 401:
        trial.fired[f"refused {how}"] += 1
    else:
        trial.findings.append(f"{caller.place.name}: a callout {how} was answered {status}")


def _hold_quiet(trial: Trial) -> None:
    """Hold that no log tells a secret, or anything of a callout's body."""
    secrets = [_CANARY]
    for place in trial.installation.places:
        door = place.world.callout_door("")
        secrets += [word for word in (door.password, door.hmac_secret, door.url) if word]
    for path in sorted(trial.installation.logs.glob("*.log")):
        text = path.read_text(encoding="utf-8", errors="replace")
        trial.findings += [f"{path.name} tells a secret or a body" for word in secrets if word in text]


SCENARIOS = (
    Scenario(
        name="bodies oversized and compressed, slow heads and bodies, many requests at once on one connection",
        faults=("F27",),
        script=bad_clients,
        expects=(
            "slow heads ended",
            "slow bodies answered 408",
            "oversized refused",
            "compressed refused",
            "pipelined answered",
            "callouts of others taken",
        ),
        rounds=3,
    ),
    Scenario(
        name="callouts forged, tampered with, replayed",
        faults=("F28",),
        script=forged,
        expects=(
            "refused without a password",
            "refused with a wrong password",
            "refused with a wrong signature",
            "refused without a signature",
            "refused tampered with",
            "strange ids taken",
            "another's ids taken",
            "replayed",
        ),
        rounds=1,
    ),
)
