"""Commands end with the process that started them, with real processes and real signals."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from sandbox.process import Child, spawn

# Starts a shell that starts a sleeper and writes both their ids, and waits to be killed.
CALLER = textwrap.dedent("""
    import sys
    from pathlib import Path
    from sandbox.process import spawn

    spawn(["sh", "-c", "sleep 300 & echo $$ $!; wait"], log=Path(sys.argv[1])).wait()
""")


def eventually(condition: Callable[[], bool], *, within_s: float = 5) -> bool:
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def is_gone(pid: int) -> bool:
    """Dead counts as gone before whoever inherited it has taken notice."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def read_pids(log: Path) -> list[int]:
    """Wait until a command runs that writes process ids, and give them."""
    assert eventually(lambda: log.exists() and log.read_text().endswith("\n"))
    return [int(pid) for pid in log.read_text().split()]


@pytest.fixture
def family(tmp_path):
    """Give a caller, the command it started, and the command's own child, all running."""
    with subprocess.Popen([sys.executable, "-c", CALLER, tmp_path / "log"]) as caller:
        yield caller, *read_pids(tmp_path / "log")
        caller.kill()


@pytest.fixture
def sleeper():
    with spawn(["sleep", "300"]) as child:
        yield child
        child.kill()


def test_a_command_and_its_own_child_end_when_the_caller_is_killed(family):
    caller, child, grandchild = family
    assert not is_gone(child)
    assert not is_gone(grandchild)

    caller.kill()

    assert eventually(lambda: is_gone(child))
    assert eventually(lambda: is_gone(grandchild))


@pytest.mark.skipif(sys.platform != "linux", reason="Only Linux has the tie that needs no watcher")
def test_a_command_ends_with_its_caller_when_its_watcher_was_killed_before(family):
    caller, child, grandchild = family
    [watcher] = [each for each in psutil.Process(caller.pid).children() if each.pid != child]

    watcher.kill()
    assert eventually(lambda: is_gone(watcher.pid))
    assert not is_gone(child)
    caller.kill()

    assert eventually(lambda: is_gone(child))
    os.kill(grandchild, signal.SIGKILL)  # Without a watcher nothing else ends it.


def test_a_frozen_command_ends_with_its_caller(family):
    caller, child, _ = family
    os.kill(child, signal.SIGSTOP)

    caller.kill()

    assert eventually(lambda: is_gone(child))


def test_a_command_outlives_the_thread_that_asked_for_it():
    started: list[Child] = []

    def start() -> None:
        started.append(spawn(["sleep", "300"]))
        assert eventually(lambda: psutil.Process(started[0].pid).name() == "sleep")

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()

    with started[0] as child:
        with pytest.raises(subprocess.TimeoutExpired):
            child.wait(1)
        child.kill()


def test_a_fork_of_the_caller_starts_commands_of_its_own(sleeper):
    script = textwrap.dedent("""
        import os
        from sandbox.process import spawn

        spawn(["true"]).wait()
        fork = os.fork()
        if fork == 0:
            os._exit(spawn(["sh", "-c", "exit 7"]).wait())
        raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(fork, 0)[1]))
    """)
    assert subprocess.run([sys.executable, "-W", "ignore", "-c", script], timeout=20, check=False).returncode == 7
    assert not is_gone(sleeper.pid)


def test_what_a_command_leaves_behind_ends_with_it(tmp_path):
    log = tmp_path / "log"

    assert spawn(["sh", "-c", "sleep 300 & echo $!"], log=log).wait() == 0

    [left_behind] = read_pids(log)
    assert eventually(lambda: is_gone(left_behind))


def test_nothing_of_ours_stays_when_a_command_has_ended():
    before = psutil.Process().children(recursive=True)

    spawn(["true"]).wait()

    assert psutil.Process().children(recursive=True) == before


def test_the_pid_is_the_command_s_own(sleeper):
    assert eventually(lambda: psutil.Process(sleeper.pid).name() == "sleep")


def test_it_leads_a_session_of_its_own(sleeper):
    assert os.getsid(sleeper.pid) == sleeper.pid


def test_the_log_is_appended_to_and_the_exit_code_given(tmp_path):
    log = tmp_path / "log"
    log.write_text("before\n")

    assert spawn(["sh", "-c", "echo out; echo err >&2; exit 3"], log=log).wait() == 3

    assert log.read_text() == "before\nout\nerr\n"


def test_environment_and_directory_are_the_given_ones(tmp_path):
    log = tmp_path / "log"

    spawn(["sh", "-c", 'echo "$GIVEN $HOME"; pwd'], log=log, env={"GIVEN": "yes"}, cwd=tmp_path).wait()

    assert log.read_text() == f"yes \n{tmp_path.resolve()}\n"


def test_an_open_file_can_be_handed_on(tmp_path):
    with (tmp_path / "handed on").open("wb") as file:
        write = f"import os; os.write({file.fileno()}, b'handed on')"
        spawn([sys.executable, "-c", write], pass_fds=[file.fileno()]).wait()

    assert (tmp_path / "handed on").read_text() == "handed on"


@pytest.mark.skipif(sys.platform != "linux", reason="Reads /proc")
def test_a_command_starts_with_no_signal_ignored(tmp_path):
    log = tmp_path / "log"

    spawn(["grep", "SigIgn", "/proc/self/status"], log=log).wait()

    ignored = int(log.read_text().split()[1], base=16)
    # Bit n is signal n + 1. The C library keeps 32 and 33 for itself: nobody can set those.
    assert ignored & ~(0b11 << 31) == 0


def test_a_missing_program_is_said_at_once():
    with pytest.raises(FileNotFoundError, match="no-such-program"):
        spawn(["no-such-program"])
