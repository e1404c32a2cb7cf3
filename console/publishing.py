"""Mappings: what is wrong with one, and publishing one whole, with version and who."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date

import msgspec

from adapters.kafka.reader import read_whole
from adapters.qad.profiles.profile import Profile
from console.customers.allowed import problems_of_align
from console.decisions import decide, decided, now
from console.wiring import Wiring
from schemas.codec import canonical
from schemas.decisions import MappingPublished
from schemas.errors import Misconfigured
from schemas.events import read_qad_reference, read_zuora_reference
from schemas.ids import hash_of
from schemas.mapping import PROCESSING_TYPES, Analysis, Mapping
from schemas.money import MoneyError, scale_of
from schemas.references import AccountingCode, Daybook, GlAccount
from schemas.topics import Topic
from streams.mark.marks import WriteBack

# What the fields of QAD hold (reference 2.11): longer than that, each document would be refused.
_LENGTHS = {"account": 8, "sub_account": 8, "cost_centre": 4, "project": 8}
# A site that has no such business names none.
_DAYBOOKS_LEFT_OUT = frozenset({"journal", "banking", "bounce"})
_DAYBOOK_LENGTH = 8


async def check_mapping(wiring: Wiring, connection: str, mapping: Mapping) -> list[str]:
    """Return what is wrong with a mapping: in itself, and against what both systems last showed."""
    partitions = await wiring.partitions()
    topics = [Topic.QAD_REFERENCE, Topic.ZUORA_REFERENCE]
    records = await read_whole(wiring.site.cluster, partitions[connection], topics)
    accounts: dict[str, GlAccount] = {}
    daybooks: dict[str, Daybook] = {}
    codes: set[str] = set()
    for record in records:
        if record.topic is Topic.ZUORA_REFERENCE:
            shown = read_zuora_reference(record.value)
            if isinstance(shown, AccountingCode):
                codes.add(shown.name)
            continue
        reference = read_qad_reference(record.value)
        if isinstance(reference, GlAccount):
            accounts[reference.code] = reference
        elif isinstance(reference, Daybook):
            daybooks[reference.code] = reference
    published = await _published(wiring, connection)
    problems = [*problems_of(mapping), *_cut_over_problems(mapping, published)]
    problems += problems_of_write_back(mapping, wiring.site.write_back_of(connection))
    if mapping.policy.tax == "qad_tax_rows" or mapping.customers.align:
        profile = None if wiring.files(connection) is not None else wiring.profile(connection)
        problems += [*problems_of_tax_rows(mapping, profile), *problems_of_align(mapping, profile)]
    if not accounts:
        problems.append("QAD's accounts have not been read yet: start ml-connector poll, then check again")
        return problems
    return [*problems, *_reference_problems(mapping, accounts, daybooks, codes)]


def problems_of_tax_rows(mapping: Mapping, profile: Profile | None) -> list[str]:
    """Return where tax rows would have no place: each document that has some would be refused before it is sent.

    Args:
        mapping: The mapping.
        profile: Of the connection's QAD; None where its documents go into files.
    """
    told = '[policy] tax = "qad_tax_rows"'
    if mapping.policy.tax != "qad_tax_rows":
        return []
    if profile is None:
        return [f"{told}: documents go into files here, which have no place for tax rows"]
    return [
        f"{told}: the profile has no place for tax rows in [{kind}]: name it there (docs/qad.md)"
        for kind in profile.without_tax_rows
    ]


def problems_of_write_back(mapping: Mapping, settings: WriteBack) -> list[str]:
    """Return what is wrong with a mapping beside what is written back: a field that we write is no evidence."""
    written = settings.customer_code
    if not written or written.casefold() != mapping.customers.account_field.casefold():
        return []
    told = f"customers.account_field is {written}, into which [tenants.*.write_back] customer_code writes"
    return [f"{told}: nothing would be written there. Name another field in one of them"]


async def publish_mapping(wiring: Wiring, connection: str, mapping: Mapping, *, by: str, why: str) -> MappingPublished:
    """Publish a mapping; return the decision.

    Raises:
        Misconfigured: The very same content is the newest version already.
    """
    published = await _published(wiring, connection)
    content_hash = hash_of(canonical(mapping))
    if published and published[-1].content_hash == content_hash:
        raise Misconfigured(f"version {published[-1].version} of {connection} is this very mapping already")
    decision = MappingPublished(
        connection=connection,
        by=by,
        at=now(),
        why=why,
        version=len(published) + 1,
        content_hash=content_hash,
        mapping=mapping,
    )
    await decide(wiring, decision)
    return decision


def problems_of(mapping: Mapping) -> list[str]:
    """Return what is wrong with a mapping in itself, a sentence each."""
    problems = [
        f'[[lines]] code "{row.code}": processing {row.processing!r} is none of {", ".join(PROCESSING_TYPES)}'
        for row in mapping.lines
        if row.processing not in PROCESSING_TYPES
    ]
    keys = Counter(
        (row.code, row.processing, row.product, row.charge, row.currency, row.excluded) for row in mapping.lines
    )
    problems += [
        f'[[lines]] code "{key[0]}" as {key[1]}: {count} rows have the same keys'
        for key, count in keys.items()
        if count > 1
    ]
    taxes = Counter((row.code, row.jurisdiction, row.rate_type) for row in mapping.tax)
    problems += [
        f'[[tax]] code "{key[0]}": {count} rows have the same keys' for key, count in taxes.items() if count > 1
    ]
    banks = Counter((row.currency, row.payment_type, row.gateway) for row in mapping.banks)
    problems += [f"[[banks]] {key[0]}: {count} rows have the same keys" for key, count in banks.items() if count > 1]
    for currency in {row.currency for row in mapping.banks} | {row.currency for row in mapping.lines if row.currency}:
        try:
            scale_of(currency)
        except MoneyError as error:
            problems.append(str(error))
    if mapping.first_document_date < mapping.cut_over:
        problems.append("first_document_date is before cut_over: documents of those days are not posted from here")
    if mapping.policy.tax == "qad_tax_rows":
        problems += [
            f'[[tax]] code "{row.code}": qad_code is missing, the tax code of QAD ([policy] tax = "qad_tax_rows")'
            for row in mapping.tax
            if not row.qad_code
        ]
    return [*problems, *_clearing_problems(mapping), *_field_problems(mapping)]


def _clearing_problems(mapping: Mapping) -> Iterable[str]:
    """Say what keeps the clearing account from coming to zero."""
    clearing = mapping.policy.clearing
    if mapping.policy.gl != "journal" or clearing is None:
        return
    if not mapping.daybooks.journal:
        yield '[daybooks] journal is left out: [policy] gl = "journal" needs it'
    for where, place in _places(mapping):
        if place is not clearing and place.account == clearing.account:
            yield f"{where}: account {place.account} is [policy] clearing: nothing else goes there, or it is never zero"


def _field_problems(mapping: Mapping) -> Iterable[str]:
    """Say what no QAD can hold, without asking it."""
    for where, place in _places(mapping):
        if not place.account:
            yield f"{where}: account is empty"
        for name, length in _LENGTHS.items():
            if len(getattr(place, name)) > length:
                yield f"{where}: {name} {getattr(place, name)!r} is longer than the {length} characters that QAD holds"
    if any(not line.code for line in mapping.lines):
        yield "[[lines]] code is empty: name the accounting code of Zuora"
    for kind, name in msgspec.structs.asdict(mapping.daybooks).items():
        if not name and kind not in _DAYBOOKS_LEFT_OUT:
            yield f"[daybooks] {kind} is empty"
        if len(name) > _DAYBOOK_LENGTH:
            yield f"[daybooks] {kind} {name!r} is longer than the {_DAYBOOK_LENGTH} characters that QAD holds"


def _cut_over_problems(mapping: Mapping, published: Sequence[MappingPublished]) -> Iterable[str]:
    if published and published[0].mapping.cut_over != mapping.cut_over:
        agreed = published[0].mapping.cut_over
        yield f"cut_over is {mapping.cut_over}, but {agreed} was agreed with version 1: it is agreed once"


def _reference_problems(
    mapping: Mapping, accounts: dict[str, GlAccount], daybooks: dict[str, Daybook], codes: set[str]
) -> Iterable[str]:
    for where, place in _places(mapping):
        account = accounts.get(place.account)
        if account is None:
            yield f"{where}: GL account {place.account} does not exist in QAD"
        elif not account.active:
            yield f"{where}: GL account {place.account} is not active in QAD"
        elif account.sub_account_required and not place.sub_account:
            yield f"{where}: GL account {place.account} asks for a sub-account"
    books = mapping.daybooks
    for name in (books.invoice, books.credit_note, books.receipt, books.adjustment, books.journal):
        if name and (name not in daybooks or not daybooks[name].active):
            yield f"[daybooks] {name} does not exist in QAD or is not active"
    if codes:
        for row in mapping.lines:
            if row.code not in codes:
                yield f'[[lines]] code "{row.code}": Zuora has no accounting code of that name'


def _places(mapping: Mapping) -> Iterable[tuple[str, Analysis]]:
    for line in mapping.lines:
        yield f'[[lines]] code "{line.code}" as {line.processing}', line
    for tax in mapping.tax:
        yield f'[[tax]] code "{tax.code}"', tax
    for bank in mapping.banks:
        yield f"[[banks]] {bank.currency}", bank
    for name in ("suspense", "unassigned_cash", "clearing"):
        place = getattr(mapping.policy, name)
        if place is not None:
            yield f"[policy] {name}", place


async def agreed_cut_over(wiring: Wiring, connection: str) -> date | None:
    """Return the cut-over date that was agreed with a connection's first mapping, None before one is published."""
    published = await _published(wiring, connection)
    return published[0].mapping.cut_over if published else None


async def _published(wiring: Wiring, connection: str) -> list[MappingPublished]:
    return [decision for decision in await decided(wiring, connection) if isinstance(decision, MappingPublished)]
