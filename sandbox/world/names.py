"""Names of companies in the scripts of their countries, and names that have broken connectors before.

All are made up. They stand in names.json, because a source file is no place for right-to-left marks.
"""

import json
from collections.abc import Iterator
from functools import cache
from itertools import count, product
from pathlib import Path
from random import Random

import msgspec

_FILE = Path(__file__).with_name("names.json")


class Country(msgspec.Struct, frozen=True):
    """What companies of a country are called, and where they are."""

    stems: tuple[str, ...]
    patterns: tuple[str, ...]
    cities: tuple[str, ...]
    postal_codes: tuple[str, ...]


class Place(msgspec.Struct, frozen=True):
    """Where a company is."""

    city: str
    postal_code: str


class _Names(msgspec.Struct, frozen=True):
    countries: dict[str, Country]
    awkward: tuple[str, ...]


def company_names(country: str, draw: Random) -> Iterator[str]:
    """Yield names of companies of a country, never one twice and without end."""
    known = _names().countries[country]
    names = [pattern.format(stem) for stem, pattern in product(known.stems, known.patterns)]
    draw.shuffle(names)
    yield from names
    for number in count(2):
        yield from (f"{name} {number}" for name in names)


def place_in(country: str, draw: Random) -> Place:
    """Return a place in a country."""
    known = _names().countries[country]
    position = draw.randrange(len(known.cities))
    return Place(known.cities[position], known.postal_codes[position % len(known.postal_codes)])


def surname_in(country: str, draw: Random) -> str:
    """Return the surname of somebody there."""
    return draw.choice(_names().countries[country].stems)


def awkward_names() -> tuple[str, ...]:
    """Return names with quotes, line breaks, 300 characters, marks of direction, markup and the like."""
    return _names().awkward


def plain_name(name: str, length_max: int) -> str:
    """Return a name as a clerk keys it into QAD: one line, nothing that cannot be seen, cut to the field."""
    visible = "".join(character if character.isprintable() else " " for character in name)
    return " ".join(visible.split())[:length_max].strip()


@cache
def _names() -> _Names:
    return msgspec.convert(json.loads(_FILE.read_text(encoding="utf-8")), _Names)
