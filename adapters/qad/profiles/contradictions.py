"""What in a profile contradicts itself, or can never mean anything, though each word by itself is fine.

One name for two things makes one of them a lie: an open credit memo would pass for an invoice, a page for a filter. It
is refused when the profile is read, not met when money is on its way.
"""

from collections.abc import Iterator, Mapping

from adapters.qad.profiles.documents import Document, Find
from adapters.qad.profiles.lists import OpenItems
from adapters.qad.profiles.profile import Profile
from adapters.qad.profiles.qxtend import QDocument, Qxtend
from adapters.qad.profiles.refusals import ErrorClass
from schemas.ids import REFERENCE_LENGTH

# What no text of ours is shorter than.
_LENGTHS = {"reference": REFERENCE_LENGTH, "currency": 3}
# Words for which a tenant may show one column.
_MAY_BE_ONE = (
    {"code", "zuora_account"},
    {"code", "relation"},
    {"name", "search_name"},
    {"reference", "number"},
    {"status", "open_for_sales"},
)
# What must not be made alike, or the one would be posted as the other.
_OPPOSITES = (("invoice", "credit_note"), ("refund", "refund_reversal"), ("receipt", "bounce"))
_OWED, _OWING = ("invoice", "debit_memo"), ("credit_memo", "payment")
# What every call has from us, and what of a log-in is sealed.
_OUR_HEADERS = ("content-type", "content-length", "host")
_SEALED = ("username", "password", "client_secret", "refresh_token")


def contradictions(profile: Profile) -> Iterator[str]:
    """Yield what contradicts itself in a profile, a sentence each."""
    yield from _of_calls(profile)
    yield from _of_lengths(profile)
    yield from _of_columns(profile)
    if profile.open_items is not None:
        yield from _of_types(profile.open_items)
    yield from _of_kinds(profile.posted)
    if profile.qxtend is not None:
        yield from _of_context(profile.qxtend)
    yield from _of_classes(profile.errors)


def _of_calls(profile: Profile) -> Iterator[str]:
    said = profile.browsing
    words = ("browse_id", "page", "page_size", "page_action", "call_id", "filter")
    yield from _twice(
        "[browsing]", {word: getattr(said, word) for word in words}, "one parameter cannot say two things"
    )
    if said.more and not said.more_values:
        yield "[browsing] more_values is empty: every list would end with its first page"
    envelope = profile.envelope
    parts = ("code", "field", "value", "label", "message")
    named = {word: getattr(envelope, word) for word in parts}
    yield from _twice("[envelope]", named, "it is the name of one of them")
    seen = {profile.workspace_header.casefold()}
    for name in profile.headers:
        if name.casefold() in seen:
            yield f"[headers] {name} is sent already"
        if name.casefold() in _OUR_HEADERS:
            yield f"[headers] {name} is ours to send"
        seen.add(name.casefold())
    for name in profile.auth.extra:
        if name in _SEALED:
            yield f"[auth] extra: {name} is a secret: seal it with ml-connector credentials set"


def _of_lengths(profile: Profile) -> Iterator[str]:
    tables = {"[lengths]": profile.lengths}
    tables |= {f"[documents.{kind}] lengths:": document.lengths for kind, document in profile.documents.items()}
    for place, lengths in tables.items():
        for word, least in _LENGTHS.items():
            if lengths.get(word, least) < least:
                yield f"{place} {word} must be {least} at least: no document would be sent"
    if profile.customers is not None:
        for word, length in profile.customers.lengths.items():
            if length < 1:
                yield f"[customers] lengths: {word} must be 1 at least"


def _of_columns(profile: Profile) -> Iterator[str]:
    lists = {f"browses.{name}": browse for name, browse in profile.browses.items()}
    others = {
        "balances": profile.balances,
        "gl_transactions": profile.gl_transactions,
        "adjustment_lines": profile.adjustment_lines,
    }
    lists |= {name: browse for name, browse in others.items() if browse is not None}
    for name, browse in lists.items():
        yield from _twice(f"[{name}] columns:", browse.columns, "a column means one thing")
        if not browse.true_values:
            yield f"[{name}] true_values is empty: nothing in it would ever be a yes"
    for kind, find in profile.finds.items():
        if find is not None:
            yield from _of_find(f"[{profile.table}.{kind}] find:", find, {})
    items = profile.open_items
    if items is not None:
        own = {"open_amount": items.open_amount, "account": items.account, "type_column": items.type_column}
        yield from _of_find("[open_items] find:", items.find, own)


