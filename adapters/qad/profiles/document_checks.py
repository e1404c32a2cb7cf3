"""What a kind of document says in a profile, checked: our words, the tenant's fields, and its steps."""

from collections import Counter
from collections.abc import Iterator

from adapters.qad.profiles.calls import MARK
from adapters.qad.profiles.documents import SIGNED, Document, Lines, Step
from adapters.qad.profiles.entry_checks import problems_of_entries
from adapters.qad.profiles.needed import problems_of_needed
from adapters.qad.words import HEAD, LINE

_AMOUNTS = ("total", "debit", "credit", SIGNED, "amount", "base", "tax")


def problems_of_document(kind: str, document: Document) -> Iterator[str]:
    """Yield what is wrong with a kind of document, a sentence each."""
    yield from _problems_of_fields("fields", document, HEAD)
    lists = [part.under for part in document.parts.values()]
    for name, part in document.parts.items():
        yield from _problems_of_fields(f"{name} fields", part, (*LINE, SIGNED))
        if SIGNED in part.fields and {"debit", "credit"} & part.fields.keys():
            yield f"{name} fields: signed is debit and credit in one amount; it stands in their place"
    yield from _problems_of_places("the record", [*_targets(document), *dict.fromkeys(lists), *_taken(document)])
    if not document.references:
        yield "fields: no field is named for the machine reference"
    for word in document.lengths:
        if word not in (*HEAD, *LINE):
            yield f"lengths: {word!r} is no word of ours"
    yield from problems_of_entries(kind, document, answered=document.key, find=document.find, sent=document.fields)
    parts = {name: part.fields for name, part in document.parts.items()}
    yield from problems_of_needed(kind, document.fields, parts, what="field")
    yield from _problems_of_steps(document)


def _problems_of_fields(name: str, part: Document | Lines, words: tuple[str, ...]) -> Iterator[str]:
    yield from (f"{name}: {word!r} is no word of ours" for word in part.fields if word not in words)
    yield from (f"{name}: {word!r} names no field: leave it out" for word, names in part.fields.items() if not names)
    for word in part.negative:
        if word not in _AMOUNTS or word not in part.fields:
            yield f"negative: {word!r} is no amount of {name}"
    if isinstance(part, Lines):
        yield from _problems_of_places(name, _targets(part))


def _targets(part: Document | Lines) -> list[str]:
    """Return the places that a part writes to, each as often as it does."""
    named = [name for names in part.fields.values() for name in ((names,) if isinstance(names, str) else names)]
    return [*part.constants, *named]


def _taken(document: Document) -> list[str]:
    """Return the places that reads fill: none may be one that we fill, such as the total."""
    return [field for step in document.steps for field in step.take]


def _problems_of_places(name: str, places: list[str]) -> Iterator[str]:
    """Look for places that would write over each other."""
    for place, count in Counter(places).items():
        if not all(place.split(".")):
            yield f"{name}: {place!r} is no field"
        if count > 1:
            yield f"{name}: {place} is written {count} times"
        above = place.split(".")
        for depth in range(1, len(above)):
            if ".".join(above[:depth]) in places:
                yield f"{name}: {place} stands inside {'.'.join(above[:depth])}, which has a value of its own"


def _problems_of_steps(document: Document) -> Iterator[str]:
    if not document.steps:
        return
    does = [step.does for step in document.steps]
    if does.count("commit") != 1 or does[-1] != "commit":
        yield "steps: exactly one commits, and it is the last"
    for number, step in enumerate(document.steps, 1):
        yield from (f"steps, {number}: {problem}" for problem in _problems_of_step(document, step))


def _problems_of_step(document: Document, step: Step) -> Iterator[str]:
    if step.does == "commit":
        if step.path or step.view_uri or step.params or step.take:
            yield "the commit is the document's own call: it has no path, view, params or take of its own"
        return
    if not step.path:
        yield f"a {step.does} needs a path"
    if step.does == "validate" and (step.path, step.view_uri) == (document.path, document.view_uri) and not step.params:
        yield "this is the call that commits, and no validation"
    if step.does != "read" and step.take:
        yield "only a read gives something to take"
    for form in step.params.values():
        for word in MARK.findall(form):
            if word not in HEAD:
                yield f"params: {{{word}}} is no word of ours"
