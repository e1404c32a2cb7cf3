"""When the next call may go: decisions alone, told the time, so that nothing here waits and nothing is timed.

A tenant's budget is a promise to everything else that asks there, so it holds in any sixty seconds, whatever happens.
Zuora's own count, told in its headers, slows further down: before the tenant's limit is reached, not after. What
others will use up of what is left, if they go on as they did, is theirs; the rest is spread until Zuora counts anew,
and of its last tenth a backfill takes nothing.
"""

from collections import deque
from collections.abc import Callable, Mapping
from enum import IntEnum

import msgspec

from adapters.pauses import jittered
from adapters.zuora.asking.headers import whole_of

# Sent a little slower than promised: calls are held up on their way by a second or so, and arrive closer together.
_USED = 0.975
# What a late timer may make good: calls of so many seconds go at once.
_CREDIT_S = 0.25
# Of the tenant's own limit, this much is left to others when it is scarce; and by a backfill also to live reads.
_LEFT_BY_LIVE, _LEFT_BY_BACKFILL = 0.05, 0.10
# Zuora counts its calls in flight once a second: what it told is good for two.
_IN_FLIGHT_TOLD_S = 2.0
# So long before a call was sent its answer's count may have been made.
_IN_FLIGHT_COUNTED_S = 1.0
# No call takes longer than this: what was in flight before is of no count.
_CALL_MAX_S = 130
# Of the calls in flight that a tenant may have, a tenth is left to others.
_IN_FLIGHT_LEFT = 0.10

# The longest window of Zuora is a day: what counts anew later tells of none.
_WINDOW_MAX_S = 86_400

# No wait is longer: whoever waits comes again and sees what Zuora says then.
PAUSE_MAX_S = 60.0
# Zuora's own advice: five tries with full jitter up to a minute.
TRIES_MAX = 5
_RETRY_S = 1.0

# The token call is limited to 100 a minute and address, for all tenants of it: so much of that is one process's.
_TOKENS_PER_MINUTE = 20
# Where Zuora has fewer left for the address, we ask for none until it counts anew.
_TOKENS_LEFT = 5


class Priority(IntEnum):
    """Who goes first."""

    LIVE = 0
    BACKFILL = 1


class Counted(msgspec.Struct, frozen=True):
    """What Zuora tells of the window that is nearest to its end.

    Attributes:
        limit: Calls in it, for the whole tenant.
        remaining: How many are left.
        reset_s: Seconds until it counts anew.
    """

    limit: int
    remaining: int
    reset_s: int


def counted(headers: Mapping[str, str]) -> Counted | None:
    """Return what the RateLimit headers tell, or None where they do not."""
    limit = whole_of(headers.get("RateLimit-Limit", "").partition(",")[0].partition(";")[0].strip())
    remaining, reset_s = whole_of(headers.get("RateLimit-Remaining")), whole_of(headers.get("RateLimit-Reset"))
    if not limit or remaining is None or reset_s is None or reset_s > _WINDOW_MAX_S:
        return None
    return Counted(limit, remaining, reset_s)


def retry_pause_s(tries: int, asked_s: float | None, draw: Callable[[float, float], float]) -> float:
    """Return how long to wait before another try: full jitter, and no less than was asked for, within reason.

    Args:
        tries: Tries that failed.
        asked_s: What Retry-After says.
        draw: Returns a number between two.
    """
    # Asking for hours must not hang a task: the caller comes again.
    return max(min(asked_s or 0.0, 2 * PAUSE_MAX_S), jittered(tries, base_s=_RETRY_S, max_s=PAUSE_MAX_S, draw=draw))


