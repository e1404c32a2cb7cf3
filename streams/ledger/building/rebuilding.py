"""Postings that Zuora's record does not say again, built anew from what they were.

They are reversals, transfers, refunds and reclasses.

Until it is intended a posting goes by the newest mapping, also one whose document has gone on since. What moved, how
much and when stays what it was; a date moves only out of a closed period, by another mapping. Source: ACCOUNTING 2.
"""

from typing import Any

import msgspec

from schemas.errors import CannotGoOn
from schemas.ids import PostingId, document_parts
from schemas.postings import (
    Act,
    AllocationContent,
    InverseContent,
    JournalContent,
    Posting,
    RefundContent,
    TransferContent,
    content_hash,
)
from streams.ledger.building.postings import AtHand, Plan
from streams.ledger.known.books import Books
from streams.ledger.known.made import Anew, Made
from streams.ledger.known.state import LedgerState

_BUILT = (AllocationContent, InverseContent, JournalContent, RefundContent, TransferContent)


def with_rebuilt(plan: Plan, at_hand: AtHand, *, state: LedgerState, books: Books) -> Plan:
    """Return a plan, and before it what was made of the document and its record does not say, by today's mapping."""
    postings: list[Posting] = []
    stops: list[CannotGoOn] = []
    versions = {plan.mapping_version}
    for one in state.of(at_hand.document).anew.values():
        if one.posting.act is Act.POST:
            continue
        try:
            rebuilt, version = _by_newest_mapping(one, number=at_hand.number, books=books)
        except CannotGoOn as stop:
            stops.append(stop)
        else:
            postings.append(rebuilt)
            versions.add(version)
    return msgspec.structs.replace(
        plan,
        postings=(*postings, *plan.postings),
        stops=(*plan.stops, *stops),
        mapping_version=max(versions),
    )


def closing(refund: Made, item: PostingId, *, instead_of: PostingId) -> list[Posting]:
    """Return what a refund is, and what took it back, closing another item: that will hold what it gives back.

    Also where it was taken back, for it may not be known yet that neither is needed.
    """
    return [
        msgspec.structs.replace(
            _with(posting, **{field: item}),
            after=tuple(dict.fromkeys((item, *(name for name in posting.after if name != instead_of)))),
        )
        for posting in (one.posting for one in refund.anew.values())
        for field in ("closes" if isinstance(posting.content, RefundContent) else "item",)
        if getattr(posting.content, field) == instead_of
    ]


def _by_newest_mapping(one: Anew, *, number: str, books: Books) -> tuple[Posting, int]:
    version = books.version_for(number, one.day)
    content: Any = one.posting.content
    changes: dict[str, Any] = {"daybook": books.named_daybook(number, version.mapping, one.daybook)}
    kind = document_parts(one.posting.document)[0]
    if version.version != one.mapping_version and version.mapping.policy.in_closed(kind) != "hold":
        own_day = content.original_date or content.posting_date
        day, original_day = books.posting_date(number, own_day, version.mapping, kind=kind)
        changes |= {"posting_date": day, "original_date": original_day}
    return _with(one.posting, **changes), version.version


def _with(posting: Posting, **changes: Any) -> Posting:
    """Return a posting with other content: built, and so checked, as the first was."""
    [kind] = (kind for kind in _BUILT if isinstance(posting.content, kind))
    content = kind(**{**msgspec.structs.asdict(posting.content), **changes})
    return msgspec.structs.replace(posting, content=content, content_hash=content_hash(content))
