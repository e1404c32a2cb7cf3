"""What QAD's complaints mean: each is sorted into a class by the profile, all together into one error.

REST and QXtend spell complaints differently and mean the same; whoever reads an answer brings them into one shape
first. By code, else by field or words; a complaint that nobody knows makes the whole unclassified, or a person would be
misled. Source: reference/qad.md 4.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from adapters.qad.profiles.refusals import CAPACITY, STOPS, TRANSIENT, ErrorClass
from schemas.errors import Overloaded, Refused, Rejected, Transient
from streams.sink.meanings import UNCLASSIFIED, tries_of

# What QAD says goes into the log and is kept for ever: as much of it as a person reads.
_WORDS_LENGTH = 300
_WORDS_COUNT = 20


class Complaint(msgspec.Struct, frozen=True):
    """One complaint of QAD.

    Attributes:
        code: QAD's code or number.
        field: Name of the field.
        message: QAD's words.
        value: What stood in the field: it may be personal data.
        label: What QAD calls the field to people, "" where it does not say.
    """

    code: str
    field: str
    message: str
    value: str = ""
    label: str = ""

    @property
    def shown_field(self) -> str:
        """The field as people know it, with its name."""
        return f"{self.label} ({self.field})" if self.label and self.field else self.label or self.field


def refusal(said: Sequence[Complaint], classes: Sequence[ErrorClass]) -> Rejected | Transient | Refused:
    """Return what QAD's complaints about one call mean, as the error to raise: nothing was changed.

    Args:
        said: All that it complained of.
        classes: The profile's.
    """
    found = [_class_of(complaint, classes) for complaint in said]
    messages = tuple(f"{shown(complaint.message)} [{shown(complaint.code)}]" for complaint in said[:_WORDS_COUNT])
    words = "; ".join(messages)
    if found and UNCLASSIFIED not in found:
        for meaning, next_step in STOPS.items():
            if meaning in found:
                return Refused(f"QAD refuses every document of this connection: {words}. {next_step}")
        if all(meaning in (TRANSIENT, CAPACITY) for meaning in found):
            family = Overloaded if CAPACITY in found else Transient
            return family(f"QAD asks to try again: {words}")
    told = [complaint for complaint in said[:_WORDS_COUNT] if complaint.shown_field]
    return Rejected(
        _worst(found),
        messages,
        tuple(shown(complaint.shown_field) for complaint in told),
        values=tuple(shown(complaint.value) for complaint in told),
    )


def means(said: Sequence[Complaint], classes: Sequence[ErrorClass]) -> set[str]:
    """Return the classes of complaints, by the profile's."""
    return {_class_of(complaint, classes) for complaint in said}


def shown(words: Any) -> str:
    """Return words of QAD's on one line, cut to what a person reads."""
    text = " ".join(str(words).split())
    return text if len(text) <= _WORDS_LENGTH else f"{text[:_WORDS_LENGTH]}…"


def all_shown(words: Sequence[Any]) -> tuple[str, ...]:
    """Return as many of these words as a person reads."""
    return tuple(map(shown, words[:_WORDS_COUNT]))


def _worst(found: Sequence[str]) -> str:
    """Return what several complaints mean together: what lasts goes before what passes by itself."""
    lasting = [meaning for meaning in found if meaning not in (TRANSIENT, CAPACITY)]
    if not lasting or UNCLASSIFIED in lasting:
        return UNCLASSIFIED
    return min(lasting, key=lambda meaning: tries_of(meaning) > 1)


def _class_of(complaint: Complaint, classes: Sequence[ErrorClass]) -> str:
    field, message = complaint.field.casefold(), complaint.message.casefold()
    for known in classes:
        if complaint.code and complaint.code in known.codes:
            return known.means
    for known in classes:
        if any(name.casefold() in (field, complaint.label.casefold()) for name in known.fields) or any(
            word.casefold() in message for word in known.words
        ):
            return known.means
    return UNCLASSIFIED
