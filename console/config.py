"""The configuration file: which Kafka, which tenants of Zuora, which connections into QAD. No secret stands in it.

Secrets are in the credential store, what people decide is in the log, what a tenant's QAD is called is in its profile.
"""

import re
from collections import Counter
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated

import msgspec

from adapters.kafka.cluster import Cluster
from adapters.settings import address_problem, load_settings
from adapters.zuora.asking.allowances import BudgetSettings
from adapters.zuora.finding.callout_history import CALLOUT_HISTORY
from adapters.zuora.finding.e_invoices import E_INVOICES
from adapters.zuora.finding.poller import DOCUMENT_KINDS
from adapters.zuora.finding.reread import REREAD
from adapters.zuora.finding.schedule import PollSettings, schedule_problem
from adapters.zuora.reading.settlement import Said
from adapters.zuora.receiving.doors import HmacRule
from schemas.errors import Misconfigured
from streams.mark.marks import WriteBack
from streams.match.claims import Claim

FILE_NAME = "ml-connector.toml"
FILE_VARIABLE = "ML_CONNECTOR_CONFIG"

_NAME = re.compile(r"[a-z][a-z0-9-]{0,30}")
_OWN = re.compile(r"[A-Za-z][A-Za-z0-9_]*__c\Z")
_Count = Annotated[int, msgspec.Meta(ge=1)]
# What may have a schedule of its own.
_SCHEDULED = (*DOCUMENT_KINDS, REREAD, CALLOUT_HISTORY, E_INVOICES)


