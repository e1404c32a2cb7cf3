"""When the next round of polling begins: after a pause, or by a cron expression in UTC."""

from datetime import UTC, datetime

from cronsim import CronSim, CronSimError

from adapters.zuora.poller import PollSettings
from schemas.errors import Misconfigured


def check_schedule(settings: PollSettings, where: str) -> None:
    """Hold that a schedule can be followed.

    Raises:
        Misconfigured: The cron expression is none.
    """
    if settings.cron:
        try:
            next(CronSim(settings.cron, datetime.now(UTC)))
        except (CronSimError, StopIteration):
            raise Misconfigured(f"{where}.poll.cron: {settings.cron!r} is no cron expression that ever comes") from None


def next_round_s(settings: PollSettings, now: datetime) -> float:
    """Return how long to wait for the next round, in seconds.

    Args:
        settings: The tenant's schedule.
        now: The moment, with its zone.
    """
    if settings.cron:
        moment = now.astimezone(UTC)
        return (next(CronSim(settings.cron, moment)) - moment).total_seconds()
    return float(settings.interval_s or 0)  # seconds, no money