def _of_find(place: str, find: Find, own: Mapping[str, str]) -> Iterator[str]:
    words = ("reference", "number", "year", "daybook", "voucher", "customer", "currency", "total", "posting_date")
    columns = {word: getattr(find, word) for word in (*words, "allocated", "tax", "status")}
    yield from _twice(place, {**columns, **own}, "a column means one thing")
    for word in find.negative:
        if not columns[word]:
            yield f"{place} negative: no column is named for {word!r}"


def _of_types(items: OpenItems) -> Iterator[str]:
    for owed in _OWED:
        for owing in _OWING:
            name = items.types.get(owed)
            if name is not None and name == items.types.get(owing):
                yield f"[open_items] types: {owed} and {owing} are both called {name!r}: one is owed to us, one by us"
    signs: dict[str, bool] = {}
    for kind, name in items.types.items():
        if signs.setdefault(name, kind in items.negative) != (kind in items.negative):
            yield f"[open_items] negative: of the kinds called {name!r} all must stand there, or none"


def _of_kinds(posted: Mapping[str, Document | QDocument]) -> Iterator[str]:
    for one, other in _OPPOSITES:
        if one in posted and other in posted and _made_as(posted[one]) == _made_as(posted[other]):
            table = "qxtend.documents" if isinstance(posted[other], QDocument) else "documents"
            yield f"[{table}.{other}] is made in the words of {one}: QAD could not tell them apart"
    for kind, document in posted.items():
        table = "qxtend.documents" if isinstance(document, QDocument) else "documents"
        key = document.key
        shown = ("year", "daybook", "voucher", "currency", "total", "tax", "status")
        words = {word: getattr(key, word) for word in shown}
        yield from _twice(f"[{table}.{kind}] key", words, "it is the name of one of them")


def _made_as(document: Document | QDocument) -> object:
    """Return what tells a document from its opposite: constants, signs, and where it goes."""
    if isinstance(document, QDocument):
        heads = [table for table in document.tables if table.rows == "document"]
        return document.api, document.root, [(table.constants, table.fields.get("total")) for table in heads]
    lines = document.lines
    signs = (lines.constants, lines.negative, lines.positive) if lines is not None else None
    return document.path, document.view_uri, document.list, document.constants, document.negative, signs


def _of_context(qxtend: Qxtend) -> Iterator[str]:
    if qxtend.context.get("decimalSeparator", ".") != ".":
        yield "[qxtend] context: decimalSeparator must be '.': amounts are written so"
    limit = qxtend.context.get("timeoutLimit")
    if limit is not None and not (limit.isdecimal() and 0 < int(limit) < qxtend.timeout_s):
        yield "[qxtend] context: timeoutLimit must be whole seconds, above 0 and below timeout_s: QXtend gives up first"


def _of_classes(errors: tuple[ErrorClass, ...]) -> Iterator[str]:
    """Look for what can never be met: the codes of all classes go first, then fields and words in their order."""
    codes: dict[str, ErrorClass] = {}
    fields: dict[str, ErrorClass] = {}
    words: dict[str, ErrorClass] = {}
    for number, known in enumerate(errors):
        place = f"[errors[{number}]]"
        if not (known.codes or known.fields or known.words):
            yield f"{place} names no code, field or word: no refusal is ever of it"
        for code in known.codes:
            if codes.setdefault(code, known).means != known.means:
                yield f"{place} codes: {code!r} means {codes[code].means} already"
        for field in known.fields:
            if fields.setdefault(field.casefold(), known).means != known.means:
                yield f"{place} fields: {field!r} means {fields[field.casefold()].means} already"
        for word in known.words:
            before = next((one for one in words if one in word.casefold() and words[one].means != known.means), None)
            if before is not None:
                yield f"{place} words: what holds {word!r} holds {before!r}, and means {words[before].means} already"
            words.setdefault(word.casefold(), known)


def _twice(place: str, named: Mapping[str, str], why: str) -> Iterator[str]:
    """Look for a name that stands for two words."""
    first: dict[str, str] = {}
    for word, name in named.items():
        before = first.setdefault(name, word)
        if name and before != word and {before, word} not in _MAY_BE_ONE:
            yield f"{place} {before} and {word} are both called {name!r}: {why}"
