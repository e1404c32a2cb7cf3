"""TOML files that people write: unknown keys and wrong values are refused with file, place and reason."""

import re
import tomllib
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from schemas.errors import Misconfigured

Settings = TypeVar("Settings")

# msgspec ends its message with the place, e.g. "... - at `$.lines[3].account`".
_PLACE = re.compile(r"^(?P<what>.*?)(?: - at `\$(?P<place>.*)`)?$", re.DOTALL)
_UNKNOWN = re.compile(r"Object contains unknown field `(?P<field>[^`]*)`")


def load_settings(path: Path, kind: type[Settings]) -> Settings:
    """Return what a TOML file says.

    Raises:
        Misconfigured: The file is missing, is no TOML (with the line), or says something that is not known (with
            table and key).
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise Misconfigured(f"{path} is not there") from None
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(f"{path} cannot be read: {error}") from None
    try:
        values: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Misconfigured(f"{path}: {error}") from None
    try:
        return msgspec.convert(values, kind, strict=True)
    except msgspec.ValidationError as error:
        raise Misconfigured(f"{path}{_line(text, str(error))}: {_sentence(str(error))}") from None


def _sentence(message: str) -> str:
    found = _PLACE.match(message)
    what, place = (found["what"], found["place"]) if found else (message, None)
    unknown = _UNKNOWN.search(what)
    if unknown:
        what = f"the key {unknown['field']!r} is not known there"
    return f"{(place or '').lstrip('.') or 'at the top'}: {what}"


def _line(text: str, message: str) -> str:
    """Return `, line N` where the key at fault stands once in the file, else nothing."""
    unknown = _UNKNOWN.search(message)
    found = _PLACE.match(message)
    place = (found["place"] or "") if found else ""
    key = unknown["field"] if unknown else re.split(r"[.\[]", place)[-1].rstrip("]")
    if not re.fullmatch(r"[A-Za-z_][\w-]*", key):
        return ""
    lines = [
        number for number, line in enumerate(text.splitlines(), 1) if re.match(rf"\s*\"?{re.escape(key)}\"?\s*=", line)
    ]
    return f", line {lines[0]}" if len(lines) == 1 else ""
