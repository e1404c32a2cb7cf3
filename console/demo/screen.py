"""What the demo shows: a line per step with its time, and while something is awaited, how far it is."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.status import Status

# Where nobody sits, what is awaited is said this often.
_SAY_EVERY_S = 10.0


class Screen:
    """Writes to a terminal, or line by line to a log."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._people = Console(highlight=False, width=None if sys.stdout.isatty() else 160)
        self._status: Status | None = None
        self._said_at = 0.0

    @property
    def elapsed_s(self) -> float:
        """Seconds since the demo began."""
        return time.monotonic() - self._began

    def title(self, text: str) -> None:
        """Begin a part."""
        self._people.print(f"\n[bold]{text}[/bold]")

    def say(self, text: str) -> None:
        """Say that something is done."""
        self._people.print(f"{self.elapsed_s:6.1f} s  {text}", markup=False)

    def show(self, text: str) -> None:
        """Show what a command wrote."""
        self._people.print(text.rstrip("\n"), markup=False, soft_wrap=True)

    @contextmanager
    def awaiting(self, what: str) -> Iterator[None]:
        """Show that something is awaited; `progress` says how far it is."""
        self._said_at = time.monotonic()
        if not self._people.is_terminal:
            yield
            return
        with self._people.status(what) as status:
            self._status = status
            try:
                yield
            finally:
                self._status = None

    def progress(self, text: str) -> None:
        """Say how far it is: at once in a terminal, now and then in a log."""
        if self._status is not None:
            self._status.update(text)
        elif time.monotonic() - self._said_at > _SAY_EVERY_S:
            self._said_at = time.monotonic()
            self.say(text)
