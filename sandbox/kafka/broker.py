"""Runs one real Apache Kafka node on loopback: starts it, waits until it answers, stops, kills and freezes it.

What was acknowledged survives a stop and a kill: a new start on the same directory has it all. The broker ends when
this process does, however that ends. It must never listen beyond loopback, and never touch a directory or a port it was
not given, except a temporary directory and a free port of its own.
"""

import base64
import fcntl
import os
import re
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from sandbox.kafka import settings
from sandbox.kafka.jars import JarsNotFoundError, class_path
from sandbox.kafka.java import JavaNotFoundError, find_java
from sandbox.kafka.ports import HOST, free_port, is_free
from sandbox.kafka.probe import answers
from sandbox.process import Child, spawn

# 2 s is usual; the rest is for a machine busy with tests, and for reading gigabytes again after a kill.
_START_LIMIT_S = 90
# Half a second is usual. A broker that needs longer is stuck, and killing it loses nothing that was acknowledged.
_STOP_LIMIT_S = 20
_POLL_S = 0.05
_REASON = re.compile(r" (?:ERROR|FATAL) |^\S*(?:Exception|Error)\b")
_LINES_SHOWN = 5


class BrokerError(RuntimeError):
    """The broker cannot be started, or ended while it was; the message says why and what to do."""


