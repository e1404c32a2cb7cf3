"""TOML as text: just what mappings and configurations need, because the standard library only reads it."""

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime

Value = str | int | bool | date | datetime | Sequence[str]


def written(value: Value) -> str:
    """Return a value as TOML writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, int | date):
        return str(value)
    # A JSON text is a TOML basic string, a list of them one of those.
    return json.dumps(value, ensure_ascii=False)


def key_written(key: str) -> str:
    """Return a key, quoted where it holds more than letters, digits and underscores."""
    return key if key.isascii() and key.replace("_", "").isalnum() else json.dumps(key, ensure_ascii=False)


def table(header: str, values: Mapping[str, Value]) -> str:
    """Return a table with its header, e.g. `[policy]` or `[[lines]]`."""
    return "\n".join([header, *pairs(values)]) + "\n"


def pairs(values: Mapping[str, Value]) -> list[str]:
    """Return `key = value` lines."""
    return [f"{key_written(key)} = {written(value)}" for key, value in values.items()]
