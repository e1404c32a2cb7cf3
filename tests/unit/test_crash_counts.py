"""Crashes at an input are counted, whatever becomes of the file that remembers them."""

import pytest

from adapters.kafka.crashes import CRASHES_MAX, Crashes


def test_a_full_disk_hides_no_crash(tmp_path):
    crashes = Crashes(tmp_path / "lane")
    (tmp_path / "lane" / "crashes.new").mkdir()
    for _ in range(CRASHES_MAX):
        with pytest.raises(KeyError), crashes.at(7):
            raise KeyError("nobody thought of this")
    assert crashes.too_many(7)