class Broker:
    """One Kafka node, broker and controller, on 127.0.0.1. Also a context manager: in it, the broker runs.

    Args:
        directory: Holds the data, the settings and the log, and is kept. Without one, a temporary directory is made at
            each start, kept over `kill` and removed by `stop`.
        port: Where clients connect. Without one, a free port is chosen, once.
        detour: A second way in, through a proxy.

    Attributes:
        directory: Where all that the broker writes is.
        port: Where clients connect; it stays the same however often this broker is started again.
        log: The broker's log file.
    """

    def __init__(
        self, directory: Path | None = None, port: int | None = None, *, detour: settings.Detour | None = None
    ) -> None:
        self._temporary = directory is None
        self.directory = (
            directory.absolute()
            if directory
            else Path(tempfile.gettempdir(), f"ml-connector-kafka-{secrets.token_hex(8)}")
        )
        self.port = port or free_port()
        self._detour = detour
        self.log = self.directory / settings.LOG_FILE
        self._process: Child | None = None
        self._log_start = 0

    @property
    def bootstrap(self) -> str:
        """The address that Kafka clients take: host and port."""
        return f"{HOST}:{self.port}"

    @property
    def running(self) -> bool:
        """Whether the broker's process is there, frozen or not."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """The process id of the broker's Java. BrokerError when it does not run."""
        return self._running_process().pid

    def start(self) -> None:
        """Start the broker and come back when it answers.

        Raises:
            BrokerError: It runs already, its port is taken, Java or a jar is missing, or it ended or did not answer.
        """
        if self.running:
            raise BrokerError(f"The broker on {self.bootstrap} runs already")
        if not is_free(self.port):
            raise BrokerError(f"Port {self.port} on {HOST} is taken: end what listens there, or choose another port")
        try:
            java, jars = find_java(), class_path()
        except (JavaNotFoundError, JarsNotFoundError) as missing:
            raise BrokerError(str(missing)) from missing
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        kafka = [str(java), *settings.JAVA_FLAGS, "-cp", os.pathsep.join(map(str, jars))]
        try:
            with self._claim_directory() as claim:
                self._write_settings()
                self._format(kafka, claim=claim)
                self._run([*kafka, "kafka.Kafka", settings.SERVER_FILE], claim=claim)
            self._await_answer()
        except BaseException:
            self.kill()
            raise

    def stop(self) -> None:
        """Stop the broker in good order, or kill it if it does not end. One that has ended is only cleared away."""
        try:
            if self._process is not None:
                self._process.send_signal(signal.SIGCONT)  # A frozen process would not hear that it should end.
                self._process.terminate()
                self._process.wait(_STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            pass
        finally:
            self.kill()
            if self._temporary:
                shutil.rmtree(self.directory, ignore_errors=True)

    def kill(self) -> None:
        """End the broker at once, as a crash would (SIGKILL). Its data stays for the next start."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def freeze(self) -> None:
        """Halt the broker where it is (SIGSTOP): its connections stay open, and nothing answers."""
        process = self._running_process()
        process.send_signal(signal.SIGSTOP)
        # A signal only asks: this comes back when every thread stands still, and leaves an end for others to see.
        os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)

    def thaw(self) -> None:
        """Let a frozen broker go on (SIGCONT)."""
        self._running_process().send_signal(signal.SIGCONT)

    def wait(self) -> int:
        """Wait until the broker ends, by itself or from elsewhere, and give its exit code."""
        if self._process is None:
            raise BrokerError(f"The broker on {self.bootstrap} was never started")
        return self._process.wait()

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def _running_process(self) -> Child:
        if self._process is None or self._process.poll() is not None:
            raise BrokerError(f"The broker on {self.bootstrap} does not run")
        return self._process

    def _claim_directory(self) -> BinaryIO:
        """Lock the directory. Java inherits the open file, so the lock lasts as long as the broker and never longer.

        Kafka has a lock of its own, but looks at it only after it has written to the log of its controller: a second
        broker would ruin the first one's before it gave up.
        """
        claim = (self.directory / settings.LOCK_FILE).open("wb")
        try:
            fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            claim.close()
            raise BrokerError(f"Another broker runs in {self.directory}: end it, or choose another directory") from None
        return claim

    def _write_settings(self) -> None:
        server = settings.server_properties(port=self.port, controller_port=free_port(), detour=self._detour)
        (self.directory / settings.SERVER_FILE).write_text(server, encoding="ascii")
        (self.directory / settings.LOGGING_FILE).write_text(settings.log4j_properties(), encoding="ascii")

    def _format(self, kafka: list[str], *, claim: BinaryIO) -> None:
        """Give an empty directory the identity that Kafka asks for, and leave any other as it is."""
        if (self.directory / settings.DATA / "meta.properties").exists():
            return
        cluster_id = base64.urlsafe_b64encode(secrets.token_bytes(16)).decode().rstrip("=")
        format_command = ["kafka.tools.StorageTool", "format", f"--cluster-id={cluster_id}"]
        process = self._run([*kafka, *format_command, "--config", settings.SERVER_FILE], claim=claim)
        try:
            code = process.wait(_START_LIMIT_S)
        except subprocess.TimeoutExpired:
            code = None
        if code != 0:
            raise BrokerError(f"The broker's storage could not be formatted:\n{self._last_words()}")

    def _run(self, command: list[str], *, claim: BinaryIO) -> Child:
        self.log.touch()
        self._log_start = self.log.stat().st_size
        # The locale lets Java read any path; two memory arenas instead of eight per processor keep it small.
        environment = {**os.environ, "LC_ALL": "C.UTF-8", "MALLOC_ARENA_MAX": "2"}
        self._process = spawn(command, log=self.log, env=environment, cwd=self.directory, pass_fds=[claim.fileno()])
        return self._process

    def _await_answer(self) -> None:
        deadline = time.monotonic() + _START_LIMIT_S
        while not answers(self.port):
            if not self.running:
                raise BrokerError(
                    f"The broker ended with exit code {self.wait()} while it started:\n{self._last_words()}"
                )
            if time.monotonic() > deadline:
                raise BrokerError(f"The broker did not answer within {_START_LIMIT_S} s:\n{self._last_words()}")
            time.sleep(_POLL_S)

    def _last_words(self) -> str:
        """Give the first lines of this run's log that look like a reason, or else its end."""
        with self.log.open("rb") as log:
            log.seek(self._log_start)
            lines = log.read().decode(errors="replace").splitlines()
        reasons = [line for line in lines if _REASON.search(line)]
        return "\n".join(reasons[:_LINES_SHOWN] or lines[-_LINES_SHOWN:])


def external() -> str | None:
    """Give the broker that ML_CONNECTOR_KAFKA names (host:port), which is then used and none started, or None."""
    return os.environ.get("ML_CONNECTOR_KAFKA") or None
