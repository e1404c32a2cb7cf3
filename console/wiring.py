"""The one composition root: from the configuration to adapters and lanes. Nothing else builds them.

What is built gets what it needs as parameters; nothing is global, nothing is looked up elsewhere.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import cached_property
from pathlib import Path
from weakref import WeakKeyDictionary

from adapters.credentials.store import CredentialStore
from adapters.files.lists import SiteLists
from adapters.files.port import FileErp
from adapters.files.profile import FileProfile, is_file_profile, load_file_profile
from adapters.kafka.administration import check_topics
from adapters.kafka.assignments import require_assignments
from adapters.kafka.bookmark import Bookmark
from adapters.kafka.checkpoint import Checkpoint
from adapters.kafka.crashes import Crashes
from adapters.kafka.e_invoices import EInvoiceLog
from adapters.kafka.feed import CursorLog, TenantFeed
from adapters.kafka.lane import StageLane
from adapters.kafka.owned import Partition
from adapters.kafka.publishing import Publisher
from adapters.kafka.read_lane import ReadLane
from adapters.kafka.sink_calls import Limits
from adapters.kafka.sink_lane import SinkLane
from adapters.kafka.worker import HostAgent, Lane, StageWorker
from adapters.qad.asking.client import Credentials, QadClient
from adapters.qad.profiles.checks import load_profile
from adapters.qad.profiles.profile import Profile
from adapters.qad.qxtend.client import QxtendClient
from adapters.qad.qxtend.messages import Login as QxtendLogin
from adapters.qad.qxtend.port import QxtendQad
from adapters.qad.reading.reference import QadReferences
from adapters.qad.rest.port import RestQad
from adapters.reach import Reach
from adapters.store.inventory_log import InventoryLog
from adapters.zuora.asking.allowances import Process
from adapters.zuora.asking.client import ZuoraClient
from adapters.zuora.asking.commons import Commons
from adapters.zuora.asking.pacing import Priority
from adapters.zuora.reading.objects import ZuoraObjects
from adapters.zuora.reading.settlement import Settlement
from adapters.zuora.receiving.doors import Door
from console.config import Site
from console.running.doors import doors_of
from schemas.errors import Misconfigured
from streams.ledger import agent as ledger_agent
from streams.ledger.decide import LedgerCore
from streams.ledger.spec import SPEC as LEDGER
from streams.match import agent as match_agent
from streams.match.decide import MatchCore
from streams.match.spec import SPEC as MATCH
from streams.ports import Erp, References
from streams.read import agent as read_agent
from streams.read.spec import SPEC as READ
from streams.sink import agent as sink_agent
from streams.sink.spec import SPEC as SINK
from streams.stage import StageSpec

STAGES: Mapping[str, StageSpec] = {spec.name: spec for spec in (READ, MATCH, LEDGER, SINK)}

_AGENTS: Mapping[str, HostAgent] = {
    READ.name: read_agent.host,
    MATCH.name: match_agent.host,
    LEDGER.name: ledger_agent.host,
    SINK.name: sink_agent.host,
}


class Wiring:
    """Builds what the processes and commands of one site need; call inside the running loop."""

    def __init__(self, site: Site) -> None:
        """Build for this site."""
        self.site = site
        self._commons = WeakKeyDictionary[asyncio.AbstractEventLoop, Commons]()

    @cached_property
    def credentials(self) -> CredentialStore:
        """The credential store, opened once."""
        return self._open_credentials()

    def look_again(self) -> None:
        """Open the credential store anew when it is needed next: a secret may have been set since."""
        vars(self).pop("credentials", None)

    def _open_credentials(self) -> CredentialStore:
        store = self.site.config.store
        return CredentialStore(self.site.path(store.credentials), self.site.path(store.key_file))

    @cached_property
    def data(self) -> Path:
        """Where what can be rebuilt may be written."""
        directory = self.site.path(self.site.config.store.data)
        directory.mkdir(parents=True, exist_ok=True)
        return directory

    async def partitions(self) -> dict[str, int]:
        """Return the partition of every connection, after a look at the topics.

        Raises:
            Misconfigured: Topics or partitions are missing or differ; the message says what to run.
        """
        kafka = self.site.config.kafka
        await check_topics(self.site.cluster, partitions=kafka.partitions)
        return await require_assignments(
            self.site.cluster, list(self.site.config.connections), partitions=kafka.partitions
        )

    @property
    def commons(self) -> Commons:
        """What the clients of Zuora share in this process: one for each running loop, since they wait in it."""
        return self._commons.setdefault(asyncio.get_running_loop(), Commons())

    def zuora(self, tenant: str, *, process: Process = "command", yields: bool = False) -> ZuoraClient:
        """Return a client of a tenant, which shares its token and its budget with the others of this process.

        Args:
            tenant: Its name.
            process: Whose share of the tenant's budget it uses; a backfill stands back behind the others.
            yields: Stand back as well: what it asks can wait.
        """
        settings, owner = self.site.config.tenants[tenant], f"zuora/{tenant}"
        client = ZuoraClient(
            settings.base_url,
            client_id=self.credentials.get(owner, "client_id"),
            client_secret=self.credentials.get(owner, "client_secret"),
            version=settings.version,
            commons=self.commons,
            budget=self.commons.budget(tenant, settings.budget.of(process)),
            tenant_id=settings.tenant_id,
            entity_id=settings.entity_id,
            org_ids=settings.org_ids,
            priority=Priority.BACKFILL if yields or process == "backfill" else Priority.LIVE,
            reach=Reach(private_hosts=settings.private_hosts),
        )
        self.commons.used_by[tenant] = client.token
        return client

    def settlement(self, client: ZuoraClient, tenant: str) -> Settlement:
        """Return what tells whether a tenant has Invoice Settlement: by what Zuora shows, and what was read before."""

        async def first_partition() -> int:
            return (await self.partitions())[self.site.connections_of(tenant)[0]]

        settlement = Settlement(client, tenant, self.site.config.tenants[tenant].invoice_settlement)
        settlement.remember(CursorLog(self.site.cluster, first_partition))
        return settlement

    def profile(self, connection: str) -> Profile:
        """Return a connection's QAD profile.

        Raises:
            Misconfigured: It is not in order, or its documents go into files.
        """
        path, settings = self._profile_path(connection), self.site.config.connections[connection]
        if is_file_profile(path):
            raise Misconfigured(f"the documents of {connection} go into files: no QAD is asked; see docs/files.md")
        return load_profile(path, settings.private_hosts)

    def files(self, connection: str) -> FileProfile | None:
        """Return the profile of a connection whose documents go into files, None for any other."""
        path = self._profile_path(connection)
        return load_file_profile(path) if is_file_profile(path) else None

    def _profile_path(self, connection: str) -> Path:
        return self.site.path(self.site.config.connections[connection].profile)

    def reach(self, connection: str) -> Reach:
        """Return how far a connection to QAD may go."""
        settings = self.site.config.connections[connection]
        ca_file = self.site.path(settings.ca_file) if settings.ca_file else None
        return Reach(private_hosts=settings.private_hosts, ca_file=ca_file)

    def qad(self, connection: str, profile: Profile) -> QadClient:
        """Return a connection's QAD client."""
        owner = f"qad/{connection}"
        return QadClient(
            profile,
            Credentials(
                client_id=self.credentials.get(owner, "client_id") if profile.auth.grant != "basic" else None,
                username=self.credentials.get_optional(owner, "username"),
                password=self.credentials.get_optional(owner, "password"),
                client_secret=self.credentials.get_optional(owner, "client_secret"),
            ),
            self.reach(connection),
        )

    def qxtend_login(self, connection: str) -> QxtendLogin:
        """Return whom a connection's QXtend works as.

        Raises:
            Misconfigured: A secret is missing or does not open.
        """
        owner = f"qad/{connection}"
        return QxtendLogin(
            username=self.credentials.get(owner, "qxtend_username"),
            password=self.credentials.get(owner, "qxtend_password"),
        )

    @asynccontextmanager
    async def sink(self, connection: str) -> AsyncIterator[Erp]:
        """Yield the sink's port of a connection, as its profile says: files, QXtend where it has that, else REST."""
        files = self.files(connection)
        if files is not None:
            yield FileErp(self.site.path(files.directory), files)
            return
        profile = self.profile(connection)
        async with self.qad(connection, profile) as client, self.erp(connection, profile, client) as erp:
            yield erp

    @asynccontextmanager
    async def erp(self, connection: str, profile: Profile, client: QadClient) -> AsyncIterator[RestQad | QxtendQad]:
        """Yield the sink's port to a connection's QAD: through QXtend where its profile has that, over REST else.

        Args:
            connection: Its name.
            profile: Its profile.
            client: Of the same; documents are looked up through it, whichever way they are posted.
        """
        if profile.qxtend is None:
            yield RestQad(client, profile)
            return
        login, reach = self.qxtend_login(connection), self.reach(connection)
        async with QxtendClient(profile, profile.qxtend, login, reach) as calls:
            yield QxtendQad(calls, client, profile, profile.qxtend)

    @asynccontextmanager
    async def references(self, connection: str) -> AsyncIterator[References]:
        """Yield what shows the reference data of a connection's other side."""
        files = self.files(connection)
        if files is not None:
            yield SiteLists(self.site.path(files.directory), files)
            return
        profile = self.profile(connection)
        async with self.qad(connection, profile) as client:
            yield QadReferences(client, profile)

    def doors(self) -> dict[str, Door]:
        """Return the receiver's ways in, by path, with the secrets as they are sealed now.

        Raises:
            Misconfigured: A secret is missing or does not open.
        """
        return doors_of(self.site, self._open_credentials())

    def tenant_feed(self, tenant: str, publisher: Publisher, partitions: Mapping[str, int]) -> TenantFeed:
        """Return what writes a tenant's records to all its connections."""
        connections = {name: partitions[name] for name in self.site.connections_of(tenant)}
        return TenantFeed(self.site.cluster, publisher, connections)

    def e_invoices(self, tenant: str, partitions: Mapping[str, int]) -> EInvoiceLog:
        """Return what of a tenant waits for e-invoices, as the log says."""
        return EInvoiceLog(self.site.cluster, [partitions[name] for name in self.site.connections_of(tenant)])

    def inventory(self, tenant: str, partitions: Mapping[str, int]) -> InventoryLog:
        """Return what the log holds of a tenant, kept in a file that can be deleted."""
        first = self.site.connections_of(tenant)[0]
        return InventoryLog(self.site.cluster, partitions[first], self.data / "inventory" / f"{tenant}.sqlite")

    def worker(
        self,
        stage: str,
        *,
        slot: str,
        partitions: Mapping[str, int],
        erps: Mapping[str, Erp],
        readers: Mapping[str, tuple[ZuoraObjects, TenantFeed]],
    ) -> StageWorker:
        """Return a stage's worker.

        Args:
            stage: Its name.
            slot: This process's own name, stable over restarts.
            partitions: Partition of every connection.
            erps: For the sink: QAD by connection.
            readers: For the read stage: tenant and feed, by the tenant's first connection.
        """
        connections = {partition: connection for connection, partition in partitions.items()}

        def make_lane(partition: int, owned: Partition, end: Callable[[str], None]) -> Lane | None:
            connection = connections.get(partition)
            if connection is None:
                return None
            if stage == SINK.name:
                return self._sink_lane(connection, partition, owned, end, erps[connection])
            if stage == READ.name:
                # Hints stand in the partition of a tenant's first connection; the others have none.
                if connection not in readers:
                    return None
                zuora, feed = readers[connection]
                return ReadLane(connection=connection, zuora=zuora, feed=feed, worker=owned)
            crashes = Crashes(directory / f"lane-{partition}")
            return self._stage_lane(STAGES[stage], connection, partition, owned, crashes)

        directory = self.data / "faust" / f"{stage}.{slot}"
        directory.mkdir(parents=True, exist_ok=True)
        return StageWorker(
            spec=STAGES[stage],
            cluster=self.site.cluster,
            slot=slot,
            directory=directory,
            host_agent=_AGENTS[stage],
            make_lane=make_lane,
        )

    def _stage_lane(
        self, spec: StageSpec, connection: str, partition: int, owned: Partition, crashes: Crashes
    ) -> StageLane:
        tenant = self.site.config.connections[connection].tenant
        claims = self.site.claims_of(tenant)
        written_back = self.site.write_back_of(connection).fields

        def make_core() -> MatchCore | LedgerCore:
            if spec is MATCH:
                return MatchCore(connection=connection, claims=claims, written_back=written_back)
            return LedgerCore(connection=connection)

        return StageLane(
            spec=spec,
            make_core=make_core,
            cluster=self.site.cluster,
            connection=connection,
            partition=partition,
            worker=owned,
            crashes=crashes,
            checkpoint=self._checkpoint(spec.name, connection, partition),
        )

    def _checkpoint(self, stage: str, connection: str, partition: int) -> Checkpoint:
        """Return the checkpoint of a partition: one file, whichever slot on this machine owns the partition."""
        path = self.data / "checkpoints" / f"{stage}.{partition}"
        return Checkpoint(path, cluster=self.site.cluster, stage=stage, connection=connection, partition=partition)

    def _sink_lane(
        self, connection: str, partition: int, owned: Partition, end: Callable[[str], None], erp: Erp
    ) -> SinkLane:
        return SinkLane(
            cluster=self.site.cluster,
            connection=connection,
            partition=partition,
            limits=self._limits(connection),
            erp=erp,
            worker=owned,
            end_process=end,
            checkpoint=self._checkpoint(SINK.name, connection, partition),
            bookmark=Bookmark(self.data / "checkpoints" / f"{SINK.name}.{partition}.mark"),
        )

    def _limits(self, connection: str) -> Limits:
        profile = self.files(connection) or self.profile(connection)
        limits = profile.limits
        return Limits(concurrency=profile.concurrency, age_s=limits.age_s, settle_s=limits.settle_s)
