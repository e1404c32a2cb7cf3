"""Reads two of the three sides: the log whole, and anew QAD's documents, open items and balances."""

from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC
from decimal import Decimal
from typing import Any

import msgspec

from adapters.kafka.reader import read_whole
from adapters.qad.asking.client import QadClient
from adapters.qad.profiles.documents import DOCUMENT_KINDS, OPTIONAL_KINDS, Find
from adapters.qad.profiles.lists import Browse
from adapters.qad.profiles.profile import Profile
from adapters.qad.reading.browse import browse, column
from adapters.qad.reading.filtered import Filtered
from adapters.qad.reading.found import found_in, item_in
from adapters.qad.reading.reference import QadReferences
from adapters.qad.values import amount, day, whole
from console.reconciliation.facts import LogSide, QadDocument, QadGlLine, QadItemLine, QadOpenItem, QadSide, Standing
from console.reports import NotCompared
from console.wiring import Wiring
from console.zuora_side import Progress
from schemas.cursors import Cursor
from schemas.decisions import MappingPublished
from schemas.errors import Misconfigured
from schemas.events import read_cursor, read_decision, read_matched, read_outcome, read_postings
from schemas.ids import PostingId, document_key
from schemas.matching import Matched
from schemas.outcomes import AnyOutcome, Document, Intended, Posted, Released, Standstill
from schemas.references import Period
from schemas.topics import Topic

_TOPICS = [Topic.DECISIONS, Topic.MATCHED, Topic.POSTINGS, Topic.OUTCOMES]


async def read_log(wiring: Wiring, connection: str) -> LogSide:
    """Return what the log says of a connection."""
    partitions = await wiring.partitions()
    side = LogSide()
    for record in await read_whole(wiring.site.cluster, partitions[connection], _TOPICS):
        TAKE[record.topic](side, record.value, record.offset)
    tenant = wiring.site.config.connections[connection].tenant
    first = wiring.site.connections_of(tenant)[0]
    for record in await read_whole(wiring.site.cluster, partitions[first], [Topic.CURSORS]):
        cursor = read_cursor(record.value)
        if isinstance(cursor, Cursor):
            side.read_to[cursor.kind] = cursor.read_to.astimezone(UTC).isoformat()
    return side


async def has_mapping(wiring: Wiring, connection: str) -> bool:
    """Return whether a mapping of a connection was ever published: without one, the product has decided nothing."""
    partitions = await wiring.partitions()
    decisions = await read_whole(wiring.site.cluster, partitions[connection], [Topic.DECISIONS])
    return any(isinstance(read_decision(record.value), MappingPublished) for record in decisions)


class QadBooks:
    """Reads QAD; it shows all that a profile must name."""

    not_compared = tuple[NotCompared, ...]()

    def __init__(self, client: QadClient, profile: Profile, progress: Progress) -> None:
        """Read through this client."""
        self._client = client
        self._profile = profile
        self._progress = progress

    async def periods(self) -> list[Period]:
        """Return its periods."""
        return await read_periods(self._client, self._profile)

    async def read(self, log: LogSide) -> QadSide:
        """Return what it shows."""
        return await read_qad(self._client, self._profile, log, progress=self._progress)


async def read_qad(client: QadClient, profile: Profile, log: LogSide, *, progress: Progress) -> QadSide:
    """Return what QAD shows in our daybooks, all its open items, balances and periods."""
    side = QadSide()
    for kind in (*DOCUMENT_KINDS, *(kind for kind in OPTIONAL_KINDS if kind in profile.finds)):
        find = profile.finds.get(kind)
        if find is None:
            raise Misconfigured(f"[{profile.table}.{kind}] has no [find]: QAD cannot be read back")
        for daybook in sorted(log.daybooks.get(kind, ())):
            await _read_daybook(client, profile, kind, find, daybook, side)
            progress(f"QAD: {len(side.documents)} documents")
    side.open_items = [item async for item in open_items(client, profile)]
    progress(f"QAD: {len(side.open_items)} open items")
    await _read_balances(client, profile, side)
    if profile.gl_transactions is not None:
        side.gl_lines = [line async for line in _gl_lines(client, profile, profile.gl_transactions, log)]
        progress(f"QAD: {len(side.gl_lines)} GL lines")
    if profile.adjustment_lines is not None:
        side.item_lines = [line async for line in _item_lines(client, profile, profile.adjustment_lines)]
    side.periods = await read_periods(client, profile)
    return side


async def read_periods(client: QadClient, profile: Profile) -> list[Period]:
    """Return QAD's periods."""
    pages = QadReferences(client, profile).read("periods")
    return [one async for page in pages for one in page if isinstance(one, Period)]


async def _read_daybook(
    client: QadClient, profile: Profile, kind: str, find: Find, daybook: str, side: QadSide
) -> None:
    async for page in Filtered(client, profile).equal(find, find.daybook, daybook, known=find.daybook):
        for row in page:
            found = found_in(row, find, profile, profile.posted[kind])
            side.documents.append(
                QadDocument(
                    key=found.document,
                    kind=kind,
                    reference=found.reference,
                    number=str(row.get(find.number) or ""),
                    day=found.day,
                    no_entry=found.no_entry.status if found.no_entry is not None else None,
                )
            )


