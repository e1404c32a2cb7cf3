"""A benchmark's profile: of every thread, without what waits, and without where this machine keeps its files."""

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.profiling import can_profile, functions, read_profile, rooms

ROOT = Path(__file__).resolve().parents[2]
CORE = (f"{ROOT}/streams/stage.py", 1, "decide")
LIBRARY = ("/home/somebody/lib/python3.11/site-packages/faust/app/base.py", 7, "send")
BUILT_IN = ("~", 0, "<built-in method builtins.max>")
SOMEWHERE = ("~", 0, "<function socket.close at 0x7f78cb598fe0>")


def stats():
    """The core is called twice a document and calls a built-in three times; Faust calls that once. Two documents."""
    return {
        CORE: (4, 4, 4.0, 5.5, {}),
        LIBRARY: (2, 2, 2.0, 2.5, {}),
        BUILT_IN: (8, 8, 2.0, 2.0, {CORE: (6, 6, 1.5, 1.5), LIBRARY: (2, 2, 0.5, 0.5)}),
    }


def test_what_is_built_in_counts_where_it_was_called():
    first, second = rooms(stats(), way="ours", count=2)
    assert (first.where, first.us, first.calls) == ("deciding: streams, schemas", 5.5e6 / 2, 5)
    assert (second.where, second.us, second.calls) == ("Faust, mode", 2.5e6 / 2, 2)
    assert first.share == pytest.approx(5.5 / 8)


def test_functions_are_named_without_where_this_machine_keeps_them():
    found = functions(stats(), way="ours", count=2)
    assert [row.where for row in found] == [
        "decide (streams/stage.py:1)",
        "send (faust/app/base.py:7)",
        "built-in method builtins.max",
    ]
    assert [row.share for row in found] == [0.5, 0.25, 0.25]


def test_an_address_is_no_part_of_a_name():
    (found,) = functions({SOMEWHERE: (1, 1, 1.0, 1.0, {})}, way="ours", count=1)
    assert found.where == "function socket.close"


THREADS = """
import sys, threading, time
from benchmarks.profiling import profiled

def in_a_thread():
    return sum(range(10))

def in_the_first():
    time.sleep(0.001)
    return sum(range(10))

with profiled(sys.argv[1:]):
    thread = threading.Thread(target=in_a_thread)
    thread.start()
    thread.join()
    in_the_first()
"""


@pytest.mark.skipif(not can_profile(), reason="since Python 3.12 one profile takes in all threads as one")
def test_every_thread_is_in_it_and_waiting_is_not(tmp_path):
    path = tmp_path / "profile"
    subprocess.run([sys.executable, "-c", THREADS, str(path)], cwd=ROOT, check=True, timeout=60)
    names = {name for _, _, name in read_profile(path)}
    assert {"in_a_thread", "in_the_first"} <= names
    assert not [name for name in names if "sleep" in name or "_thread.lock" in name]
