"""The story of both sites: its chapters by name and in order, and what it has declared so far.

The product runs beside it or afterwards. `mapping publish` of version 1 belongs after `opening`, version 2 between
`october_run` and `october_payments`, version 3 among the fixes.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

import aiohttp

from sandbox.world.building import World
from sandbox.world.cases import Case
from sandbox.world.chapters.billing import november_run, october_run
from sandbox.world.chapters.correcting import corrections
from sandbox.world.chapters.money_back import money_back, second_thoughts
from sandbox.world.chapters.opening import opening
from sandbox.world.chapters.paying import november_payments, october_payments
from sandbox.world.chapters.trouble import trouble
from sandbox.world.control import QadControl, ZuoraControl
from sandbox.world.scene import Receiver, Scene
from sandbox.world.sites import Fact

# An act on a long invoice takes a moment, no act takes long.
_TIMEOUT_S = 60.0

CHAPTERS: Mapping[str, Callable[[Scene], Awaitable[None]]] = {
    chapter.__name__: chapter
    for chapter in (
        opening,
        october_run,
        october_payments,
        november_run,
        november_payments,
        corrections,
        money_back,
        second_thoughts,
        trouble,
    )
}


class Controls(Fact, frozen=True, kw_only=True):
    """Where one site's stand-ins are acted on.

    Attributes:
        zuora: Base URL of the Zuora stand-in, e.g. http://127.0.0.1:8081.
        qad: URL of the QAD stand-in's control, e.g. http://127.0.0.1:8091/control.
    """

    zuora: str
    qad: str


class Story:
    """Tells the story of both sites, a chapter at a time, both sites side by side.

    Attributes:
        world: The world it happens in.
        scenes: Where each site's part takes place.
        told: Names of the chapters that were told.
    """

    def __init__(self, world: World, scenes: Mapping[str, Scene]) -> None:
        """Tell it on these scenes; see `tell_story`."""
        self.world = world
        self.scenes = dict(scenes)
        self.told: list[str] = []

    @property
    def cases(self) -> list[Case]:
        """What was declared so far, site by site."""
        return [case for scene in self.scenes.values() for case in scene.cases]

    def case(self, site: str, name: str) -> Case:
        """Return a case by site and name."""
        return next(case for case in self.scenes[site].cases if case.name == name)

    async def tell(self, *chapters: str) -> None:
        """Tell chapters by name, or all that were not told yet.

        Raises:
            ValueError: A chapter comes before its time, or again.
        """
        for name in chapters or tuple(CHAPTERS)[len(self.told) :]:
            expected = tuple(CHAPTERS)[len(self.told)] if len(self.told) < len(CHAPTERS) else "none"
            if name != expected:
                raise ValueError(f"the next chapter is {expected}, not {name}")
            async with asyncio.TaskGroup() as sites:
                for scene in self.scenes.values():
                    sites.create_task(_told(name, scene))
            self.told.append(name)


@asynccontextmanager
async def tell_story(world: World, controls: Mapping[str, Controls], *, receiver: str = "") -> AsyncIterator[Story]:
    """Yield a story that acts on these stand-ins, which were started with the world.

    Args:
        world: The world.
        controls: Where the stand-ins of each site are.
        receiver: `http://host:port` of the product's receiver, for the callout that is no JSON.
    """
    timeout = aiohttp.ClientTimeout(total=_TIMEOUT_S)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        scenes = {
            name: Scene(
                world=world.sites[name],
                zuora=ZuoraControl(session, site.zuora),
                qad=QadControl(session, site.qad),
                session=session,
                receiver=Receiver(url=receiver) if receiver else None,
            )
            for name, site in controls.items()
        }
        yield Story(world, scenes)


async def _told(name: str, scene: Scene) -> None:
    await CHAPTERS[name](scene)
