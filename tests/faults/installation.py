"""Everything that a campaign of faults runs on: a broker of its own behind a proxy, seven companies, the product.

The product's processes go through the proxies; the harness reads the log by the direct way.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from adapters.credentials.keys import make_key_file
from adapters.credentials.store import CredentialStore
from adapters.kafka.cluster import Cluster
from console.config import load_site
from console.demo.product import CommandFailed, Product
from console.wiring import Wiring
from sandbox.kafka.broker import Broker
from sandbox.kafka.ports import HOST, free_port
from sandbox.kafka.settings import Detour
from sandbox.proxy.proxy import FaultProxy
from sandbox.world.configuration import HMAC_HEADER
from sandbox.world.mapping import mapping_text
from sandbox.world.toml import Value, table
from tests.faults.companies import Company
from tests.faults.filed import PROFILE as FILE_PROFILE
from tests.faults.filed import FilePlace
from tests.faults.places import Place, standing_file_place, standing_places
from tests.faults.processes import Crew

PARTITIONS = 8
# Two of what decides and of what sends, so that a rebalance moves work.
SLOTS = {"read": 1, "match": 2, "ledger": 2, "sink": 2}
_MAPPING = 2
# How far back polls reach, where a scenario does not say otherwise.
_OVERLAP_S = 30


class Installation:
    """What stands, and where.

    Attributes:
        directory: Configuration, credentials, data and logs.
        broker: Its broker.
        kafka: The proxy that the product's processes go through.
        places: The companies with a QAD.
        filed: The one whose documents go into files.
        crew: The product's processes.
        product: Its commands.
        cluster: The log, by the direct way.
        partitions: Partition by place.
        receiver: Where callouts come in.
    """

    def __init__(
        self,
        directory: Path,
        *,
        broker: Broker,
        kafka: FaultProxy,
        places: list[Place],
        filed: FilePlace,
        ports: list[int],
    ) -> None:
        self.directory = directory
        self.broker = broker
        self.kafka = kafka
        self.places = places
        self.filed = filed
        self.logs = directory / "logs"
        self.logs.mkdir(parents=True)
        self.configuration = directory / "ml-connector.toml"
        self._ports = ports
        self.receiver = f"http://{HOST}:{ports[0]}"
        self.configure({})
        for place in places:
            (directory / f"profile-{place.name}.toml").write_text(place.profile, encoding="utf-8")
        filed.set_up(directory)
        (directory / f"profile-{filed.name}.toml").write_text(FILE_PROFILE, encoding="utf-8")
        for company in self.companies:
            mapping = mapping_text(company.world.site, _MAPPING)
            assert mapping.count("[customers]\n") == 1
            mapping = mapping.replace("[customers]\n", '[customers]\nno_match = "create"\n')
            (directory / f"mapping-{company.name}.toml").write_text(mapping, encoding="utf-8")
        self.wiring = Wiring(load_site(self.configuration))
        make_key_file(directory / "credentials.key")
        store = CredentialStore(directory / "credentials.json", directory / "credentials.key")
        for company in self.companies:
            for owner, fields in company.secrets().items():
                for name, text in fields.items():
                    store.set(owner, name, text)
        self.product = Product(self.configuration, log=self.logs / "commands.log")
        self.crew = Crew(self.configuration, self.logs, slots=SLOTS)
        self.cluster = Cluster(broker.bootstrap)
        self.partitions: dict[str, int] = {}

    @property
    def companies(self) -> tuple[Company, ...]:
        """All of them."""
        return (*self.places, self.filed)

    def configure(self, overlaps: Mapping[str, int]) -> None:
        """Write the configuration: for some places, how many seconds polls reach back; for who starts from now on."""
        text = _configuration(self.kafka.port, self.companies, self._ports, overlaps)
        self.configuration.write_text(text, encoding="utf-8")

    async def go_live(self) -> None:
        """Make the topics, start everything and publish the mappings."""
        await self.product.command("topics", "create")
        self.partitions = await self.wiring.partitions()
        self.crew.start()
        await asyncio.gather(*(self._publish(company.name) for company in self.companies))

    async def _publish(self, name: str) -> None:
        words = ("mapping", "publish", f"mapping-{name}.toml", "-c", name, "--why", "agreed", "--yes")
        async with asyncio.timeout(300):
            while True:
                try:
                    await self.product.command(*words)
                except CommandFailed:
                    # QAD's accounts have not been read yet.
                    await asyncio.sleep(2)
                else:
                    return


@asynccontextmanager
async def standing_installation(directory: Path, *, seed: int, keepalive_s: float) -> AsyncIterator[Installation]:
    """Start everything and set it up; end all of it on leaving."""
    async with AsyncExitStack() as stack:
        broker_port, ports = free_port(), [free_port(), free_port()]
        kafka = await stack.enter_async_context(FaultProxy(HOST, broker_port, seed=seed))
        broker = Broker(directory / "kafka", detour=Detour(broker_port, kafka.port))
        await asyncio.to_thread(broker.start)
        stack.callback(broker.stop)
        receiver = f"http://{HOST}:{ports[0]}"
        places = await stack.enter_async_context(standing_places(seed=seed, receiver=receiver, keepalive_s=keepalive_s))
        filed = await stack.enter_async_context(standing_file_place(seed=seed, receiver=receiver))
        installation = Installation(directory, broker=broker, kafka=kafka, places=places, filed=filed, ports=ports)
        stack.push_async_callback(installation.crew.stop)
        await installation.go_live()
        yield installation


def _configuration(
    kafka_port: int, companies: Sequence[Company], ports: Sequence[int], overlaps: Mapping[str, int]
) -> str:
    tables = [
        table("[kafka]", {"bootstrap": f"{HOST}:{kafka_port}", "partitions": PARTITIONS, "replicas": 1}),
        table("[receiver]", {"port": ports[0]}),
        table("[observe]", {"port": ports[1]}),
    ]
    start = datetime(2020, 1, 1, tzinfo=UTC)
    for company in companies:
        name = company.name
        tables += [
            table(
                f"[tenants.{name}]",
                {"base_url": company.zuora_url, "tenant_id": company.world.site.tenant_id, "private_hosts": [HOST]},
            ),
            table(
                f"[tenants.{name}.poll]",
                {"interval_s": 4, "overlap_s": overlaps.get(name, _OVERLAP_S), "lag_s": 2, "start": start},
            ),
            table(f"[tenants.{name}.callouts]", {"path": company.world.keys.callout_path}),
        ]
        if company.world.keys.hmac_secret:
            hmac = {"header": HMAC_HEADER, "algorithm": "sha256", "output": "hex"}
            tables.append(table(f"[tenants.{name}.callouts.hmac]", hmac))
    for company in companies:
        facts: dict[str, Value] = {
            "tenant": company.name,
            "profile": f"profile-{company.name}.toml",
            "reference_interval_s": 5,
            "private_hosts": [HOST],
            "make_customers": isinstance(company, Place),
        }
        tables.append(table(f"[connections.{company.name}]", facts))
    return "\n".join(tables)
