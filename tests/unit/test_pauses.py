"""Pauses between tries: drawn anew each time, growing, and never beyond the cap."""

import pytest

from adapters.pauses import jittered


@pytest.mark.parametrize(
    ("base_s", "tries", "most"), [(0.2, 1, 0.4), (0.2, 2, 0.8), (0.2, 10**6, 30.0), (1.0, 3, 8.0), (1.0, 10**6, 30.0)]
)
def test_jitter_is_full_grows_and_is_capped(base_s, tries, most):
    drawn = [jittered(tries, base_s=base_s, max_s=30.0) for _ in range(2000)]
    assert 0 <= min(drawn) < most * 0.01
    assert most * 0.99 < max(drawn) <= most
