"""What QAD shows, read anew by the adapters' read calls: documents that carry a reference, open items, balances."""

from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec

from adapters.qad.asking.client import QadClient
from adapters.qad.profiles.profile import Profile
from adapters.qad.reading.browse import browse, column
from adapters.qad.reading.look_ups import LookUps
from adapters.qad.values import amount, whole
from console.verification.views import QadKey
from console.zuora_side import Progress
from streams.ports import FoundInQad

_QAD_KINDS = (
    "invoice",
    "credit_note",
    "receipt",
    "adjustment",
    "refund",
    "refund_reversal",
    "bounce",
    "transfer",
    "journal",
)


class QadDocument(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A document of QAD that carries a reference, with the columns that its browse shows.

    Attributes:
        no_entry: The kind in whose words it was read, and the status in which that has made no GL entry; None where it
            has made it.
    """

    key: QadKey
    reference: str
    customer: str = ""
    currency: str = ""
    total: Decimal | None = None
    day: str = ""
    no_entry: tuple[str, str] | None = None


class Qad(msgspec.Struct, kw_only=True):
    """What QAD shows.

    Attributes:
        documents: What carries a reference, by that.
        others: Further documents with the reference of one that stands in `documents`.
        open: What is open of each item; None where the profile says nothing of open items.
        balances: Debit less credit over all accounts, by currency.
        kinds: Kinds of document that can be looked up.
        absent: Why a document is in no book, by its reference, where the other side says so.
    """

    documents: dict[str, QadDocument] = msgspec.field(default_factory=dict)
    others: list[QadDocument] = msgspec.field(default_factory=list)
    open: dict[QadKey, Decimal] | None = None
    balances: dict[str, Decimal] = msgspec.field(default_factory=dict)
    kinds: frozenset[str] = frozenset(_QAD_KINDS)
    absent: dict[str, str] = msgspec.field(default_factory=dict)

    def add(self, document: QadDocument) -> None:
        """Take up a document; one that two browses show is one."""
        first = self.documents.setdefault(document.reference, document)
        if document.key != first.key and all(document.key != other.key for other in self.others):
            self.others.append(document)


async def read_qad(client: QadClient, profile: Profile, *, progress: Progress) -> Qad:
    """Return all documents that carry a reference, what is open of each item, and the balance of each currency."""
    erp = LookUps(client, profile)
    qad = Qad(kinds=frozenset(kind for kind in _QAD_KINDS if erp.can_find(kind)))
    # A list that receipts and bounces share is read in the words of receipts: these have statuses.
    for kind in erp.lists_of(kind for kind in _QAD_KINDS if kind in qad.kinds):
        async for page in erp.find_all(kind):
            for found in page:
                qad.add(_shown(found, kind))
            progress(f"QAD: {len(qad.documents)} documents")
    if profile.open_items is not None:
        qad.open = await _open_items(client, profile)
        progress(f"QAD: {len(qad.open)} open items")
    if profile.balances is not None:
        qad.balances = await _balances(client, profile)
    return qad


async def _open_items(client: QadClient, profile: Profile) -> dict[QadKey, Decimal]:
    items = profile.open_items
    if items is None:
        return {}
    find, found = items.find, {}
    pages = browse(client, browse_id=find.browse_id, prefix=find.prefix, filters=[], page_size=profile.limits.page_size)
    async for page in pages:
        for row in page:
            key = QadKey(
                whole(column(row, find.year, browse_id=find.browse_id), what="year"),
                str(column(row, find.daybook, browse_id=find.browse_id)),
                whole(column(row, find.voucher, browse_id=find.browse_id), what="voucher"),
            )
            sign = items.sign_of(column(row, items.type_column, browse_id=find.browse_id))
            found[key] = amount(column(row, items.open_amount, browse_id=find.browse_id)) * sign
    return found


async def _balances(client: QadClient, profile: Profile) -> dict[str, Decimal]:
    spec = profile.balances
    if spec is None:
        return {}
    totals: defaultdict[str, Decimal] = defaultdict(Decimal)
    pages = browse(
        client,
        browse_id=spec.browse_id,
        prefix=spec.prefix,
        filters=spec.filter,
        page_size=profile.limits.page_size,
    )
    async for page in pages:
        for row in page:
            of: Mapping[str, Any] = {
                word: column(row, name, browse_id=spec.browse_id) for word, name in spec.columns.items()
            }
            totals[str(of["currency"])] += amount(of["debit"]) - amount(of["credit"])
    return dict(totals)


def _shown(found: FoundInQad, kind: str) -> QadDocument:
    document = found.document
    return QadDocument(
        key=QadKey(document.year, document.daybook, document.voucher),
        reference=found.reference,
        customer=document.customer,
        currency=document.currency,
        total=document.total,
        day=found.day.isoformat() if found.day is not None else "",
        no_entry=(kind, found.no_entry.status) if found.no_entry is not None else None,
    )
