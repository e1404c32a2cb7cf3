"""Six companies, each a Zuora tenant of its own joined to a QAD entity of its own: both stand-ins and a proxy between.

All of them live in this process: what they hold is read as objects, and a fault is armed by a call.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from urllib.parse import urlsplit

import aiohttp

from sandbox.proxy.proxy import FaultProxy
from sandbox.qad.books.ledger import Ledger
from sandbox.qad.server import QadServer
from sandbox.world import Scene, SiteWorld, build_world
from sandbox.world.control import QadControl, ZuoraControl
from sandbox.world.population import Account
from sandbox.zuora import Sandbox
from sandbox.zuora.server import running

# Two sites by three seeds.
SEEDS = 3
# A call on an idle connection that QAD still holds may arrive until then: below the settle time of the profile (7 s).
KEEPALIVE_S = 5.0
_SIZE = 0.1


class Place:
    """One company.

    Attributes:
        name: Of its tenant and its connection.
        world: Its people and keys.
        zuora: Its Zuora stand-in.
        zuora_url: Where that answers.
        qad: Its QAD stand-in.
        proxy: Between the product and QAD.
        scene: Where its business is acted on.
    """

    def __init__(
        self, name: str, world: SiteWorld, *, zuora: Sandbox, zuora_url: str, qad: QadServer, proxy: FaultProxy
    ) -> None:
        self.name = name
        self.world = world
        self.zuora = zuora
        self.zuora_url = zuora_url
        self.qad = qad
        self.proxy = proxy
        self.scene: Scene

    @property
    def qad_url(self) -> str:
        """Base URL of QAD as the product has it: through the proxy."""
        host = urlsplit(self.qad.url)
        return host._replace(netloc=f"{host.hostname}:{self.proxy.port}").geturl()

    @property
    def ledger(self) -> Ledger:
        """QAD's books."""
        return self.qad.installation.books.ledgers[self.world.site.entity]

    @property
    def accounts(self) -> tuple[Account, ...]:
        """Who is billed: all have their customer in QAD."""
        return self.world.population.billed

    def secrets(self) -> dict[str, dict[str, str]]:
        """Return what goes into the credential store."""
        return {f"{owner.split('/')[0]}/{self.name}": fields for owner, fields in self.world.secrets().items()}


@asynccontextmanager
async def standing_places(*, seed: int, receiver: str, keepalive_s: float = KEEPALIVE_S) -> AsyncIterator[list[Place]]:
    """Serve all stand-ins and their proxies meanwhile."""
    async with AsyncExitStack() as stack:
        timeout = aiohttp.ClientTimeout(total=60)
        session = await stack.enter_async_context(aiohttp.ClientSession(timeout=timeout))
        places = []
        for number in range(1, SEEDS + 1):
            # Worlds of neighbouring seeds share nothing: each draws from a sequence of its own.
            world = build_world(seed=seed * 10 + number, size=_SIZE)
            for site, one in world.sites.items():
                name = f"{site}-{number}"
                zuora = Sandbox(seed=seed * 10 + number, world=one.zuora(receiver=receiver))
                zuora_url = await stack.enter_async_context(running(zuora))
                qad = QadServer(world=one.qad(), keepalive_s=keepalive_s)
                await qad.start(control_port=0)
                # So that an application can be taken back that a receipt carried in whole.
                qad.control.change_settings({"books": {"prepayment_holds_whole_payment": True}})
                stack.push_async_callback(qad.stop)
                erp = urlsplit(qad.url)
                proxy = FaultProxy(str(erp.hostname), int(erp.port or 0), seed=seed * 10 + number)
                await stack.enter_async_context(proxy)
                place = Place(name, one, zuora=zuora, zuora_url=zuora_url, qad=qad, proxy=proxy)
                place.scene = Scene(
                    world=one,
                    zuora=ZuoraControl(session, zuora_url),
                    qad=QadControl(session, qad.control_url),
                    session=session,
                )
                places.append(place)
        yield places
