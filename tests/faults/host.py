"""Faults of the machine and of who starts it: a full disk, a blocked loop, no memory, two workers with one slot."""

import asyncio
import re
import resource
import signal
from dataclasses import replace
from pathlib import Path

from adapters.kafka.membership import SLOT_TAKEN
from sandbox.world.charges import drawn_price, services
from sandbox.zuora.acts import NewInvoice
from tests.faults.places import Place
from tests.faults.processes import Process
from tests.faults.scenario import Scenario, Trial, until
from tests.faults.work import DAY

_DISK_BYTES = 64 * 1024
_IS_FULL = "is its volume full?"
# As long as the signal blocks a worker.
_BLOCKED_S = 30.0
# A worker that is behind ends itself 60 to 70 s after it stood still; it needs a moment to be behind, and to start.
_WATCHED_S = 100.0
_FOR_EVER_S = 600
# A worker has its lanes by then.
_STARTED_S = 8.0
# So often, 2 s apart, is looked whether a worker has run out of memory.
_STARVED_LOOKS = 25
_STARVED_TRIES = 2
# Its record is more than any free place in a worker's memory.
_LARGE_LINES = 1500


async def disk_full(trial: Trial) -> None:
    """Let no file of `observe` grow beyond a little, as a full disk would; then let it grow again."""
    observe = trial.installation.crew["observe"]
    log = observe.log.stat().st_size
    ends, said = len(observe.ends), len(observe.lines())
    for _ in range(60 * trial.rounds):
        if observe.running:
            observe.limit(resource.RLIMIT_FSIZE, max(_DISK_BYTES, log + _DISK_BYTES))
        await asyncio.sleep(0.25)
    trial.fired["observe ended for want of disk"] += len(observe.ends) - ends
    if observe.running:
        observe.limit(resource.RLIMIT_FSIZE, resource.RLIM_INFINITY)
    trial.fired["said what is full"] += sum(_IS_FULL in line for line in observe.lines()[said:])


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
    ends, starts, said = len(process.ends), process.starts, process.lines()
    await until(lambda: process.starts != starts, within_s=_WATCHED_S)
    told = [line for line in process.lines()[len(said) :] if "worker ends itself" in line and "it is behind" in line]
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


async def no_memory(trial: Trial) -> None:
    """Let a worker get no more memory than it has, until it asks for more and gets none; then let it have it."""
    crew = trial.installation.crew
    for stage in ("match", "ledger", "sink"):
        # What a worker has at hand goes by chance: one that had room for all of it is asked once more, anew.
        for _ in range(_STARVED_TRIES):
            starved = await _starved(trial, trial.draw.choice(crew.of(stage)))
            trial.fired[f"{stage} ran out of memory"] += starved
            if starved:
                break
    # What nobody had the memory for comes through now, and what is made now as well.
    await trial.work.make(24)


async def _starved(trial: Trial, process: Process) -> int:
    """Keep a worker from getting more memory, and make work that needs some; return how often it went without."""
    # One that was there for long has room left by what it needed once.
    await process.restart_with({})
    await asyncio.sleep(_STARTED_S)
    ends, said = len(process.ends), len(process.lines())
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
        errors = sum(bool(re.search(_OUT_OF_MEMORY, line)) for line in process.lines()[said:])
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
        ends, said = len(first.ends), {one.name: len(one.lines()) for one in (first, second)}
        second.start()
        await asyncio.sleep(15)
        codes = [*first.ends[ends:], *second.ends]
        why = [line for one in (first, second) for line in one.lines()[said[one.name] :] if SLOT_TAKEN in line]
        # The last word of one that is just ending may come before its end.
        trial.fired[f"{stage} gave way: its slot is taken"] += min(len(why), codes.count(1))
        if set(codes) - {1}:
            trial.findings.append(f"of two {stage}-0 one ended with {codes}: for another reason than its slot")
        if not (first.running or second.running):
            trial.findings.append(f"of two {stage}-0 none is left")
        await second.leave()


_NO_DISK = (r"disk I/O error|File too large|database or disk is full|OperationalError|EFBIG|Errno 27",)
_OUT_OF_MEMORY = r"MemoryError|Cannot allocate memory|can't start new thread"
# An answer that nobody had the memory to read is taken for a broker that is away.
_NO_MEMORY = (_OUT_OF_MEMORY, r"lane opens again.*(no Kafka answers|KafkaConnectionError)")

SCENARIOS = (
    Scenario(
        name="disk full under observe",
        faults=("F24",),
        script=disk_full,
        expects=("observe ended for want of disk", "said what is full"),
        documents=120,
        explains=_NO_DISK,
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
        name="started twice with one slot",
        faults=("F33",),
        script=started_twice,
        expects=("sink gave way: its slot is taken", "ledger gave way: its slot is taken"),
        over_s=25,
    ),
)
