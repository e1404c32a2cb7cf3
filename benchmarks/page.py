"""What pages of figures are made of: tables as Markdown writes them, and sections that are measured each by itself."""

import re
import textwrap
from collections.abc import Mapping, Sequence

import msgspec

# Where a section begins.
_HEADING = re.compile(r"^## ", re.MULTILINE)


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """A table with what is said before it."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    words: str = ""


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table of a page."""
    lines = [" | ".join(columns), *(" | ".join(row) for row in rows)]
    head, *body = (f"| {line} |" for line in lines)
    return "\n".join([head, f"|{'|'.join(['---'] * len(columns))}|", *body])


def section(words: Sequence[str], tables: Sequence[Table]) -> str:
    """Return what stands below a heading."""
    told = [part for one in tables if one.rows for part in (_filled(one.words), table(one.columns, one.rows))]
    return "\n\n".join(part for part in (*map(_filled, words), *told) if part)


def with_sections(before: str, head: str, found: Mapping[str, str], *, order: Sequence[str]) -> str:
    """Return a page in which these sections are new, and all others as they were.

    Args:
        before: The page as it was, "" where there is none.
        head: What stands above all sections.
        found: What stands below each new heading.
        order: All headings that there may be.
    """
    kept = dict(part.split("\n\n", 1) for part in _HEADING.split(before)[1:])
    sections = {**kept, **found}
    told = [f"## {name}\n\n{sections[name].strip()}" for name in order if name in sections]
    return "\n\n".join([head.strip(), *told]) + "\n"


def _filled(words: str) -> str:
    return textwrap.fill(words, width=120, break_long_words=False, break_on_hyphens=False)
