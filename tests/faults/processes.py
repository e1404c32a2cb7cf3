"""The product's processes, each one started by hand with an environment and a log of its own, and kept alive.

It does what the product's supervisor does, and more: it knows when each was started, killed and stopped, lets one stay
away, and starts one with a crash point. Only processes that it started are ever signalled.
"""

import asyncio
import os
import resource
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from adapters.crashpoints import LOG_VARIABLE, VARIABLE
from sandbox.process import Child, spawn

# As the supervisor's shortest pause.
_PAUSE_S = 0.5
_STOP_LIMIT_S = 30.0
_LOOK_S = 0.05
_INJECTED = Path(__file__).with_name("injected")


@dataclass
class Process:
    """One process of the product.

    Attributes:
        name: e.g. `sink-1`.
        log: What it wrote, over all its lives.
        fired: Where its crash points say that they fired.
        kills: When it was killed from outside, and by which crash point or "" otherwise; seconds since the epoch.
        starts: How often it was started.
        ends: Exit codes of its lives that ended of themselves, not by a signal of ours.
    """

    name: str
    command: list[str]
    directory: Path
    log: Path
    fired: Path
    kills: list[tuple[float, str]] = field(default_factory=list)
    starts: int = 0
    ends: list[int] = field(default_factory=list)
    _child: Child | None = None
    _keeper: asyncio.Task[None] | None = None
    _environment: dict[str, str] = field(default_factory=dict)
    _expected: bool = False
    _stays_away: bool = False

    @property
    def pid(self) -> int:
        """Its process id now; 0 while there is none."""
        return self._child.pid if self._child is not None and self._child.poll() is None else 0

    @property
    def running(self) -> bool:
        """Whether it is there."""
        return self.pid != 0

    def lines(self) -> list[str]:
        """Return all that it wrote, over all its lives."""
        return self.log.read_text(errors="replace").splitlines() if self.log.exists() else []

    def start(self, *, environment: Mapping[str, str] | None = None) -> None:
        """Start it, and start it again whenever it ends; `environment` is for the first of these lives only."""
        self._stays_away = False
        self._environment = dict(environment or {})
        if self._keeper is None or self._keeper.done():
            self._keeper = asyncio.create_task(self._keep(), name=f"keeper of {self.name}")

    async def restart_with(self, environment: Mapping[str, str]) -> None:
        """End it in good order and start it with something in its environment, for that life alone."""
        await self.leave()
        self.start(environment=environment)

    async def arm(self, crashpoint: str, *, nth: int = 1, stop: bool = False) -> None:
        """Start it anew so that it is killed, or stopped, at a crash point."""
        said = f"{crashpoint}:{nth}{':stop' if stop else ''}"
        await self.restart_with({VARIABLE: said, LOG_VARIABLE: str(self.fired)})

    def crashpoints_fired(self) -> list[str]:
        """Return the crash points that it passed armed, in order."""
        if not self.fired.exists():
            return []
        return [line.split()[1] for line in self.fired.read_text().splitlines()]

    def kill(self, why: str = "") -> bool:
        """Kill it at once; it is started again. False where it was not there."""
        if not self.running or self._child is None:
            return False
        self._expected = True
        self.kills.append((time.time(), why))
        self._child.kill()
        return True

    def signal(self, number: int) -> None:
        """Send it a signal."""
        if self.running and self._child is not None:
            self._child.send_signal(number)

    def limit(self, what: int, value: int) -> None:
        """Set a soft resource limit of the running process."""
        _, hard = resource.prlimit(self.pid, what)
        resource.prlimit(self.pid, what, (value, hard))

    async def leave(self) -> None:
        """End it in good order, and let it stay away."""
        self._stays_away = True
        if self._child is not None and self._child.poll() is None:
            self._expected = True
            self._child.send_signal(signal.SIGCONT)
            self._child.terminate()
            try:
                async with asyncio.timeout(_STOP_LIMIT_S):
                    await _end_of(self._child)
            except TimeoutError:
                self._child.kill()
        await self._kept()

    async def kill_and_stay_away(self) -> None:
        """Kill it, and let it stay away."""
        self._stays_away = True
        self.kill()
        await self._kept()

    async def _kept(self) -> None:
        if self._keeper is not None:
            await asyncio.wait([self._keeper])

    async def _keep(self) -> None:
        while not self._stays_away:
            self._expected = False
            paths = os.pathsep.join(filter(None, (str(_INJECTED), os.environ.get("PYTHONPATH", ""))))
            environment = {**os.environ, "PYTHONPATH": paths, **self._environment}
            armed = VARIABLE in self._environment
            self._environment = {}
            self._child = spawn(self.command, log=self.log, env=environment, cwd=self.directory)
            self.starts += 1
            code = await _end_of(self._child)
            if code == -signal.SIGKILL and armed and not self._expected:
                self.kills.append((time.time(), self.crashpoints_fired()[-1]))
            elif not self._expected:
                self.ends.append(code)
            if not self._stays_away:
                await asyncio.sleep(_PAUSE_S)


async def _end_of(child: Child) -> int:
    """Return the exit code when it ends; looked for, since a thread for each would starve everything else of them."""
    while (code := child.poll()) is None:  # noqa: ASYNC110 - a process ends, and sets no event
        await asyncio.sleep(_LOOK_S)
    return code


class Crew:
    """All processes of one installation."""

    def __init__(self, configuration: Path, logs: Path, *, slots: Mapping[str, int]) -> None:
        """Name them; nothing starts yet.

        Args:
            configuration: The product's configuration.
            logs: Directory for what they write.
            slots: How many of each stage there are.
        """
        self._configuration, self._logs, self._slots = configuration, logs, slots
        self._others: list[Process] = []
        commands = {"receive": ["receive"], "poll": ["poll"], "observe": ["observe"], "customers": ["make-customers"]}
        for stage, count in slots.items():
            commands |= {f"{stage}-{slot}": ["work", stage, "--slot", str(slot)] for slot in range(count)}
        self.processes = {name: self._process(name, words) for name, words in commands.items()}

    def _process(self, name: str, words: list[str]) -> Process:
        return Process(
            name=name,
            command=[sys.executable, "-m", "console", "--config", str(self._configuration), *words],
            directory=self._configuration.parent,
            log=self._logs / f"{name}.log",
            fired=self._logs / f"{name}.fired",
        )

    def another(self, stage: str) -> Process:
        """Return one more worker of a stage, with the next slot; whoever asks for it starts it and lets it go."""
        slot = str(self._slots.get(stage, 1))
        words = ["work", stage] if stage in self._slots else ["make-customers"]
        self._others.append(self._process(f"{stage}-{slot}", [*words, "--slot", slot]))
        return self._others[-1]

    def __getitem__(self, name: str) -> Process:
        return self.processes[name]

    def of(self, stage: str) -> list[Process]:
        """Return the processes of a stage."""
        return [process for name, process in self.processes.items() if name.split("-")[0] == stage]

    def start(self) -> None:
        """Start all that are not there."""
        for process in self.processes.values():
            if not process.running:
                process.start()

    async def stop(self) -> None:
        """End all in good order."""
        await asyncio.gather(*(process.leave() for process in (*self.processes.values(), *self._others)))

    @property
    def kills(self) -> list[tuple[float, str, str]]:
        """All kills so far: when, of whom, at which crash point."""
        return sorted((at, name, why) for name, process in self.processes.items() for at, why in process.kills)
