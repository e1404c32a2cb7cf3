"""The product's own files for both sites, as an implementer fills them in: the configuration and the QAD profiles.

No secret stands in them. What the product calls things here is text; its own commands say whether it is right.
"""

from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from sandbox.qad.dialects import DIALECTS
from sandbox.world.sites import SITES, Fact, Site
from sandbox.world.toml import table

# Callouts of this site are signed as well; the other's carry a password only.
SIGNED_SITE = "emea"
HMAC_HEADER = "X-ML-Signature"

_PROFILES = {
    "house": Path(__file__).with_name("profile.toml"),
    "elsewhere": Path(__file__).with_name("profile-elsewhere.toml"),
}


class Address(Fact, frozen=True, kw_only=True):
    """Where a server of the product listens."""

    host: str = "127.0.0.1"
    port: int


class Addresses(Fact, frozen=True, kw_only=True):
    """Where everything is.

    Attributes:
        kafka: `host:port` of the broker.
        zuora: Base URL of each site's Zuora stand-in.
        qad: Base URL of each site's QAD stand-in, with the environment's path.
        receiver: Where callouts come in.
        observe: Metrics and the page.
    """

    kafka: str
    zuora: dict[str, str]
    qad: dict[str, str]
    receiver: Address
    observe: Address

    @classmethod
    def usual(cls) -> "Addresses":
        """Return the addresses of a trial by hand, as `--help` of the command names them."""
        return cls(
            kafka="127.0.0.1:9092",
            zuora={site.name: f"http://127.0.0.1:{8081 + place}" for place, site in enumerate(SITES)},
            qad={site.name: f"http://127.0.0.1:{8091 + place}{qad_path(site)}" for place, site in enumerate(SITES)},
            receiver=Address(port=8070),
            observe=Address(port=8071),
        )


class Pace(Fact, frozen=True, kw_only=True):
    """How quickly the product looks around; a trial is in more of a hurry than a site.

    Attributes:
        poll_interval_s: Pause between two polls of Zuora.
        poll_lag_s: How far a poll stays behind Zuora's clock: stamps have whole seconds.
        poll_overlap_s: How far each poll reaches back.
        look_back_interval_s: Pause between two looks at what polls may have missed.
        reference_interval_s: Pause between two readings of QAD's reference data.
        partitions: Partitions of every topic.
        namespace: Put before topics and groups.
    """

    poll_interval_s: int = 3
    poll_lag_s: int = 2
    poll_overlap_s: int = 30
    look_back_interval_s: int = 15
    reference_interval_s: int = 3
    partitions: int = 8
    namespace: str = ""


class CalloutDoor(Fact, frozen=True, kw_only=True):
    """Where and how a tenant's callouts are sent."""

    url: str
    user: str
    password: str
    hmac_header: str = HMAC_HEADER
    hmac_secret: str = ""


def qad_path(site: Site) -> str:
    """Return the path of a site's QAD: that of its environment."""
    return DIALECTS[site.dialect].base


def profile_text(site: Site, *, base_url: str, dialect: str = "") -> str:
    """Return how a site's QAD is spoken to, in its own dialect unless another is named."""
    text = _PROFILES[dialect or site.dialect].read_text(encoding="utf-8")
    marks = {
        "@BASE_URL@": base_url,
        "@WORKSPACE@": site.workspace,
        "@DOMAIN@": site.domain,
        "@ENTITY@": site.entity,
        "@SHARED_SET@": site.shared_set,
    }
    for mark, value in marks.items():
        text = text.replace(mark, value)
    return text


def configuration_text(addresses: Addresses, *, callout_paths: dict[str, str], pace: Pace) -> str:
    """Return the configuration of one installation that serves both sites.

    Args:
        addresses: Where everything is.
        callout_paths: Path of the receiver, by site.
        pace: How quickly it looks around.
    """
    tables = [
        "# Two companies, each a Zuora tenant joined to a QAD entity.\n",
        table(
            "[kafka]",
            {
                "bootstrap": addresses.kafka,
                "namespace": pace.namespace,
                "partitions": pace.partitions,
                # One node has no second copy to give.
                "replicas": 1,
            },
        ),
        table("[receiver]", {"host": addresses.receiver.host, "port": addresses.receiver.port}),
        table("[observe]", {"host": addresses.observe.host, "port": addresses.observe.port}),
    ]
    for site in SITES:
        tables += _tenant(site, addresses.zuora[site.name], callout_path=callout_paths[site.name], pace=pace)
    for site in SITES:
        tables.append(
            table(
                f"[connections.{site.name}]",
                {
                    "tenant": site.name,
                    "profile": profile_name(site),
                    "reference_interval_s": pace.reference_interval_s,
                    "private_hosts": [_host(addresses.qad[site.name])],
                },
            )
        )
    return "\n".join(tables)


def _host(base_url: str) -> str:
    """Return the host of a stand-in: it is on this machine, which the product reaches where it is listed alone."""
    return urlsplit(base_url).hostname or ""


def profile_name(site: Site) -> str:
    """Return the name of a site's profile."""
    return f"profile-{site.name}.toml"


def _tenant(site: Site, base_url: str, *, callout_path: str, pace: Pace) -> list[str]:
    tables = [
        table(
            f"[tenants.{site.name}]",
            {"base_url": base_url, "tenant_id": site.tenant_id, "private_hosts": [_host(base_url)]},
        ),
        table(
            f"[tenants.{site.name}.poll]",
            {
                "interval_s": pace.poll_interval_s,
                "overlap_s": pace.poll_overlap_s,
                "lag_s": pace.poll_lag_s,
                # Before any clock that a stand-in may show.
                "start": datetime(2020, 1, 1, tzinfo=UTC),
            },
        ),
        *(
            table(f"[tenants.{site.name}.poll.kinds.{kind}]", {"interval_s": pace.look_back_interval_s})
            for kind in ("reread", "callout_history", "e_invoices")
        ),
        table(f"[tenants.{site.name}.callouts]", {"path": callout_path}),
    ]
    if site.name == SIGNED_SITE:
        tables.append(
            table(
                f"[tenants.{site.name}.callouts.hmac]",
                {"header": HMAC_HEADER, "algorithm": "sha256", "output": "hex"},
            )
        )
    return tables
