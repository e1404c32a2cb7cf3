"""Runs histories: so many, of one seed; a seed gives the same histories everywhere, and so the same failure."""

import time
from dataclasses import dataclass, field

from hypothesis import HealthCheck, Phase, settings
from hypothesis import seed as seeded
from hypothesis.stateful import run_state_machine_as_test

from tests.simulation.counting import Tally
from tests.simulation.machine import Simulation

# Each seed runs in a process of its own, side by side: 2,000 histories in all.
SEEDS = (1, 2)
HISTORIES = 1000
STEPS = 30
# Of processor time: 2,000 histories are to take 3 minutes at most (issue 4).
BUDGET_S = 180.0 / 2000


@dataclass
class Report:
    """What came of it.

    Attributes:
        seed: Of all histories.
        histories: How many were asked for.
        seconds: Processor time.
        budget_s: How much of it so many histories may take.
        tally: How often each fault fired.
        failure: The shortest history that was found to fail, in words; "" for none.
    """

    seed: int
    histories: int
    seconds: float = 0.0
    budget_s: float = 0.0
    tally: dict[str, int] = field(default_factory=dict)
    failure: str = ""


def simulate(seed: int, histories: int) -> Report:
    """Run histories; never raises for what they find."""
    report = Report(seed, histories, budget_s=histories * BUDGET_S)
    begun = time.process_time()
    asked = settings(
        max_examples=histories,
        stateful_step_count=STEPS,
        database=None,
        deadline=None,
        print_blob=True,
        report_multiple_bugs=False,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    Simulation.tally = Tally()
    try:
        run_state_machine_as_test(seeded(seed)(type("Seeded", (Simulation,), {})), settings=asked)
    except AssertionError as error:
        report.failure = "\n".join([str(error), *getattr(error, "__notes__", ())])
        report.failure += f"\nAgain: python -m tests.simulation --seed {seed} --histories {histories}"
    report.seconds = time.process_time() - begun
    report.tally = dict(sorted(Simulation.tally.items()))
    return report
