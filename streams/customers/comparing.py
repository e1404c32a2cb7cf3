"""What of an account flows to a customer that is there: a comparison of three, field by field.

The three are what Zuora says, what QAD says, and the base: what both said when they were last alike, or what we meant
QAD to say. A field is written only where QAD still says the base and Zuora says something else. What QAD says otherwise
is QAD's own: it is never written, whatever Zuora says. An address is one field: it is written whole or not at all.
Source: ACCOUNTING 5.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum

import msgspec

from schemas.codec import canonical
from schemas.ids import hash_of
from schemas.mapping import AlignField
from streams.customers.wanted import CUSTOMER, RELATION, Value

# By field of the mapping: the record of QAD that it stands in, and the words that make it up.
FIELDS: Mapping[AlignField, tuple[str, tuple[str, ...]]] = {
    "name": (RELATION, ("name",)),
    "search_name": (RELATION, ("search_name",)),
    "address": (RELATION, ("street", "street2", "city", "state", "postal_code", "country")),
    "terms": (CUSTOMER, ("terms",)),
    "status": (CUSTOMER, ("active",)),
}
WORDS = frozenset(word for _, words in FIELDS.values() for word in words)


class State(StrEnum):
    """How a field stands."""

    IN_LINE = "in_line"
    WRITE = "write"
    NOT_SAID = "not_said"
    NOT_MAPPED = "not_mapped"
    NEVER_IN_LINE = "never_in_line"
    OWNED = "owned_by_qad"
    DIFFERS = "differs"
    DISAGREE = "accounts_disagree"
    SHARED = "relation_shared"
    NOT_TOLD = "relation_not_told"
    NOT_HELD = "not_held"


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """What Zuora says of a field.

    Attributes:
        state: NOT_SAID, DISAGREE or NOT_HELD where there is no value to go by; IN_LINE otherwise.
        values: By word; what is blank is meant to be.
        why: Of NOT_HELD, in words without a value.
    """

    state: State = State.IN_LINE
    values: Mapping[str, Value] = msgspec.field(default_factory=dict)
    why: str = ""

    def __repr__(self) -> str:
        """Return which words there are: their values may be a person's."""
        return f"Said({self.state}, {sorted(self.values)})"


class Base(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a customer and the accounts that share it from before, as fingerprints by word.

    Attributes:
        alike: What QAD and each of the accounts said when they last said the same.
        meant: What we were about to write and have not seen the end of.
    """

    alike: Mapping[str, str] = msgspec.field(default_factory=dict)
    meant: Mapping[str, frozenset[str]] = msgspec.field(default_factory=dict)

    def knows(self, word: str, fingerprint: str) -> bool:
        """Return whether it is what both said, or what we meant: then it is not QAD's own.

        What was meant for accounts that have gone from the customer counts for none that came to it: no base, no write.
        """
        return word in self.alike and (self.alike[word] == fingerprint or fingerprint in self.meant.get(word, ()))


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """How one field stands.

    Attributes:
        part: The record that it stands in.
        writes: What is to be written, by word; nothing unless the state says so.
        base: Fingerprints, by word, of what both say alike.
        was_in_line: Whether Zuora and QAD were alike once: then somebody has to look where they are not.
        why: Of NOT_HELD, in words.
    """

    field: AlignField
    part: str
    state: State
    writes: Mapping[str, Value] = msgspec.field(default_factory=dict)
    base: Mapping[str, str] = msgspec.field(default_factory=dict)
    was_in_line: bool = False
    why: str = ""

    def __repr__(self) -> str:
        """Return how it stands: what is written may be a person's."""
        return f"Line({self.field}, {self.state}, {sorted(self.writes)})"


def fingerprint(customer: str, word: str, value: Value) -> str:
    """Return what tells a value from others of this word and customer, and does not show it."""
    return hash_of(b"align", canonical([customer, word, _plain(value)]))[:20]


def compare(customer: str, field: AlignField, said: Said, held: Mapping[str, Value], base: Base) -> Line:
    """Return how a field stands.

    Args:
        customer: Code of the customer.
        field: Which field.
        said: What Zuora says of it.
        held: What QAD says, by the words that the profile maps.
        base: What is known from before.
    """
    part, all_words = FIELDS[field]
    words = [word for word in all_words if word in held]
    once = any(word in base.alike for word in words)
    if not words:
        return Line(field=field, part=part, state=State.NOT_MAPPED)
    if said.state is not State.IN_LINE:
        return Line(field=field, part=part, state=said.state, was_in_line=once, why=said.why)
    wanted = {word: said.values.get(word, "") for word in words}
    prints = {word: fingerprint(customer, word, value) for word, value in wanted.items()}
    other = [word for word in words if _plain(held[word]) != _plain(wanted[word])]
    if not other:
        return Line(field=field, part=part, state=State.IN_LINE, base=prints)
    own = [word for word in other if not base.knows(word, fingerprint(customer, word, held[word]))]
    if not own:
        writes = {word: wanted[word] for word in other}
        return Line(field=field, part=part, state=State.WRITE, writes=writes, was_in_line=True)
    if any(word not in base.alike for word in own):
        state = State.NEVER_IN_LINE
    elif any(base.alike.get(word, prints[word]) != prints[word] for word in words):
        state = State.DIFFERS
    else:
        state = State.OWNED
    return Line(field=field, part=part, state=state, was_in_line=once)


def unchanged(customer: str, said: Mapping[AlignField, Said], base: Base) -> bool:
    """Return whether Zuora says what both said when they were last alike, and nothing of ours is open."""
    return not base.meant and all(
        one.state is State.IN_LINE
        and any(word in base.alike for word in one.values)
        and all(
            base.alike[word] == fingerprint(customer, word, value)
            for word, value in one.values.items()
            if word in base.alike
        )
        for one in said.values()
    )


def joined(field: AlignField, all_said: Iterable[Said]) -> Said:
    """Return what the accounts that share a customer say of it: what all of them say, and nothing where they differ.

    A customer is active as long as one of its accounts is: a closed account never closes what others use.
    """
    found = list(all_said)
    if field == "status":
        active = [one.values["active"] for one in found if one.state is State.IN_LINE]
        if True in active:
            return Said(values={"active": True})
        return Said(values={"active": False}) if found and len(active) == len(found) else Said(state=State.NOT_SAID)
    first = found[0] if found else Said(state=State.NOT_SAID)
    return first if all(one == first for one in found) else Said(state=State.DISAGREE)


def _plain(value: Value) -> Value:
    """Return a value as QAD has it, which knows no blanks behind a text."""
    return value.rstrip() if isinstance(value, str) else value
