"""When what of a tenant is read: after a pause or by cron, each kind by its own schedule where it has one.

A schedule says when to ask, never what time it is in Zuora: windows go by Zuora's clock alone. A cron expression is
followed in a named zone, through the nights in which its clocks change: an hour that is left out runs when it would
have ended, an hour that comes twice runs once where the expression names it, and twice where it names every hour.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import msgspec
from cronsim import CronSim, CronSimError

# What failed is tried again this soon, however slow its schedule is.
_RETRY_S = 60.0


class Schedule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When something is read.

    Attributes:
        interval_s: Pause between two rounds; not with `cron`.
        cron: Cron expression of the rounds; not with `interval_s`.
        zone: Zone in which `cron` is followed.
    """

    interval_s: Annotated[int, msgspec.Meta(ge=1)] | None = None
    cron: str = ""
    zone: str = "UTC"


# What looks back follows this where nothing else is said: it can wait.
LOOK_BACK = Schedule(interval_s=300)


class PollSettings(Schedule, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When and how far a tenant is polled.

    Attributes:
        kinds: Schedules of kinds that do not follow the tenant's.
        overlap_s: How far each window reaches back behind the cursor.
        lag_s: How far each window stays behind Zuora's time.
        reread_rows: About how many rows of each kind a slice of the past holds that a re-read compares; none where 0.
        deletions_max: So many booked objects of the tenant are taken for deleted within a day, what is gone beside them
            counted as well; where there are more, none is.
        start: First moment to read from when there is no cursor yet, with its zone.
    """

    kinds: dict[str, Schedule] = msgspec.field(default_factory=dict)
    overlap_s: Annotated[int, msgspec.Meta(ge=0)] = 900
    lag_s: Annotated[int, msgspec.Meta(ge=0)] = 120
    reread_rows: Annotated[int, msgspec.Meta(ge=0)] = 990
    deletions_max: Annotated[int, msgspec.Meta(ge=0)] = 10
    start: Annotated[datetime, msgspec.Meta(tz=True)]


def schedule_problem(schedule: Schedule) -> str:
    """Return what is wrong with a schedule, with its key; "" where it can be followed."""
    if bool(schedule.interval_s) == bool(schedule.cron):
        return "interval_s: say either interval_s or cron"
    try:
        zone = ZoneInfo(schedule.zone)
    except (KeyError, ValueError, OSError):
        return f"zone: {schedule.zone!r} is no zone, as Europe/Berlin is one"
    if schedule.cron:
        try:
            next(CronSim(schedule.cron, datetime.now(zone)))
        except (CronSimError, StopIteration):
            return f"cron: {schedule.cron!r} is no cron expression that ever comes"
    return ""


def next_round_s(schedule: Schedule, now: datetime) -> float:
    """Return how long to wait for the next round, in seconds.

    Args:
        schedule: The schedule.
        now: The moment, with its zone.
    """
    if schedule.cron:
        # Subtracted in UTC: two moments of one zone differ by what its clocks show, not by what passes.
        following = next(CronSim(schedule.cron, now.astimezone(ZoneInfo(schedule.zone)))).astimezone(UTC)
        return (following - now.astimezone(UTC)).total_seconds()
    return float(schedule.interval_s or 0)  # seconds, no money


class Timetable:
    """What is due when; every moment but that of cron is one of a clock that nobody sets."""

    def __init__(self, settings: PollSettings, kinds: Iterable[str], *, usual: Schedule | None = None) -> None:
        """Have everything due at once.

        Args:
            settings: The tenant's schedules.
            kinds: What there is to read.
            usual: What a kind without a schedule of its own follows; without it, the tenant's.
        """
        self._schedules: dict[str, Schedule] = {kind: settings.kinds.get(kind, usual or settings) for kind in kinds}
        self._due_at_s: dict[str, float] = dict.fromkeys(self._schedules, float("-inf"))

    def due(self, at_s: float) -> frozenset[str]:
        """Return what is due.

        Args:
            at_s: The moment, by the loop's clock.
        """
        return frozenset(kind for kind, due_at_s in self._due_at_s.items() if due_at_s <= at_s)

    def pause_s(self, at_s: float) -> float:
        """Return how long nothing is due."""
        return max(0.0, min(self._due_at_s.values()) - at_s)

    def ran(self, kinds: Iterable[str], *, failed: frozenset[str], at_s: float, now: datetime) -> None:
        """Note that kinds were read, and which of them could not be.

        Args:
            kinds: What was tried.
            failed: What of it is to be tried again soon.
            at_s: The moment, by the loop's clock.
            now: The same, by the machine's.
        """
        for kind in kinds:
            pause_s = next_round_s(self._schedules[kind], now)
            self._due_at_s[kind] = at_s + (min(pause_s, _RETRY_S) if kind in failed else pause_s)
