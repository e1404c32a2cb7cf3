"""The sink stage on Faust: each run goes to the lane of its partition. The agent never waits and decides nothing."""

from collections.abc import Awaitable, Callable
from typing import Any

import faust

from streams.sink.spec import STAGE


def host(app: faust.App, source: Any, take: Callable[[Any, Callable[[Any], Awaitable[Any]]], None]) -> None:
    """Put the stage's agent on the app; `take` gets each run, and what acknowledges it."""

    @app.agent(source, name=STAGE)
    async def sink(stream: Any) -> None:
        runs = stream.noack()
        async for event in runs.events():
            take(event, runs.ack)
