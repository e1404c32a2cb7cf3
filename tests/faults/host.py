"""Faults of the machine and of its people: a full disk, wrong clocks, a blocked loop, files spoilt or gone."""

import asyncio
import json
import resource
import shutil
import signal
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from adapters.store.readmodel import ReadModel
from console.demo.product import CommandFailed, Product
from tests.faults.processes import Process
from tests.faults.scenario import Scenario, Trial

_STATUSES = ("posted", "parked", "waiting", "ignored", "superseded", "intended", "unknown", "rejected")
_DISK_BYTES = 64 * 1024
_SPOILT_ADDRESS_SPACE = 16 * 1024 * 1024


async def disk_full(trial: Trial) -> None:
    """Let no file of `observe` grow beyond a little, as a full disk would; then let it grow again."""
    observe = trial.installation.crew["observe"]
    log = observe.log.stat().st_size
    ends = len(observe.ends)
    for _ in range(60 * trial.rounds):
        if observe.running:
            observe.limit(resource.RLIMIT_FSIZE, max(_DISK_BYTES, log + _DISK_BYTES))
        await asyncio.sleep(0.25)
    trial.fired["observe ended for want of disk"] += len(observe.ends) - ends
    if observe.running:
        observe.limit(resource.RLIMIT_FSIZE, resource.RLIM_INFINITY)


async def wrong_clocks(trial: Trial) -> None:
    """Let Zuora's clocks be minutes ahead, and jump an hour on: no window may be measured by ours."""
    places = trial.installation.places
    for place, by in zip(places, (7, 7, 60, 60, 1, 1), strict=True):
        await place.scene.zuora.set_clock(await place.scene.zuora.now() + timedelta(minutes=by))
        trial.fired["clocks moved"] += 1
    await asyncio.sleep(15 * trial.rounds)


async def blocked_loop(trial: Trial) -> None:
    """Block the event loop of a worker of each kind for three sessions, while its other threads go on."""
    crew = trial.installation.crew
    for _ in range(trial.rounds):
        for stage in ("sink", "ledger", "match"):
            trial.draw.choice(crew.of(stage)).signal(signal.SIGUSR1)
            trial.fired["blocked for 30 s"] += 1
        await asyncio.sleep(35)


async def no_memory(trial: Trial) -> None:
    """Let a worker get no more memory than it has."""
    crew = trial.installation.crew
    for stage in ("match", "ledger", "sink"):
        process = trial.draw.choice(crew.of(stage))
        starts, pid = process.starts, process.pid
        process.limit(resource.RLIMIT_AS, _address_space(pid) + _SPOILT_ADDRESS_SPACE)
        trial.fired["memory limited"] += 1
        await trial.work.make(60)
        await asyncio.sleep(8)
        if process.starts == starts and process.pid == pid:
            process.limit(resource.RLIMIT_AS, resource.RLIM_INFINITY)
        else:
            trial.figures["ended for want of memory"] = process.name


def _address_space(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[0]) * resource.getpagesize()


