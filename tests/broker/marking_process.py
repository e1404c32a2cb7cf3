"""A process that marks, for tests that kill it."""

import asyncio
import sys

import msgspec

from adapters.kafka.cluster import Cluster
from adapters.kafka.publishing import Publisher
from adapters.zuora.marks import ZuoraMarks
from tests.adapters.zuora_tenant import client_of
from tests.broker.marking import Job, worker_of


async def _mark(job: Job) -> None:
    cluster = Cluster(job.bootstrap, namespace=job.namespace)
    client = client_of(job.url, client_id=job.client_id, client_secret=job.client_secret)
    async with Publisher(cluster) as publisher, client:
        await worker_of(cluster, job.write_back, {0: ZuoraMarks(client)}, publisher).run()


if __name__ == "__main__":
    asyncio.run(_mark(msgspec.json.decode(sys.argv[1], type=Job)))
