"""Named points around the promises, where a test can end or stop this process: off unless the environment names one.

`ML_CONNECTOR_CRASHPOINT=<name>[:<nth>][:stop]` kills the process (SIGKILL) when it passes that point the nth time, or
stops it (SIGSTOP). Before that it writes a line to the file that `ML_CONNECTOR_CRASHPOINT_LOG` names: a test must be
able to prove that its fault fired. It must never do anything else, nor cost anything when it is off.
"""

import os
import signal
from collections.abc import Mapping
from pathlib import Path

VARIABLE = "ML_CONNECTOR_CRASHPOINT"
LOG_VARIABLE = "ML_CONNECTOR_CRASHPOINT_LOG"

# What stands in the log, and where, when a process ends there.
CRASHPOINTS = (
    "receive.before_answer",  # the hint is in the log, Zuora does not know it
    "poll.before_cursor",  # a window's records are in the log, the cursor is not moved
    "stage.before_write",  # a run is decided, nothing of it is written
    "stage.between_writes",  # one output of a run is in the log, others may not be
    "stage.before_acknowledged",  # all outputs are in the log, the run comes again
    "sink.before_intended",  # a posting's turn, nothing of it is written
    "sink.after_intended",  # the intent is in the log, no call was made
    "sink.before_call",  # the slot is taken, not a byte was sent
    "sink.after_call",  # QAD has answered, the log does not know it
    "sink.after_posted",  # the answer is in the log
    "sink.before_acknowledged",  # all postings of a run have ended, the run comes again
    "observe.before_commit",  # records are read, the read model does not hold them
)


class _Armed:
    """The point that the environment names."""

    def __init__(self, name: str, *, nth: int, signal_number: int, log: str) -> None:
        self._name = name
        self._left = nth
        self._signal_number = signal_number
        self._log = log

    def passed(self, name: str) -> None:
        if name != self._name:
            return
        self._left -= 1
        if self._left == 0:
            if self._log:
                with Path(self._log).open("a", encoding="utf-8") as log:
                    log.write(f"crashpoint {name}\n")
                    log.flush()
                    os.fsync(log.fileno())
            os.kill(os.getpid(), self._signal_number)


def _armed_by(environment: Mapping[str, str]) -> _Armed | None:
    text = environment.get(VARIABLE, "")
    if not text:
        return None
    name, *more = text.split(":")
    stops = more[-1:] == ["stop"]
    counts = more[:-1] if stops else more
    if name not in CRASHPOINTS or len(counts) > 1 or not all(count.isdecimal() and int(count) for count in counts):
        raise SystemExit(f"{VARIABLE}={text}: write <name>[:<nth>][:stop] with one of {', '.join(CRASHPOINTS)}")
    return _Armed(
        name,
        nth=int(counts[0]) if counts else 1,
        signal_number=signal.SIGSTOP if stops else signal.SIGKILL,
        log=environment.get(LOG_VARIABLE, ""),
    )


_armed = _armed_by(os.environ)


def crashpoint(name: str) -> None:
    """Pass a point; this process ends or stops there if the environment says so."""
    if _armed is not None:
        _armed.passed(name)