async def read_model_deleted(trial: Trial) -> None:
    """Delete the read model: what is made anew from the log says the same."""
    installation = trial.installation
    observe = installation.crew["observe"]
    await asyncio.sleep(25)
    before = await _settled(trial)
    await observe.kill_and_stay_away()
    path = installation.wiring.data / "readmodel.sqlite"
    for one in (path, path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")):
        one.unlink(missing_ok=True)
    loop = asyncio.get_running_loop()
    began = loop.time()
    observe.start()
    after: dict[str, Any] = {}
    for _ in range(120):
        await asyncio.sleep(0.5)
        if path.exists():
            after = _standings(path, trial)
            if len(after) >= len(before):
                break
    trial.fired["deleted"] += 1
    trial.figures["made anew in"] = f"{loop.time() - began:.1f} s, {len(after)} standings"
    differing = [key for key, row in before.items() if after.get(key) != row]
    if differing:
        trial.findings.append(f"the read model made anew differs in {len(differing)}: {differing[:3]}")


async def _settled(trial: Trial) -> dict[str, Any]:
    """Return the standings when they no longer change."""
    path = trial.installation.wiring.data / "readmodel.sqlite"
    last: dict[str, Any] = {}
    for _ in range(40):
        now = _standings(path, trial)
        if now and now == last:
            return now
        last = now
        await asyncio.sleep(2)
    return last


def _standings(path: Path, trial: Trial) -> dict[str, Any]:
    try:
        with ReadModel(path) as model:
            return {
                f"{one.row.connection} {one.row.stage} {one.row.subject}": one.row
                for place in trial.installation.places
                for one in model.standings(statuses=_STATUSES, connection=place.name)
            }
    except Exception:  # noqa: BLE001 - it is being made: whoever asks looks again
        return {}


async def started_twice(trial: Trial) -> None:
    """Start a second sink and a second ledger with the slot of the first: one of each pair has to give way."""
    crew = trial.installation.crew
    for stage in ("sink", "ledger"):
        first = crew[f"{stage}-0"]
        second = replace(
            first,
            name=f"{stage}-0-again",
            log=first.log.with_name(f"{stage}-0-again.log"),
            fired=first.fired.with_name(f"{stage}-0-again.fired"),
            kills=[],
            ends=[],
            starts=0,
            _child=None,
            _keeper=None,
        )
        ends = len(first.ends)
        second.start()
        await asyncio.sleep(15)
        gave_way = len(first.ends) - ends + len(second.ends)
        trial.fired["gave way with a reason"] += gave_way and _said_why(first, second)
        await second.leave()


def _said_why(*processes: Process) -> int:
    return sum(process.log.read_bytes().count(b'"worker ends"') for process in processes if process.log.exists())


async def spoilt_credentials(trial: Trial) -> None:
    """Spoil the credential store and its key in every way: each is found, and said without a word of a secret."""
    directory = trial.installation.directory / "spoilt"
    secrets = [
        text for place in trial.installation.places for fields in place.secrets().values() for text in fields.values()
    ]
    for what, spoil in SPOILING.items():
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir()
        for path in trial.installation.directory.glob("*.toml"):
            shutil.copy(path, directory)
        for name in ("credentials.json", "credentials.key"):
            shutil.copy(trial.installation.directory / name, directory)
        spoil(directory)
        product = Product(directory / "ml-connector.toml", log=directory / "run.log")
        try:
            said = await product.command("credentials", "check")
            trial.findings.append(f"{what} was not found: {said}")
        except CommandFailed as failed:
            trial.fired[what] += 1
            if "Traceback" in str(failed) or any(text in str(failed) for text in secrets if len(text) > 12):
                trial.findings.append(f"{what}: {failed}")


def _flip(directory: Path) -> None:
    path = directory / "credentials.json"
    content = bytearray(path.read_bytes())
    at = content.rindex(b'"') - 5
    content[at] = ord("A") if content[at] != ord("A") else ord("B")
    path.write_bytes(content)


def _swap(directory: Path) -> None:
    """Let two records change places, each whole."""
    path = directory / "credentials.json"
    store = json.loads(path.read_bytes())
    first, second = store["records"][:2]
    for name in ("owner", "field"):
        first[name], second[name] = second[name], first[name]
    path.write_text(json.dumps(store))


def _no_key(directory: Path) -> None:
    (directory / "credentials.key").unlink()


def _open_key(directory: Path) -> None:
    (directory / "credentials.key").chmod(0o644)


def _half(directory: Path) -> None:
    path = directory / "credentials.json"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


SPOILING: dict[str, Callable[[Path], None]] = {
    "byte flipped": _flip,
    "records swapped": _swap,
    "key missing": _no_key,
    "key readable by others": _open_key,
    "store cut off": _half,
}

_NO_DISK = (r"disk I/O error|File too large|database or disk is full|OperationalError|EFBIG|Errno 27",)
_NO_MEMORY = (r"MemoryError|Cannot allocate memory|can't start new thread",)

SCENARIOS = (
    Scenario(
        name="disk full under observe",
        faults=("F24",),
        script=disk_full,
        expects=("observe ended for want of disk",),
        documents=120,
        explains=_NO_DISK,
    ),
    Scenario(
        name="Zuora's clocks minutes and an hour ahead",
        faults=("F25",),
        script=wrong_clocks,
        expects=("clocks moved",),
    ),
    Scenario(
        name="event loops blocked for 30 s",
        faults=("F26",),
        script=blocked_loop,
        expects=("blocked for 30 s",),
        over_s=30,
        rounds=3,
    ),
    Scenario(
        name="no memory left",
        faults=("F26",),
        script=no_memory,
        expects=("memory limited",),
        explains=_NO_MEMORY,
    ),
    Scenario(
        name="read model deleted",
        faults=("F32",),
        script=read_model_deleted,
        expects=("deleted",),
        over_s=5,
    ),
    Scenario(
        name="started twice with one slot",
        faults=("F33",),
        script=started_twice,
        expects=("gave way with a reason",),
        over_s=25,
    ),
    Scenario(
        name="credential store spoilt",
        faults=("F29",),
        script=spoilt_credentials,
        expects=tuple(SPOILING),
        documents=30,
        over_s=0,
        bursts=1,
    ),
)
