"""XML as it is read from another system, and as texts of ours are written into it.

A document type is refused, and with it every entity but the five of XML itself; so is what is nested without end.
"""

import re
from typing import Any
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat
from xml.sax.saxutils import escape

# An envelope with a dataset has eight.
_DEPTH_MAX = 50
# What XML 1.0 has no way to write.
_NOT_CARRIED = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

# What `escape` is for, and a carriage return.
_ESCAPED = re.compile("[&<>\r]")


class _NotTakenError(Exception):
    """It is more than a message needs."""


def read_xml(body: bytes) -> Element | None:
    """Return the first element; None where the bytes are no XML, or of a kind that no answer needs."""
    builder, depth = TreeBuilder(), 0
    parser = expat.ParserCreate(namespace_separator="}")

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > _DEPTH_MAX:
            raise _NotTakenError
        builder.start(_qualified(name), attributes)

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(_qualified(name))

    def refuse(*_: object) -> None:
        raise _NotTakenError

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(body, True)
        return builder.close()
    except (expat.ExpatError, _NotTakenError, ValueError, LookupError):
        # ValueError and LookupError: an encoding that nobody knows.
        return None


def shape(parent: Element) -> dict[str, Any]:
    """Return what stands below an element as JSON would have it, by names without their namespaces."""
    found: dict[str, Any] = {}
    for child in parent:
        name = child.tag.rpartition("}")[2]
        found.setdefault(name, []).append(shape(child) if len(child) else child.text or "")
    return {name: values[0] if len(values) == 1 else values for name, values in found.items()}


def can_carry(text: str) -> bool:
    """Return whether XML can carry a text."""
    return _NOT_CARRIED.search(text) is None


def element(name: str, text: str, *, prefix: str = "") -> str:
    """Return an element with a text; a carriage return is written so that no reader makes a line feed of it."""
    tag = f"{prefix}{name}"
    if not text:
        return f"<{tag}/>"
    # Few texts have one: a message of QXtend has a hundred elements.
    return f"<{tag}>{escape(text, {chr(13): '&#13;'}) if _ESCAPED.search(text) else text}</{tag}>"


def _qualified(name: str) -> str:
    return f"{{{name}" if "}" in name else name
