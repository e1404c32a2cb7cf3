"""What can be asked of Zuora: objects, lists to their end, queries, marks. Strict with answers.

Every answer is checked before anyone sees it: a list is whole, or it is an error; a next page of another host, or one
that was read before, is refused. How a call is made is in `call.py`; it makes no other.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import TypeVar

import msgspec
from yarl import URL

from adapters.credentials.secret import Secret
from adapters.reach import PUBLIC, Reach
from adapters.zuora.asking import posts
from adapters.zuora.asking.answers import decoded, told_of
from adapters.zuora.asking.budget import Budget
from adapters.zuora.asking.call import Answer, Asking
from adapters.zuora.asking.commons import Commons
from adapters.zuora.asking.pacing import Priority
from schemas.errors import Misconfigured, Transient, Unreadable

Decoded = TypeVar("Decoded")

# The largest page: 1..99 for Object Query, 40 for the older reads.
PAGE_SIZE_MAX = 99
V1_PAGE_SIZE_MAX = 40


class Page(msgspec.Struct, frozen=True):
    """One page of a list: the rows verbatim, Zuora's id of the request, and the cursor of what follows, if any does."""

    rows: list[msgspec.Raw]
    request_id: str
    next_cursor: str

    @property
    def last(self) -> bool:
        """Whether nothing follows."""
        return not self.next_cursor


class Marked(msgspec.Struct, frozen=True):
    """What Zuora says of one object that was to be marked.

    Attributes:
        ok: Whether it is marked.
        code: Zuora's code where it is not.
        message: Its words.
    """

    ok: bool
    code: str = ""
    message: str = ""


class _ObjectQueryPage(msgspec.Struct, rename="camel"):
    data: list[msgspec.Raw]
    next_page: str | None = None


class _ZoqlPage(msgspec.Struct, rename="camel"):
    done: bool
    records: list[msgspec.Raw] = []
    query_locator: str | None = None


class _MarkError(msgspec.Struct, rename="pascal"):
    code: str = ""
    message: str = ""


class _Mark(msgspec.Struct, rename="pascal"):
    success: bool
    errors: list[_MarkError] = []


