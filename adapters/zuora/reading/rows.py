"""Rows of Zuora as they came: what is looked at of one, and a list of Object Query read to its end.

What Zuora gave is passed on verbatim: only where a field decides what else to read must it be as documented.
"""

from collections.abc import Sequence
from typing import TypeVar

import msgspec

from adapters.zuora.asking.client import ZuoraClient
from schemas.errors import Unreadable

Seen = TypeVar("Seen")


class Header(msgspec.Struct, frozen=True):
    """A parent as listed, before its children are read.

    Attributes:
        raw: The row as answered, less what is not kept of it.
        id: Its id, "" where it has none that Zuora gives: no record can be made of it.
        updated: Its stamp, "" where it has none.
        request_id: Zuora's id of the request that listed it.
        expand: What it was asked for with.
    """

    raw: msgspec.Raw
    id: str
    updated: str
    request_id: str
    expand: str = ""


def seen(raw: msgspec.Raw, decoder: "msgspec.json.Decoder[Seen]", what: str) -> "Seen":
    """Return what is looked at of a row.

    Raises:
        Unreadable: The row came whole, within a list that did; it is not what Zuora documents.
    """
    try:
        return decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable(f"{what}: not what Zuora documents: {error}") from None


async def all_rows(client: ZuoraClient, objects: str, params: Sequence[tuple[str, str]]) -> list[msgspec.Raw]:
    """Return all rows of a list of Object Query.

    In the order of their ids: one that changes while we page keeps its place, whatever Zuora's cursors are.

    Raises:
        Transient: The list cannot be told whole now.
        Refused: The user may not, or a feature is off.
    """
    pages = client.object_query_pages(objects, [*params, ("sort[]", "id.ASC")])
    return [raw async for page in pages for raw in page.rows]
