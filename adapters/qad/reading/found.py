"""What a row of a browse says of a document: its key, control columns and day, by the profile's columns."""

from typing import Any

import msgspec

from adapters.qad.profiles.documents import Find
from adapters.qad.profiles.entries import Entries
from adapters.qad.profiles.lists import OpenItems
from adapters.qad.profiles.profile import Profile
from adapters.qad.reading.browse import Row, column
from adapters.qad.values import amount, day, whole
from schemas.outcomes import Document
from streams.ports import FoundInQad


def item_in(row: Row, items: OpenItems, profile: Profile) -> FoundInQad:
    """Return the open item that a row shows, its total as a positive amount; raises as `found_in` does."""
    found = found_in(row, items.find, profile)
    total = found.document.total
    if total is None:
        return found
    signed = total * items.sign_of(column(row, items.type_column, browse_id=items.find.browse_id))
    return msgspec.structs.replace(found, document=msgspec.structs.replace(found.document, total=signed))


def found_in(row: Row, find: Find, profile: Profile, entries: Entries | None = None) -> FoundInQad:
    """Return the document that a row shows.

    Args:
        row: The row.
        find: The browse and its columns.
        profile: The tenant's profile.
        entries: What its kind says of statuses; without it each document counts.

    Raises:
        Misconfigured: A column is not there, or holds something else.
    """

    def of(name: str) -> Any:
        return column(row, name, browse_id=find.browse_id) if name else None

    def money(word: str) -> Any:
        shown = of(getattr(find, word))
        if shown is None:
            return None
        return -amount(shown) if word in find.negative else amount(shown)

    return FoundInQad(
        reference=str(of(find.reference) or ""),
        document=Document(
            year=whole(of(find.year), what="year"),
            daybook=str(of(find.daybook)),
            voucher=whole(of(find.voucher), what="voucher"),
            customer=str(of(find.customer) or ""),
            currency=str(of(find.currency) or ""),
            total=money("total"),
        ),
        day=day(of(find.posting_date), profile.date_format),
        allocated=money("allocated"),
        tax=money("tax"),
        no_entry=entries.no_entry(of(find.status)) if entries is not None else None,
    )