class _Others:
    """How fast everything else uses up what a tenant has left: what is gone and was not sent by us."""

    def __init__(self) -> None:
        self._first: Counted | None = None
        self._first_at_s = 0.0
        self._ours = self._last = 0
        self.per_s = 0.0

    def hear(self, told: Counted, now_s: float, *, sent: int, answered: int) -> None:
        """Take up what was told, after so many calls of ours.

        A slow answer tells of a time that is long gone. Only the calls that were answered before it was asked for are
        certainly in its count: all others may be gone since, and are ours.
        """
        first = self._first
        begun_anew = first is None or told.limit != first.limit or told.remaining > self._last + sent - answered
        if first is None or begun_anew or now_s >= self._first_at_s + first.reset_s:
            self._first, self._first_at_s, self.per_s, self._ours = told, now_s, 0.0, answered
        elif now_s > self._first_at_s:
            gone = first.remaining - told.remaining - (sent - self._ours)
            self.per_s = max(0.0, gone / (now_s - self._first_at_s))
        self._last = told.remaining


class Pace:
    """How fast one process asks one tenant."""

    def __init__(self, per_minute: int | None, *, of_tenant: int | None = None) -> None:
        """Begin with a promise.

        Args:
            per_minute: Calls in any sixty seconds; None for as many as Zuora lets through.
            of_tenant: What all processes together may send; this one's part is its share of what is left.
        """
        self.per_minute = per_minute
        self._interval_s = 60.0 / (per_minute * _USED) if per_minute else 0.0
        self._share = per_minute / (of_tenant or per_minute) if per_minute else 1.0
        self._next_s = float("-inf")
        self._closed_until_s = float("-inf")
        self._told: Counted | None = None
        self._told_at_s = 0.0
        self._sent_since_told = 0
        self.calls = 0
        self._others = _Others()

    def hear(self, told: Counted | None, now_s: float, *, on_the_way: int = 0, answered: int | None = None) -> None:
        """Take up what an answer tells of the tenant's own count.

        Args:
            told: What it tells.
            now_s: The time.
            on_the_way: Calls that may not be in it.
            answered: Calls that had been answered when this one was sent; None for all but those on their way.
        """
        if told is not None:
            self._told, self._told_at_s, self._sent_since_told = told, now_s, on_the_way
            certain = self.calls - on_the_way if answered is None else answered
            self._others.hear(told, now_s, sent=self.calls, answered=certain)

    def close(self, pause_s: float, now_s: float) -> None:
        """Send nothing for a while: Zuora turned a call away."""
        self._closed_until_s = max(self._closed_until_s, now_s + pause_s)

    def wait_s(self, priority: Priority, now_s: float) -> float:
        """Return the seconds until a call may go; 0 for now."""
        until_s = max(self._next_s, self._closed_until_s)
        told = self._scarce(now_s)
        if told is not None and self._spare(told, priority, now_s) < 1:
            # One call after a minute sees how things are, however long the window is.
            until_s = max(until_s, self._told_at_s + min(told.reset_s, PAUSE_MAX_S))
        return max(0.0, until_s - now_s)

    def sent(self, priority: Priority, now_s: float) -> None:
        """Take up that a call goes."""
        interval_s, told = self._interval_s, self._scarce(now_s)
        if told is not None:
            left_s = self._told_at_s + told.reset_s - now_s
            spread_s = left_s / max(self._spare(told, priority, now_s) * self._share, 1.0)
            interval_s = max(interval_s, min(spread_s, PAUSE_MAX_S))
            if self._spare(told, priority, now_s) < 1:
                self._told_at_s, self._told = now_s, msgspec.structs.replace(told, reset_s=int(left_s) + 1)
        self._next_s = max(self._next_s, now_s - _CREDIT_S) + interval_s
        self._sent_since_told += 1
        self.calls += 1

    def remaining(self, now_s: float) -> int | None:
        """Return how many calls Zuora has left for the tenant, None where it has not told or counts anew."""
        if self._told is None or now_s >= self._told_at_s + self._told.reset_s:
            return None
        return max(0, self._told.remaining - self._sent_since_told)

    def _scarce(self, now_s: float) -> Counted | None:
        """Return what was told, if what is left is not enough to go on like this until Zuora counts anew."""
        remaining = self.remaining(now_s)
        if self._told is None or remaining is None:
            return None
        left_s = self._told_at_s + self._told.reset_s - now_s
        remaining -= self._taken_by_others(left_s)
        if self._interval_s and remaining >= left_s / self._interval_s / self._share:
            return None
        if not self._interval_s and remaining > self._told.limit * _LEFT_BY_BACKFILL:
            return None
        return self._told

    def _spare(self, told: Counted, priority: Priority, now_s: float) -> int:
        kept = _LEFT_BY_LIVE if priority is Priority.LIVE else _LEFT_BY_BACKFILL
        taken = self._taken_by_others(self._told_at_s + told.reset_s - now_s)
        return told.remaining - self._sent_since_told - int(told.limit * kept) - taken

    def _taken_by_others(self, left_s: float) -> int:
        # What our other processes may send is theirs by their share, and no part of this.
        ours = (1 / self._share - 1) / self._interval_s if self._interval_s else 0.0
        return int(max(0.0, self._others.per_s - ours) * left_s)


