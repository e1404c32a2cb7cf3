"""Crash points: off they cost nothing, on they end or stop the process there and leave a proof."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from adapters.crashpoints import CRASHPOINTS, LOG_VARIABLE, VARIABLE, crashpoint

ROOT = Path(__file__).parents[2]
PASSES = 100_000
# A posting costs some 50 ms in QAD and passes six points: at half a microsecond each they are 1/16,000 of that.
COST_S_MAX = 0.5e-6
SCRIPT = """
from adapters.crashpoints import crashpoint
for number in range(3):
    crashpoint("sink.before_call")
    crashpoint("sink.after_call")
    print(number, flush=True)
"""


def run(tmp_path: Path, said: str) -> subprocess.Popen:
    environment = {**os.environ, VARIABLE: said, LOG_VARIABLE: str(tmp_path / "fired")}
    command = [sys.executable, "-c", SCRIPT]
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def test_off_it_costs_nothing_that_could_be_measured_in_a_posting():
    assert VARIABLE not in os.environ
    best = float("inf")
    for _ in range(5):
        began = time.perf_counter()
        for _ in range(PASSES):
            crashpoint("sink.before_call")
        best = min(best, time.perf_counter() - began)
    assert best / PASSES < COST_S_MAX


def test_every_point_stands_in_the_code_once_and_no_other_does():
    found = [
        name
        for path in (ROOT / "adapters").rglob("*.py")
        for name in re.findall(r'crashpoint\("([^"]+)"\)', path.read_text(encoding="utf-8"))
    ]
    assert sorted(found) == sorted(CRASHPOINTS)
    assert len(CRASHPOINTS) <= 12


@pytest.mark.parametrize(("said", "lines"), [("sink.after_call", b""), ("sink.after_call:2", b"0\n")])
def test_it_kills_at_the_nth_passing_and_says_so_before(tmp_path, said, lines):
    with run(tmp_path, said) as process:
        out, _ = process.communicate(timeout=30)
    assert process.returncode == -signal.SIGKILL
    assert out == lines
    assert (tmp_path / "fired").read_text() == "crashpoint sink.after_call\n"


def test_it_stops_and_goes_on_when_told(tmp_path):
    with run(tmp_path, "sink.before_call:3:stop") as process:
        _, status = os.waitpid(process.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status)
        assert (tmp_path / "fired").read_text() == "crashpoint sink.before_call\n"
        process.send_signal(signal.SIGCONT)
        out, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    assert out == b"0\n1\n2\n"


@pytest.mark.parametrize("said", ["sink.nowhere", "sink.after_call:0", "sink.after_call:x", "sink.after_call:1:2:stop"])
def test_a_point_that_does_not_exist_is_refused(tmp_path, said):
    with run(tmp_path, said) as process:
        out, err = process.communicate(timeout=30)
    assert process.returncode == 1
    assert out == b""
    assert b"write <name>[:<nth>][:stop]" in err
