"""Runs all processes on one machine: starts again what ends, with a growing pause, and says so.

Each process ends with this one, also when this one is killed; none is ended because another did.
"""

import asyncio
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import structlog

from console.config import Site
from console.wiring import STAGES
from sandbox.process import Child, spawn

log = structlog.get_logger(__name__)

# A process that has run this long was well: its next end begins with the shortest pause again.
_WELL_AFTER_S = 60.0
_PAUSE_S = 0.5
_PAUSE_MAX_S = 30.0
# A stopping worker lets its calls end and leaves its group; six seconds were seen at most.
_STOP_TIMEOUT_S = 30.0


class Supervisor:
    """The processes of one site on one machine."""

    def __init__(self, site: Site, config: Path, *, log_level: str) -> None:
        """Name the site and its configuration; nothing starts before `run`."""
        base = [sys.executable, "-m", "console", "--config", str(config)]
        level = ["--log-level", log_level]
        commands: dict[str, Sequence[str]] = {
            "poll": [*base, "poll", *level],
            "observe": [*base, "observe", *level],
            **{stage: [*base, "work", stage, *level] for stage in STAGES},
        }
        if any(tenant.callouts for tenant in site.config.tenants.values()):
            commands["receive"] = [*base, "receive", *level]
        if any(tenant.write_back.on for tenant in site.config.tenants.values()):
            commands["mark"] = [*base, "mark", *level]
        if any(connection.writes_customers for connection in site.config.connections.values()):
            commands["customers"] = [*base, "make-customers", *level]
        self._commands: Mapping[str, Sequence[str]] = commands
        self._running: dict[str, Child] = {}
        self._stopping = asyncio.Event()
        # Two waits for each at most: by its keeper, and by the stop.
        self._threads = ThreadPoolExecutor(max_workers=2 * len(commands))

    async def run(self) -> int:
        """Run until a signal; return the exit code."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)
        async with asyncio.TaskGroup() as tasks:
            for name, command in self._commands.items():
                tasks.create_task(self._keep(name, command))
            await self._stopping.wait()
            await self._stop_all()
        return 0

    async def _keep(self, name: str, command: Sequence[str]) -> None:
        loop = asyncio.get_running_loop()
        pause_s = _PAUSE_S
        while not self._stopping.is_set():
            began = time.monotonic()
            child = self._running[name] = spawn(command)
            log.info("started", what=name, pid=child.pid)
            code = await loop.run_in_executor(self._threads, child.wait)
            if self._stopping.is_set():
                return
            if time.monotonic() - began > _WELL_AFTER_S:
                pause_s = _PAUSE_S
            log.error("ended; it is started again", what=name, code=code, pause_s=pause_s)
            try:
                async with asyncio.timeout(pause_s):
                    await self._stopping.wait()
            except TimeoutError:
                pause_s = min(pause_s * 2, _PAUSE_MAX_S)

    async def _stop_all(self) -> None:
        alive = [child for child in self._running.values() if child.poll() is None]
        for child in alive:
            child.terminate()
        loop = asyncio.get_running_loop()
        waits = [loop.run_in_executor(self._threads, child.wait) for child in alive]
        if waits:
            _, late = await asyncio.wait(waits, timeout=_STOP_TIMEOUT_S)
            if late:
                log.error("some did not stop in time and are killed", processes=len(late))
        for child in alive:
            if child.poll() is None:
                child.kill()
