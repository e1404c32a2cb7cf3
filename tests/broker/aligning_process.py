"""A process that aligns, for tests that kill it."""

import asyncio
import sys
from pathlib import Path

import msgspec

from adapters.credentials.secret import Secret
from adapters.kafka.cluster import Cluster
from adapters.kafka.publishing import Publisher
from adapters.qad.asking.client import Credentials, QadClient
from adapters.qad.profiles.checks import load_profile
from adapters.qad.rest.customers import RestCustomers
from tests.adapters.qad_company import USER, WORD
from tests.broker.aligning import Job, worker_of
from tests.loopback import LOOPBACK


async def _align(job: Job) -> None:
    cluster = Cluster(job.bootstrap, namespace=job.namespace)
    profile = load_profile(Path(job.profile))
    login = Credentials(client_id=Secret("ml-connector"), username=Secret(USER), password=Secret(WORD))
    async with Publisher(cluster) as publisher, QadClient(profile, login, LOOPBACK) as client:
        await worker_of(cluster, RestCustomers(client, profile), profile, publisher).run()


if __name__ == "__main__":
    asyncio.run(_align(msgspec.json.decode(sys.argv[1], type=Job)))
