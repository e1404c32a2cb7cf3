"""Both sites' worlds from a seed and a size, with the keys to them; files and servers are somebody else's business."""

import msgspec

from sandbox.qad.world import Client as QadClient
from sandbox.qad.world import User
from sandbox.qad.world import World as QadWorld
from sandbox.world.chance import lots
from sandbox.world.configuration import SIGNED_SITE, CalloutDoor
from sandbox.world.population import Population, populate
from sandbox.world.qad_side import qad_world
from sandbox.world.sites import SITES, Fact, Site
from sandbox.world.sizes import Sizes
from sandbox.world.zuora_side import zuora_world
from sandbox.zuora import Client as ZuoraClient
from sandbox.zuora import World as ZuoraWorld

_QAD_CLIENT = "ml-connector"
_QAD_USER = "connector"
_CALLOUT_USER = "zuora"

_encode = msgspec.json.Encoder(decimal_format="number").encode


class Keys(Fact, frozen=True, kw_only=True):
    """What opens one site's stand-ins and the way in for its callouts; made from the seed, good for nothing else."""

    client_id: str
    client_secret: str
    callout_path: str
    callout_password: str
    hmac_secret: str
    qad_password: str


class SiteWorld(Fact, frozen=True, kw_only=True):
    """One site: its facts, its people, its keys.

    Attributes:
        site: The facts.
        seed: Seed of the whole world.
        sizes: Counts of the whole world.
        population: Accounts and customers.
        keys: Keys.
    """

    site: Site
    seed: int
    sizes: Sizes
    population: Population
    keys: Keys

    def zuora(self, *, receiver: str = "") -> ZuoraWorld:
        """Return the Zuora stand-in's world; with a receiver's address (`http://host:port`) callouts go there."""
        client = ZuoraClient(client_id=self.keys.client_id, client_secret=self.keys.client_secret)
        door = self.callout_door(receiver) if receiver else None
        return zuora_world(self.site, self.population, client=client, door=door)

    def qad(self) -> QadWorld:
        """Return the QAD stand-in's world."""
        return qad_world(
            self.site,
            self.population,
            client=QadClient(client_id=_QAD_CLIENT),
            user=User(name=_QAD_USER, password=self.keys.qad_password, workspaces=[self.site.workspace]),
        )

    def callout_door(self, receiver: str) -> CalloutDoor:
        """Return how callouts reach a receiver at this address."""
        return CalloutDoor(
            url=receiver + self.keys.callout_path,
            user=_CALLOUT_USER,
            password=self.keys.callout_password,
            hmac_secret=self.keys.hmac_secret,
        )

    def secrets(self) -> dict[str, dict[str, str]]:
        """Return what goes into the credential store, by owner and field."""
        zuora = {
            "client_id": self.keys.client_id,
            "client_secret": self.keys.client_secret,
            "callout_user": _CALLOUT_USER,
            "callout_password": self.keys.callout_password,
        }
        if self.keys.hmac_secret:
            zuora["hmac_secret"] = self.keys.hmac_secret
        qad = {"client_id": _QAD_CLIENT, "username": _QAD_USER, "password": self.keys.qad_password}
        return {f"zuora/{self.site.name}": zuora, f"qad/{self.site.name}": qad}


class World(Fact, frozen=True, kw_only=True):
    """Both sites."""

    seed: int
    sizes: Sizes
    sites: dict[str, SiteWorld]

    def secrets(self) -> dict[str, dict[str, str]]:
        """Return what goes into the credential store, by owner and field."""
        return {owner: fields for site in self.sites.values() for owner, fields in site.secrets().items()}


def build_world(*, seed: int = 1, size: float = 1.0, sizes: Sizes | None = None) -> World:
    """Return the world of a seed and a size (1.0 is a full trial, 0.1 a small one); `sizes` overrules the size."""
    counts = sizes or Sizes.of(size)
    sites = {
        site.name: SiteWorld(
            site=site,
            seed=seed,
            sizes=counts,
            population=populate(site, counts.of_site(site.name), seed=seed),
            keys=_keys(site, seed),
        )
        for site in SITES
    }
    return World(seed=seed, sizes=counts, sites=sites)


def world_json(world: ZuoraWorld | QadWorld) -> bytes:
    """Return a stand-in's world as it takes it, amounts as plain numbers."""
    return _encode(world)


def _keys(site: Site, seed: int) -> Keys:
    draw = lots(seed, site.name, "keys")

    def word(digits: int) -> str:
        return f"{draw.getrandbits(4 * digits):0{digits}x}"

    return Keys(
        client_id="-".join(word(digits) for digits in (8, 4, 4, 4, 12)),
        client_secret=f"{word(20)}+{word(10)}/{word(8)}=",
        callout_path=f"/callouts/{word(32)}",
        callout_password=word(24),
        hmac_secret=word(40) if site.name == SIGNED_SITE else "",
        qad_password=word(24),
    )
