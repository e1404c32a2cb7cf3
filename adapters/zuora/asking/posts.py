"""All that is ever posted to Zuora's API: two reads, and marks that move no money. Nothing else can be written.

A post checks itself when it is made, and the client sends nothing else: what a mark may set is the table here. A mark
needs an idempotency key, so a repeat of it is answered, not done. PUT takes no such key and is never used. Actions
know no memos, so nothing of a memo can be marked.
"""

import re
from collections.abc import Mapping, Sequence

import msgspec

from adapters.zuora.asking.ids import is_id
from schemas.errors import InvariantViolation

QUERY, QUERY_MORE, UPDATE = "/v1/action/query", "/v1/action/queryMore", "/v1/action/update"

# What Zuora takes in one update.
MARKS_MAX = 50
# The states of a document on its way to accounting; No is left to people.
TRANSFER_STATES = frozenset({"Processing", "Yes", "Error", "Ignore"})
_TRANSFERRED = "TransferredToAccounting"
# Fields of Zuora's own that may be set, by type. Beside them a tenant's own fields: Zuora computes with none of those.
_MAY_SET: Mapping[str, frozenset[str]] = {
    "Account": frozenset(),
    "Invoice": frozenset({_TRANSFERRED}),
    "Payment": frozenset({_TRANSFERRED}),
    "Refund": frozenset({_TRANSFERRED}),
}
_OWN_FIELD = re.compile(r"[A-Za-z][A-Za-z0-9_]*__c")
# What may stand in a header, at most as long as Zuora takes it; no line can end in it.
_KEY = re.compile(r"[\x21-\x7e]{1,255}")
# What may stand between the quotes of ZOQL: nothing that ends them.
_LITERAL = re.compile(r"[0-9A-Za-z _.:+@/-]{0,255}")


class Post(msgspec.Struct, frozen=True, kw_only=True):
    """One of the posts.

    Attributes:
        path: One of the three.
        content: What is sent, as JSON.
        key: The idempotency key of an update; the reads have none.
    """

    path: str
    content: Mapping[str, object]
    key: str = ""

    def __post_init__(self) -> None:
        problem = _problem(self)
        if problem:
            raise InvariantViolation(f"never sent to Zuora: {problem}")

    @property
    def reads(self) -> bool:
        """Whether it changes nothing."""
        return self.path != UPDATE


def query(zoql: str) -> Post:
    """Return the post that begins a query; values in it come from `literal`."""
    return Post(path=QUERY, content={"queryString": zoql})


def query_more(locator: str) -> Post:
    """Return the post that goes on with a query."""
    return Post(path=QUERY_MORE, content={"queryLocator": locator})


def update(type_name: str, objects: Sequence[Mapping[str, str]], key: str) -> Post:
    """Return the post that marks objects.

    Args:
        type_name: Their type, as Actions name it.
        objects: `Id` of each, and what is set.
        key: The idempotency key; the same one for a repeat of the same marks.

    Raises:
        InvariantViolation: It would set what may not be set.
    """
    return Post(path=UPDATE, content={"type": type_name, "objects": [dict(one) for one in objects]}, key=key)


def literal(value: str) -> str:
    """Return a value within the quotes of ZOQL.

    Raises:
        InvariantViolation: It holds what could end the quotes.
    """
    if not _LITERAL.fullmatch(value):
        raise InvariantViolation(f"{value[:20]!r} never stands in a query")
    return f"'{value}'"


def _problem(post: Post) -> str:
    named = set(post.content)
    if (post.path, named) in ((QUERY, {"queryString"}), (QUERY_MORE, {"queryLocator"})):
        return "a query has no idempotency key" if post.key else ""
    if (post.path, named) != (UPDATE, {"type", "objects"}):
        return "only queries and marks are posted"
    if not _KEY.fullmatch(post.key):
        return "a mark without an idempotency key that can be one"
    kind, objects = post.content["type"], post.content["objects"]
    if not isinstance(kind, str) or kind not in _MAY_SET:
        return "an object of a type that is not marked"
    if not isinstance(objects, list) or not 0 < len(objects) <= MARKS_MAX:
        return f"between 1 and {MARKS_MAX} objects are marked at once"
    return next((problem for one in objects if (problem := _problem_of_mark(one, _MAY_SET[kind]))), "")


def _problem_of_mark(mark: object, may_set: frozenset[str]) -> str:
    if not isinstance(mark, dict) or not all(isinstance(part, str) for pair in mark.items() for part in pair):
        return "a mark that is not of names and texts"
    if not is_id(mark.get("Id", "")):
        return "a mark without an id of Zuora"
    for name, value in mark.items():
        if name != "Id" and name not in may_set and not _OWN_FIELD.fullmatch(name):
            return f"a mark of {name[:40]!r}, which is not ours to set"
        if name == _TRANSFERRED and value not in TRANSFER_STATES:
            return f"{value[:20]!r} as {_TRANSFERRED}"
    return "" if len(mark) > 1 else "a mark that sets nothing"
