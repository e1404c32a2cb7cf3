"""Reads QAD's browses: flat rows, page by page; a column that is missing is said, not guessed.

A browse that does not page, and answers with rows that it has shown already, ends in an error instead of never.
"""

import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any
from uuid import uuid4

import msgspec

from adapters.qad.asking.answers import read_object
from adapters.qad.asking.client import QadClient
from schemas.errors import Misconfigured, Refused, Transient

PATH = "/api/qracore/browses"

Row = Mapping[str, Any]


async def browse(
    client: QadClient, *, browse_id: str, prefix: str, filters: Sequence[str], page_size: int
) -> AsyncIterator[Sequence[Row]]:
    """Yield the pages of a browse; names of columns come without their prefix.

    Raises:
        Transient: It cannot be read now.
        Refused: The user may not.
        Misconfigured: The browse is not there, or shows the same page again and again.
    """
    call_id, page, more = str(uuid4()), 0, True
    seen: set[bytes] = set()
    while more:
        page += 1
        action = "first" if page == 1 else "next"
        asked = [("page", str(page)), ("pageSize", str(page_size)), ("pageAction", action), ("callId", call_id)]
        rows, more = await _page(client, browse_id, [*asked, *(("filter", text) for text in filters)])
        content = hashlib.sha256(msgspec.json.encode(rows)).digest()
        if content in seen:
            raise Misconfigured(
                f"the browse {browse_id} shows on page {page} what it has shown before: it does not page"
            )
        seen.add(content)
        yield [_without(prefix, row) for row in rows]


async def first_row(client: QadClient, *, browse_id: str, prefix: str) -> Row | None:
    """Return some row of a browse, None where it has none; raises as `browse` does."""
    asked = [("page", "1"), ("pageSize", "1"), ("pageAction", "first"), ("callId", str(uuid4()))]
    rows, _ = await _page(client, browse_id, asked)
    return _without(prefix, rows[0]) if rows else None


def column(row: Row, name: str, *, browse_id: str) -> Any:
    """Return a column.

    Raises:
        Misconfigured: The browse does not show it: a filter by it would silently find nothing.
    """
    if name not in row:
        raise Misconfigured(f"the browse {browse_id} shows no column {name}: look at the profile")
    return row[name]


def equals(column_name: str, value: str) -> str:
    """Return a filter for rows whose column is this value."""
    return f"{column_name},eq,{value},literal"


def _without(prefix: str, row: Row) -> Row:
    return {name.removeprefix(f"{prefix}."): value for name, value in row.items()}


async def _page(
    client: QadClient, browse_id: str, asked: Sequence[tuple[str, str]]
) -> tuple[list[dict[str, Any]], bool]:
    """Return the rows of one page, and whether there are more behind them."""
    reply = await client.get(PATH, [("browseId", browse_id), *asked])
    answer = read_object(reply.body) or {}
    if reply.status == 403:
        raise Refused(f"QAD does not let this user read the browse {browse_id}")
    if reply.status in (400, 404):
        raise Misconfigured(f"QAD has no browse {browse_id} that takes these columns (HTTP {reply.status})")
    rows = answer.get("data")
    if reply.status >= 300 or not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise Transient(f"QAD gave no rows of {browse_id} (HTTP {reply.status})", retry_after_s=reply.retry_after_s)
    told = answer.get("auxillaryData")
    more = told.get("HasMoreParams") if isinstance(told, dict) else None
    return rows, str(more).lower() == "true"
