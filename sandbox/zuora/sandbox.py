"""One stand-in put together: the tenant, and everything that stands between it and its clients.

Tests in the same process hold this object and act on `tenant` directly; others use the control API, which does the
same.
"""

from collections import defaultdict

from sandbox.zuora.callouts.delivery import Callouts
from sandbox.zuora.clock import Clock
from sandbox.zuora.faults import Faults
from sandbox.zuora.query.pages import OffsetMemory
from sandbox.zuora.query.rendering import Renderer
from sandbox.zuora.settings import Settings
from sandbox.zuora.tenant import Tenant
from sandbox.zuora.wire.access import Tokens
from sandbox.zuora.wire.forms.shape import v1_encoder
from sandbox.zuora.wire.idempotency import IdempotencyKeys
from sandbox.zuora.wire.journal import Journal
from sandbox.zuora.wire.limits import Concurrency, RateMeter
from sandbox.zuora.wire.locators import Locators
from sandbox.zuora.world import World, load_master_data


class Sandbox:
    """A stand-in for one Zuora tenant.

    Attributes:
        seed: Decides all ids.
        world: What it was started with.
        tenant: The state.
        clock: The time; set or move it at will.
        faults: What goes wrong.
        callouts: What is delivered to whom.
        journal: What arrived.
    """

    def __init__(
        self, *, seed: int = 1, world: World | None = None, settings: Settings | None = None, clock: Clock | None = None
    ) -> None:
        self.seed = seed
        self.world = world or World()
        self._settings = settings or self.world.settings
        self.clock = clock or Clock()
        self._build()

    def _build(self) -> None:
        self.tenant = Tenant(seed=self.seed, settings=self._settings, clock=self.clock)
        self.faults = Faults()
        self.tenant.commit_delay_s = self._commit_delay_s
        self.tokens = Tokens(self.clock)
        self.meter = RateMeter()
        self.concurrency = Concurrency()
        self.idempotency = IdempotencyKeys(self.clock)
        self.locators = Locators(self.clock)
        self.journal = Journal(self._settings.request_log_rows)
        self.callouts = Callouts(self.tenant, self.faults)
        self.use(self._settings)
        self.offsets: defaultdict[str, OffsetMemory] = defaultdict(OffsetMemory)
        self.callouts.configurations = list(self.world.callouts)
        self.callouts.triggers += self.world.event_triggers
        load_master_data(self.tenant, self.world)

    def _commit_delay_s(self, act: str) -> float:
        fault = self.faults.take("late_commit", act)
        return fault.seconds if fault is not None else 0.0

    def use(self, settings: Settings) -> None:
        """Let these switches be in force from now on."""
        self.tenant.use(settings)
        self.renderer, self.v1_encoder = Renderer(self.tenant), v1_encoder(self.tenant.zone)

    def start(self) -> None:
        """Begin to deliver callouts; needs a running loop."""
        self.callouts.start()

    async def stop(self) -> None:
        """End the delivery of callouts."""
        await self.callouts.stop()

    async def reset(self, world: World | None = None) -> None:
        """Become what it was at the start, or a tenant with another world: no documents, no faults, real time."""
        await self.callouts.stop()
        self.clock.reset()
        if world is not None:
            self.world, self._settings = world, world.settings
        self._build()
        self.callouts.start()
