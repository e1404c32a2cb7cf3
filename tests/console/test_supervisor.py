"""The supervisor starts again what ends, with a pause that grows, and says so; what it stops does not come again."""

import asyncio
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from structlog.testing import capture_logs

from console.config import Connection
from console.running.supervisor import Supervisor
from streams.mark.marks import WriteBack


def supervising(**commands: str) -> Supervisor:
    """Return a supervisor of these Python programs, in the place of the product's processes."""
    site: Any = SimpleNamespace(config=SimpleNamespace(tenants={}, connections={}))
    supervisor = Supervisor(site, Path("ml-connector.toml"), log_level="info")
    supervisor._commands = {name: [sys.executable, "-c", program] for name, program in commands.items()}
    return supervisor


async def test_what_ends_is_started_again_with_a_growing_pause_and_a_word(eventually, tmp_path):
    starts = tmp_path / "starts"
    supervisor = supervising(
        short=f"import time; open({str(starts)!r}, 'a').write(f'{{time.time()}}\\n'); raise SystemExit(7)",
        steady="import time; time.sleep(600)",
    )
    with capture_logs() as said:
        running = asyncio.create_task(supervisor.run())

        async def started_four_times() -> None:
            assert starts.exists()
            assert len(starts.read_text().splitlines()) >= 4

        await eventually(started_four_times, within_s=60)
        steady = supervisor._running["steady"]
        assert steady.poll() is None
        stopped = time.monotonic()
        supervisor._stopping.set()
        assert await running == 0
    assert time.monotonic() - stopped < 20
    assert all(child.poll() is not None for child in supervisor._running.values())
    ended = [line for line in said if line["event"] == "ended; it is started again"]
    assert {(line["what"], line["code"]) for line in ended} == {("short", 7)}
    assert [line["pause_s"] for line in ended][:3] == [0.5, 1.0, 2.0]
    moments = [float(line) for line in starts.read_text().splitlines()]
    for earlier, later, pause_s in zip(moments, moments[1:], (0.5, 1.0, 2.0), strict=False):
        assert later - earlier >= pause_s


@pytest.mark.parametrize("written", [WriteBack(), WriteBack(transferred=True)])
def test_marks_have_a_process_only_where_something_is_written_back(written):
    tenant = SimpleNamespace(callouts=None, write_back=written)
    site = SimpleNamespace(config=SimpleNamespace(tenants={"acme": tenant}, connections={}))
    supervisor = Supervisor(site, Path("ml-connector.toml"), log_level="info")
    assert ("mark" in supervisor._commands) == written.on


@pytest.mark.parametrize("said", [{}, {"make_customers": True}, {"align_customers": True}])
def test_customers_have_a_process_only_where_some_are_made_or_aligned(said):
    connection = Connection(tenant="acme", profile="x.toml", **said)
    site = SimpleNamespace(config=SimpleNamespace(tenants={}, connections={"acme": connection}))
    assert ("customers" in Supervisor(site, Path("x.toml"), log_level="info")._commands) == bool(said)