class ZuoraClient:
    """One tenant of Zuora, for one process."""

    def __init__(
        self,
        base_url: str,
        *,
        client_id: Secret,
        client_secret: Secret,
        version: str,
        commons: Commons,
        budget: Budget,
        tenant_id: str = "",
        entity_id: str = "",
        org_ids: Sequence[str] = (),
        priority: Priority = Priority.LIVE,
        reach: Reach = PUBLIC,
    ) -> None:
        """Set up; call inside the running loop, use as an async context manager.

        Args:
            base_url: The data centre's address, whole.
            client_id: OAuth client.
            client_secret: Its secret.
            version: `Zuora-Version` to ask for: it changes field names, so it is always said.
            commons: What the clients of this process share.
            budget: The tenant's budget, of this process.
            tenant_id: Zuora's number of the tenant, where it is known: nothing is asked of another one.
            entity_id: The one entity to read, for tenants with several.
            org_ids: The organizations to read, for tenants with several; none for all that the user may see.
            priority: Whether its calls wait behind those of others.
            reach: What may be connected to.

        Raises:
            Misconfigured: The host may not be connected to.
        """
        self._base_url = base_url.rstrip("/")
        self._origin = URL(self._base_url).origin()
        headers = {"Zuora-Version": version, "Accept-Encoding": "gzip"}
        if entity_id:
            headers["Zuora-Entity-Ids"] = entity_id
        if org_ids:
            headers["Zuora-Org-Ids"] = ",".join(org_ids)
        self.token = commons.token(self._base_url, client_id=client_id, client_secret=client_secret, reach=reach)
        self.budget = budget
        self._clock = self.token.clock
        self._asking = Asking(
            self._base_url,
            headers=headers,
            token=self.token,
            budget=budget,
            tenant_id=tenant_id,
            priority=priority,
            reach=reach,
        )

    async def __aenter__(self) -> "ZuoraClient":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._asking.close()

    def now(self) -> datetime:
        """Return Zuora's time, as its last answer told it; before the first one, this machine's."""
        return self._clock.now()

    async def hear_time(self) -> datetime:
        """Return Zuora's time; where no answer has told it yet, one is asked for.

        Raises:
            Refused: The credentials are wrong.
            Transient: Zuora does not tell its time now.
        """
        if not self._clock.told:
            await self.token.get()
        if not self._clock.told:
            raise Transient("Zuora's answers tell no time (header Date): no window of a poll can be measured")
        return self._clock.now()

    @property
    def rests(self) -> bool:
        """Whether a call waits on purpose: for its turn, or as long as Zuora asked for before another try."""
        return self._asking.rests

    @property
    def clock_ahead_s(self) -> float:
        """How far Zuora's clock is ahead of ours, in seconds."""
        return (self._clock.now() - datetime.now(UTC)).total_seconds()

    async def get(self, path: str, params: Sequence[tuple[str, str]] = ()) -> Answer:
        """Return the answer to a GET; limits and passing faults are waited out.

        Args:
            path: Path below the base URL; ids in it are quoted already.
            params: Query parameters, repeated where they repeat.

        Raises:
            NotFound: There is no such object.
            Refused: The user may not, or a feature is off.
            Transient: It did not answer well in five tries.
            Misconfigured: We asked wrongly, or somebody else answers.
        """
        url = (
            URL(self._base_url + path, encoded=True).with_query(list(params))
            if params
            else URL(self._base_url + path, encoded=True)
        )
        return await self._asking.ask(url, f"GET {path}")

    async def object_query_page(
        self,
        objects: str,
        params: Sequence[tuple[str, str]],
        *,
        page_size: int = PAGE_SIZE_MAX,
        cursor: str = "",
    ) -> Page:
        """Return one page of an Object Query, each row verbatim.

        Args:
            objects: Name of the list, e.g. `invoices`.
            params: filter[], sort[], expand[] and the like.
            page_size: Rows per page.
            cursor: What the page before named as the next; all else must be asked for alike.

        Raises:
            Transient: It is cut, or no page.
        """
        path, asked = f"/object-query/{objects}", [*params, ("pageSize", str(page_size))]
        answer = await self.get(path, [*asked, ("cursor", cursor)] if cursor else asked)
        page = _listed(answer.body, _page, path)
        return Page(page.data, answer.request_id, page.next_page or "")

    async def object_query_pages(
        self, objects: str, params: Sequence[tuple[str, str]], page_size: int = PAGE_SIZE_MAX
    ) -> AsyncIterator[Page]:
        """Yield the pages of an Object Query, following its cursors.

        Raises:
            Transient: A page is cut or no page, or it was read before: the list cannot be told whole.
        """
        page = await self.object_query_page(objects, params, page_size=page_size)
        cursors = set[str]()
        yield page
        while not page.last:
            if page.next_cursor in cursors:
                raise Transient(f"Zuora's next page of {objects} is one that was read: the list does not end")
            cursors.add(page.next_cursor)
            page = await self.object_query_page(objects, params, page_size=page_size, cursor=page.next_cursor)
            yield page

    async def v1_rows(self, path: str, key: str, params: Sequence[tuple[str, str]] = ()) -> list[msgspec.Raw]:
        """Return all rows of an older list, following its pages.

        Args:
            path: Path below the base URL.
            key: Name of the list in the answer.
            params: Query parameters, beside the size of a page.

        Raises:
            Transient: A page is cut or no page, or it was read before: the list cannot be told whole.
            Misconfigured: The next page is on another host.
        """
        rows: list[msgspec.Raw] = []
        urls: set[URL] = set()
        url = URL(self._base_url + path, encoded=True).with_query([*params, ("pageSize", str(V1_PAGE_SIZE_MAX))])
        while url not in urls:
            urls.add(url)
            answer = await self._asking.ask(url, f"GET {path}")
            fields = _listed(answer.body, _fields, path)
            rows += _rows_of(fields, key, path)
            following = _listed(fields["nextPage"], _text, path) if "nextPage" in fields else None
            if not following:
                return rows
            url = self._same_origin(following, path)
        raise Transient(f"Zuora's next page of {path} is one that was read: the list does not end")

    async def zoql(self, query: str) -> AsyncGenerator[Page, None]:
        """Yield the pages of a ZOQL query, each row verbatim, in no order that Zuora promises.

        Args:
            query: The query; every value in it comes from `posts.literal`.

        Raises:
            Transient: A page is cut or no page, or it was read before: the list cannot be told whole.
            Refused: The user may not.
            Misconfigured: Zuora does not understand it.
        """
        post, locators = posts.query(query), set[str]()
        while True:
            answer = await self._asking.ask(URL(self._base_url + post.path, encoded=True), f"POST {post.path}", post)
            page = _listed(answer.body, _zoql_page, post.path)
            if not page.done and (not page.query_locator or page.query_locator in locators):
                raise Transient("Zuora's answer to a query is not all of it and does not say how it goes on")
            locator = "" if page.done else page.query_locator or ""
            yield Page(page.records, answer.request_id, locator)
            if page.done:
                return
            locators.add(locator)
            post = posts.query_more(locator)

    async def mark(self, type_name: str, objects: Sequence[Mapping[str, str]], key: str) -> list[Marked]:
        """Set fields that move no money (posts.py says which); return what Zuora says of each object, in their order.

        A repeat under the same key is answered with what the first one was told, for a day, failures too.

        Args:
            type_name: Type of the objects, as Actions name it.
            objects: `Id` of each, and what is set.
            key: The idempotency key.

        Raises:
            Answered: Zuora's own answer was a failure that may pass: it stays under this key; try with another.
            Transient: No answer says what became of it: try again with the same key.
            Refused: The user may not.
            Misconfigured: We asked wrongly, or used the key for something else.
            InvariantViolation: It would set what may not be set.
        """
        post = posts.update(type_name, objects, key)
        # Else a field that the tenant does not have is left out without a word.
        url = URL(self._base_url + post.path, encoded=True).with_query(rejectUnknownFields="true")
        answer = await self._asking.ask(url, f"POST {post.path}", post)
        marked = _listed(answer.body, _marks, post.path)
        if len(marked) != len(objects):
            raise Transient(f"Zuora answered {len(marked)} of {len(objects)} marks")
        return [_marked(one, self.token.secrets) for one in marked]

    def _same_origin(self, following: str, path: str) -> URL:
        try:
            url = URL(following)
            if not url.is_absolute():
                return self._origin.join(url)
            # A gateway may say http where we came by https; only the host decides whether it is still Zuora.
            if url.host == self._origin.host:
                return self._origin.join(url.relative())
        except ValueError:
            raise Misconfigured(f"Zuora's next page of {path} is no address: refused") from None
        raise Misconfigured(f"Zuora's next page of {path} is on another host: refused")


