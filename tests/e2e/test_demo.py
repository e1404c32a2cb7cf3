"""The demo as people start it: in a terminal, kept up until Ctrl-C, and in a log, interrupted; nothing stays behind."""

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import psutil
import pytest

from console.output import EXIT_FAILED, EXIT_OK, EXIT_USAGE

CTRL_C = b"\x03"
# Every process of a demo inherits this, however deep it is and whoever its parent is by now.
MARK = "ML_CONNECTOR_TEST_OF_THE_DEMO"
# The small demo takes two minutes on an idle machine.
PATIENCE_S = 280.0
# Ctrl-C is a signal only in the terminal that controls a session: takes standard input for that, and goes on as told.
TAKE_TERMINAL = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
)
COLOUR = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Demo:
    """A demo in a terminal of its own, or with its output in a pipe; small."""

    def __init__(self, directory: Path, *words: str, terminal: bool, kafka: str = "") -> None:
        self.mark = str(directory)
        self.text = ""
        environment = {**os.environ, MARK: self.mark, "COLUMNS": "200", "ML_CONNECTOR_KAFKA": kafka}
        command = [sys.executable, "-m", "console", "sandbox", "demo", "--size", "0.1"]
        command += ["--directory", str(directory), *words]
        command = [sys.executable, "-c", TAKE_TERMINAL, *command] if terminal else command
        self._input, output = pty.openpty() if terminal else os.pipe()
        try:
            self._process = subprocess.Popen(
                command,
                stdin=output if terminal else subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={name: value for name, value in environment.items() if value},
                start_new_session=True,
            )
        finally:
            os.close(output)

    def read_until(self, words: str, *, within_s: float) -> None:
        """Read what it shows until these words come."""
        until = time.monotonic() + within_s
        while words not in self.text:
            assert time.monotonic() < until, f"{words!r} did not come: {self.text[-2000:]}"
            assert self._read(1.0), f"it ended before {words!r}: {self.text[-2000:]}"

    def read_to_end(self, *, within_s: float) -> int:
        """Read all that it shows until it ends; return its exit code."""
        until = time.monotonic() + within_s
        while self._read(1.0):
            assert time.monotonic() < until, f"it did not end: {self.text[-2000:]}"
        return self._process.wait(10)

    def press(self, key: bytes) -> None:
        os.write(self._input, key)

    def interrupt(self) -> None:
        self._process.send_signal(signal.SIGINT)

    def alive(self) -> list[str]:
        """Return every process of it that is there."""
        found = []
        for process in psutil.process_iter():
            try:
                if process.environ().get(MARK) == self.mark and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(" ".join(process.cmdline()))
            except psutil.Error:
                continue
        return found

    def close(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        os.close(self._input)

    def _read(self, within_s: float) -> bool:
        """Read what is there; return whether there can be more."""
        if not select.select([self._input], [], [], within_s)[0]:
            return True
        try:
            piece = os.read(self._input, 65_536)
        except OSError:  # A terminal whose last process has ended.
            return False
        self.text += COLOUR.sub("", piece.decode(errors="replace"))
        return bool(piece)


@pytest.fixture
def start():
    started: list[Demo] = []

    def begin(directory: Path, *words: str, terminal: bool, kafka: str = "") -> Demo:
        started.append(Demo(directory, *words, terminal=terminal, kafka=kafka))
        return started[-1]

    yield begin
    for demo in started:
        demo.close()


def refused(directory: Path) -> tuple[int, str]:
    """Start a demo that must not start; return its exit code and its last line."""
    done = subprocess.run(
        [sys.executable, "-m", "console", "sandbox", "demo", "--directory", str(directory)],
        capture_output=True, check=False, timeout=60,
    )  # fmt: skip
    assert b"Traceback" not in done.stderr
    return done.returncode, done.stderr.decode().strip()


@pytest.mark.timeout(int(PATIENCE_S) + 60)
def test_in_a_terminal_it_moves_everything_and_stays_up_until_ctrl_c(start, tmp_path):
    """With a broker of its own: everything that a newcomer's `make demo KEEP=1` starts."""
    demo = start(tmp_path / "demo", "--keep", terminal=True)
    demo.read_until("Ctrl-C", within_s=PATIENCE_S)
    demo.read_until("Commands to try:", within_s=10)
    page = re.search(r"The page: (http://127\.0\.0\.1:[0-9]+/)", demo.text)
    assert page is not None, demo.text[-500:]
    with urllib.request.urlopen(page[1], timeout=10) as answer:
        assert b"reconciliation of emea" in answer.read()
    assert len(demo.alive()) >= 13, "broker, four stand-ins, a supervisor and its seven"
    assert refused(tmp_path / "demo") == (
        EXIT_USAGE,
        f"ml-connector: a demo runs in {tmp_path / 'demo'} already: end it, or name another --directory",
    )

    demo.press(CTRL_C)
    assert demo.read_to_end(within_s=60) == EXIT_OK
    assert demo.alive() == []
    assert "Traceback" not in demo.text
    assert re.search(r"kill -9 [0-9]+: the sink stage is gone, in the middle of its work", demo.text)
    assert re.search(r"the supervisor started it again as process [0-9]+", demo.text)
    assert "Swiss francs" in demo.text
    last = [line.rstrip() for line in demo.text.splitlines() if line.strip()]
    what = last.index("What is not in QAD, and what is not ours there, by reason and value")
    shown = [line.split() for line in last[what + 1 : what + 8]]
    assert shown == [
        ["foreign", "-", "1", "88.00", "EUR"],
        ["foreign", "-", "1", "88.00", "USD"],
        ["ignored", "same_customer", "1", "0.00", "EUR"],
        ["ignored", "same_customer", "1", "0.00", "USD"],
        ["ignored", "zero", "1", "0.00", "EUR"],
        ["ignored", "zero", "1", "0.00", "USD"],
        ["parked", "currency_refused", "1", "212.345", "BHD"],
    ]
    assert re.fullmatch(
        r"unexplained 0 in every currency, differences 0, duplicates 0, lost 0; [0-9]+ s", last[what + 8]
    )


@pytest.mark.timeout(240)
def test_interrupted_in_the_middle_it_puts_everything_away(start, tmp_path, kafka):
    demo = start(tmp_path / "demo", terminal=False, kafka=kafka)
    demo.read_until("ml-connector run; page", within_s=60)
    assert len(demo.alive()) >= 6
    demo.interrupt()
    assert demo.read_to_end(within_s=60) == EXIT_FAILED
    assert demo.alive() == []
    assert "Traceback" not in demo.text
    # Nobody sits here: a line for each step, and nothing that moves.
    assert "\r" not in demo.text.replace("\r\n", "\n")


def test_a_directory_that_holds_something_else_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    code, said = refused(tmp_path)
    assert code == EXIT_USAGE
    assert said == f"ml-connector: {tmp_path} holds something else than a demo: name another --directory"
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
