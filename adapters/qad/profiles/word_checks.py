"""What a profile says in words that can mean nothing: empty names, paths that are no paths, headers that no call takes.

Each would be met only when a document is on its way: a machine reference that goes nowhere is never found again, and an
empty word is in every message.
"""

import re
from collections.abc import Iterator

from adapters.qad.profiles.documents import Find
from adapters.qad.profiles.profile import Profile

_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_HEADER_VALUE = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]*")


def problems_of_words(profile: Profile) -> Iterator[str]:
    """Yield what is wrong with words of a profile, a sentence each."""
    if not profile.entity:
        yield "entity is empty"
    yield from _problems_of_paths(profile)
    yield from _problems_of_headers(profile)
    for kind, document in profile.documents.items():
        key = document.key
        named = {"list": document.list, "key year": key.year, "key daybook": key.daybook, "key voucher": key.voucher}
        yield from (f"[documents.{kind}] {name} is empty" for name, said in named.items() if not said)
    for kind, find in profile.finds.items():
        if find is not None:
            yield from _problems_of_find(f"{profile.table}.{kind}", find)
    if profile.open_items is not None:
        yield from _problems_of_find("open_items", profile.open_items.find)
    yield from _problems_of_columns(profile)
    yield from _problems_of_answers(profile)


def _problems_of_columns(profile: Profile) -> Iterator[str]:
    for name, browse in profile.browses.items():
        if not browse.browse_id:
            yield f"[browses.{name}] browse_id is empty"
        for word in (word for word, column in browse.columns.items() if not column):
            yield f"[browses.{name}] columns: the column for {word!r} is empty: leave the word out"


def _problems_of_answers(profile: Profile) -> Iterator[str]:
    for number, known in enumerate(profile.errors):
        if not all(text.strip() for text in (*known.codes, *known.fields, *known.words)):
            yield f"[errors[{number}]] an empty text is in every message: it would take all refusals for {known.means}"
    envelope = profile.envelope
    if envelope.success and not (envelope.yes and envelope.no):
        yield "[envelope] success needs values of yes and of no: without one of them that answer is never understood"
    for place in envelope.empty:
        if f"{envelope.records}.".startswith(f"{place}."):
            yield f"[envelope] empty: the records stand under {place}, so it is no empty list"


def _problems_of_paths(profile: Profile) -> Iterator[str]:
    paths = {"[auth] path": profile.auth.path, "[browsing] path": profile.browsing.path}
    for kind, document in profile.documents.items():
        paths[f"[documents.{kind}] path"] = document.path
        for number, step in enumerate(document.steps, 1):
            if step.path:
                paths[f"[documents.{kind}] steps, {number}: path"] = step.path
    for name, path in (("auth] limits_path", profile.auth.limits_path), ("permission] path", profile.permission.path)):
        if path:
            paths[f"[{name}"] = path
    for name, path in paths.items():
        # It is set behind base_url: without its slash it would go on with the host's name.
        if not path.startswith("/") or any(mark in path for mark in "?# \t\r\n"):
            yield f"{name} {path!r} must begin with / and have no query: it stands behind base_url"


def _problems_of_headers(profile: Profile) -> Iterator[str]:
    sent = {"workspace_header": (profile.workspace_header, profile.workspace)} if profile.workspace_header else {}
    sent |= {f"[headers] {name}": (name, value) for name, value in profile.headers.items()}
    for place, (name, value) in sent.items():
        if not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(value):
            yield f"{place}: no call takes a header with this name or value"
        if name.casefold() == "authorization":
            yield f"{place}: Authorization is ours to send: [auth] says how"


def _problems_of_find(table: str, find: Find) -> Iterator[str]:
    for word in ("browse_id", "reference", "year", "daybook", "voucher"):
        if not getattr(find, word):
            yield f"[{table}] find: {word} is empty: a document cannot be found again without it"
