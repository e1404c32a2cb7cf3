"""A profile's file, read and checked: what it leaves out, and words of it that mean nothing here."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from adapters.qad.profiles.documents import DOCUMENT_KINDS, OPTIONAL_KINDS, Document
from adapters.qad.profiles.lists import BROWSES
from adapters.qad.profiles.profile import Profile
from adapters.qad.profiles.refusals import TRANSIENT
from adapters.qad.values import can_write_days
from adapters.qad.words import HEAD, LINE
from adapters.settings import address_problem, load_settings
from schemas.errors import Misconfigured
from streams.sink.answers import MEANINGS

# What a list must show, and what else it may show, in our words; a profile maps each to a column of the tenant.
_COLUMNS: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    "customers": (
        frozenset({"code"}),
        frozenset({"active", "held", "currency", "terms", "zuora_account"})
        | frozenset({"name", "search_name", "city", "postal_code", "email", "tax_id"}),
    ),
    "gl_accounts": (
        frozenset({"code"}),
        frozenset(
            {"active", "description", "type", "sub_account_required", "cost_centre_required", "project_required"}
        ),
    ),
    "daybooks": (frozenset({"code"}), frozenset({"active", "type"})),
    "periods": (frozenset({"year", "period", "first_day", "last_day", "status"}), frozenset({"open_for_sales"})),
    "currencies": (frozenset({"code", "decimals"}), frozenset({"active"})),
}
_BALANCES = (frozenset({"account", "currency", "debit", "credit"}), frozenset[str]())
# Zuora's kinds of what can be open.
_ITEM_KINDS = ("invoice", "debit_memo", "credit_memo", "payment")


def load_profile(path: Path) -> Profile:
    """Read and check a profile.

    Raises:
        Misconfigured: It says something that is not known, or leaves out what is needed.
    """
    profile = load_settings(path, Profile)
    problems = list(_problems_of(profile))
    if problems:
        raise Misconfigured(f"{path}: " + "; ".join(problems))
    return profile


def _problems_of(profile: Profile) -> list[str]:
    """Return what is wrong with a profile, a sentence each."""
    return [
        *_problems_of_calls(profile),
        *_problems_of_names("documents", profile.documents, DOCUMENT_KINDS, OPTIONAL_KINDS),
        *_problems_of_names("browses", profile.browses, BROWSES),
        *(
            f"[documents.{kind}] {problem}"
            for kind, document in profile.documents.items()
            for problem in _problems_of_document(kind, document)
        ),
        *_problems_of_lists(profile),
        *_problems_of_meanings(profile),
    ]


def _problems_of_calls(profile: Profile) -> Iterator[str]:
    address = address_problem(profile.base_url)
    if address:
        yield f"base_url {address}"
    if profile.limits.settle_s <= profile.limits.timeout_s + profile.limits.age_s:
        yield "[limits] settle_s must be above timeout_s + age_s, or a late call could be doubled"
    if not can_write_days(profile.date_format):
        yield f"date_format {profile.date_format!r} does not write dates, all in one width, that can be read again"
    for status in profile.definite:
        if status in (408, *range(500, 503)):
            yield f"definite: after HTTP {status} a document may be in QAD all the same"


def _problems_of_names(
    table: str, parts: Mapping[str, object], needed: tuple[str, ...], others: tuple[str, ...] = ()
) -> Iterator[str]:
    known = (*needed, *others)
    yield from (f"[{table}.{name}] is missing" for name in needed if name not in parts)
    yield from (f"[{table}.{name}] is none of {', '.join(known)}" for name in parts if name not in known)


def _problems_of_document(kind: str, document: Document) -> Iterator[str]:
    yield from (f"fields: {word!r} is no word of ours" for word in document.fields if word not in HEAD)
    for part in (document.lines, document.allocations, document.opens, document.gl_lines):
        if part is not None:
            yield from (f"{part.under}: {word!r} is no word of ours" for word in part.fields if word not in LINE)
    if "reference" not in document.fields:
        yield "fields: no field is named for the machine reference"
    if document.find is not None and document.find.allocated and kind != "receipt":
        yield "find: allocated is a column of receipts alone"


def _problems_of_lists(profile: Profile) -> Iterator[str]:
    """Look at the words of columns: a misspelt one would mean that QAD shows none, and everything would be active."""
    lists = {f"browses.{name}": (browse, _COLUMNS[name]) for name, browse in profile.browses.items() if name in BROWSES}
    if profile.balances is not None:
        lists["balances"] = (profile.balances, _BALANCES)
    for name, (browse, (needed, others)) in lists.items():
        for word in sorted(needed - browse.columns.keys()):
            yield f"[{name}] columns: no column is named for {word!r}"
        for word in sorted(browse.columns.keys() - needed - others):
            yield f"[{name}] columns: {word!r} is no word of ours"


def _problems_of_meanings(profile: Profile) -> Iterator[str]:
    for known in profile.errors:
        if known.means not in (TRANSIENT, *MEANINGS):
            yield f"[[errors]] means {known.means!r} is none of {', '.join((TRANSIENT, *MEANINGS))}"
    types = profile.open_items.types if profile.open_items is not None else {}
    for kind in types:
        if kind not in _ITEM_KINDS:
            yield f"[open_items] types: {kind!r} is none of {', '.join(_ITEM_KINDS)}"
