"""One call of Zuora: its turn, its token, its tries. All that is sent to the API goes through `_once`.

A GET, or one of the posts that check themselves (posts.py), when the budget lets it go (budget.py). Redirects are
refused; what is turned away is tried again as Zuora's categories allow, five times, with full jitter.
"""

import asyncio
import random
import secrets
from collections.abc import Mapping

import aiohttp
import msgspec
import structlog
from yarl import URL

from adapters.reach import Reach, connector
from adapters.zuora.asking import posts
from adapters.zuora.asking.answers import Answered, NotFound, SignedOut, TooMany, read_answer, told_of
from adapters.zuora.asking.budget import DEFAULT, OBJECT_QUERY, Budget, Turn
from adapters.zuora.asking.headers import text_of
from adapters.zuora.asking.pacing import TRIES_MAX, Priority, retry_pause_s
from adapters.zuora.asking.token import Token
from schemas.errors import ConnectorError, Refused, Transient

log = structlog.get_logger(__name__)

# Zuora's gateway gives up after 120 s; a little more lets its answer arrive.
_REQUEST_TIMEOUT_S = 125.0


class Answer(msgspec.Struct, frozen=True):
    """A checked answer: its bytes, and Zuora's id of the request."""

    body: bytes
    request_id: str


class Asking:
    """The way to one tenant."""

    def __init__(
        self,
        base_url: str,
        *,
        headers: Mapping[str, str],
        token: Token,
        budget: Budget,
        tenant_id: str,
        priority: Priority,
        reach: Reach,
    ) -> None:
        """Set up; call inside the running loop, and close it.

        Args:
            base_url: The data centre's address.
            headers: What is said with every call.
            token: The credential's token.
            budget: The tenant's budget, of this process.
            tenant_id: Zuora's number of the tenant, "" where it is not known: nothing is asked of another one.
            priority: Whether calls wait behind those of others.
            reach: What may be connected to.
        """
        self.token = token
        self.budget = budget
        self._object_query = URL(base_url).path.rstrip("/") + "/object-query/"
        self._headers = headers
        self._tenant_id = tenant_id
        self._priority = priority
        self._pausing = 0
        self._calls, self._name = 0, f"ml-{secrets.token_hex(6)}"
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=_REQUEST_TIMEOUT_S, connect=10),
            # The budget says how many there are.
            connector=connector(base_url, reach, limit=0),
        )

    async def close(self) -> None:
        """Give its connections back."""
        await self._session.close()

    @property
    def rests(self) -> bool:
        """Whether a call waits on purpose: for its turn, or as long as Zuora asked for before another try."""
        return self._pausing > 0 or self.token.rests or self.budget.waited_for

    async def ask(self, url: URL, what: str, post: posts.Post | None = None) -> Answer:
        """Return the answer to a GET, or to a post; limits and passing faults are waited out.

        Args:
            url: What is asked, on the base URL's host.
            what: The same for people: method and path, no query.
            post: What is posted; a GET where there is nothing.

        Raises:
            NotFound: There is no such object.
            Refused: The user may not, or a feature is off.
            Answered: Zuora's own answer to a mark was a failure that may pass.
            Transient: It did not answer well in five tries.
            Misconfigured: We asked wrongly, or somebody else answers.
        """
        kind = OBJECT_QUERY if url.path.startswith(self._object_query) else DEFAULT
        tries, signed_out, token = 0, False, ""
        while True:
            try:
                # Before its turn: who waits for a token takes no place meanwhile.
                await self.token.get()
                async with self.budget.turn(kind, self._priority) as turn:
                    # Its turn may come after the token has ended.
                    token = await self.token.get()
                    self._same_tenant()
                    answer = await self._once(url, what, token, post, kind=kind, turn=turn)
                    self.token.accepted()
                    return answer
            except SignedOut:
                if signed_out:
                    raise Refused(f"Zuora does not accept a new token either ({what})") from None
                signed_out = True
                await self.token.refused(token)
            except Transient as error:
                tries += 1
                pause_s = retry_pause_s(tries, error.retry_after_s, random.uniform)
                if isinstance(error, TooMany):
                    self.budget.close(pause_s)
                # An answer of Zuora's own is kept under the key of a mark: asking again would only be told it again.
                if tries >= TRIES_MAX or (post is not None and not post.reads and isinstance(error, Answered)):
                    raise
                self._pausing += 1
                try:
                    await asyncio.sleep(pause_s)
                finally:
                    self._pausing -= 1

    def _same_tenant(self) -> None:
        told = self.token.tenant_id
        if self._tenant_id and told and told != self._tenant_id:
            raise Refused(
                f"the client id and secret belong to tenant {told[:40]}, and tenant_id says {self._tenant_id}: "
                "nothing is read there; set those of the right tenant, or mend tenant_id"
            )

    async def _once(self, url: URL, what: str, token: str, post: posts.Post | None, *, kind: str, turn: Turn) -> Answer:
        self._calls += 1
        # Zuora's support finds a call by this also where no answer came.
        track_id = f"{self._name}-{self._calls}"
        method, body = "GET", None
        headers = {**self._headers, "Authorization": f"Bearer {token}", "Zuora-Track-Id": track_id}
        if post is not None:
            method, body, headers["Content-Type"] = "POST", msgspec.json.encode(post.content), "application/json"
            if post.key:
                headers["Idempotency-Key"] = post.key
        request_id = ""
        try:
            async with self._session.request(method, url, headers=headers, data=body, allow_redirects=False) as answer:
                request_id = text_of(answer.headers.get("Zuora-Request-Id"))
                self.budget.hear(kind, answer.status, answer.headers, turn=turn)
                told = await read_answer(answer, what=what, secrets=(token, *self.token.secrets))
                self.token.clock.hear(answer.headers.get("Date"))
                return Answer(told, request_id)
        except NotFound:
            raise
        except ConnectorError as error:
            told_id = told_of(request_id, (token, *self.token.secrets))
            _note(error, what, request_id=told_id, track_id=track_id)
            raise
        except (aiohttp.ClientError, TimeoutError) as error:
            # The error of the library may hold the whole URL; its kind is enough.
            unreached = Transient(f"Zuora cannot be reached ({what}): {type(error).__name__}")
            _note(unreached, what, request_id="", track_id=track_id)
            raise unreached from error


def _note(error: ConnectorError, what: str, *, request_id: str, track_id: str) -> None:
    """Keep what Zuora's support asks for, of each try: what comes of it, whoever asked says."""
    log.info(
        "a call of Zuora failed",
        what=what,
        reason=str(error),
        request_id=request_id,
        process_id=error.process_id,
        track_id=track_id,
    )
