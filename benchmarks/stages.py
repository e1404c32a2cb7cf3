"""The product's way from a record to its posting, in one process: the match and the ledger stage as they are wired.

Run by benchmarks/moving.py with a configuration, and where to write a profile, if anywhere.
"""

import asyncio
import sys
from pathlib import Path

from benchmarks.profiling import profiled
from console.config import Site, load_site
from console.logs import set_up_logs
from console.wiring import Wiring
from streams.ledger.spec import STAGE as LEDGER
from streams.match.spec import STAGE as MATCH


async def run(site: Site) -> None:
    """Run both stages until a signal, or until one of them ends."""
    wiring = Wiring(site)
    partitions = await wiring.partitions()
    workers = [
        wiring.worker(stage, slot="bench", partitions=partitions, erps={}, readers={}) for stage in (MATCH, LEDGER)
    ]
    running = [asyncio.create_task(worker.run()) for worker in workers]
    # A signal reaches the one that asked for it last.
    await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
    for worker in workers:
        worker.end("the other stage of the benchmark has ended")
    await asyncio.gather(*running)


if __name__ == "__main__":
    set_up_logs("error", process="benchmark")
    with profiled(sys.argv[2:]):
        asyncio.run(run(load_site(Path(sys.argv[1]))))
