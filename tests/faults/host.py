"""Faults of the machine and of its people: a full disk, wrong clocks, a blocked loop, files spoilt or gone."""

import asyncio
import json
import re
import resource
import shutil
import signal
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import pairwise
from pathlib import Path

from adapters.kafka.membership import SLOT_TAKEN
from console.demo.product import CommandFailed, Product
from sandbox.world.charges import drawn_price, services
from sandbox.zuora.acts import NewInvoice
from tests.faults.judge import lost_in, unequal
from tests.faults.log import until
from tests.faults.places import Place
from tests.faults.processes import Process
from tests.faults.scenario import Scenario, Trial
from tests.faults.work import DAY

_DISK_BYTES = 64 * 1024
_BEHIND, _BACK = "7 minutes behind", "an hour back in the middle"
_YEARS_END, _HOUR_TWICE = "over a year's end", "in an hour that comes twice"
_CLOCKS = {
    "7 minutes ahead": timedelta(minutes=7),
    "an hour ahead": timedelta(hours=1),
    _BEHIND: -timedelta(minutes=7),
    _BACK: -timedelta(hours=1),
    _YEARS_END: timedelta(),
    _HOUR_TWICE: timedelta(),
}
# So long before it a clock is set: some documents are made on either side.
_BEFORE = timedelta(seconds=10)
_FURTHER_S = 300
# Three rounds of the polls, and their lag.
_POLLED_S = 14.0
# As long as the signal blocks a worker.
_BLOCKED_S = 30.0
# A worker that is behind ends itself 60 to 70 s after it stood still; it needs a moment to be behind, and to start.
_WATCHED_S = 100.0
_FOR_EVER_S = 600
_TABLES = {
    # The cursors of the polls go on, whatever else is at rest.
    "events": "select * from events where topic <> 'cursors'",
    **{name: f"select * from {name}" for name in ("documents", "standings", "dead_letters", "put_back")},
}
# Longer than a read model of some hundred thousand events takes.
_MADE_ANEW_S = 120.0
# A worker has its lanes by then.
_STARTED_S = 8.0
# So often, 2 s apart, is looked whether a worker has run out of memory.
_STARVED_LOOKS = 25
# Its record is more than any free place in a worker's memory.
_LARGE_LINES = 1500


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
    """Set Zuora's clocks wrong, one tenant's in each way, and let two of them cross what calendars trip over."""
    clocks = dict(zip(_CLOCKS, trial.installation.places, strict=True))
    zones = {what: place.zuora.tenant.zone.zone for what, place in clocks.items()}
    known = {what: set(place.zuora.tenant.invoices.latest) for what, place in clocks.items()}
    (poll,) = trial.installation.crew.of("poll")
    # Polls find what a clock that is behind has stamped where they reach back further than it is.
    jumps = {clocks[what].name: -int(_CLOCKS[what].total_seconds()) for what in (_BEHIND, _BACK)}
    trial.installation.configure({name: jump + _FURTHER_S for name, jump in jumps.items()})
    await poll.restart_with({})
    for what, place in clocks.items():
        now = await place.scene.zuora.now()
        if what == _YEARS_END:
            new_year = datetime(now.astimezone(zones[what]).year + 1, 1, 1, tzinfo=zones[what])
            await place.scene.zuora.set_clock(new_year - _BEFORE)
        elif what == _HOUR_TWICE:
            await place.scene.zuora.set_clock(_next_hour_twice(now, zones[what]) - _BEFORE)
        elif what != _BACK:
            await place.scene.zuora.set_clock(now + _CLOCKS[what])
    await trial.work.make(24)
    await asyncio.sleep(15 * trial.rounds)
    back = clocks[_BACK].scene.zuora
    await back.set_clock(await back.now() + _CLOCKS[_BACK])
    await trial.work.make(24)

    def all_is_in() -> bool:
        missing = [[*lost_in(one, trial.work.made[one.name]), *unequal(one)] for one in clocks.values()]
        return not any(missing)

    if not await until(all_is_in, within_s=60):
        trial.findings.append("not all that was done while the clocks were wrong is in QAD")
    # What changes nothing in QAD is read as well by then: an invoice's version of when it was paid.
    await asyncio.sleep(_POLLED_S)
    for what, place in clocks.items():
        rows = [row for key, row in place.zuora.tenant.invoices.latest.items() if key not in known[what]]
        stamps = [row.created_date.utc() for row in rows]
        trial.fired[what] += _bears_out(what, stamps, zones[what])
    # The others stay ahead: no poll looks for what is stamped before it has been.
    for what in (_BEHIND, _BACK):
        await clocks[what].scene.zuora.set_clock(None)
    trial.installation.configure({})
    await poll.restart_with({})


