"""Reads objects of Zuora whole: the parent as answered, and every child.

Which kinds there are and what belongs to each is in `kinds.py`; how what changed is listed, in `changes.py`.
"""

from collections.abc import AsyncIterator, Collection, Sequence
from datetime import UTC, date, datetime
from typing import Literal

import msgspec

from adapters.zuora.asking.answers import NotFound, decoded
from adapters.zuora.asking.client import PAGE_SIZE_MAX, ZuoraClient
from adapters.zuora.asking.ids import checked, quoted
from adapters.zuora.reading.changes import PARENT, changes
from adapters.zuora.reading.contacts import Refusal
from adapters.zuora.reading.kinds import ALWAYS, KINDS, ObjectKind, kinds_of, without
from adapters.zuora.reading.rows import Header, seen
from adapters.zuora.reading.settlement import Settlement
from adapters.zuora.reading.zoql import Zoql, changes_by_zoql, rows_of
from schemas.errors import Misconfigured, NotAllowed, Transient, Unreadable
from schemas.records import Found, RecordKind, ZuoraRecord
from schemas.zuora import stamp_of

FoundBy = Literal["callout", "poll", "bill_run", "backfill", "reread", "callout_history"]


class ZuoraObjects:
    """Objects of one tenant."""

    def __init__(self, client: ZuoraClient, tenant: str, settlement: Settlement | None = None) -> None:
        """Read through this client.

        Args:
            client: The tenant's client.
            tenant: Its name.
            settlement: Whether it has Invoice Settlement; without it, it has.
        """
        self._client = client
        self._settlement = settlement
        self._refused = Refusal(tenant)
        self.tenant = tenant

    @property
    def contacts_refused(self) -> str:
        """Why accounts are read without their bill-to contacts; "" where they are not."""
        return self._refused.why if self._refused.now else ""

    async def kinds(self) -> Collection[str]:
        """Return the kinds that there are in this tenant.

        Raises:
            Transient: Whether it has Invoice Settlement cannot be told now.
        """
        return kinds_of(settled=await self._is_settled())

    @property
    def rests(self) -> bool:
        """Whether reading waits on purpose, for the budget or because Zuora asked for a pause."""
        return self._client.rests

    async def listed(self) -> Collection[str]:
        """Return the kinds of this tenant of which a list shows each object under its own stamp.

        Raises:
            Transient: Whether it has Invoice Settlement cannot be told now.
        """
        kinds = kinds_of(settled=await self._is_settled())
        return [kind for kind, spec in kinds.items() if spec.zoql is None]

    async def read(self, kind: str, zuora_id: str, found: Found) -> ZuoraRecord | None:
        """Return one object with all its children, or None where Zuora has none.

        Raises:
            Unreadable: The id is none, or Zuora's answer is not what it documents, or the tenant has no such kind.
            Transient: It cannot be told whole now.
            Refused: The user may not, or a feature is off.
        """
        header = await self._one(await self._kind(kind), zuora_id)
        if header is None:
            return None
        try:
            return await self.complete(kind, header, by=found.by, evidence=found.evidence)
        except NotFound as error:
            # Deleted after its parent was read; or it is there, and its children cannot be seen yet.
            if await self._one(await self._kind(kind), zuora_id) is None:
                return None
            raise Transient(f"Zuora has {kind} {header.id}, and not all of it: {error}") from None

    async def changed(
        self, kind: str, *, since: datetime, until: datetime, dated_from: date | None = None
    ) -> AsyncIterator[Sequence[Header]]:
        """Yield, page by page, what changed of a kind in [since, until), oldest first, some of it again.

        Args:
            kind: The kind.
            since: First stamp.
            until: Behind the last stamp.
            dated_from: Only documents of this day or later; all, where lists cannot be filtered by it.
        """
        spec = await self._listed_as(kind)
        if spec.zoql is not None:
            async for headers in changes_by_zoql(self._client, spec.zoql, since=since, until=until):
                yield headers
            return
        try:
            async for headers in changes(self._client, spec, since=since, until=until, dated_from=dated_from):
                yield headers
        except (NotAllowed, Misconfigured) as error:
            if not spec.only or not error.codes:
                raise
            refused = error
        else:
            return
        async for headers in changes(self._client, without(spec), since=since, until=until, dated_from=dated_from):
            self._refused.note(refused)
            yield headers

    async def complete(self, kind: str, header: Header, *, by: FoundBy, evidence: str) -> ZuoraRecord:
        """Return what was listed as a record, with all its children.

        Raises:
            NotFound: It, or what belongs to it, was deleted since.
            Unreadable: What Zuora gave is not what it documents; no other try will read it.
            Transient: It cannot be told whole now.
            Refused: The user may not, or a feature is off.
        """
        if not header.id:
            seen(header.raw, PARENT, f"{kind} {header.id}")
            raise Unreadable(f"Zuora lists a {kind} without an id that is one")
        spec = await self._listed_as(kind)
        makes = spec.makes or kind
        if kind not in ALWAYS and await self._is_settled():
            # Listed before Invoice Settlement was switched on, it is read as it is now.
            spec = KINDS.get(makes, spec)
        if (spec.zoql is not None and spec.objects) or spec.expand != header.expand:
            # What was found by its rows, or listed without what belongs to it, is read by its own id.
            parent = await self._one(spec, header.id)
            if parent is None:
                raise NotFound(f"Zuora has no {makes} {header.id}")
            header = parent
        found = Found(by=by, at=datetime.now(UTC), evidence=evidence, request_id=header.request_id)
        return ZuoraRecord(
            connection="",
            tenant=self.tenant,
            kind=makes,
            id=header.id,
            found=found,
            parent=header.raw,
            children=await spec.children(self._client, header.raw),
        )

    async def _kind(self, kind: str) -> ObjectKind:
        if kind in ALWAYS:
            return without(KINDS[kind]) if self._refused.now else KINDS[kind]
        settled = await self._is_settled()
        # A hint does not know which of the two refunds it means.
        known_as = RecordKind.APPLIED_REFUND if kind == RecordKind.REFUND and not settled else kind
        spec = kinds_of(settled=settled).get(known_as)
        if spec is None:
            raise Unreadable(f"a tenant {'with' if settled else 'without'} Invoice Settlement has no {kind}")
        return spec

    async def _listed_as(self, kind: str) -> ObjectKind:
        """Return how a kind is listed: with Invoice Settlement, what a tenant had before as it was listed then."""
        before = kinds_of(settled=False).get(kind)
        ended = before is not None and kind not in KINDS and await self._is_settled()
        return before if before is not None and ended else await self._kind(kind)

    async def _is_settled(self) -> bool:
        return self._settlement is None or await self._settlement.is_on()

    async def _one(self, spec: ObjectKind, zuora_id: str) -> Header | None:
        if not spec.objects and spec.zoql is not None:
            return await self._one_by_zoql(spec.zoql, zuora_id)
        path = f"/object-query/{spec.objects}/{quoted(zuora_id)}"
        try:
            answer = await self._client.get(path, [("pageSize", str(PAGE_SIZE_MAX)), *spec.expansion])
        except NotFound:
            return None
        except (NotAllowed, Misconfigured) as error:
            if not spec.only or not error.codes:
                raise
            header = await self._one(without(spec), zuora_id)
            self._refused.note(error)
            return header
        parent = decoded(answer.body, PARENT, path)
        name, updated = checked(parent.id), parent.updated_date or ""
        return Header(spec.kept(msgspec.Raw(answer.body)), name, updated, answer.request_id, spec.expand)

    async def _one_by_zoql(self, of: Zoql, zuora_id: str) -> Header | None:
        rows, request_id = await rows_of(self._client, of, "Id", zuora_id)
        return Header(rows[0], checked(zuora_id), stamp_of(rows[0]), request_id) if rows else None
