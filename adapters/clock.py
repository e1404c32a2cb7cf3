"""The clock by which an intent ages: it runs on while the process, or the whole machine, is stopped."""

import time

_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def boot_time_s() -> float:
    """Return seconds since the machine started, sleep included."""
    return time.clock_gettime(_CLOCK)