def _bears_out(what: str, stamps: Sequence[datetime], zone: tzinfo) -> int:
    """Return how many documents bear the stamp of a wrong clock; in the order in which they were made."""
    machine = datetime.now(UTC)
    local = [stamp.astimezone(zone) for stamp in stamps]
    if what == _YEARS_END:
        first = [stamp.year for stamp in local]
        return sum(year > first[0] for year in first)
    if what == _HOUR_TWICE:
        return sum(stamp.utcoffset() != local[0].utcoffset() for stamp in local)
    if what == _BACK:
        return sum(later < earlier for earlier, later in pairwise(stamps))
    by = _CLOCKS[what]
    return sum(abs(stamp - machine - by) < timedelta(minutes=4) for stamp in stamps)


def _next_hour_twice(now: datetime, zone: tzinfo) -> datetime:
    """Return the next moment at which a zone's clocks are set back; its hours begin as UTC's do."""
    hour = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    while True:
        before, after = ((hour + by).astimezone(zone).utcoffset() for by in (-timedelta(minutes=1), timedelta()))
        if before is not None and after is not None and after < before:
            return hour
        hour += timedelta(hours=1)


async def blocked_loop(trial: Trial) -> None:
    """Block the event loop of a worker of each kind for three sessions, while its other threads go on.

    What the watchdog lets pass is over by itself and nobody ends; what it does not let pass ends that worker.
    """
    crew = trial.installation.crew
    for _ in range(trial.rounds):
        chosen = [trial.draw.choice(crew.of(stage)) for stage in ("sink", "ledger", "match")]
        ends = {process.name: len(process.ends) for process in chosen}
        for process in chosen:
            process.signal(signal.SIGUSR1)
        await asyncio.sleep(2)
        before = {process.name: _turns(process.pid) for process in chosen}
        await asyncio.sleep(_BLOCKED_S - 5)
        for process in chosen:
            # A loop that goes round wakes up many times a second; one that is held never does.
            trial.fired["blocked for 30 s"] += _turns(process.pid) == before[process.name] > 0
        await asyncio.sleep(8)
        for process in chosen:
            if _turns(process.pid) == before[process.name]:
                trial.findings.append(f"{process.name} is still blocked")
            if len(process.ends) != ends[process.name]:
                trial.findings.append(f"{process.name} ended although it was blocked for {_BLOCKED_S:.0f} s only")
    await _blocked_for_too_long(trial)


async def _blocked_for_too_long(trial: Trial) -> None:
    """Block a worker that has work for longer than its watchdog lets pass: it ends itself, and is started again."""
    process = trial.draw.choice(
        [one for stage in ("sink", "ledger", "match") for one in trial.installation.crew.of(stage)]
    )
    await process.restart_with({"ML_CONNECTOR_TEST_BLOCK_S": str(_FOR_EVER_S)})
    await asyncio.sleep(10)
    process.signal(signal.SIGUSR1)
    await trial.work.make(30)
    ends, starts, said = len(process.ends), process.starts, _said(process)
    await until(lambda: process.starts != starts, within_s=_WATCHED_S)
    told = [line for line in _said(process)[len(said) :] if "worker ends itself" in line and "it is behind" in line]
    trial.fired["ended by its watchdog"] += bool(told) and process.ends[ends:] == [1]
    trial.fired["started again"] += process.starts > starts
    trial.figures["blocked for longer"] = f"{process.name} ended with {process.ends[ends:]}"


