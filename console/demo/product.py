"""The product as a person uses it: its commands, each a process of its own, and all its processes under `run`."""

import asyncio
import os
import sys
from pathlib import Path
from subprocess import PIPE, TimeoutExpired
from typing import Any

import msgspec

from console.output import EXIT_FINDINGS, EXIT_OK
from sandbox.process import Child, spawn
from schemas.errors import ConnectorError

_STOP_LIMIT_S = 60.0


class CommandFailed(ConnectorError):
    """A command of the product did not do what it was asked for."""


class _Started(msgspec.Struct, frozen=True):
    """What the supervisor logs when it starts a process; of other lines only the event is looked at."""

    event: str
    what: str = ""
    pid: int = 0


class Product:
    """One installation of the product: its configuration, its commands, its processes."""

    def __init__(self, configuration: Path, *, log: Path) -> None:
        """Name an installation.

        Args:
            configuration: Its configuration.
            log: Takes what its processes log.
        """
        self.configuration = configuration
        self.log = log
        self._run: Child | None = None

    @property
    def _base(self) -> list[str]:
        return [sys.executable, "-m", "console", "--config", str(self.configuration)]

    async def command(
        self, *words: str, stdin: str | None = None, codes: tuple[int, ...] = (EXIT_OK,), person: str = ""
    ) -> str:
        """Run a command, as the person who sits here or as another, and return what it wrote.

        Raises:
            CommandFailed: It ended with another exit code than one of `codes`.
        """
        process = await asyncio.create_subprocess_exec(
            *self._base,
            *words,
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            cwd=self.configuration.parent,
            env=os.environ | ({"LOGNAME": person} if person else {}),
        )
        try:
            out, err = await process.communicate((stdin or "").encode())
        finally:
            if process.returncode is None:
                process.kill()
        if process.returncode not in codes:
            said = (err or out).decode(errors="replace").strip()
            raise CommandFailed(f"ml-connector {' '.join(words)} ended with {process.returncode}: {said}")
        return out.decode()

    async def ask(self, *words: str, codes: tuple[int, ...] = (EXIT_OK, EXIT_FINDINGS), person: str = "") -> Any:
        """Run a command with --json and return what it found, amounts as text."""
        return msgspec.json.decode(await self.command(*words, "--json", codes=codes, person=person))

    def start(self) -> None:
        """Start all processes."""
        self._run = spawn([*self._base, "run"], log=self.log)

    def pid_of(self, process: str) -> int:
        """Return the id of one of the processes, as `run` last logged it; 0 where it was not started yet."""
        pid = 0
        for line in self.log.read_bytes().splitlines():
            if b'"started"' not in line:
                continue
            started = msgspec.json.decode(line, type=_Started)
            if started.event == "started" and started.what == process:
                pid = started.pid
        return pid

    @property
    def running(self) -> bool:
        """Whether `run` is there."""
        return self._run is not None and self._run.poll() is None

    async def stop(self) -> None:
        """Stop all processes in good order."""
        if self._run is None:
            return
        self._run.terminate()
        try:
            await asyncio.to_thread(self._run.wait, _STOP_LIMIT_S)
        except TimeoutExpired:
            self._run.kill()
            await asyncio.to_thread(self._run.wait)
        self._run = None