_page = msgspec.json.Decoder(_ObjectQueryPage)
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])
_rows = msgspec.json.Decoder(list[msgspec.Raw])
_text = msgspec.json.Decoder(str | None)
_zoql_page = msgspec.json.Decoder(_ZoqlPage)
_marks = msgspec.json.Decoder(list[_Mark])


def _listed(body: bytes | msgspec.Raw, decoder: "msgspec.json.Decoder[Decoded]", what: str) -> "Decoded":
    """Return a page; one that is not as documented is nobody's fault that lasts, and never an empty one."""
    try:
        return decoded(body, decoder, what)
    except Unreadable as error:
        raise Transient(str(error)) from None


def _rows_of(fields: dict[str, msgspec.Raw], key: str, path: str) -> list[msgspec.Raw]:
    if key in fields:
        rows: list[msgspec.Raw] = _listed(fields[key], _rows, path)
        return rows
    # Only an answer that says that all went well may leave an empty list out.
    if bytes(fields.get("success", b"")) == b"true":
        return []
    raise Transient(f"Zuora's answer to {path} has no {key}")


def _marked(one: _Mark, secrets: Sequence[str]) -> Marked:
    code, message = ", ".join(error.code for error in one.errors), "; ".join(error.message for error in one.errors)
    return Marked(one.success, told_of(code, secrets), told_of(message, secrets))
