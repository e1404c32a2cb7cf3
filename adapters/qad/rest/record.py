"""A command becomes one record, by the profile: names, nesting, signs, dates, numbers, lengths.

What the tenant would not take for its length or its decimals is refused here, whole and before anything is sent; a text
or an amount is never cut.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from adapters.qad.places import pick, put
from adapters.qad.profiles.calls import Numbers
from adapters.qad.profiles.documents import SIGNED, Document, Lines
from adapters.qad.profiles.profile import Profile
from adapters.qad.values import padded
from adapters.qad.words import InWords, Words, no_tax_rows
from schemas.errors import Rejected
from streams.sink.meanings import FIELD


def record_of(words: InWords, profile: Profile, document: Document) -> dict[str, Any]:
    """Return the record of a command, in the tenant's words.

    Raises:
        Rejected: A text is longer than the profile allows, or an amount has more decimals.
    """
    return _Writer(profile, document).record(words)


class _Writer:
    """Writes one record, and notes what does not fit."""

    def __init__(self, profile: Profile, document: Document) -> None:
        self._document = document
        self._date_format = profile.date_format
        self._numbers = profile.numbers
        self._flags = (profile.no, profile.yes)
        self._lengths = profile.lengths | document.lengths
        # What does not fit: the tenant's field and the sentence.
        self._unfit: list[tuple[str, str]] = []

    def record(self, words: InWords) -> dict[str, Any]:
        document = self._document
        if words.tax_rows and not document.takes_tax_rows:
            raise no_tax_rows(words.head["number"])
        record: dict[str, Any] = {}
        self._fill(record, document, words.head)
        for part, lines in (
            (document.lines, words.lines),
            (document.allocations, words.allocations),
            (document.opens, words.opens),
            (document.gl_lines, words.gl_lines),
            (document.tax_rows, words.tax_rows),
        ):
            if part is not None:
                self._list(record, part, lines)
        if self._unfit:
            fields, sentences = zip(*dict.fromkeys(self._unfit), strict=True)
            raise Rejected(FIELD, sentences, fields)
        return record

    def _list(self, record: dict[str, Any], part: Lines, lines: Sequence[Words]) -> None:
        # Two parts may stand under one name: a transfer uses one item up and makes another.
        written = pick(record, part.under) or []
        put(record, part.under, written)
        for words in lines:
            line: dict[str, Any] = {}
            signed = {SIGNED: _signed(part, words)} if SIGNED in part.fields else {}
            self._fill(line, part, {**words, **signed})
            written.append(line)

    def _fill(self, record: dict[str, Any], part: Document | Lines, words: Words) -> None:
        for name, constant in part.constants.items():
            put(record, name, constant)
        for word, targets in part.fields.items():
            value = words.get(word)
            if value is None or value == "":
                continue
            names = (targets,) if isinstance(targets, str) else targets
            self._unfit += [(names[0], sentence) for sentence in self._problems(word, value)]
            written = self._written(-value if word in part.negative else value)
            for name in names:
                put(record, name, written)

    def _problems(self, word: str, value: Any) -> Iterator[str]:
        longest, decimals = self._lengths.get(word), self._numbers.decimals
        if longest is not None and isinstance(value, str) and len(value) > longest:
            yield f"{word} has {len(value)} characters, and QAD takes {longest}: it was not sent"
        if isinstance(value, Decimal) and decimals is not None and padded(value, decimals) is None:
            yield f"{word} has more than the {decimals} decimals that QAD takes: it was not sent"

    def _written(self, value: Any) -> Any:
        match value:
            case date():
                return value.strftime(self._date_format)
            case Decimal():
                return _amount(value, self._numbers)
            case bool():
                return self._flags[value]
            case int() if self._numbers.whole == "text":
                return str(value)
            case _:
                return value


def _signed(part: Lines, words: Words) -> Decimal:
    """Return debit and credit of a line as one amount."""
    above: Decimal = words.get("debit", Decimal(0)) - words.get("credit", Decimal(0))
    return above if part.positive == "debit" else -above


def _amount(value: Decimal, numbers: Numbers) -> Decimal | str:
    said = None if numbers.decimals is None else padded(value, numbers.decimals)
    written = value if said is None else said
    return f"{written:f}" if numbers.amounts == "text" else written
