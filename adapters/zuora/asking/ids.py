"""Ids and numbers of Zuora, matched whole before they stand in a path, a filter or a query: also those that it gave."""

import re
from urllib.parse import quote

from schemas.errors import Unreadable

_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,63}")


def is_id(zuora_id: str) -> bool:
    """Return whether this is an id or number, whole."""
    return _ID.fullmatch(zuora_id) is not None


def checked(zuora_id: str) -> str:
    """Return an id or number if it is one, whole; it may then stand in a filter, or in the quotes of ZOQL.

    Raises:
        Unreadable: It is none: it never reaches a URL.
    """
    if not is_id(zuora_id):
        raise Unreadable(f"{zuora_id[:20]!r} is no id or number of Zuora")
    return zuora_id


def quoted(zuora_id: str) -> str:
    """Return an id or number as it stands in a path."""
    return quote(checked(zuora_id), safe="")
