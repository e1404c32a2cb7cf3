"""Ids and numbers of Zuora: matched whole and quoted before they stand in an address, also those that Zuora gave."""

import re
from urllib.parse import quote

from schemas.errors import Unreadable

_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,63}")


def checked(zuora_id: str) -> str:
    """Return an id or number if it is one, whole.

    Raises:
        Unreadable: It is none: it never reaches a URL.
    """
    if not _ID.fullmatch(zuora_id):
        raise Unreadable(f"{zuora_id[:20]!r} is no id or number of Zuora")
    return zuora_id


def quoted(zuora_id: str) -> str:
    """Return an id or number as it stands in a path."""
    return quote(checked(zuora_id), safe="")