def _turns(pid: int) -> int:
    """Return how often the main thread of a process gave the processor away or lost it; 0 where there is none."""
    try:
        lines = Path(f"/proc/{pid}/task/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if "ctxt_switches" in line)


def _said(process: Process) -> list[str]:
    """Return all lines that a process wrote, over all its lives."""
    return process.log.read_text(errors="replace").splitlines() if process.log.exists() else []


async def no_memory(trial: Trial) -> None:
    """Let a worker get no more memory than it has, until it asks for more and gets none; then let it have it."""
    crew = trial.installation.crew
    for stage in ("match", "ledger", "sink"):
        process = trial.draw.choice(crew.of(stage))
        trial.fired[f"{stage} ran out of memory"] += await _starved(trial, process)
    # What nobody had the memory for comes through now, and what is made now as well.
    await trial.work.make(24)


async def _starved(trial: Trial, process: Process) -> int:
    """Keep a worker from getting more memory, and make work that needs some; return how often it went without."""
    # One that was there for long has room left by what it needed once.
    await process.restart_with({})
    await asyncio.sleep(_STARTED_S)
    ends, said = len(process.ends), len(_said(process))
    limited = errors = 0
    for number in range(_STARVED_LOOKS):
        # Where something else has ended it, its next life is limited as well.
        if process.running and process.pid != limited:
            limited = process.pid
            process.limit(resource.RLIMIT_AS, _address_space(limited))
            process.signal(signal.SIGUSR2)
        if number % 5 == 0:
            lines = _LARGE_LINES * min(1 + number // 5, 3)
            await asyncio.gather(*(_large_invoice(trial, place, lines=lines) for place in trial.installation.places))
        await trial.work.make(6)
        await asyncio.sleep(2)
        errors = sum(bool(re.search(_OUT_OF_MEMORY, line)) for line in _said(process)[said:])
        if errors or len(process.ends) > ends:
            break
    if process.running:
        process.limit(resource.RLIMIT_AS, resource.RLIM_INFINITY)
        process.signal(signal.SIGUSR2)
    trial.figures[f"{process.name} without memory"] = f"{errors} errors, ended with {process.ends[ends:]}"
    return errors + len(process.ends) - ends


async def _large_invoice(trial: Trial, place: Place, *, lines: int) -> None:
    """Bill somebody for so many lines: what holds its record needs some megabytes at once."""
    account = trial.draw.choice(place.accounts)
    items = [services(drawn_price(trial.draw, account, least=50, most=90), DAY) for _ in range(lines)]
    # The scenario's own work counts what it bills: nobody else may bill meanwhile.
    async with trial.work._turns[place.name]:
        before = len(place.zuora.tenant.invoices.latest)
        asked = NewInvoice(account=account.number, items=place.scene.taxed(account, *items))
        await place.scene.bill(f"large {before}", DAY, [asked])
        made = list(place.zuora.tenant.invoices.latest.values())[before:]
    trial.work.made[place.name].numbers.extend(row.invoice_number for row in made)


def _address_space(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[0]) * resource.getpagesize()


async def read_model_deleted(trial: Trial) -> None:
    """Delete the read model: what is made anew from the log says the same, row by row.

    Twice: what it held of a log that an earlier fault has cut is nowhere else. From then on it took up, piece by piece
    and from a log that is whole, what the second one reads at once.
    """
    path = trial.installation.wiring.data / "readmodel.sqlite"
    await _delete(trial, path)
    await asyncio.sleep(5)
    await trial.work.make(30)
    before = await _settled(path)
    if before is None:
        trial.findings.append("the read model had nothing to delete, or did not come to rest")
        return
    loop = asyncio.get_running_loop()
    began = loop.time()
    await _delete(trial, path)
    after: Tables | None = None
    while after != before and loop.time() < began + _MADE_ANEW_S:
        await asyncio.sleep(0.5)
        after = _tables(path)
    counts = ", ".join(f"{len(rows)} {name}" for name, rows in before.items())
    trial.figures["made anew in"] = f"{loop.time() - began:.1f} s: {counts}"
    trial.fired["standings made anew"] += len((after or {}).get("standings", ()))
    for name, rows in before.items():
        found = (after or {}).get(name, frozenset())
        missing, extra = sorted(rows - found), sorted(found - rows)
        if missing or extra:
            trial.findings.append(
                f"the read model made anew differs in {name}: {len(missing)} are not there {missing[:2]}, "
                f"{len(extra)} were not before {extra[:2]}"
            )


async def _delete(trial: Trial, path: Path) -> None:
    """Take the read model away from under `observe`, and start that again."""
    observe = trial.installation.crew["observe"]
    await observe.kill_and_stay_away()
    trial.fired["deleted"] += _removed(path)
    observe.start()


def _removed(path: Path) -> bool:
    """Remove a database with what stands beside it; return whether it was there."""
    there = path.exists()
    for one in (path, path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")):
        one.unlink(missing_ok=True)
    return there


Tables = dict[str, frozenset[tuple[str, ...]]]


async def _settled(path: Path) -> Tables | None:
    """Return what the read model says when it no longer changes; None where it is empty or never comes to rest."""
    last: Tables | None = None
    for _ in range(40):
        now = _tables(path)
        if now is not None and all(now[name] for name in ("events", "documents", "standings")) and now == last:
            return now
        last = now
        # More than a round of the polls.
        await asyncio.sleep(6)
    return None


def _tables(path: Path) -> Tables | None:
    """Return all rows of the read model that say something of documents; None while it is made."""
    if not path.exists():
        return None
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            return {
                name: frozenset(tuple(map(str, row)) for row in database.execute(query))
                for name, query in _TABLES.items()
            }
    except sqlite3.Error:
        return None


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
        ends, said = len(first.ends), {one.name: len(_said(one)) for one in (first, second)}
        second.start()
        await asyncio.sleep(15)
        codes = [*first.ends[ends:], *second.ends]
        why = [line for one in (first, second) for line in _said(one)[said[one.name] :] if SLOT_TAKEN in line]
        # The last word of one that is just ending may come before its end.
        trial.fired[f"{stage} gave way: its slot is taken"] += min(len(why), codes.count(1))
        if set(codes) - {1}:
            trial.findings.append(f"of two {stage}-0 one ended with {codes}: for another reason than its slot")
        if not (first.running or second.running):
            trial.findings.append(f"of two {stage}-0 none is left")
        await second.leave()


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
_OUT_OF_MEMORY = r"MemoryError|Cannot allocate memory|can't start new thread"
# An answer that nobody had the memory to read is taken for a broker that is away.
_NO_MEMORY = (_OUT_OF_MEMORY, r"lane opens again.*(no Kafka answers|KafkaConnectionError)")

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
        name="Zuora's clocks ahead, behind, back, over a year's end and an hour that comes twice",
        faults=("F25",),
        script=wrong_clocks,
        expects=tuple(_CLOCKS),
        # A version that a wrong clock stamps is older than one from before: versions go by Zuora's stamps.
        undoes=False,
    ),
    Scenario(
        name="event loops blocked for 30 s",
        faults=("F26",),
        script=blocked_loop,
        expects=("blocked for 30 s", "ended by its watchdog", "started again"),
        over_s=30,
        rounds=3,
    ),
    Scenario(
        name="no memory left",
        faults=("F26",),
        script=no_memory,
        expects=("match ran out of memory", "ledger ran out of memory", "sink ran out of memory"),
        # Whoever hangs for want of it is ended by its watchdog, after a minute and a half at most.
        drains_within_s=180,
        explains=_NO_MEMORY,
    ),
    Scenario(
        name="read model deleted",
        faults=("F32",),
        script=read_model_deleted,
        expects=("deleted", "standings made anew"),
        over_s=5,
    ),
    Scenario(
        name="started twice with one slot",
        faults=("F33",),
        script=started_twice,
        expects=("sink gave way: its slot is taken", "ledger gave way: its slot is taken"),
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
