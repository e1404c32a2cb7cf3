"""The one window that cannot be closed from here: a process is stopped between its last look at the clock and bytes.

Where QAD closes idle connections before the settle time has passed, what is sent on waking meets a closed socket. Where
it keeps them longer, such a document is in QAD twice: that is what is shown.
"""

import asyncio
import signal
import statistics
from dataclasses import replace

from adapters.crashpoints import LOG_VARIABLE
from tests.faults.injected.window import POINT, STOP_AT, TIMES
from tests.faults.killing import until_fired
from tests.faults.scenario import Scenario, Trial
from tests.faults.zombies import ZOMBIE_S

# Longer than the session and settle times together, as the stop has to be.
_STOPPED_S = ZOMBIE_S + 6.0
_STOPS = 3
# Longer than anything here takes: an idle connection is there when the process wakes.
OPEN_KEEPALIVE_S = 120.0


async def stopped_in_the_window(trial: Trial) -> None:
    """Time the window under load; then stop a sink inside it, and wake it when another has settled what it left."""
    sinks = trial.installation.crew.of("sink")
    times = trial.installation.logs / "window.times"
    for sink in sinks:
        await sink.restart_with({TIMES: str(times)})
    await trial.work.make(360, over_s=20)
    await asyncio.sleep(10)
    spans = sorted(float(line) for line in times.read_text().splitlines())
    cuts = statistics.quantiles(spans, n=100, method="inclusive")
    trial.figures["open for: calls, p50, p99"] = f"{len(spans)}, {1e6 * cuts[49]:.0f} us, {1e3 * cuts[98]:.2f} ms"
    for number in range(_STOPS):
        sink = sinks[number % len(sinks)]
        before = len(sink.crashpoints_fired())
        at = trial.draw.randint(1, 4)
        await sink.restart_with({TIMES: str(times), STOP_AT: str(at), LOG_VARIABLE: str(sink.fired)})
        if await until_fired(trial, sink, POINT, before):
            trial.fired["stopped and woken"] += 1
        await asyncio.sleep(_STOPPED_S)
        sink.signal(signal.SIGCONT)
        await asyncio.sleep(5)


CLOSED = Scenario(
    name="stopped between the last check and the first byte; QAD closes idle connections before the settle time",
    faults=("F2",),
    script=stopped_in_the_window,
    expects=(POINT, "stopped and woken"),
    documents=30,
    quick=False,
)
OPEN = replace(
    CLOSED,
    name="stopped between the last check and the first byte; QAD keeps idle connections longer",
    doubles=True,
)
