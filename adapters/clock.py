"""The clock by which an intent ages: it runs on while the process, or the whole machine, is stopped."""

import time
from pathlib import Path

_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


# Linux alone says it; elsewhere no start of a machine can be told from another.
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def boot_id() -> str:
    """Return what names this start of the machine, or nothing where the system does not tell."""
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return ""


def boot_time_s() -> float:
    """Return seconds since the machine started, sleep included."""
    return time.clock_gettime(_CLOCK)
