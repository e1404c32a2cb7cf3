"""Reads objects of Zuora whole: the parent as answered, and every child.

Which kinds there are and what belongs to each is in `kinds.py`; how what changed is listed, in `changes.py`.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, date, datetime
from typing import Literal

import msgspec

from adapters.zuora.answers import NotFound, decoded
from adapters.zuora.changes import PARENT, Header, changes
from adapters.zuora.client import PAGE_SIZE_MAX, ZuoraClient
from adapters.zuora.ids import checked, quoted
from adapters.zuora.kinds import KINDS
from adapters.zuora.rows import seen
from schemas.errors import Transient, Unreadable
from schemas.records import Found, ZuoraRecord

FoundBy = Literal["callout", "poll", "bill_run", "backfill", "reread"]


class ZuoraObjects:
    """Objects of one tenant."""

    def __init__(self, client: ZuoraClient, tenant: str) -> None:
        """Read through this client."""
        self._client = client
        self.tenant = tenant

    async def read(self, kind: str, zuora_id: str, found: Found) -> ZuoraRecord | None:
        """Return one object with all its children, or None where Zuora has none.

        Raises:
            Unreadable: The id is none, or Zuora's answer is not what it documents.
            Transient: It cannot be told whole now.
            Refused: The user may not, or a feature is off.
        """
        header = await self._one(kind, zuora_id)
        if header is None:
            return None
        try:
            return await self.complete(kind, header, by=found.by, evidence=found.evidence)
        except NotFound as error:
            # Deleted after its parent was read; or it is there, and its children cannot be seen yet.
            if await self._one(kind, zuora_id) is None:
                return None
            raise Transient(f"Zuora has {kind} {header.id}, and not all of it: {error}") from None

    def changed(
        self, kind: str, *, since: datetime, until: datetime, dated_from: date | None = None
    ) -> AsyncIterator[Sequence[Header]]:
        """Yield, page by page, the parents whose stamp lies in [since, until), oldest first, some of them again.

        Args:
            kind: The kind.
            since: First stamp.
            until: Behind the last stamp.
            dated_from: Only documents of this day or later; all, where lists cannot be filtered by it.
        """
        return changes(self._client, kind, since=since, until=until, dated_from=dated_from)

    async def complete(self, kind: str, header: Header, *, by: FoundBy, evidence: str) -> ZuoraRecord:
        """Return a listed parent as a record, with all its children.

        Raises:
            NotFound: It, or what belongs to it, was deleted since.
            Unreadable: What Zuora gave is not what it documents; no other try will read it.
            Transient: It cannot be told whole now.
            Refused: The user may not, or a feature is off.
        """
        seen(header.raw, PARENT, f"{kind} {header.id}")
        if not header.id:
            raise Unreadable(f"Zuora lists a {kind} without an id that is one")
        found = Found(by=by, at=datetime.now(UTC), evidence=evidence, request_id=header.request_id)
        return ZuoraRecord(
            connection="",
            tenant=self.tenant,
            kind=kind,
            id=header.id,
            found=found,
            parent=header.raw,
            children=await KINDS[kind].children(self._client, header.raw),
        )

    async def _one(self, kind: str, zuora_id: str) -> Header | None:
        spec = KINDS[kind]
        path, params = f"/object-query/{spec.objects}/{quoted(zuora_id)}", [("pageSize", str(PAGE_SIZE_MAX))]
        if spec.expand:
            params.append(("expand[]", spec.expand))
        try:
            answer = await self._client.get(path, params)
        except NotFound:
            return None
        parent = decoded(answer.body, PARENT, path)
        return Header(msgspec.Raw(answer.body), checked(parent.id), parent.updated_date or "", answer.request_id)
