"""What comes round: whatever commits when, and with whichever stamp, is read after enough rounds."""

from bisect import bisect_left
from dataclasses import dataclass, field
from itertools import pairwise
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.zuora.finding.sweep import TRAILS_S, Slice, Sweep

FLOOR = 1_000_000
OVERLAP, LAG, ROUND = 900, 120, 300


@dataclass
class Known:
    """Stamps that were read, in order."""

    stamps: list[int] = field(default_factory=list)

    def count(self, since_s, until_s):
        return bisect_left(self.stamps, until_s) - bisect_left(self.stamps, since_s)

    def stamp_at(self, since_s, until_s, place):
        at = bisect_left(self.stamps, since_s) + place
        return self.stamps[at] if at < bisect_left(self.stamps, until_s) else None


@dataclass
class Poll:
    """A tenant's rows (stamp, moment of commit), and what polls and re-reads have read of them by now."""

    rows: list[tuple[int, int]]
    sweep: Sweep
    now: int = FLOOR
    cursor: int = FLOOR
    read: set[int] = field(default_factory=set)

    def known(self):
        return Known(sorted(self.rows[place][0] for place in self.read))

    def read_between(self, since, until):
        shown = {
            place for place, (stamp, commit) in enumerate(self.rows) if commit <= self.now and since <= stamp < until
        }
        fresh = shown - self.read
        self.read |= shown
        return bool(fresh)

    def round(self):
        self.now += ROUND
        self.read_between(max(FLOOR, self.cursor - OVERLAP), self.now - LAG)
        self.cursor = max(self.cursor, self.now - LAG)
        for one in self.sweep.due(FLOOR, self.cursor - OVERLAP, self.known()):
            self.sweep.proved(one, found=self.read_between(one.since_s, one.until_s))


rows = st.lists(
    st.tuples(st.integers(0, 100_000), st.one_of(st.just(0), st.integers(0, 3000), st.integers(0, 80_000))), max_size=60
).map(lambda drawn: [(FLOOR + stamp, FLOOR + stamp + late) for stamp, late in drawn])


@settings(max_examples=60, deadline=None)
@given(rows, st.integers(0, 2**32), st.integers(1, 20))
def test_whatever_commits_when_is_read_after_enough_rounds(rows, seed, rows_max):
    poll = Poll(rows, Sweep(rows_max=rows_max, random=Random(seed)))
    last = max((commit for _, commit in rows), default=FLOOR)
    while poll.now < last + OVERLAP:
        poll.round()
    turns, rounds = poll.sweep.turns, 0
    while poll.sweep.turns < turns + 2:
        poll.round()
        rounds += 1
        assert rounds < 2000, "a turn does not end"
    assert poll.read == set(range(len(rows)))


@settings(max_examples=60, deadline=None)
@given(rows)
def test_polls_alone_would_miss_what_commits_behind_the_overlap(rows):
    """The property above can fail."""
    poll = Poll(rows, Sweep(rows_max=10, random=Random(1)))
    poll.sweep.due = lambda *_: []
    while poll.now < FLOOR + 200_000:
        poll.round()
    late = {place for place, (stamp, commit) in enumerate(rows) if commit - stamp > OVERLAP + 2 * ROUND + LAG}
    assert not poll.read & late


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 5000), max_size=200), st.integers(1, 30), st.integers(0, 2**32))
def test_a_slice_holds_no_more_than_it_may_and_a_second_is_never_cut(stamps, rows_max, seed):
    known, sweep = Known(sorted(stamps)), Sweep(rows_max=rows_max, random=Random(seed))
    for _ in range(400):
        for one in sweep.due(0, 6000, known):
            within = known.count(one.since_s, one.until_s)
            assert within <= rows_max or one.until_s == one.since_s + 1
            sweep.proved(one, found=False)
        if sweep.turns:
            return
    raise AssertionError("the turn does not end")


def test_each_trail_goes_over_everything_once():
    sweep, known, seen = Sweep(rows_max=10, random=Random(1)), Known(), {trail_s: [] for trail_s in TRAILS_S}
    for bound in range(200_000, 400_000, 300):
        for one in sweep.due(0, bound, known):
            sweep.proved(one, found=False)
            if one.trail_s:
                seen[one.trail_s].append((one.since_s, one.until_s))
    for trail_s, slices in seen.items():
        assert slices[0][0] == 200_000 - 2 * trail_s
        assert all(one[1] == other[0] for one, other in pairwise(slices))
        assert slices[-1][1] == 399_800 - trail_s


def test_a_slice_that_is_not_proved_comes_again():
    sweep = Sweep(rows_max=10, random=Random(1))
    first = sweep.due(0, 3000, Known())
    assert first == sweep.due(0, 3000, Known()) == [Slice(0, 3000)]


def test_where_something_was_found_its_neighbours_come_next():
    sweep = Sweep(rows_max=10, random=Random(1))
    sweep.proved(Slice(1000, 1100), found=True)
    assert sweep.due(0, 3000, Known())[0] == Slice(1100, 1200)
    assert sweep.due(0, 3000, Known())[0] == Slice(900, 1000)


def test_a_turn_tells_how_much_of_it_is_proved():
    sweep = Sweep(rows_max=10, random=Random(1))
    sweep.due(0, 4000, Known())
    sweep.proved(Slice(1000, 2000), found=False)
    assert sweep.standing(0) == (1000, 4000)


def test_a_cursor_that_stood_ahead_for_once_keeps_no_past_from_being_proved():
    """A turn began by a Date that was a year ahead: what is proved there is not, once the cursor is set back."""
    sweep, known = Sweep(rows_max=10, random=Random(1)), Known([1000 * number for number in range(1, 400)])
    for _ in range(100):
        for one in sweep.due(0, 400_000 + 31_536_000, known):
            sweep.proved(one, found=False)
    turns, proved = sweep.turns, set()
    for bound in range(400_000, 500_000, 300):
        for one in sweep.due(0, bound, known):
            assert 0 <= one.since_s < one.until_s <= bound
            sweep.proved(one, found=False)
            proved.add(one.trail_s)
        done_s, turn_s = sweep.standing(0)
        assert 0 <= done_s <= turn_s <= bound
    assert sweep.turns > turns + 1
    assert proved == {0, *TRAILS_S}
