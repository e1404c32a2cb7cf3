"""When the next round of polling begins: after a pause, or by a cron expression in UTC."""

from datetime import UTC, datetime

from cronsim import CronSim, CronSimError

from adapters.zuora.poller import PollSettings


def schedule_problem(settings: PollSettings) -> str:
    """Return what is wrong with a schedule, with its key; "" where it can be followed."""
    if bool(settings.interval_s) == bool(settings.cron):
        return "interval_s: say either interval_s or cron"
    if settings.cron:
        try:
            next(CronSim(settings.cron, datetime.now(UTC)))
        except (CronSimError, StopIteration):
            return f"cron: {settings.cron!r} is no cron expression that ever comes"
    return ""


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
