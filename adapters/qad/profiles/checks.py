"""A profile's file, read and checked: what it leaves out, and words of it that mean nothing here."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from adapters.qad.profiles.calls import MARK, fill
from adapters.qad.profiles.contradictions import contradictions
from adapters.qad.profiles.document_checks import problems_of_document
from adapters.qad.profiles.documents import DOCUMENT_KINDS, OPTIONAL_KINDS
from adapters.qad.profiles.lists import BROWSES
from adapters.qad.profiles.part import Value
from adapters.qad.profiles.profile import Profile
from adapters.qad.profiles.qxtend_checks import problems_of_qxtend
from adapters.qad.profiles.refusals import CAPACITY, STOPS, TRANSIENT
from adapters.qad.profiles.word_checks import problems_of_words
from adapters.qad.values import can_write_days
from adapters.qad.words import HEAD, LINE
from adapters.settings import address_problem, load_settings, with_lines
from schemas.errors import Misconfigured
from streams.sink.meanings import MEANINGS

# What a list must show, and what else it may show, in our words; a profile maps each to a column of the tenant.
COLUMNS: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    "customers": (
        frozenset({"code"}),
        frozenset({"active", "held", "currency", "terms", "zuora_account"})
        | frozenset({"relation", "name", "search_name", "city", "postal_code", "email", "tax_id"}),
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
# The same of what `reconcile` reads.
READ_BACK: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    "balances": (frozenset({"account", "currency", "debit", "credit"}), frozenset()),
    "gl_transactions": (
        frozenset({"year", "daybook", "voucher", "posting_date", "account", "currency", "debit", "credit"}),
        frozenset({"base_debit", "base_credit"}),
    ),
    "adjustment_lines": (
        frozenset({"year", "daybook", "voucher", "posting_date", "currency", "debit", "credit"})
        | frozenset({"item_year", "item_daybook", "item_voucher"}),
        frozenset(),
    ),
}
# Zuora's kinds of what can be open.
ITEM_KINDS = ("invoice", "debit_memo", "credit_memo", "payment")


def load_profile(path: Path, private_hosts: tuple[str, ...] = ()) -> Profile:
    """Read and check a profile.

    Args:
        path: Its file.
        private_hosts: Hosts of a private network that the connection lists.

    Raises:
        Misconfigured: It says something that is not known, or leaves out what is needed.
    """
    profile = _filled_in(load_settings(path, Profile))
    problems = list(_problems_of(profile, private_hosts))
    if problems:
        raise Misconfigured(f"{path}: " + "; ".join(with_lines(path, problems)))
    return profile


def _filled_in(profile: Profile) -> Profile:
    """Return the profile with domain, entity and workspace wherever it names them."""
    words = {"domain": profile.domain, "entity": profile.entity}
    words["workspace"] = fill(profile.workspace, words)

    def filled(part: Any) -> Any:
        match part:
            case str():
                return fill(part, words)
            case dict():
                return {name: filled(value) for name, value in part.items()}
            case list() | tuple():
                return [filled(value) for value in part]
            case _:
                return part

    return msgspec.convert(filled(msgspec.to_builtins(profile)), Profile)


def _problems_of(profile: Profile, private_hosts: tuple[str, ...]) -> list[str]:
    """Return what is wrong with a profile, a sentence each."""
    return [
        *_problems_of_calls(profile, private_hosts),
        *_problems_of_forms(profile),
        *_problems_of_kinds(profile, private_hosts),
        *_problems_of_names("browses", profile.browses, BROWSES),
        *(
            f"[documents.{kind}] {problem}"
            for kind, document in profile.documents.items()
            for problem in problems_of_document(kind, document)
        ),
        *(f"[lengths]: {word!r} is no word of ours" for word in profile.lengths if word not in (*HEAD, *LINE)),
        *_problems_of_lists(profile),
        *_problems_of_meanings(profile),
        *problems_of_words(profile),
        *contradictions(profile),
        *(profile.customers.problems() if profile.customers is not None else ()),
    ]


def _problems_of_calls(profile: Profile, private_hosts: tuple[str, ...]) -> Iterator[str]:
    address = address_problem(profile.base_url, private_hosts)
    if address:
        yield f"base_url {address}"
    if profile.limits.settle_s <= profile.limits.timeout_s + profile.limits.age_s:
        yield "[limits] settle_s must be above timeout_s + age_s, or a late call could be doubled"
    if not can_write_days(profile.date_format):
        yield f"date_format {profile.date_format!r} does not write dates, all in one width, that can be read again"
    for status in profile.definite:
        if status in (408, *range(500, 503)):
            yield f"definite: after HTTP {status} a document may be in QAD all the same"


def _problems_of_forms(profile: Profile) -> Iterator[str]:
    for name, text in _said_with_every_call(profile):
        for mark in MARK.findall(text):
            yield f"{name}: {{{mark}}} is none of {{domain}}, {{entity}}, {{workspace}}"
    condition = profile.browsing.condition
    for mark in ("column", "operator", "value"):
        if f"{{{mark}}}" not in condition:
            yield f"[browsing] condition {condition!r} does not say {{{mark}}}"
    if _overlap(profile.envelope.yes, profile.envelope.no):
        yield "[envelope] yes and no have a value in common"
    if _overlap((profile.yes,), (profile.no,)):
        yield "yes and no are the same: whether a document is taxable could not be told"


def _said_with_every_call(profile: Profile) -> Iterator[tuple[str, str]]:
    yield "workspace", profile.workspace
    yield from ((f"[headers] {name}", text) for name, text in profile.headers.items())
    for name, browse in profile.browses.items():
        yield from ((f"[browses.{name}] filter", text) for text in browse.filter)


def _overlap(yes: tuple[Value, ...], no: tuple[Value, ...]) -> bool:
    return any(type(one) is type(other) and one == other for one in yes for other in no)


def _problems_of_kinds(profile: Profile, private_hosts: tuple[str, ...]) -> Iterator[str]:
    qxtend = profile.qxtend
    if qxtend is None:
        yield from _problems_of_names("documents", profile.documents, DOCUMENT_KINDS, OPTIONAL_KINDS)
        return
    yield from _problems_of_names("qxtend.documents", qxtend.documents, DOCUMENT_KINDS, OPTIONAL_KINDS)
    yield from problems_of_qxtend(qxtend, profile.limits, domain=profile.domain, private_hosts=private_hosts)
    if profile.documents:
        yield "[documents] is for REST: with [qxtend] the kinds stand in [qxtend.documents]"


def _problems_of_names(
    table: str, parts: Mapping[str, object], needed: tuple[str, ...], others: tuple[str, ...] = ()
) -> Iterator[str]:
    known = (*needed, *others)
    yield from (f"[{table}.{name}] is missing" for name in needed if name not in parts)
    yield from (f"[{table}.{name}] is none of {', '.join(known)}" for name in parts if name not in known)


def _problems_of_lists(profile: Profile) -> Iterator[str]:
    """Look at the words of columns: a misspelt one would mean that QAD shows none, and everything would be active."""
    lists = {f"browses.{name}": (browse, COLUMNS[name]) for name, browse in profile.browses.items() if name in BROWSES}
    if profile.balances is not None:
        lists["balances"] = (profile.balances, READ_BACK["balances"])
    if profile.gl_transactions is not None:
        lists["gl_transactions"] = (profile.gl_transactions, READ_BACK["gl_transactions"])
    if profile.adjustment_lines is not None:
        lists["adjustment_lines"] = (profile.adjustment_lines, READ_BACK["adjustment_lines"])
    for name, (browse, (needed, others)) in lists.items():
        for word in sorted(needed - browse.columns.keys()):
            yield f"[{name}] columns: no column is named for {word!r}"
        for word in sorted(browse.columns.keys() - needed - others):
            yield f"[{name}] columns: {word!r} is no word of ours"
        for word in sorted(browse.values.keys() - browse.columns.keys()):
            yield f"[{name}] values: no column is named for {word!r}"


def _problems_of_meanings(profile: Profile) -> Iterator[str]:
    classes = (TRANSIENT, CAPACITY, *STOPS, *MEANINGS)
    for number, known in enumerate(profile.errors):
        if known.means not in classes:
            yield f"[errors[{number}]] means {known.means!r} is none of {', '.join(classes)}"
    types = profile.open_items.types if profile.open_items is not None else {}
    for kind in types:
        if kind not in ITEM_KINDS:
            yield f"[open_items] types: {kind!r} is none of {', '.join(ITEM_KINDS)}"
