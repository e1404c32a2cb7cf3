"""What a proxy does to what passes: settings only, nothing happens here."""

from dataclasses import dataclass
from random import Random
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Weather:
    """What every connection suffers, in both directions, from now on.

    Attributes:
        latency_ms: How much later each piece arrives; order is kept.
        jitter_ms: Up to so much more, drawn anew for each piece.
        slice_bytes: Pieces of at most so many bytes; 0 leaves them whole.
        bandwidth_bytes_s: At most so much a second and direction; 0 is no limit.
        black_hole: Nothing arrives and nobody is told; what was sent meanwhile arrives later, as TCP sends again.
        refuse: New connections are reset at once.
    """

    latency_ms: float = 0.0
    jitter_ms: float = 0.0
    slice_bytes: int = 0
    bandwidth_bytes_s: int = 0
    black_hole: bool = False
    refuse: bool = False


@dataclass(frozen=True, kw_only=True)
class LostReply:
    """Which replies are lost once the other side has answered: it has done what it was asked, the caller hears nothing.

    Attributes:
        nth: Every nth reply; 0 for none.
        share: And of the others so many, from 0 to 1.
        count: So many at most; None for any number.
        begins: Only replies to requests that begin with this, e.g. "POST /api/".
        how: The connection is reset or closed, or stays open and silent.
    """

    nth: int = 0
    share: float = 0.0
    count: int | None = None
    begins: str = ""
    how: Literal["reset", "close", "silence"] = "reset"


class Draw:
    """Decides which replies are lost; the same seed decides the same again."""

    def __init__(self, lost: LostReply, seed: int) -> None:
        self.lost = lost
        self._random = Random(seed)  # noqa: S311 - it must repeat, and protects nothing
        self._met = 0
        self._fired = 0

    def loses(self, request: bytes) -> bool:
        """Return whether the reply to a request that begins so is lost."""
        lost = self.lost
        if not (lost.nth or lost.share) or (lost.count is not None and self._fired >= lost.count):
            return False
        if not request.startswith(lost.begins.encode()):
            return False
        self._met += 1
        # Drawn for each, so that the draws do not depend on what fired.
        by_chance = self._random.random() < lost.share
        if not by_chance and not (lost.nth and self._met % lost.nth == 0):
            return False
        self._fired += 1
        return True
