"""The sink's own process over files: killed wherever it may be, each posting is one file, with a voucher of its own."""

import os
import sys
from pathlib import Path

import pytest

from adapters.crashpoints import LOG_VARIABLE, VARIABLE
from adapters.kafka.assignments import assign
from adapters.kafka.cluster import Cluster
from sandbox.process import spawn
from schemas.postings import Posting
from schemas.topics import Topic
from tests.broker.erps import CONNECTION, allocation, credit_note, invoice, offer, posting_set, receipt
from tests.broker.sinks import kinds, outcomes, put
from tests.broker.workers import ROOT, Worker
from tests.conftest import PARTITIONS
from tests.ports.files import Site

CONFIGURATION = """
[kafka]
bootstrap = "{bootstrap}"
namespace = "{namespace}"
partitions = {partitions}
replicas = 1

[tenants.acme]
base_url = "http://127.0.0.1:1"
poll = {{ start = 2026-01-01T00:00:00Z, interval_s = 60 }}

[connections.acme-main]
tenant = "acme"
profile = "files.toml"
"""
PROFILE = 'surface = "file"\ndirectory = "site"\n[limits]\nage_s = 0.5\nsettle_s = 6.0\n'


class House:
    """A site whose documents go into files, and the process that writes them."""

    def __init__(self, directory: Path, cluster: Cluster) -> None:
        self.site = Site(directory)
        self.fired = directory / "fired"
        self._directory = directory
        (directory / "files.toml").write_text(PROFILE)
        self._configuration = directory / "ml-connector.toml"
        self._configuration.write_text(
            CONFIGURATION.format(bootstrap=cluster.bootstrap, namespace=cluster.namespace, partitions=PARTITIONS)
        )
        self._workers: list[Worker] = []

    def start(self, crashpoint: str = "") -> Worker:
        log = self._directory / f"sink-{len(self._workers)}.log"
        command = [sys.executable, "-m", "console", "--config", str(self._configuration), "work", "sink"]
        environment = {**os.environ, VARIABLE: crashpoint, LOG_VARIABLE: str(self.fired)}
        worker = Worker(spawn(command, log=log, env=environment, cwd=ROOT), log)
        self._workers.append(worker)
        return worker

    def end(self) -> None:
        for worker in self._workers:
            if worker.alive:
                worker.kill()
                worker.process.wait(30)


@pytest.fixture
async def house(cluster: Cluster, tmp_path: Path):
    await assign(cluster, [CONNECTION], partitions=PARTITIONS, by="test")
    built = House(tmp_path, cluster)
    yield built
    built.end()


def book() -> list[Posting]:
    """Return invoices, and what is applied to them, in one order."""
    invoices = [invoice(f"INV{number}", "100.00") for number in range(6)]
    notes = [credit_note(f"CM{number}", "40.00") for number in range(2)]
    carried = receipt("P1", "100.00", offers=(offer("P1", "INV0", "60.00"),))
    applied = [
        allocation("P1", "INV0", "60.00"),
        allocation("CM0", "INV1", "25.00", payer_kind="credit_memo"),
        allocation("CM1", "INV1", "40.00", payer_kind="credit_memo"),
    ]
    return [*invoices, *notes, carried, *applied]


@pytest.mark.parametrize(
    "crashpoint", ["sink.after_intended:4", "sink.before_call:5", "sink.after_call:3", "sink.after_posted:2"]
)
async def test_each_posting_is_one_file_wherever_the_process_is_killed(house, cluster, eventually, crashpoint):
    postings = book()
    await put(cluster, Topic.POSTINGS, *(posting_set(posting) for posting in postings))
    killed = house.start(crashpoint)
    assert await killed.ended(within_s=60) < 0
    assert house.fired.read_text().splitlines() == [f"crashpoint {crashpoint.partition(':')[0]}"]
    before = [path.name for path in house.site.files()]
    # The site's import takes what is there, while nobody writes.
    for path in house.site.files():
        path.rename(house.site.path / "done" / path.name)
    house.start()

    async def all_stand() -> None:
        found = await outcomes(cluster)
        ended = {one.subject for one in found if type(one).__name__ == "Posted"}
        assert ended >= {posting.id for posting in postings}, kinds(found)

    await eventually(all_stand, within_s=80, every_s=0.3)
    booked = house.site.booked()
    references = sorted(one.reference for one in booked)
    # One of the applications is carried by the receipt.
    carried = allocation("P1", "INV0", "60.00").reference
    assert references == sorted(posting.reference for posting in postings if posting.reference != carried)
    assert (house.site.contradictions(), {one.off for one in booked}) == ([], {0})
    assert set(before) <= {path.name for path in house.site.files()}
    open_ = sorted(house.site.open_amounts().values())
    assert (sum(open_), min(open_)) == (6 * 100 - 2 * 40 - 100, -40)
