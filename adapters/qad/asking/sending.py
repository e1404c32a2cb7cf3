"""How a call that commits goes out: once, not after its time, and what became of it where no answer came.

The age of an intent is checked when a connection is there and before the first byte goes out: a raise at that moment
sends nothing.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import aiohttp
from yarl import URL

from adapters.clock import boot_time_s
from adapters.reach import Reach, connector
from schemas.errors import NotSent, OutcomeUnknown

# A page of a browse has a few megabytes; what never ends must not take the process's memory with it.
_ANSWER_MAX = 64 * 1024 * 1024

# A server that has done what was posted may send on to a page about it so; the others say that nobody took it up.
DONE_AND_SENT_ON = (302, 303)


class _TooOldError(Exception):
    """The intent was too old when the connection was there: nothing was sent."""


def session_that_checks_age(
    base_url: str, reach: Reach, *, timeout_s: float, connections: int
) -> aiohttp.ClientSession:
    """Return a session for `sending` to one host; call inside the running loop, and close it.

    Raises:
        Misconfigured: The host may not be connected to.
    """
    trace = aiohttp.TraceConfig()
    trace.on_connection_reuseconn.append(_check_age)
    trace.on_connection_create_end.append(_check_age)
    return aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=timeout_s, connect=min(10.0, timeout_s)),
        connector=connector(base_url, reach, limit=connections),
        trace_configs=[trace],
    )


@asynccontextmanager
async def sending(
    session: aiohttp.ClientSession, url: URL, body: bytes, headers: Mapping[str, str], *, not_after: float
) -> AsyncIterator[aiohttp.ClientResponse]:
    """Send something that commits, and yield the answer; also what fails while that is read means what is said here.

    Args:
        session: Of `session_that_checks_age`.
        url: Whole, with its query.
        body: What is sent.
        headers: Beside what the library sets.
        not_after: Boot-time clock after which no byte may be sent.

    Raises:
        NotSent: No byte was sent.
        OutcomeUnknown: It was sent and no answer came.
    """
    try:
        async with session.post(
            url, data=body, headers=headers, allow_redirects=False, trace_request_ctx=not_after
        ) as answer:
            yield answer
    except _TooOldError:
        raise NotSent("the intent was too old when a connection was there") from None
    except aiohttp.ClientConnectorError as error:
        raise NotSent(f"no connection to QAD: {type(error).__name__}") from error
    except (aiohttp.ClientError, TimeoutError) as error:
        raise OutcomeUnknown(f"no answer: {type(error).__name__}") from error


async def whole_body(answer: aiohttp.ClientResponse) -> bytes:
    """Return the body of an answer.

    Raises:
        aiohttp.ClientError: It was cut, or is longer than any answer of QAD's.
    """
    body = bytearray()
    async for part in answer.content.iter_any():
        body += part
        if len(body) > _ANSWER_MAX:
            answer.close()
            raise aiohttp.ClientPayloadError(f"the answer has more than {_ANSWER_MAX} bytes")
    return bytes(body)


async def _check_age(_session: aiohttp.ClientSession, context: SimpleNamespace, _params: Any) -> None:
    not_after = context.trace_request_ctx
    if not_after is not None and boot_time_s() > not_after:
        raise _TooOldError
