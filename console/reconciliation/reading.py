"""Reads the three sides: the log whole, Zuora's documents anew, QAD's documents, open items and balances anew."""

from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import msgspec

from adapters.kafka.reader import read_whole
from adapters.qad.browse import browse, column
from adapters.qad.client import QadClient
from adapters.qad.profile import DOCUMENT_KINDS, OPTIONAL_KINDS, Find, Profile
from adapters.qad.values import amount, day, whole
from adapters.zuora.asking.client import ZuoraClient
from adapters.zuora.reading.objects import ZuoraObjects
from adapters.zuora.reading.settlement import Settlement
from console.reconciliation.facts import LogSide, QadDocument, QadOpenItem, QadSide, Standing, ZuoraDocument
from console.unsettled import Known, Unsettled, read_unsettled
from console.wiring import Wiring
from schemas.cursors import Cursor
from schemas.decisions import MappingPublished
from schemas.errors import Misconfigured
from schemas.events import read_cursor, read_decision, read_matched, read_outcome, read_postings
from schemas.ids import PostingId, document_key
from schemas.matching import Matched
from schemas.outcomes import AnyOutcome, Document, Intended, Posted, Released, Standstill
from schemas.records import RecordKind
from schemas.topics import Topic

Progress = Callable[[str], None]

_TOPICS = [Topic.DECISIONS, Topic.MATCHED, Topic.POSTINGS, Topic.OUTCOMES]


class _Header(msgspec.Struct, rename="camel"):
    """What invoices, memos, payments and refunds say of themselves, each in its own words."""

    id: str
    status: str = ""
    currency: str = ""
    updated_date: str = ""
    invoice_number: str = ""
    memo_number: str = ""
    payment_number: str = ""
    refund_number: str = ""
    amount: Decimal = Decimal(0)
    total_amount: Decimal = Decimal(0)
    balance: Decimal = Decimal(0)
    unapplied_amount: Decimal = Decimal(0)
    invoice_date: date | None = None
    memo_date: date | None = None
    effective_date: date | None = None
    refund_date: date | None = None


_header = msgspec.json.Decoder(_Header)
_BEGINNING, _END = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
_COUNTS = {
    RecordKind.INVOICE: "Posted",
    RecordKind.DEBIT_MEMO: "Posted",
    RecordKind.CREDIT_MEMO: "Posted",
    RecordKind.PAYMENT: "Processed",
    RecordKind.REFUND: "Processed",
}


async def read_log(wiring: Wiring, connection: str) -> LogSide:
    """Return what the log says of a connection."""
    partitions = await wiring.partitions()
    side = LogSide()
    for record in await read_whole(wiring.site.cluster, partitions[connection], _TOPICS):
        TAKE[record.topic](side, record.value)
    tenant = wiring.site.config.connections[connection].tenant
    first = wiring.site.connections_of(tenant)[0]
    for record in await read_whole(wiring.site.cluster, partitions[first], [Topic.CURSORS]):
        cursor = read_cursor(record.value)
        if isinstance(cursor, Cursor):
            side.read_to[cursor.kind] = cursor.read_to.astimezone(UTC).isoformat()
    return side


async def read_zuora(
    client: ZuoraClient, tenant: str, *, progress: Progress, settlement: Settlement | None = None
) -> list[ZuoraDocument]:
    """Return every document of Zuora, with those that do not count today: their stamps tell since when."""
    objects, documents = ZuoraObjects(client, tenant, settlement), dict[str, ZuoraDocument]()
    await client.token.get()
    kinds = await objects.kinds()
    for kind in (kind for kind in _COUNTS if kind in kinds):
        async for headers in objects.changed(kind, since=_BEGINNING, until=_END):
            for header in headers:
                found = _header.decode(header.raw)
                documents[document_key(kind, found.id)] = _document(kind, found)
            progress(f"Zuora: {len(documents)} documents")
    if RecordKind.CREDIT_BALANCE in kinds:
        _beside_the_balances(documents, await read_unsettled(objects, since=_BEGINNING, until=_END))
    return list(documents.values())


