"""TOML files that people write: unknown keys, wrong values and blanks are refused with file, place and reason.

A value in angle brackets, as the templates have them (`<ENTITY>`), is a blank that nobody has filled in.
"""

import copy
import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from yarl import URL

from adapters.reach import is_listed
from schemas.errors import Misconfigured

Settings = TypeVar("Settings")

# msgspec ends its message with the place, e.g. "... - at `$.lines[3].account`".
_PLACE = re.compile(r"(?P<what>.*?)(?: - at `\$(?P<place>.*)`)?", re.DOTALL)
_UNKNOWN = re.compile(r"Object contains unknown field `(?P<field>[^`]*)`")
_KEY = re.compile(r"""\s*(?:"([^"]*)"|'([^']*)'|([\w-]+))\s*=""")
_BLANK = re.compile(r"<[A-Z][A-Z0-9 _-]*>")

# How msgspec names an entry of a table whose keys people choose, e.g. `documents[...]`.
_SOME = "[...]"
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


def load_settings(path: Path, kind: type[Settings]) -> Settings:
    """Return what a TOML file says.

    Raises:
        Misconfigured: The file is missing, is no TOML (with the line), says something that is not known, or leaves
            a blank of its template (with table and key).
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise Misconfigured(f"{path} is not there: ml-connector init writes one, --config names one") from None
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(f"{path} cannot be read: {error}") from None
    try:
        values: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Misconfigured(f"{path}: {error}") from None
    blanks = [f"{place.lstrip('.')} is still {blank}" for place, blank in _blanks(values)]
    if blanks:
        raise Misconfigured(f"{path} is to be filled in: " + "; ".join(blanks))
    try:
        return msgspec.convert(values, kind, strict=True)
    except msgspec.ValidationError as error:
        place, what = _place_and_reason(str(error), values, kind)
        raise Misconfigured(f"{path}{_line(text, place)}: {what}") from None


def with_lines(path: Path, sentences: Iterable[str]) -> list[str]:
    """Return sentences about a file, each with the line that it is about, where that stands there once.

    A sentence begins with its table in brackets, or with a key at the top, and goes on with keys below, quoted or not:
    `[documents.invoice] fields: 'referenz' is no word of ours`.
    """
    lines = _lines(path.read_text(encoding="utf-8"))

    def told(sentence: str) -> str:
        table = re.match(r"\[([\w.-]+(?:\[\d+\])?)\]", sentence)
        place = table[1] if table else ""
        for word in re.findall(r"[\w-]+", sentence[table.end() if table else 0 :]):
            below = f"{place}.{word}".lstrip(".")
            if below not in lines:
                break
            place = below
        return f"line {lines[place]}: {sentence}" if lines.get(place) else sentence

    return [told(sentence) for sentence in sentences]


def address_problem(address: str, private_hosts: tuple[str, ...] = ()) -> str:
    """Return what is wrong with the base address of another system, "" where nothing is: secrets are sent there.

    Args:
        address: Its address.
        private_hosts: Hosts of a private network that the site lists: there TLS may end before them.
    """
    try:
        url = URL(address)
    except ValueError:
        return "is no address"
    if url.user is not None or url.password is not None:
        return "holds a user or a password: those belong into the credential store"
    if url.query_string or url.fragment:
        return "must end with its path"
    if url.scheme == "https" and url.host:
        return ""
    # The host as it will be connected to: a name, or a user, that only begins like this machine is another one.
    if url.scheme == "http" and url.host and (url.host in _LOOPBACK or is_listed(url.host, private_hosts)):
        return ""
    return "must begin with https:// and a host"


def _blanks(value: Any, place: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        for blank in _BLANK.findall(value)[:1]:
            yield place, blank
    elif isinstance(value, dict):
        for name, part in value.items():
            yield from _blanks(part, f"{place}.{name}")
    elif isinstance(value, list):
        for number, part in enumerate(value):
            yield from _blanks(part, f"{place}[{number}]")


# -- where it stands -------------------------------------------------------------------------------------------------


def _place_and_reason(message: str, values: dict[str, Any], kind: type[Any]) -> tuple[str, str]:
    """Return the key at fault (`documents.receipt.path`), and a sentence that names it."""
    found = _PLACE.fullmatch(message)
    what, told = (found["what"], found["place"] or "") if found else (message, "")
    place = _entry_by_entry(told, message, values, kind).lstrip(".")
    unknown = _UNKNOWN.search(what)
    if unknown:
        key = unknown["field"]
        return f"{place}.{key}".lstrip("."), f"{place or 'at the top'}: the key {key!r} is not known there"
    return place, f"{place or 'at the top'}: {what}"


def _entry_by_entry(place: str, message: str, values: dict[str, Any], kind: type[Any]) -> str:
    """Return a place with each `[...]` named: the entry without which the very same is not said."""
    while _SOME in place:
        before, _, after = place.partition(_SOME)
        for name in _part(values, before):
            alone = copy.deepcopy(values)
            table = _part(alone, before)
            for other in [other for other in table if other != name]:
                del table[other]
            if _complaint(alone, kind) == message:
                values, place = alone, f"{before}.{name}{after}"
                break
        else:
            return place
    return place


def _complaint(values: dict[str, Any], kind: type[Any]) -> str:
    try:
        msgspec.convert(values, kind, strict=True)
    except msgspec.ValidationError as error:
        return str(error)
    return ""


def _part(values: Any, place: str) -> Any:
    """Return what stands at a place such as `.rows[2].inner`."""
    for name, number in re.findall(r"\.([^.\[]+)|\[(\d+)\]", place):
        values = values[name] if name else values[int(number)]
    return values


def _line(text: str, place: str) -> str:
    """Return `, line N` of the key at fault, or of the inline table that it stands in; nothing where that is unsure."""
    lines = _lines(text)
    while place and place not in lines:
        place = re.sub(r"(\.[^.\[]*|\[\d+\]|^[^.\[]*)$", "", place)
    return f", line {lines[place]}" if lines.get(place) else ""


def _lines(text: str) -> dict[str, int]:
    """Return the lines of keys by their place; 0 where a place is met twice, as in a text of several lines."""
    lines: dict[str, int] = {}
    rows: Counter[str] = Counter()
    table = ""
    for number, line in enumerate(text.splitlines(), 1):
        header = re.match(r"\s*(\[\[?)\s*([^\[\]]+?)\s*\]", line)
        key = _KEY.match(line)
        if header is not None:
            name = header[2].replace('"', "")
            place = table = f"{name}[{rows[name]}]" if header[1] == "[[" else name
            rows[name] += 1
        elif key is not None:
            place = f"{table}.{key[key.lastindex or 0]}".lstrip(".")
        else:
            continue
        lines[place] = 0 if place in lines else number
    return lines
