"""What a profile says of documents that are made, checked: statuses, reading back, netting by a link."""

from collections.abc import Iterable, Iterator

from adapters.qad.profiles.documents import Find
from adapters.qad.profiles.entries import Answered, Entries, is_one_of

_LINK = ("item_year", "item_daybook", "item_voucher")


def problems_of_entries(
    kind: str, entries: Entries, *, answered: Answered, find: Find | None, sent: Iterable[str]
) -> Iterator[str]:
    """Yield what is wrong with them, a sentence each.

    Args:
        kind: The kind.
        entries: What it says.
        answered: What its answer shows.
        find: How it is found again, None where it is not.
        sent: Our words of its head that have a field.
    """
    yield from _problems_of_statuses(entries, answered, find)
    if entries.read_back and find is None:
        yield "read_back needs [find]: a document is read back by its look-up"
    allocated = find.allocated if find is not None else ""
    if allocated and kind != "receipt" and not (kind == "credit_note" and entries.nets):
        yield "find: allocated is a column of receipts alone, and of credit notes that are netted (nets)"
    if entries.nets:
        yield from _problems_of_netting(kind, allocated, set(sent))


def _problems_of_statuses(entries: Entries, answered: Answered, find: Find | None) -> Iterator[str]:
    column = find.status if find is not None else ""
    if entries.posted_when and not column:
        yield "posted_when: [find] names no column for status: what is not posted yet could never be seen to be"
    if not entries.posted_when and (answered.status or column or entries.refused_when):
        yield "posted_when is missing: it says in which status a document has made its GL entry"
    for value in entries.refused_when:
        if is_one_of(value, entries.posted_when):
            yield f"refused_when: {value!r} stands in posted_when as well"


def _problems_of_netting(kind: str, allocated: str, sent: set[str]) -> Iterator[str]:
    if kind != "credit_note":
        yield "nets is a matter of credit notes alone"
    if not allocated:
        yield "nets: [find] names no column for allocated: how much QAD has netted could not be seen"
    for word in _LINK:
        if word not in sent:
            yield f"nets: no field is named for {word}: the link would not be sent whole"
