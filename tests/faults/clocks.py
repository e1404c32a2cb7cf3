"""Zuora's clocks set wrong: ahead, behind, back, over a year's end, and in an hour that comes twice."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import pairwise

from tests.faults.judge import lost_in, unequal
from tests.faults.scenario import Scenario, Trial, until

_BEHIND, _BACK = "7 minutes behind", "an hour back in the middle"
_YEARS_END, _HOUR_TWICE = "over a year's end", "in an hour that comes twice"
CLOCKS = {
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


async def wrong_clocks(trial: Trial) -> None:
    """Set Zuora's clocks wrong, one tenant's in each way, and let two of them cross what calendars trip over."""
    clocks = dict(zip(CLOCKS, trial.installation.places, strict=True))
    zones = {what: place.zuora.tenant.zone.zone for what, place in clocks.items()}
    known = {what: set(place.zuora.tenant.invoices.latest) for what, place in clocks.items()}
    (poll,) = trial.installation.crew.of("poll")
    # Polls find what a clock that is behind has stamped where they reach back further than it is.
    jumps = {clocks[what].name: -int(CLOCKS[what].total_seconds()) for what in (_BEHIND, _BACK)}
    trial.installation.configure({name: jump + _FURTHER_S for name, jump in jumps.items()})
    await poll.restart_with({})
    for what, place in clocks.items():
        now = await place.scene.zuora.now()
        if what == _YEARS_END:
            new_year = datetime(now.astimezone(zones[what]).year + 1, 1, 1, tzinfo=zones[what])
            await place.scene.zuora.set_clock(new_year - _BEFORE)
        elif what == _HOUR_TWICE:
            await place.scene.zuora.set_clock(next_hour_twice(now, zones[what]) - _BEFORE)
        elif what != _BACK:
            # From the machine's: in a soak one that is ahead stays so until the next time.
            await place.scene.zuora.set_clock(datetime.now(UTC) + CLOCKS[what])
    await trial.work.make(24)
    await asyncio.sleep(15 * trial.rounds)
    back = clocks[_BACK].scene.zuora
    await back.set_clock(await back.now() + CLOCKS[_BACK])
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
        trial.fired[what] += bears_out(what, stamps, zones[what])
    # The others stay ahead: no poll looks for what is stamped before it has been.
    for what in (_BEHIND, _BACK):
        await clocks[what].scene.zuora.set_clock(None)
    trial.installation.configure({})
    await poll.restart_with({})


def bears_out(what: str, stamps: Sequence[datetime], zone: tzinfo) -> int:
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
    by = CLOCKS[what]
    return sum(abs(stamp - machine - by) < timedelta(minutes=4) for stamp in stamps)


def next_hour_twice(now: datetime, zone: tzinfo) -> datetime:
    """Return the next moment at which a zone's clocks are set back; its hours begin as UTC's do."""
    hour = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    while True:
        before, after = ((hour + by).astimezone(zone).utcoffset() for by in (-timedelta(minutes=1), timedelta()))
        if before is not None and after is not None and after < before:
            return hour
        hour += timedelta(hours=1)


SCENARIOS = (
    Scenario(
        name="Zuora's clocks ahead, behind, back, over a year's end and an hour that comes twice",
        faults=("F25",),
        script=wrong_clocks,
        expects=tuple(CLOCKS),
        # A version that a wrong clock stamps is older than one from before: versions go by Zuora's stamps.
        undoes=False,
    ),
)
