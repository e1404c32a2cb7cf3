"""Where things stand in JSON: a dot in a name goes one object deeper, a number takes an entry of a list."""

from typing import Any


def pick(body: Any, place: str) -> Any:
    """Return what stands at a place, None where there is nothing; "" is the whole."""
    for step in place.split(".") if place else ():
        if isinstance(body, dict):
            body = body.get(step)
        elif isinstance(body, list) and step.isdecimal() and int(step) < len(body):
            body = body[int(step)]
        else:
            return None
    return body


def put(record: dict[str, Any], place: str, value: Any) -> None:
    """Set what stands at a place, making the objects on the way."""
    *before, last = place.split(".")
    for step in before:
        record = record.setdefault(step, {})
    record[last] = value


def below(place: str, name: str) -> str:
    """Return the place of a name under another place, which may be the top."""
    return f"{place}.{name}" if place else name