async def open_items(client: QadClient, profile: Profile) -> AsyncIterator[QadOpenItem]:
    """Yield what is open in QAD, whatever its daybook.

    Raises:
        Misconfigured: The profile does not say where open items are shown.
    """
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
            yield QadOpenItem(
                key=item_in(row, items, profile).document,
                number=str(row.get(find.number) or ""),
                open=amount(column(row, items.open_amount, browse_id=find.browse_id)) * items.sign_of(item_type),
                owed=1 if item_type in owed_types else -1,
                account=str(column(row, items.account, browse_id=find.browse_id)),
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


async def _gl_lines(client: QadClient, profile: Profile, spec: Browse, log: LogSide) -> AsyncIterator[QadGlLine]:
    """Yield the lines of the general ledger in our daybooks, in transaction currency, and in base where shown."""
    names, filtered = spec.columns, Filtered(client, profile)
    for daybook in sorted(set[str]().union(*log.daybooks.values())):
        async for page in filtered.equal(spec, names["daybook"], daybook, known=names["daybook"]):
            for row in page:
                of: dict[str, Any] = {word: column(row, name, browse_id=spec.browse_id) for word, name in names.items()}
                yield gl_line(of, profile.date_format)


async def _item_lines(client: QadClient, profile: Profile, spec: Browse) -> AsyncIterator[QadItemLine]:
    """Yield the lines of all open item adjustments that move an item: what people move stands in any daybook."""
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
            line = item_line(of, profile.date_format)
            if line.item[2]:
                yield line


def gl_line(of: Mapping[str, Any], date_format: str) -> QadGlLine:
    """Return a line of the general ledger from its columns by our words.

    Raises:
        Misconfigured: A column is not what it should be.
    """
    in_base = "base_debit" in of and "base_credit" in of
    return QadGlLine(
        key=_key(of),
        account=str(of["account"]),
        day=day(of["posting_date"], date_format),
        amount=amount(of["debit"]) - amount(of["credit"]),
        base=amount(of["base_debit"]) - amount(of["base_credit"]) if in_base else None,
    )


def item_line(of: Mapping[str, Any], date_format: str) -> QadItemLine:
    """Return a line of an open item adjustment likewise; the voucher of its item is 0 where it moves none."""
    item = whole(of["item_year"], what="year"), str(of["item_daybook"]), whole(of["item_voucher"], what="voucher")
    return QadItemLine(
        key=_key(of),
        item=item,
        day=day(of["posting_date"], date_format),
        amount=amount(of["debit"]) - amount(of["credit"]),
    )


def _key(of: Mapping[str, Any]) -> Document:
    return Document(
        year=whole(of["year"], what="year"),
        daybook=str(of["daybook"]),
        voucher=whole(of["voucher"], what="voucher"),
        currency=str(of["currency"]),
    )


def _take_decision(side: LogSide, value: bytes, _offset: int) -> None:
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


def _take_matched(side: LogSide, value: bytes, _offset: int) -> None:
    event = read_matched(value)
    if isinstance(event, Matched):
        side.matched.add(document_key(event.kind, event.id))


def _take_postings(side: LogSide, value: bytes, offset: int) -> None:
    event = read_postings(value)
    for posting in event.postings:
        before = side.postings.get(posting.id)
        if before is not None:
            side.contents.setdefault(posting.id, {-1: before})[offset] = posting
        side.postings[posting.id] = posting
    side.closed_in_zuora |= event.closed_in_zuora or {}


def _take_outcome(side: LogSide, value: bytes, _offset: int) -> None:
    outcome = read_outcome(value)
    standing = Standing(status=str(outcome.__struct_config__.tag))
    if isinstance(outcome, Standstill):
        standing = msgspec.structs.replace(standing, reason=outcome.reason)
    if outcome.stage in ("mark", "customers", "align"):
        return  # fields of Zuora, and customers, move no money
    if outcome.stage == "sink":
        _take_posting(side, PostingId(outcome.subject), standing, outcome)
    elif isinstance(outcome, Released):
        side.documents.pop(outcome.subject, None)
    else:
        side.documents[outcome.subject] = standing


def _take_posting(side: LogSide, name: PostingId, standing: Standing, outcome: AnyOutcome) -> None:
    """Take up where a posting stands; what was intended last is what was sent, whatever the mapping says today.

    So is its content: an older one than the newest, where it was built anew since.
    """
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
        built = side.contents.get(name)
        if built is not None:
            side.postings[name] = built.get(outcome.origin, built[-1])
    side.standings[name] = standing


# Topics are taken up in this order, each from its beginning, with the offset of each record.
TAKE: dict[Topic, Callable[[LogSide, bytes, int], None]] = {
    Topic.DECISIONS: _take_decision,
    Topic.MATCHED: _take_matched,
    Topic.POSTINGS: _take_postings,
    Topic.OUTCOMES: _take_outcome,
}
