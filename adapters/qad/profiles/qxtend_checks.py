"""What is wrong with the [qxtend] of a profile, a sentence each."""

import re
from collections import Counter
from collections.abc import Iterator

from adapters.qad.profiles.calls import CallLimits
from adapters.qad.profiles.documents import SIGNED
from adapters.qad.profiles.entry_checks import problems_of_entries
from adapters.qad.profiles.needed import problems_of_needed
from adapters.qad.profiles.qxtend import QDocument, Qxtend, Table
from adapters.qad.values import can_write_days
from adapters.qad.words import HEAD, LINE
from adapters.settings import address_problem

# What the session is told by us alone; all of a document stands or none, whatever a site would like.
OURS = ("domain", "entity", "version", "action", "scopeTransaction", "username", "password")

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*", re.ASCII)


def problems_of_qxtend(
    qxtend: Qxtend, limits: CallLimits, *, domain: str, private_hosts: tuple[str, ...]
) -> Iterator[str]:
    """Yield what is wrong; whether its kinds are those that there are is asked elsewhere."""
    if problem := address_problem(qxtend.url, private_hosts):
        yield f"[qxtend] url {problem}"
    if not domain:
        yield "domain is missing: the session of [qxtend] works in it"
    if limits.settle_s <= qxtend.timeout_s + limits.age_s:
        yield "[limits] settle_s must be above [qxtend] timeout_s + age_s, or a late call could be doubled"
    if not can_write_days(qxtend.date_format):
        yield f"[qxtend] date_format {qxtend.date_format!r} does not write dates that can be read again"
    yield from (f"[qxtend] context: {name} is said by the connector alone" for name in qxtend.context if name in OURS)
    for kind, document in qxtend.documents.items():
        yield from (f"[qxtend.documents.{kind}] {problem}" for problem in _problems_of_document(kind, document))


def _problems_of_document(kind: str, document: QDocument) -> Iterator[str]:
    above: set[str] = set()
    for table in document.tables:
        yield from (f"{table.table}: {problem}" for problem in _problems_of_table(table, above))
        if table.rows == "document":
            above.add(table.table)
    sent = [element for table in document.tables for element in _elements(table)]
    key = document.key
    shown = filter(None, (key.currency, key.total, key.tax, key.status))
    names = (document.api, document.root, *sent, key.table, key.year, key.daybook, key.voucher, *shown)
    head = {word for table in document.tables if table.rows == "document" for word in table.fields}
    parts: dict[str, set[str]] = {}
    for table in document.tables:
        if table.rows != "document":
            parts.setdefault(table.rows, set()).update(table.fields)
    yield from problems_of_needed(kind, head, parts, what="element")
    yield from (f"{name!r} is no name of an element" for name in dict.fromkeys(names) if not _NAME.fullmatch(name))
    if not document.references:
        yield "fields: no element is named for the machine reference"
    yield from problems_of_entries(kind, document, answered=key, find=document.find, sent=head)


def _problems_of_table(table: Table, above: set[str]) -> Iterator[str]:
    if bool(table.parent) != bool(above) or (table.parent and table.parent not in above):
        yield f"parent {table.parent!r} is no table above it that has the document's one row"
    known = HEAD if table.rows == "document" else LINE
    for word in table.fields:
        if word == SIGNED:
            yield "signed is for REST: a dataset has an element for debit and one for credit"
        elif word not in known:
            yield f"{word!r} is no word of ours"
    for element, count in Counter(list(_elements(table))[1:]).items():
        if count > 1:
            yield f"{element} is written {count} times"


def _elements(table: Table) -> Iterator[str]:
    yield table.table
    yield from table.constants
    for targets in table.fields.values():
        yield from (targets,) if isinstance(targets, str) else targets
