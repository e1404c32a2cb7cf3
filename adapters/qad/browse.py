"""Reads QAD's browses: flat rows, page by page; a column that is missing is said, not guessed."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any
from uuid import uuid4

from adapters.qad.answers import read_object
from adapters.qad.client import QadClient
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
        Misconfigured: The browse is not there.
    """
    call_id, page = str(uuid4()), 1
    while True:
        params = [
            ("browseId", browse_id),
            ("page", str(page)),
            ("pageSize", str(page_size)),
            ("pageAction", "first" if page == 1 else "next"),
            ("callId", call_id),
            *(("filter", text) for text in filters),
        ]
        reply = await client.get(PATH, params)
        answer = read_object(reply.body)
        if reply.status == 403:
            raise Refused(f"QAD does not let this user read the browse {browse_id}")
        if reply.status in (400, 404):
            raise Misconfigured(f"QAD has no browse {browse_id} that takes these columns (HTTP {reply.status})")
        if reply.status >= 300 or answer is None or not isinstance(answer.get("data"), list):
            raise Transient(f"QAD gave no rows of {browse_id} (HTTP {reply.status})", retry_after_s=reply.retry_after_s)
        yield [{name.removeprefix(f"{prefix}."): value for name, value in row.items()} for row in answer["data"]]
        told = answer.get("auxillaryData") or {}
        if str(told.get("HasMoreParams", "false")).lower() != "true":
            return
        page += 1


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
