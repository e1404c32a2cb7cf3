"""Six companies, each a Zuora tenant of its own joined to a QAD entity of its own: both stand-ins and a proxy between.

Two are spoken to in each way (ways.py). All of them live in this process: what they hold is read as objects,
and a fault is armed by a call.
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
from sandbox.zuora import Sandbox
from sandbox.zuora.server import running
from tests.faults.companies import Company
from tests.faults.filed import FilePlace
from tests.faults.ways import WAYS, Way

# A call on an idle connection that QAD still holds may arrive until then: below the settle time of the profile (7 s).
KEEPALIVE_S = 5.0
_SIZE = 0.1
_FILES_SITE = "amer"


class Place(Company):
    """A company with a QAD.

    Attributes:
        way: How its QAD is spoken to.
        qad: Its QAD stand-in.
        proxy: Between the product and QAD.
    """

    def __init__(
        self,
        name: str,
        world: SiteWorld,
        *,
        way: Way,
        zuora: Sandbox,
        zuora_url: str,
        qad: QadServer,
        proxy: FaultProxy,
    ) -> None:
        super().__init__(name, world, zuora=zuora, zuora_url=zuora_url)
        self.way = way
        self.qad = qad
        self.proxy = proxy

    @property
    def profile(self) -> str:
        """How the product speaks to its QAD: through the proxy."""
        qad, site = self.qad, self.world.site
        return self.way.profile(site, base_url=self._proxied(qad.url), qxtend_url=self._proxied(qad.qxtend_url))

    def _proxied(self, url: str) -> str:
        there = urlsplit(url)
        return there._replace(netloc=f"{there.hostname}:{self.proxy.port}").geturl()

    @property
    def ledger(self) -> Ledger:
        """QAD's books."""
        return self.qad.installation.books.ledgers[self.world.site.entity]

    def secrets(self) -> dict[str, dict[str, str]]:
        """Return what goes into the credential store."""
        found = super().secrets()
        if self.way.is_qxtend:
            qad = found[f"qad/{self.name}"]
            qad |= {f"qxtend_{field}": qad[field] for field in ("username", "password")}
        return found


@asynccontextmanager
async def standing_places(*, seed: int, receiver: str, keepalive_s: float = KEEPALIVE_S) -> AsyncIterator[list[Place]]:
    """Serve all stand-ins and their proxies meanwhile."""
    async with AsyncExitStack() as stack:
        timeout = aiohttp.ClientTimeout(total=60)
        session = await stack.enter_async_context(aiohttp.ClientSession(timeout=timeout))
        places = []
        for number, way in enumerate(WAYS, 1):
            # Worlds of neighbouring seeds share nothing: each draws from a sequence of its own.
            world = build_world(seed=seed * 10 + number, size=_SIZE)
            for site, one in world.sites.items():
                name = f"{site}-{number}"
                zuora = Sandbox(seed=seed * 10 + number, world=one.zuora(receiver=receiver))
                zuora_url = await stack.enter_async_context(running(zuora))
                qad = QadServer(world=one.qad(), dialect=way.dialect, keepalive_s=keepalive_s)
                await qad.start(control_port=0)
                # So that an application can be taken back that a receipt carried in whole.
                qad.control.change_settings({"books": {"prepayment_holds_whole_payment": True}})
                stack.push_async_callback(qad.stop)
                erp = urlsplit(qad.url)
                proxy = FaultProxy(str(erp.hostname), int(erp.port or 0), seed=seed * 10 + number)
                await stack.enter_async_context(proxy)
                place = Place(name, one, way=way, zuora=zuora, zuora_url=zuora_url, qad=qad, proxy=proxy)
                place.scene = Scene(
                    world=one,
                    zuora=ZuoraControl(session, zuora_url),
                    qad=QadControl(session, qad.control_url),
                    session=session,
                )
                places.append(place)
        yield places


@asynccontextmanager
async def standing_file_place(*, seed: int, receiver: str) -> AsyncIterator[FilePlace]:
    """Serve the Zuora stand-in of the company whose documents go into files meanwhile."""
    timeout = aiohttp.ClientTimeout(total=60)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        number = seed * 10 + len(WAYS) + 1
        world = build_world(seed=number, size=_SIZE).sites[_FILES_SITE]
        zuora = Sandbox(seed=number, world=world.zuora(receiver=receiver))
        async with running(zuora) as url:
            scene = Scene(world=world, zuora=ZuoraControl(session, url), qad=QadControl(session, ""), session=session)
            yield FilePlace(world, zuora=zuora, zuora_url=url, scene=scene)
