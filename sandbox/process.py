"""Starts commands that never outlive the process that started them, whatever ends it, SIGKILL included.

Two ties hold every command, so that losing one loses nothing. A watcher beside it waits for a pipe to close, which the
kernel does when the caller ends, and then kills the command's whole process group. On Linux the kernel also kills the
command itself when its caller ends (PR_SET_PDEATHSIG), watcher or not. What escapes: a grandchild that leaves the
group, or one whose caller and watcher are both killed; and, off Linux, a command whose watcher was killed. It must
never restart a command, or signal a process that it did not start.
"""

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from functools import cache, partial
from pathlib import Path
from queue import SimpleQueue

# Blocks until the pipe on its standard input closes, then kills the group. A shell of 1 MB does it on every system.
_WATCH = 'read -r _; kill -s KILL -- "-$1"'
_PR_SET_PDEATHSIG = 1


class Child(subprocess.Popen[bytes]):
    """A command that ends with its caller: an ordinary Popen with the command's own pid, in a session of its own.

    What the command leaves behind in its process group is killed as soon as `poll` or `wait` has seen it end.
    """

    _watcher: subprocess.Popen[bytes] | None = None

    def poll(self) -> int | None:
        """Give the exit code, or None while the command runs."""
        code = super().poll()
        if code is not None:
            self._release()
        return code

    def wait(self, timeout: float | None = None) -> int:
        """Wait until the command ends and give its exit code; TimeoutExpired after `timeout` seconds."""
        code = super().wait(timeout)
        self._release()
        return code

    def watch(self) -> None:
        """Tie the command's process group to this process by a pipe."""
        # Its own session keeps the watcher out of the reach of a terminal's Ctrl-C.
        self._watcher = subprocess.Popen(  # noqa: S603  Only the pid is put in.
            ["/bin/sh", "-c", _WATCH, "watcher", str(self.pid)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def _release(self) -> None:
        watcher, self._watcher = self._watcher, None
        if watcher is not None and watcher.stdin is not None:
            watcher.stdin.close()
            watcher.wait()


def spawn(
    command: Sequence[str],
    *,
    log: Path | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    pass_fds: Sequence[int] = (),
) -> Child:
    """Start a command that ends, with all of its process group, when this process does.

    Args:
        command: The program, looked up on this process's PATH, and its arguments.
        log: Takes what the command writes, appended; without one the command shares this process's output.
        env: The command's whole environment; without one, this process's.
        cwd: The command's working directory; without one, this process's.
        pass_fds: Open files of this process that stay open in the command, under their numbers.

    Raises:
        FileNotFoundError: There is no such program, or the log's or the working directory is missing.
    """
    program = shutil.which(command[0])
    if program is None:
        raise FileNotFoundError(f"There is no program {command[0]}")
    whole = [os.path.abspath(program), *command[1:]]  # noqa: PTH100  Not resolved: a venv's python is a link.
    return _in_lasting_thread(partial(_start, whole, log=log, env=env, cwd=cwd, pass_fds=pass_fds))


def _start(
    command: list[str],
    *,
    log: Path | None,
    env: Mapping[str, str] | None,
    cwd: Path | None,
    pass_fds: Sequence[int],
) -> Child:
    with ExitStack() as stack:
        output = stack.enter_context(log.open("ab")) if log else None
        child = Child(
            [sys.executable, "-I", "-S", __file__, str(os.getpid()), *command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT if log else None,
            env=env,
            cwd=cwd,
            pass_fds=pass_fds,
            start_new_session=True,
        )
    try:
        child.watch()
    except BaseException:
        child.kill()
        child.wait()
        raise
    return child


def _in_lasting_thread(work: Callable[[], Child]) -> Child:
    """Do the work in a thread that lasts as long as this process.

    Linux takes the end of the *thread* that started a process for the end of its parent: a command started from a
    pool's thread would die with that thread.
    """
    done: Future[Child] = Future()
    _orders(os.getpid()).put((work, done))
    return done.result()


@cache
def _orders(process_id: int) -> SimpleQueue[tuple[Callable[[], Child], Future[Child]]]:
    """Start the lasting thread of this process. A fork has another id, and so gets a thread of its own."""
    orders: SimpleQueue[tuple[Callable[[], Child], Future[Child]]] = SimpleQueue()

    def serve() -> None:
        while True:
            work, done = orders.get()
            try:
                done.set_result(work())
            except BaseException as failure:  # noqa: BLE001  It is raised in the thread that asked.
                done.set_exception(failure)

    threading.Thread(target=serve, name=f"spawn-{process_id}", daemon=True).start()
    return orders


def _become(command: list[str], *, caller: int) -> None:
    """Tie this process to the caller and turn it into the command. The tie outlasts the change of program."""
    if sys.platform == "linux":
        if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    if os.getppid() != caller:  # The caller ended before the tie was there.
        return
    # What is ignored stays ignored in the new program: Python ignores two, a shell's background the others.
    for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)
    os.execv(command[0], command)  # noqa: S606  It is what the caller asked for, word by word.


if __name__ == "__main__":
    _become(sys.argv[2:], caller=int(sys.argv[1]))
