"""What commands say: tables and sentences for people, the same facts as JSON for programs."""

import re
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

from schemas.money import shown

# Exit codes: what a script may build on.
EXIT_OK, EXIT_FAILED, EXIT_USAGE, EXIT_FINDINGS = 0, 1, 2, 3

_FIGURE = re.compile(r"-?[0-9][0-9.]*( [A-Z]{3})?")

# Where nobody sits, a table is as wide as it needs to be for a log. What stands in brackets or between colons is told
# as it is: names of tables in the configuration, and whatever people wrote in Zuora.
_people = Console(
    highlight=False, markup=False, emoji=False, soft_wrap=False, width=None if sys.stdout.isatty() else 180
)


class Output:
    """Where a command writes."""

    def __init__(self, *, as_json: bool) -> None:
        """Write JSON, or for people."""
        self.as_json = as_json

    def result(self, facts: Any) -> None:
        """Write the facts of a command: JSON only, nothing for people."""
        if self.as_json:
            sys.stdout.write(msgspec.json.format(msgspec.json.encode(facts), indent=2).decode() + "\n")

    def say(self, sentence: str) -> None:
        """Write a sentence for people."""
        if not self.as_json:
            _people.print(sentence)

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[Any]], *, title: str = "") -> None:
        """Write a table for people."""
        if self.as_json:
            return
        table = Table(title=title or None, title_justify="left", header_style="bold")
        for place, name in enumerate(columns):
            figures = rows and all(is_figure(str(row[place])) for row in rows)
            table.add_column(name, justify="right" if figures else "left")
        for row in rows:
            table.add_row(*(str(cell) for cell in row))
        _people.print(table)

    def facts(self, pairs: Mapping[str, Any]) -> None:
        """Write names and values, one a line, for people."""
        if self.as_json:
            return
        width = max(map(len, pairs), default=0)
        for name, value in pairs.items():
            _people.print(f"{name:<{width}}  {value}")


def is_figure(text: str) -> bool:
    """Return whether a cell is a number or an amount, which stands to the right."""
    return _FIGURE.fullmatch(text) is not None


def worth(value: Mapping[str, Decimal]) -> str:
    """Write amounts by currency."""
    return ", ".join(f"{shown(amount, currency)} {currency}" for currency, amount in sorted(value.items()))


def moment(at_ms: int) -> str:
    """Write a moment, UTC, to the second."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")


def duration(seconds: float) -> str:
    """Write a length of time as people say it."""
    if seconds == float("inf"):
        return "never"
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
