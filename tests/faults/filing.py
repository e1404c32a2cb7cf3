"""Faults of a connection whose documents go into files: killed beside a file, no room, a directory held, refused.

The site's import goes on meanwhile: it takes what has its name, and never half a file.
"""

import asyncio
import fcntl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial

from adapters.clock import boot_time_s
from adapters.files.port import FileErp
from adapters.files.profile import load_file_profile
from sandbox.world.chart import OUR_DAYBOOKS
from schemas.errors import NotSent, Rejected
from streams.ports import Command
from streams.sink.state import CONFLICT
from tests.faults.filed import FilePlace
from tests.faults.lanes import lanes_of
from tests.faults.processes import Process
from tests.faults.scenario import Scenario, Trial, until
from tests.faults.work import DAY

_CRASHPOINTS = ("sink.before_call", "sink.after_call")
_FIRE_WITHIN_S = 60.0
_IMPORT_S = 0.2
# Longer than a file's intent may age, and than the directory is waited for.
_HELD_S = 9.0
_AWAY_S = 6.0
_RIVALS = 60
_LOOKS = 30


@asynccontextmanager
async def importing(place: FilePlace, trial: Trial) -> AsyncIterator[None]:
    """Let the site's import take files while the body runs."""

    async def take() -> None:
        while True:
            trial.fired["taken by the import"] += place.take()
            await asyncio.sleep(_IMPORT_S)

    task = asyncio.create_task(take())
    try:
        yield
    finally:
        task.cancel()


async def killed_beside_a_file(trial: Trial) -> None:
    """Kill whoever writes files, before, at and behind the writing of one; then at random among many."""
    filed = trial.installation.filed
    async with importing(filed, trial):
        for _ in range(trial.rounds):
            for crashpoint in _CRASHPOINTS:
                await _killed_at(trial, crashpoint)
            for _ in range(2):
                await trial.filing.make(12)
                if not await until(lambda: any(filed.path.glob(".*.part")), within_s=_FIRE_WITHIN_S, look_s=0.001):
                    trial.findings.append("nobody was seen to write a file")
                for sink in trial.installation.crew.of("sink"):
                    trial.fired["SIGKILL while a file was written"] += sink.kill()
                await asyncio.sleep(2)


async def _killed_at(trial: Trial, crashpoint: str, *, before_it_is_back: Callable[[], None] = lambda: None) -> None:
    """Kill whoever writes files at a crash point, and do something before anybody can look at what it left."""
    sinks = trial.installation.crew.of("sink")
    before = {sink.name: len(sink.crashpoints_fired()) for sink in sinks}
    # All of them: which one gets the lane is not known before.
    await asyncio.gather(*(sink.arm(crashpoint) for sink in sinks))
    await until(lambda: _writer(trial) is not None, within_s=_FIRE_WITHIN_S)
    await trial.filing.make(4)
    if await until(
        lambda: any(len(sink.crashpoints_fired()) > before[sink.name] for sink in sinks),
        within_s=_FIRE_WITHIN_S,
        look_s=0.05,
    ):
        trial.fired[crashpoint] += 1
        before_it_is_back()
    # The other goes on without its crash point.
    for sink in sinks:
        if len(sink.crashpoints_fired()) == before[sink.name]:
            await sink.restart_with({})


def _writer(trial: Trial) -> Process | None:
    """Return the sink that has the lane of the files."""
    lane = trial.installation.partitions[trial.installation.filed.name]
    return next((one for one in trial.installation.crew.of("sink") if one.running and lane in lanes_of(one)), None)


async def no_room(trial: Trial) -> None:
    """Let the disk be full where vouchers are noted, then the directory be away: nothing is half there, all goes on."""
    filed = trial.installation.filed
    for _ in range(trial.rounds):
        full = [filed.path / f".last.{DAY.year}-{book}.part" for book in _books(trial)]
        for path in full:
            # The kernel says there what it says of a full disk.
            path.unlink(missing_ok=True)
            path.symlink_to("/dev/full")
        await _stands(trial, "disk full", "the disk is full")
        for path in full:
            path.unlink(missing_ok=True)
        made = set(trial.filing.made[filed.name].numbers)
        if not await until(partial(_is_written, filed, made), within_s=_FIRE_WITHIN_S):
            trial.findings.append("there was room again, and not all was written")
        away = filed.path.with_name("away")
        filed.path.rename(away)
        await _stands(trial, "directory away", "mount or make it")
        away.rename(filed.path)
        await asyncio.sleep(2)


def _is_written(filed: FilePlace, numbers: set[str]) -> bool:
    return numbers <= filed.numbers()


def _books(trial: Trial) -> list[str]:
    [shared] = trial.installation.filed.world.qad().shared_sets
    return [one.daybook_code for one in shared.daybooks]


async def _stands(trial: Trial, what: str, says: str) -> None:
    """Make work that cannot be written now; hold that it is said, and that no file is there."""
    filed, sinks = trial.installation.filed, trial.installation.crew.of("sink")
    before = sum(says in line for sink in sinks for line in sink.lines())
    made = len(trial.filing.made[filed.name].numbers)
    await trial.filing.make(8)
    told = await until(
        lambda: sum(says in line for sink in sinks for line in sink.lines()) > before, within_s=_FIRE_WITHIN_S
    )
    await asyncio.sleep(_AWAY_S)
    trial.fired[what] += told
    if filed.path.exists():
        written = filed.numbers() & set(trial.filing.made[filed.name].numbers[made:])
        if written:
            trial.findings.append(f"{what}: {sorted(written)} were written all the same")


