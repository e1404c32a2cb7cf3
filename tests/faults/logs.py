"""Reads what the product's processes wrote: an error that no fault explains, and a traceback, are findings."""

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

# What is never right, whatever the fault.
_NEVER = ("for a reason that the profile does not know", "posting cannot be sent", "InvariantViolation")


class Logs:
    """Follows the logs of a directory from where they were looked at last."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._read_to: dict[Path, int] = {}

    def skip(self) -> None:
        """Look on from here."""
        for _ in self._lines():
            pass

    def unexpected(self, allowed: Sequence[str]) -> list[str]:
        """Return what was written since the last look that no pattern of `allowed` explains."""
        found: dict[str, int] = {}
        patterns = [re.compile(pattern) for pattern in allowed]
        for name, line in self._lines():
            said = _error_in(line)
            if said and not any(pattern.search(line) for pattern in patterns):
                key = f"{name}: {said}"[:300]
                found[key] = found.get(key, 0) + 1
        return [f"{said} (x{count})" for said, count in found.items()]

    def _lines(self) -> Iterator[tuple[str, str]]:
        for path in sorted(self._directory.glob("*.log")):
            if path.name == "commands.log":
                continue
            with path.open("rb") as log:
                log.seek(self._read_to.get(path, 0))
                content = log.read()
            # A line that is being written belongs to the next look.
            whole = content[: content.rfind(b"\n") + 1]
            self._read_to[path] = self._read_to.get(path, 0) + len(whole)
            for line in whole.decode(errors="replace").splitlines():
                yield path.stem, line


def _error_in(line: str) -> str:
    """Return what a line says where it tells of an exception, an error of ours, or is no line of ours at all."""
    if not line.strip():
        return ""
    try:
        said = json.loads(line)
    except ValueError:
        return line
    text = str(said.get("event", ""))
    if "exception" in said:
        last = str(said["exception"]).strip().splitlines()[-1]
        return f"{text}: {last}"
    return text if any(never in line for never in _NEVER) else ""
