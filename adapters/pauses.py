"""How long to wait before another try."""

import random
from collections.abc import Callable

# 2 to the power of a week's tries is no number for a float.
_DOUBLINGS_MAX = 16


def jittered(
    tries: int, *, base_s: float, max_s: float, draw: Callable[[float, float], float] = random.uniform
) -> float:
    """Return a pause with full jitter, in seconds: never in step with others, never longer than the cap.

    Args:
        tries: Tries that failed; each doubles what the pause may be.
        base_s: What it may be before the first.
        max_s: The cap.
        draw: Returns a number between two.
    """
    return draw(0.0, min(max_s, base_s * 2.0 ** min(tries, _DOUBLINGS_MAX)))
