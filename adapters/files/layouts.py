"""How rows are written into a file, and read again: CSV, or XML of the same words. What the rows say is document.py's.

A row is texts by the words of its columns, `row` among them; what is empty is left out of XML and is "" when read.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Literal

from adapters.xml import can_carry, element, read_xml
from schemas.errors import Rejected
from streams.sink.meanings import FIELD

Layout = Literal["csv", "xml"]
Row = Mapping[str, str]


def write_rows(rows: Sequence[Row], *, columns: Sequence[str], layout: Layout) -> bytes:
    """Return rows as a file.

    Raises:
        Rejected: A text has a character that the layout cannot carry.
    """
    return _write_csv(rows, columns) if layout == "csv" else _write_xml(rows)


def read_rows(content: bytes, *, columns: Sequence[str], layout: Layout) -> list[dict[str, str]]:
    """Return the rows of a file.

    Raises:
        ValueError: It is no such file.
    """
    try:
        if layout == "csv":
            return list(csv.DictReader(io.StringIO(content.decode(), newline=""), strict=True))
        return [dict.fromkeys(columns, "") | row for row in _read_xml(content)]
    except csv.Error as error:
        raise ValueError(str(error)) from None


def _write_csv(rows: Sequence[Row], columns: Sequence[str]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def _write_xml(rows: Sequence[Row]) -> bytes:
    lines = ['<?xml version="1.0" encoding="utf-8"?>', "<document>"]
    for row in rows:
        for word, text in row.items():
            if not can_carry(text):
                raise Rejected(FIELD, (f"{word} has a character that XML cannot carry",), (word,))
        fields = "".join(element(word, text) for word, text in row.items() if word != "row")
        lines.append(f"<{row['row']}>{fields}</{row['row']}>")
    return "\n".join([*lines, "</document>", ""]).encode()


def _read_xml(content: bytes) -> list[dict[str, str]]:
    document = read_xml(content)
    if document is None:
        raise ValueError("no XML that we write")
    return [{"row": row.tag, **{field.tag: field.text or "" for field in row}} for row in document]