class Places:
    """How many calls one process may have in flight with one tenant, of one of the kinds that Zuora counts apart."""

    def __init__(self, most: int) -> None:
        """Begin with a promise."""
        self.most = most
        self.in_flight = 0
        self._now = most
        self._until_s = float("-inf")
        # The fewest that were in flight in a second, of the last seconds in which that changed.
        self._fewest = deque[tuple[int, int]](maxlen=_CALL_MAX_S)

    def take(self, now_s: float) -> None:
        """Take up that a call goes."""
        self._note(now_s)
        self.in_flight += 1

    def leave(self, now_s: float) -> None:
        """Take up that one has come back."""
        self._note(now_s)
        self.in_flight -= 1
        self._note(now_s)

    def hear(self, *, limit: int | None, remaining: int | None, now_s: float, sent_s: float) -> None:
        """Take up what an answer tells: where others leave little room, we leave some of it to them.

        Zuora counted at a moment between a second before the call was sent and now: only as many of ours as were in
        flight all that time are certainly in its count.
        """
        if limit is not None and remaining is not None:
            counted_since = int(sent_s - _IN_FLIGHT_COUNTED_S)
            ours = min([self.in_flight, *(fewest for second, fewest in self._fewest if second >= counted_since)])
            room = ours + remaining - max(1, int(limit * _IN_FLIGHT_LEFT))
            self._now, self._until_s = max(1, min(self.most, room)), now_s + _IN_FLIGHT_TOLD_S

    def _note(self, now_s: float) -> None:
        second = int(now_s)
        if self._fewest and self._fewest[-1][0] == second:
            self._fewest[-1] = second, min(self._fewest[-1][1], self.in_flight)
        else:
            self._fewest.append((second, self.in_flight))

    def refused(self, now_s: float) -> None:
        """Take up that there was no room: half as many go for a while."""
        self._now, self._until_s = max(1, self.in_flight // 2), now_s + _IN_FLIGHT_TOLD_S

    def told_for_s(self, now_s: float) -> float:
        """Return for how many more seconds it is fewer than were promised, 0 where it is not."""
        return max(0.0, self._until_s - now_s) if self._now < self.most else 0.0

    def free(self, priority: Priority, now_s: float) -> bool:
        """Return whether one more may go; a backfill leaves one place to live reads."""
        allowed = self._now if now_s < self._until_s else self.most
        if priority is Priority.BACKFILL:
            allowed = max(1, allowed - 1)
        return self.in_flight < allowed


class TokenPace:
    """How often one process asks an address for tokens: never so often that Zuora would close it for all."""

    def __init__(self) -> None:
        """Begin with none asked for."""
        self._at_s = deque[float](maxlen=_TOKENS_PER_MINUTE)
        self._closed_until_s = float("-inf")

    def wait_s(self, now_s: float) -> float:
        """Return the seconds until a token may be asked for."""
        until_s = self._at_s[0] + 60.0 if len(self._at_s) == _TOKENS_PER_MINUTE else self._closed_until_s
        return max(0.0, until_s - now_s, self._closed_until_s - now_s)

    def hear(self, remaining: int | None, now_s: float) -> None:
        """Take up how many token calls Zuora has left for the address, in its minute."""
        if remaining is not None and remaining < _TOKENS_LEFT:
            self._closed_until_s = now_s + 60.0

    def sent(self, now_s: float) -> None:
        """Take up that one is asked for."""
        self._at_s.append(now_s)