def _beside_the_balances(documents: dict[str, ZuoraDocument], unsettled: Unsettled) -> None:
    """Add what a tenant without Invoice Settlement keeps beside its documents, and mend what is open of these."""
    known = {name: Known(one.currency, one.total, one.open) for name, one in documents.items() if one.counts}
    pools = unsettled.pools(known)
    for name, rest in unsettled.open_of(known).items():
        documents[name] = msgspec.structs.replace(documents[name], open=rest, pool=pools.get(name, ""))
    for one in unsettled.documents(known):
        name = document_key(one.kind, one.id)
        documents[name] = ZuoraDocument(
            document=name,
            kind=one.kind,
            number=one.number,
            currency=one.currency,
            total=one.total,
            open=one.open,
            day=date.fromisoformat(one.day),
            updated=one.stamp,
            counts=one.counts,
            pool=pools.get(document_key(one.kind, one.id), ""),
        )


async def read_qad(client: QadClient, profile: Profile, log: LogSide, *, progress: Progress) -> QadSide:
    """Return what QAD shows in our daybooks, all its open items and balances."""
    side = QadSide()
    for kind in (*DOCUMENT_KINDS, *(kind for kind in OPTIONAL_KINDS if kind in profile.documents)):
        find = profile.documents[kind].find
        if find is None:
            raise Misconfigured(f"[documents.{kind}] has no [find]: QAD cannot be read back")
        for daybook in sorted(log.daybooks.get(kind, ())):
            await _read_daybook(client, profile, kind, find, daybook, side)
            progress(f"QAD: {len(side.documents)} documents")
    await _read_open_items(client, profile, side)
    progress(f"QAD: {len(side.open_items)} open items")
    await _read_balances(client, profile, side)
    return side


async def _read_daybook(
    client: QadClient, profile: Profile, kind: str, find: Find, daybook: str, side: QadSide
) -> None:
    pages = browse(
        client,
        browse_id=find.browse_id,
        prefix=find.prefix,
        filters=[f"{find.daybook},eq,{daybook},literal"],
        page_size=profile.limits.page_size,
    )
    async for page in pages:
        for row in page:
            side.documents.append(
                QadDocument(
                    key=_key(find, row),
                    kind=kind,
                    reference=str(column(row, find.reference, browse_id=find.browse_id) or ""),
                    number=str(row.get(find.number) or ""),
                    day=day(row.get(find.posting_date), profile.date_format),
                )
            )


async def _read_open_items(client: QadClient, profile: Profile, side: QadSide) -> None:
    items = profile.open_items
    if items is None:
        raise Misconfigured("the profile has no [open_items]: balances cannot be compared")
    find = items.find
    owed_types = {items.type_of("invoice"), items.type_of("debit_memo")}
    async for page in browse(
        client, browse_id=find.browse_id, prefix=find.prefix, filters=[], page_size=profile.limits.page_size
    ):
        for row in page:
            item_type = column(row, items.type_column, browse_id=find.browse_id)
            side.open_items.append(
                QadOpenItem(
                    key=_key(find, row),
                    number=str(row.get(find.number) or ""),
                    open=amount(column(row, items.open_amount, browse_id=find.browse_id)),
                    owed=1 if item_type in owed_types else -1,
                    account=str(column(row, items.account, browse_id=find.browse_id)),
                )
            )


async def _read_balances(client: QadClient, profile: Profile, side: QadSide) -> None:
    spec = profile.balances
    if spec is None:
        return
    totals: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
    async for page in browse(
        client,
        browse_id=spec.browse_id,
        prefix=spec.prefix,
        filters=spec.filter,
        page_size=profile.limits.page_size,
    ):
        for row in page:
            of: dict[str, Any] = {
                word: column(row, name, browse_id=spec.browse_id) for word, name in spec.columns.items()
            }
            totals[str(of["account"]), str(of["currency"])] += amount(of["debit"]) - amount(of["credit"])
    side.balances = dict(totals)