class _Strict(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of what stands in the file."""


class KafkaSettings(_Strict, frozen=True, kw_only=True):
    """The cluster.

    Attributes:
        bootstrap: `host:port`, or several with commas.
        namespace: Put before topics and groups, where several deployments share a cluster.
        partitions: Partitions of every topic: how many connections there can be. Fixed once topics exist.
        replicas: Copies of each partition; 3 in production.
    """

    bootstrap: Annotated[str, msgspec.Meta(min_length=1)]
    namespace: str = ""
    partitions: _Count = 32
    replicas: _Count = 3

    def cluster(self) -> Cluster:
        """Return the cluster."""
        return Cluster(self.bootstrap, self.namespace)


class StoreSettings(_Strict, frozen=True, kw_only=True):
    """Where files stand, relative to the configuration.

    Attributes:
        credentials: The credential store.
        key_file: The key that seals it, unless it comes from the environment.
        data: The read model and what else can be deleted and is rebuilt.
    """

    credentials: str = "credentials.json"
    key_file: str = "credentials.key"
    data: str = "data"


class Listen(_Strict, frozen=True, kw_only=True):
    """Where a server listens."""

    host: str = "127.0.0.1"
    port: Annotated[int, msgspec.Meta(ge=0, le=65_535)]


class Receiving(Listen, frozen=True, kw_only=True):
    """Where callouts come in.

    Attributes:
        proxies: Addresses or networks of the proxies before it: only they are believed whom they speak for.
        url: Its address from outside, for `zuora callouts`; without it that says the path alone.
    """

    port: Annotated[int, msgspec.Meta(ge=0, le=65_535)] = 8070
    proxies: tuple[str, ...] = ()
    url: str = ""


class Callouts(_Strict, frozen=True, kw_only=True):
    """How a tenant's callouts come in.

    Attributes:
        path: Path of the receiver, as secret as a password: at least 128 random bits.
        hmac: How bodies are signed, if the tenant's callout templates do so.
    """

    path: str
    hmac: HmacRule | None = None

    @property
    def secrets(self) -> tuple[str, ...]:
        """The fields of the tenant's credentials without which the receiver does not start."""
        return ("callout_user", "callout_password", *(("hmac_secret",) if self.hmac else ()))


class Tenant(_Strict, frozen=True, kw_only=True):
    """A tenant of Zuora.

    Attributes:
        base_url: Address of its data centre, whole.
        tenant_id: Zuora's number of the tenant; nothing is read of another.
        version: `Zuora-Version` to ask for.
        budget: What may be asked of it, and how our processes share that.
        entity_id: Which entity, in a tenant with several; each is a table of its own here.
        org_ids: Which organizations, in a tenant with several; none for all that the user may see.
        invoice_settlement: Whether the tenant has Invoice Settlement: "probe" looks; say "on" or "off" where it cannot
            be told.
        poll: When and how far it is polled.
        callouts: How its callouts come in, if they are enabled.
        write_back: What is written back to it; nothing by default.
        private_hosts: The base URL's host, where it is at an address of this machine or a private network.
    """

    base_url: str
    tenant_id: str = ""
    version: str = "2025-08-12"
    budget: BudgetSettings = BudgetSettings()
    entity_id: str = ""
    org_ids: tuple[str, ...] = ()
    invoice_settlement: Said = "probe"
    poll: PollSettings
    callouts: Callouts | None = None
    write_back: WriteBack = WriteBack()
    private_hosts: tuple[str, ...] = ()


class Connection(_Strict, frozen=True, kw_only=True):
    """A tenant, or a share of its accounts, joined to one entity of QAD.

    Attributes:
        tenant: Name of the tenant.
        profile: File of the QAD profile, relative to the configuration.
        accounts: Which billing accounts are its own; without it, all of the tenant's.
        reference_interval_s: Pause between two readings of QAD's reference data.
        make_customers: Whether customers that people approve are made in QAD, as the profile's [customers] says.
        align_customers: Whether what changes of an account flows to its customer, as far as the mapping lets it.
        private_hosts: QAD's hosts that are at an address of this machine or a private network: no other is connected to
            there.
        ca_file: Certificates of further authorities (PEM) that QAD's may be signed by, relative to the configuration.
    """

    tenant: str
    profile: str
    accounts: Claim = Claim()
    reference_interval_s: _Count = 900
    make_customers: bool = False
    align_customers: bool = False

    @property
    def writes_customers(self) -> bool:
        """Whether anything is written to customers."""
        return self.make_customers or self.align_customers

    private_hosts: tuple[str, ...] = ()
    ca_file: str = ""


class Config(_Strict, frozen=True, kw_only=True):
    """All of it."""

    kafka: KafkaSettings
    store: StoreSettings = StoreSettings()
    receiver: Receiving = Receiving()
    observe: Listen = Listen(port=8071)
    tenants: dict[str, Tenant]
    connections: dict[str, Connection]


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """The configuration, and where it stands: paths in it are relative to that place."""

    config: Config
    directory: Path

    def path(self, name: str) -> Path:
        """Return a path of the configuration, made whole."""
        return self.directory / name

    @property
    def cluster(self) -> Cluster:
        """The cluster."""
        return self.config.kafka.cluster()

    def connections_of(self, tenant: str) -> list[str]:
        """Return the connections of a tenant, in the order of the file."""
        return [name for name, connection in self.config.connections.items() if connection.tenant == tenant]

    def write_back_of(self, connection: str) -> WriteBack:
        """Return what is written back to the tenant of a connection."""
        return self.config.tenants[self.config.connections[connection].tenant].write_back

    def claims_of(self, tenant: str) -> tuple[Claim, ...]:
        """Return what the connections of a tenant claim, in the order of the file."""
        return tuple(
            msgspec.structs.replace(self.config.connections[name].accounts, connection=name)
            for name in self.connections_of(tenant)
        )


def load_site(path: Path) -> Site:
    """Read and check the configuration.

    Raises:
        Misconfigured: It says something that is not known, or something that cannot be.
    """
    config = load_settings(path, Config)
    problems = _problems(config)
    if problems:
        raise Misconfigured(f"{path}: " + "; ".join(problems))
    return Site(config=config, directory=path.resolve().parent)


def name_problem(name: str) -> str:
    """Return what is wrong with the name of a tenant or a connection, "" where nothing is."""
    return "" if _NAME.fullmatch(name) else "a name is lower-case letters, digits and hyphens, at most 31"


def _problems(config: Config) -> list[str]:
    return [
        *_problems_of_names(config),
        *_problems_of_connections(config),
        *_problems_of_receiver(config.receiver),
        *(f"tenants.{name}.{told}" for name, tenant in config.tenants.items() for told in _problems_of_tenant(tenant)),
    ]


def _problems_of_names(config: Config) -> Iterator[str]:
    for table, names in (("tenants", config.tenants), ("connections", config.connections)):
        yield from (f"{table}.{name}: {problem}" for name in names if (problem := name_problem(name)))
    paths = Counter(tenant.callouts.path for tenant in config.tenants.values() if tenant.callouts)
    if paths and max(paths.values()) > 1:
        yield "two tenants share one callouts.path"


def _problems_of_receiver(receiver: Receiving) -> Iterator[str]:
    if receiver.url and address_problem(receiver.url):
        yield f"receiver.url {address_problem(receiver.url)}"
    for proxy in receiver.proxies:
        try:
            ip_network(proxy)
        except ValueError:
            yield f"receiver.proxies: {proxy!r} is neither an address nor a network such as 10.1.2.0/24"


def _problems_of_connections(config: Config) -> Iterator[str]:
    for name, connection in config.connections.items():
        if connection.tenant not in config.tenants:
            yield f"connections.{name}.tenant: there is no [tenants.{connection.tenant}]"
        if bool(connection.accounts.field) != bool(connection.accounts.values):
            yield f"connections.{name}.accounts: field and values go together; without both it claims every account"
        tenant = config.tenants.get(connection.tenant)
        written = tenant.write_back.customer_code.casefold() if tenant else ""
        if written and written == connection.accounts.field.casefold():
            yield f"connections.{name}.accounts: tenants.{connection.tenant}.write_back writes into its field"
    used = {connection.tenant for connection in config.connections.values()}
    yield from (f"tenants.{name}: no connection uses it" for name in config.tenants if name not in used)


def _problems_of_tenant(tenant: Tenant) -> Iterator[str]:
    address = address_problem(tenant.base_url, tenant.private_hosts)
    if address:
        yield f"base_url {address}"
    for name, ids in (("entity_id", [tenant.entity_id] if tenant.entity_id else []), ("org_ids", tenant.org_ids)):
        if not all(re.fullmatch(r"[0-9A-Za-z-]{1,64}", one) for one in ids):
            yield f"{name}: an id of Zuora has letters, digits and hyphens"
    yield from _problems_of_schedules(tenant.poll)
    # It stands in a header of every call.
    if not re.fullmatch(r"[0-9][0-9.-]*", tenant.version):
        yield "version is a day, such as 2025-08-12, or a number, such as 257.0"
    if problem := tenant.budget.problem():
        yield f"budget.{problem}"
    if tenant.callouts is not None and not re.fullmatch(r"/[A-Za-z0-9/_-]{22,}", tenant.callouts.path):
        yield "callouts.path: begins with / and has at least 22 letters and digits, made at random"
    fields = tenant.write_back.fields
    yield from (f"write_back: {name!r} is no custom field, they end in __c" for name in fields if not _OWN.match(name))
    if len({name.casefold() for name in fields}) < len(fields):
        yield "write_back: customer_code and document_number are one field"


def _problems_of_schedules(poll: PollSettings) -> Iterator[str]:
    if problem := schedule_problem(poll):
        yield f"poll.{problem}"
    for kind, schedule in poll.kinds.items():
        if kind not in _SCHEDULED:
            yield f"poll.kinds.{kind}: nothing of that name is read; there are {', '.join(_SCHEDULED)}"
        elif problem := schedule_problem(schedule):
            yield f"poll.kinds.{kind}.{problem}"