async def two_writers(trial: Trial) -> None:
    """Let somebody else hold the directory; then let two write side by side: each voucher is allotted once."""
    installation = trial.installation
    filed = installation.filed
    for _ in range(trial.rounds):
        made = len(trial.filing.made[filed.name].numbers)
        with (filed.path / ".lock").open("rb+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            await trial.filing.make(8)
            await asyncio.sleep(_HELD_S)
            held = set(trial.filing.made[filed.name].numbers[made:])
            trial.fired["held back while another held it"] += len(held - filed.numbers())
            if held & filed.numbers():
                trial.findings.append(f"{sorted(held & filed.numbers())} were written while another held the directory")
        rival = FileErp(filed.path, load_file_profile(installation.directory / f"profile-{filed.name}.toml"))
        ours, _ = await asyncio.gather(_rival(trial, rival), trial.filing.make(24))
        trial.fired["written by another meanwhile"] += ours
        filed.clear_of_strangers()


async def _rival(trial: Trial, erp: FileErp) -> int:
    """Write invoices of nobody's into the same daybook, each by two calls at once; return how many stand there."""
    filed, written = trial.installation.filed, 0
    for _ in range(_RIVALS):
        command = filed.strangers.invoice("119.00", posting_date=DAY, daybook=OUR_DAYBOOKS["invoice"])
        filed.strange.add(command.reference)
        answers = await asyncio.gather(*(_posted(erp, command) for _ in range(2)))
        if answers.count(True) != 1:
            trial.findings.append(f"of two calls for one reference {answers.count(True)} made a file")
        written += answers.count(True)
    return written


async def _posted(erp: FileErp, command: Command) -> bool:
    """Post, again while the directory is held; return whether this call made the file."""
    while True:
        try:
            await erp.post(command, not_after=boot_time_s() + 5)
        except NotSent:
            continue
        except Rejected:
            return False
        return True


async def refused_by_the_site(trial: Trial) -> None:
    """Let the import refuse files whose fate is in doubt: they park and are never written anew; mended, they go on."""
    installation = trial.installation
    filed, product = installation.filed, installation.product
    for _ in range(trial.rounds):
        # What was written before is the site's by now: what it refuses is what it has just got.
        filed.take()
        await _killed_at(trial, "sink.after_call", before_it_is_back=lambda: _refuse_all(trial))
        refused = {path.name.split(".")[1] for path in (filed.path / "refused").glob("*.csv")}
        if not await _come_to_be_parked(trial, refused, parked=True):
            trial.findings.append(f"{sorted(refused)} were refused while in doubt, and nothing is parked")
        trial.fired["parked"] += len(await _parked(trial) & refused)
        named = [one for one in await product.ask("ping") if one["subject"] == filed.name and not one["ok"]]
        trial.fired["named by ping"] += sum("refused" in one["what"] for one in named)
        trial.fired["mended"] += filed.mend()
        words = ("parked", "release", "--rule", CONFLICT, "-c", filed.name, "--why", "mended", "--yes")
        await product.command(*words)
        if not await _come_to_be_parked(trial, refused, parked=False):
            trial.findings.append("what was mended and released is still parked")


def _refuse_all(trial: Trial) -> None:
    filed = trial.installation.filed
    for path in filed.waiting():
        filed.refuse(path, "the customer is closed for audit")
        trial.fired["refused"] += 1


async def _parked(trial: Trial) -> set[str]:
    """Return the numbers that are parked of the connection."""
    listed = await trial.installation.product.ask("parked", "list", "-c", trial.installation.filed.name)
    return {one["row"]["number"] for one in listed["standing_still"]}


async def _come_to_be_parked(trial: Trial, numbers: set[str], *, parked: bool) -> bool:
    """Wait until some of these are parked, or none of them; return whether it came to that."""
    for _ in range(_LOOKS):
        if bool(await _parked(trial) & numbers) is parked:
            return True
        await asyncio.sleep(1)
    return False


SCENARIOS = (
    Scenario(
        name="files: killed before, at and behind the writing",
        faults=("F1",),
        script=killed_beside_a_file,
        expects=(*_CRASHPOINTS, "SIGKILL while a file was written", "taken by the import"),
        # The script makes its own, where nobody else posts meanwhile.
        documents=0,
        over_s=0,
        alone=True,
        bursts=1,
        rounds=3,
    ),
    Scenario(
        name="files: no room on the disk, the directory away",
        faults=("F24",),
        script=no_room,
        expects=("disk full", "directory away"),
        # The script makes its own, where nobody else posts meanwhile.
        documents=0,
        over_s=0,
        alone=True,
        bursts=1,
    ),
    Scenario(
        name="files: another writes into the same directory",
        faults=("F33",),
        script=two_writers,
        expects=("held back while another held it", "written by another meanwhile"),
        # The script makes its own, where nobody else posts meanwhile.
        documents=0,
        over_s=0,
        alone=True,
        bursts=1,
    ),
    Scenario(
        name="files: refused by the site while in doubt, mended, released",
        faults=("F11", "F12"),
        script=refused_by_the_site,
        expects=("sink.after_call", "refused", "parked", "named by ping", "mended"),
        # The script makes its own, where nobody else posts meanwhile.
        documents=0,
        over_s=0,
        alone=True,
        bursts=1,
    ),
)