def _key(find: Find, row: Any) -> Document:
    def of(name: str) -> Any:
        return column(row, name, browse_id=find.browse_id) if name else ""

    return Document(
        year=whole(of(find.year), what="year"),
        daybook=str(of(find.daybook)),
        voucher=whole(of(find.voucher), what="voucher"),
        customer=str(of(find.customer) or ""),
        currency=str(of(find.currency) or ""),
        total=amount(of(find.total)) if find.total else None,
    )


def _document(kind: RecordKind, header: _Header) -> ZuoraDocument:
    number, total, unsettled, moment = {
        RecordKind.INVOICE: (header.invoice_number, header.amount, header.balance, header.invoice_date),
        RecordKind.DEBIT_MEMO: (header.memo_number, header.total_amount, header.balance, header.memo_date),
        RecordKind.CREDIT_MEMO: (header.memo_number, header.total_amount, header.balance, header.memo_date),
        RecordKind.PAYMENT: (header.payment_number, header.amount, header.unapplied_amount, header.effective_date),
        RecordKind.REFUND: (header.refund_number, header.amount, Decimal(0), header.refund_date),
    }[kind]
    return ZuoraDocument(
        document=document_key(kind, header.id),
        kind=kind,
        number=number,
        currency=header.currency,
        total=total,
        open=unsettled,
        day=moment or date.min,
        updated=header.updated_date,
        counts=header.status == _COUNTS[kind],
    )


def _take_decision(side: LogSide, value: bytes) -> None:
    decision = read_decision(value)
    if isinstance(decision, MappingPublished):
        side.cut_over = decision.mapping.cut_over
        books = decision.mapping.daybooks
        for kind, name in (
            ("invoice", books.invoice),
            ("credit_note", books.credit_note),
            ("receipt", books.receipt),
            ("adjustment", books.adjustment),
            ("refund", books.banking),
            ("refund_reversal", books.banking),
            ("bounce", books.bounce or books.receipt),
            ("transfer", books.adjustment),
            ("journal", books.journal),
        ):
            side.daybooks.setdefault(kind, set()).update({name} - {""})


def _take_matched(side: LogSide, value: bytes) -> None:
    event = read_matched(value)
    if isinstance(event, Matched):
        side.matched.add(document_key(event.kind, event.id))


def _take_postings(side: LogSide, value: bytes) -> None:
    event = read_postings(value)
    for posting in event.postings:
        side.postings[posting.id] = posting
    side.closed_in_zuora |= event.closed_in_zuora or {}


def _take_outcome(side: LogSide, value: bytes) -> None:
    outcome = read_outcome(value)
    standing = Standing(status=str(outcome.__struct_config__.tag))
    if isinstance(outcome, Standstill):
        standing = msgspec.structs.replace(standing, reason=outcome.reason)
    if outcome.stage == "mark":
        return  # what stands in fields of Zuora moves no money
    if outcome.stage == "sink":
        _take_posting(side, PostingId(outcome.subject), standing, outcome)
    elif isinstance(outcome, Released):
        side.documents.pop(outcome.subject, None)
    else:
        side.documents[outcome.subject] = standing


def _take_posting(side: LogSide, name: PostingId, standing: Standing, outcome: AnyOutcome) -> None:
    """Take up where a posting stands; what was intended last is what was sent, whatever the mapping says today."""
    known = side.standings.get(name)
    if known is not None and known.status == "posted":
        return
    if isinstance(outcome, Intended):
        standing = msgspec.structs.replace(standing, day=outcome.day)
    elif known is not None:
        standing = msgspec.structs.replace(standing, day=known.day)
    if isinstance(outcome, Intended | Posted):
        sent = {"customer": outcome.customer, "currency": outcome.currency, "total": outcome.total}
        standing = msgspec.structs.replace(standing, **sent)
    if isinstance(outcome, Posted):
        standing = msgspec.structs.replace(standing, qad=outcome.qad, how=outcome.how)
    side.standings[name] = standing


TAKE: dict[Topic, Callable[[LogSide, bytes], None]] = {
    Topic.DECISIONS: _take_decision,
    Topic.MATCHED: _take_matched,
    Topic.POSTINGS: _take_postings,
    Topic.OUTCOMES: _take_outcome,
}
