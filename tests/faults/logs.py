"""Reads what the product's processes wrote: an error that no fault explains, and a traceback, are findings."""

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

# What is never right, whatever the fault.
_NEVER = ("for a reason that the profile does not know", "posting cannot be sent", "InvariantViolation", " is given up")
# A programmer's errors: no fault explains them, whoever logs them.
_OURS = re.compile(
    r"\b(AttributeError|IndexError|InvariantViolation|KeyError|NameError|TypeError|UnboundLocalError|ZeroDivisionError)\b"
)


class Logs:
    """Follows the logs of a directory from where they were looked at last."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._read_to: dict[Path, int] = {}

    def skip(self) -> None:
        """Look on from here."""
        for _ in self._entries():
            pass

    def unexpected(self, allowed: Sequence[str]) -> list[str]:
        """Return what was written since the last look that no pattern of `allowed` explains."""
        found: dict[str, int] = {}
        patterns = [re.compile(pattern) for pattern in allowed]
        for name, entry in self._entries():
            said = _error_in(entry)
            if said and (_OURS.search(said) or not any(pattern.search(entry) for pattern in patterns)):
                key = f"{name}: {said}"[:300]
                found[key] = found.get(key, 0) + 1
        return [f"{said} (x{count})" for said, count in found.items()]

    def _entries(self) -> Iterator[tuple[str, str]]:
        """Yield what is new: lines of ours, and whatever stands between two of them as one piece."""
        for path in sorted(self._directory.glob("*.log")):
            if path.name == "commands.log":
                continue
            with path.open("rb") as log:
                log.seek(self._read_to.get(path, 0))
                content = log.read()
            # A line that is being written belongs to the next look.
            whole = content[: content.rfind(b"\n") + 1]
            self._read_to[path] = self._read_to.get(path, 0) + len(whole)
            strange: list[str] = []
            for line in whole.decode(errors="replace").splitlines():
                if not line.startswith("{"):
                    strange.append(line)
                    continue
                if strange:
                    yield path.stem, "\n".join(strange)
                    strange = []
                yield path.stem, line
            if strange:
                yield path.stem, "\n".join(strange)


def _error_in(entry: str) -> str:
    """Return what an entry says where it tells of an exception, an error of ours, or is no line of ours at all."""
    if not entry.strip():
        return ""
    try:
        said = json.loads(entry)
    except ValueError:
        return _last_error(entry)
    text = str(said.get("event", ""))
    if "exception" in said:
        return f"{text}: {_last_error(str(said['exception']))}"
    return text if any(never in entry for never in _NEVER) else ""


def _last_error(text: str) -> str:
    """Return the line of a traceback that names the error: the last one that does; else its last line."""
    lines = [line.strip(" |+-") for line in text.strip().splitlines()]
    return next((line for line in reversed(lines) if re.match(r"[\w.]+(Error|Exception|Fenced)\b", line)), lines[-1])
