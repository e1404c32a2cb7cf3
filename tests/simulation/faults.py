"""How often each fault fired. A fault that never fires proves nothing, so a whole simulation must show each."""

from collections import Counter

from tests.simulation.cash import CASH_ACTS
from tests.simulation.deciding import DECIDED
from tests.simulation.disk import LOST_MARKS, SPOILT_CHECKPOINTS
from tests.simulation.house import STAGES
from tests.simulation.process import ERRORS, POINTS
from tests.simulation.qad import FATES
from tests.simulation.zuora import ACTS

# All that must fire at least once over a whole simulation.
FAULTS = (
    *(f"killed: {stage} at {point}" for stage, point in POINTS),
    *(f"broker: {error}" for error in ERRORS),
    *(f"call: {fate}" for fate in FATES),
    *(f"{what}: {stage}" for what in ("rebalance", "zombie", "replay") for stage in STAGES),
    *(f"QAD refuses: {what}" for what in ("period_closed", "customer", "gl_account", "nobody knows this")),
    "QAD is away",
    "QAD is away for an hour",
    "a look-up finds what was changed by hand",
    "QAD refuses the credentials",
    "a look-up says absent of what is committed later",
    "an intent is too old to be sent",
    "fenced",
    *(f"the end of outcomes is lost, the mark {what}" for what in LOST_MARKS),
    *(f"the checkpoint of {stage} {how}" for stage in STAGES for how in SPOILT_CHECKPOINTS),
    *(f"a checkpoint is {what}: {stage}" for what in ("taken up", "not used") for stage in STAGES),
    *ACTS,
    *CASH_ACTS,
    *DECIDED,
    *(f"QAD makes: {kind}" for kind in ("journal", "transfer", "refund", "refund_reversal", "bounce")),
    "a period is closed",
    "a version is read again",
    "kinds are read in another order",
    "an account is linked",
    "a mapping is published with none rows",
    "a mapping is published with other rows",
)


def never_fired(tally: Counter[str]) -> list[str]:
    """Return the faults that a simulation did not show."""
    return [fault for fault in FAULTS if not tally[fault]]
