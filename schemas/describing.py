"""The JSON Schema of each topic, from the types of its events and what their docstrings say of the fields.

It describes what is written: amounts as strings, moments with their offset. A field with a default may be left out and
then means that default; a field that a reader does not know is passed over.
"""

import inspect
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any, get_args

import msgspec

from schemas.events import EVENTS
from schemas.topics import SPEC, Topic

_DRAFT = "https://json-schema.org/draft/2020-12/schema"
# As a Decimal is written: 100.00, -0.5, 1E+2. What is not finite never is.
_AMOUNT = r"^-?[0-9]+(\.[0-9]+)?(E[+-][0-9]+)?$"
# "Attributes:" of a docstring, and in it `name: what it is`, which goes on in lines that are indented further.
_ATTRIBUTES = re.compile(r"^Attributes:\n", re.MULTILINE)
_ATTRIBUTE = re.compile(r"^    (\w+): (.+(?:\n {8}.+)*)", re.MULTILINE)


def schema_of(topic: Topic) -> dict[str, Any]:
    """Return the JSON Schema of the events of a topic."""
    spec = SPEC[topic]
    return described(EVENTS[topic].kind, title=topic.value, description=f"{spec.holds}. Key: {spec.key}.")


def described(kind: Any, *, title: str, description: str) -> dict[str, Any]:
    """Return the JSON Schema of a type, with what the docstrings of its structs say."""
    schema = msgspec.json.schema(kind)
    for name, struct in _structs(kind).items():
        _describe(schema["$defs"][name], struct)
    for node in _nodes(schema):
        if node.get("format") == "decimal":
            node["pattern"] = _AMOUNT
    return {"$schema": _DRAFT, "title": title, "description": description, **schema}


def _structs(kind: Any) -> dict[str, type[msgspec.Struct]]:
    """Return the structs that a type is made of, all the way down, by name."""
    found: dict[str, type[msgspec.Struct]] = {}
    waiting = [kind]
    while waiting:
        one = waiting.pop()
        if not (isinstance(one, type) and issubclass(one, msgspec.Struct)):
            waiting.extend(get_args(one))
        elif one.__name__ not in found:
            found[one.__name__] = one
            waiting.extend(field.type for field in msgspec.structs.fields(one))
    return found


def _describe(schema: dict[str, Any], struct: type[msgspec.Struct]) -> None:
    """Put into the schema of a struct what its docstring and those of its bases say."""
    schema["description"], _ = _doc(struct)
    said = {name: text for base in reversed(struct.__mro__) for name, text in _doc(base)[1].items()}
    for field in msgspec.structs.fields(struct):
        described = schema["properties"][field.encode_name]
        if datetime in (field.type, *get_args(field.type)):
            described["format"] = "date-time"
        if field.name in said:
            described["description"] = said[field.name]


def _doc(struct: type) -> tuple[str, dict[str, str]]:
    """Return what a docstring says of the whole, and of each attribute."""
    whole, *attributes = _ATTRIBUTES.split(inspect.cleandoc(vars(struct).get("__doc__") or ""))
    return _one_line(whole), {name: _one_line(text) for part in attributes for name, text in _ATTRIBUTE.findall(part)}


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _nodes(part: Any) -> Iterator[dict[str, Any]]:
    """Yield every object in a schema."""
    if isinstance(part, dict):
        yield part
        part = list(part.values())
    if isinstance(part, list):
        for inner in part:
            yield from _nodes(inner)
