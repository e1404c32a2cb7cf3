"""Reads QAD's browses: flat rows, page by page; a column that is missing is said, not guessed.

A browse that does not page, and answers with rows that it has shown already, ends in an error instead of never; where
no answer of a tenant says whether there is more, pages are read up to an empty one.
"""

import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any
from uuid import uuid4

import msgspec

from adapters.qad.asking.answers import read_object
from adapters.qad.asking.client import QadClient, Reply
from adapters.qad.places import pick
from adapters.qad.profiles.calls import Browsing
from schemas.errors import ConnectorError, Misconfigured, Refused, Transient

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
    call_id, page, before, more = str(uuid4()), 0, 0, True
    seen: set[bytes] = set()
    while more:
        page += 1
        asked = _asked(client.browsing, page=page, before=before, page_size=page_size, call_id=call_id)
        rows, more = await _page(client, browse_id, asked, filters, page_size=page_size)
        content = hashlib.sha256(msgspec.json.encode(rows)).digest()
        if content in seen:
            raise Misconfigured(
                f"the browse {browse_id} shows on page {page} what it has shown before: it does not page. Compare "
                "page, counts, first_page, page_size and page_action of [browsing] with what the browser's network tab "
                "shows when that screen goes to its second page"
            )
        seen.add(content)
        before += len(rows)
        if rows or page == 1:
            yield _without(prefix, rows)


async def first_row(client: QadClient, *, browse_id: str, prefix: str) -> Row | None:
    """Return some row of a browse, None where it has none; raises as `browse` does."""
    rows = await first_page(client, browse_id=browse_id, prefix=prefix, filters=(), page_size=1)
    return rows[0] if rows else None


async def first_page(
    client: QadClient, *, browse_id: str, prefix: str, filters: Sequence[str], page_size: int
) -> Sequence[Row]:
    """Return the first page of a browse, empty where there is none; raises as `browse` does."""
    asked = _asked(client.browsing, page=1, before=0, page_size=page_size, call_id=str(uuid4()))
    rows, _ = await _page(client, browse_id, asked, filters, page_size=page_size)
    return _without(prefix, rows)


def column(row: Row, name: str, *, browse_id: str) -> Any:
    """Return a column.

    Raises:
        Misconfigured: The browse does not show it: a filter by it would silently find nothing.
    """
    if name not in row:
        raise Misconfigured(
            f"the browse {browse_id} shows no column {name}: ml-connector qad profile probe looks at each"
        )
    return row[name]


def _without(prefix: str, rows: Sequence[Row]) -> Sequence[Row]:
    """Return rows without the prefix of their columns: all rows of a page name the same, so each name is cut once."""
    if not prefix:
        return rows
    cut = {name: name.removeprefix(f"{prefix}.") for name in set().union(*rows)}
    return [dict(zip(map(cut.__getitem__, row), row.values(), strict=True)) for row in rows]


def _asked(said: Browsing, *, page: int, before: int, page_size: int, call_id: str) -> list[tuple[str, str]]:
    """Return the query of one page, but what is asked for; a parameter that the tenant does not have is left out.

    Args:
        said: How this tenant is asked.
        page: Which page, from 1.
        before: Rows of the pages before it, as they came: a page may be shorter than it was asked for.
        page_size: Rows of a page.
        call_id: What all pages of one reading share.
    """
    place = before if said.counts == "rows" else page - 1
    asked = [
        (said.page, str(place + said.first_page)),
        (said.page_size, str(page_size)),
        (said.page_action, "first" if page == 1 else "next"),
        (said.call_id, call_id),
    ]
    return [(name, value) for name, value in asked if name]


async def _page(
    client: QadClient, browse_id: str, asked: Sequence[tuple[str, str]], filters: Sequence[str], *, page_size: int
) -> tuple[list[dict[str, Any]], bool]:
    """Return the rows of one page, and whether there are more behind them."""
    said = client.browsing
    conditions = [(said.filter, text) for text in filters]
    reply = await client.get(said.path, [(said.browse_id, browse_id), *asked, *conditions])
    answer = read_object(reply.body)
    rows = pick(answer, said.rows) if answer is not None else None
    if reply.status >= 300 or not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise _no_rows(reply, answer, browse_id, said, filters)
    return rows, _has_more(said, answer or {}, rows, page_size=page_size)


def _no_rows(
    reply: Reply, answer: dict[str, Any] | None, browse_id: str, said: Browsing, filters: Sequence[str]
) -> ConnectorError:
    """Return why a page has no rows that can be read, with what to do now."""
    status = reply.status
    if status == 403:
        return Refused(
            f"QAD does not let this user read the browse {browse_id} (HTTP 403): give it a role that may, or look at "
            "workspace, domain and entity of the profile"
        )
    if status == 400 and filters:
        return Misconfigured(
            f"QAD does not take this of the browse {browse_id} (HTTP 400): {' and '.join(filters)}. Compare [browsing] "
            "operators and condition of the profile with what the browser's network tab shows when that screen is "
            "filtered, and the column's name with ml-connector qad profile probe"
        )
    if status in (400, 404):
        return Misconfigured(
            f"QAD has no browse {browse_id} (HTTP {status}): take browseId from the network tab of its screen, and "
            "look at [browsing] path"
        )
    what = f"QAD gave no rows of {browse_id} (HTTP {status})"
    if status < 300 and answer is None:
        why = "a page, and no JSON: does a log-in or a proxy stand before it? base_url must be the API's, with its path"
    elif status < 300:
        has = ", ".join(list(answer or {})[:10]) or "nothing"
        why = f"[browsing] rows of the profile is {said.rows!r}, and the answer has {has}"
    else:
        why = "it is busy or in trouble: it is asked again; if that stays, its administrator finds the cause in its log"
    return Transient(f"{what}: {why}", retry_after_s=reply.retry_after_s)


def _has_more(said: Browsing, answer: dict[str, Any], rows: list[dict[str, Any]], *, page_size: int) -> bool:
    if not said.more:
        return bool(rows)
    told = pick(answer, said.more)
    if told is None:
        # This answer does not say, though others do: only a page that is not full is the last one.
        return len(rows) >= page_size
    return str(told).casefold() in {str(value).casefold() for value in said.more_values}
