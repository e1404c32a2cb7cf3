"""What is done with a record of QAD: made, found as it should be, filled, or left alone and named.

A record that is there already is never written over: it is what was made by the call whose answer was lost, or it is
somebody else's. Only what is blank in the domain record, which QAD makes by itself, is filled. Source: ACCOUNTING 5.
"""

from collections.abc import Mapping

import msgspec

from streams.customers.wanted import CUSTOMER, RELATION, Value

Held = Mapping[str, Value]


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """What is done with one record.

    Attributes:
        how: make, change, found; or conflict, where it is another's.
        values: What is written, by word.
        left: Words that are left alone since somebody changed them in QAD.
        why: Of a conflict, in words.
    """

    how: str
    values: dict[str, Value] = msgspec.field(default_factory=dict)
    left: tuple[str, ...] = ()
    why: str = ""


# By what a record that is there already is known as the one that was meant.
_KNOWN_BY = {RELATION: "name", CUSTOMER: "zuora_account"}


def made(part: str, held: Held | None, wanted: Mapping[str, Value]) -> Step:
    """Return what creation does with a business relation or a customer."""
    if held is None:
        return Step(how="make", values=dict(wanted))
    word = _KNOWN_BY[part]
    if _same(held.get(word, ""), wanted.get(word, "")):
        return Step(how="found")
    return Step(how="conflict", why=f"it is there already, and its {word} is another")


def filled(held: Held, wanted: Mapping[str, Value]) -> Step:
    """Return what creation does with the domain record, which QAD makes by itself: blank fields are filled."""
    blank = {word: value for word, value in wanted.items() if _same(held.get(word, ""), "")}
    left = tuple(word for word, value in wanted.items() if word not in blank and not _same(held.get(word, ""), value))
    return Step(how="change" if blank else "found", values=blank, left=left)


def _same(one: Value, other: Value) -> bool:
    """Return whether two values are one to QAD, which knows no blanks behind a text."""
    if isinstance(one, str) and isinstance(other, str):
        return one.rstrip() == other.rstrip()
    return one == other
