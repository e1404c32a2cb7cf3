"""Gives the broker's class path: the jars that jars.lock names, each with the locked SHA-256 and no other.

What is missing is fetched once through jgo, into a cache outside the checkout; after that nothing here needs the
network. A jar that Maven has on this machine already is used where it is, never changed. `python -m sandbox.kafka.jars`
writes the lock anew.

Not `jgo.build`: it sorts jars into modules with a JDK 11, which it downloads where there is none, trusts whatever it
finds in its cache, and leaves half a jar there when it is interrupted.
"""

import hashlib
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jgo.maven import MavenContext

# Kafka's broker, and a logger that a file configures. What they need in turn is in the lock.
ENDPOINT = "org.apache.kafka:kafka_2.13:4.3.1+org.slf4j:slf4j-reload4j:1.7.36"
LOCK = Path(__file__).with_name("jars.lock")
_ATTEMPTS = 3  # Per jar: one lost connection among fifty must not end the fetch.
_SILENCE_LIMIT_S = 30  # Of the repository: a company's mirror first fetches for itself what it is asked for.


class JarsNotFoundError(RuntimeError):
    """Jars are missing and cannot be fetched; the message is one sentence that says what to do."""


@dataclass(frozen=True)
class Jar:
    """One jar by its Maven coordinates and the SHA-256 of its bytes."""

    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def path(self) -> Path:
        """Where a Maven repository keeps it, relative to its root."""
        return Path(*self.group.split("."), self.artifact, self.version, f"{self.artifact}-{self.version}.jar")

    def is_at(self, path: Path) -> bool:
        """Say whether this very jar is there."""
        return path.is_file() and _sha256(path) == self.sha256


def class_path(*, cache: Path | None = None, repository: str | None = None) -> list[Path]:
    """Give the paths of all jars, after fetching those that are not on this machine.

    Args:
        cache: The directory to keep jars in; by default one in the user's cache directory.
        repository: The address of a Maven repository; by default what ML_CONNECTOR_MAVEN names, else Maven Central.

    Raises:
        JarsNotFoundError: Some are missing and could not be fetched.
    """
    cache = cache or _user_cache()
    jars = read_lock()
    # All 46 MB are hashed in a seventh of a second: every call checks every jar, and no mark of "fetched" can be wrong.
    found = {jar: _find(jar, places=(cache, _maven_repository())) for jar in jars}
    missing = [jar for jar, path in found.items() if path is None]
    if missing:
        _fetch(missing, cache=cache, repository=repository or os.environ.get("ML_CONNECTOR_MAVEN"))
    return [path or cache / jar.path for jar, path in found.items()]


def read_lock() -> list[Jar]:
    """Read the locked jars."""
    lines = LOCK.read_text(encoding="utf-8").splitlines()
    return [Jar(*line.split()) for line in lines]


def write_lock() -> None:
    """Resolve the endpoint anew and lock what it needs. This one trusts what Maven has on this machine already."""
    import jgo  # noqa: PLC0415  Slow to import, and needed only where something is fetched.

    jars = jgo.resolve(ENDPOINT)
    lines = [f"{jar.groupId} {jar.artifactId} {jar.version} {_sha256(jar.resolve())}\n" for jar in jars]
    LOCK.write_text("".join(lines), encoding="utf-8")


def _find(jar: Jar, *, places: Sequence[Path]) -> Path | None:
    paths = (place / jar.path for place in places)
    return next((path for path in paths if jar.is_at(path)), None)


def _fetch(jars: Sequence[Jar], *, cache: Path, repository: str | None) -> None:
    """Fetch jars into the cache. Several processes may do so at once: each jar arrives whole, by a rename."""
    try:
        from jgo.maven import MavenContext  # noqa: PLC0415  As in write_lock.
    except ImportError as absent:
        raise JarsNotFoundError(
            "Kafka's jars are not on this machine, nor is jgo, which fetches them: "
            "run python -m pip install 'ml-connector[sandbox]'"
        ) from absent
    cache.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=cache, prefix=".incoming-") as incoming:
        maven = MavenContext(
            repo_cache=Path(incoming),
            remote_repos={"given": repository} if repository else None,
            timeout=_SILENCE_LIMIT_S,
        )
        _show_progress(0, len(jars))
        for number, jar in enumerate(jars, start=1):
            arrived = _download(jar, maven=maven)
            (cache / jar.path).parent.mkdir(parents=True, exist_ok=True)
            arrived.replace(cache / jar.path)
            _show_progress(number, len(jars))


def _download(jar: Jar, *, maven: "MavenContext") -> Path:
    """Let jgo bring one jar into its own directory, and check it."""
    component = maven.project(jar.group, jar.artifact).at_version(jar.version)
    problem = ""
    for _ in range(_ATTEMPTS):
        # jgo would take what an earlier attempt left for the whole jar.
        (maven.repo_cache / jar.path).unlink(missing_ok=True)
        try:
            arrived = Path(component.artifact().resolve())
        except (OSError, RuntimeError) as error:
            # The first comes from the connection, the second where the repository has no such jar.
            problem = type(error).__name__
            continue
        if jar.is_at(arrived):
            return arrived
        problem = "its SHA-256 is not the locked one"
    raise JarsNotFoundError(
        f"Kafka's jars are not all on this machine, and {jar.path.name} could not be fetched ({problem}): "
        "connect to the network once, or name a Maven repository that can be reached in ML_CONNECTOR_MAVEN"
    )


def _show_progress(number: int, total: int) -> None:
    """Show one line: on a terminal it renews itself, in a log it stands once."""
    if sys.stderr.isatty():
        end = "\n" if number == total else ""
        sys.stderr.write(f"\rFetching Kafka's jars, once: {number} of {total}{end}")
    elif number == 0:
        sys.stderr.write(f"Fetching Kafka's {total} jars, once ...\n")
    sys.stderr.flush()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _user_cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "ml-connector", "jars")


def _maven_repository() -> Path:
    """Where Maven and jgo keep the jars of this user. Only read here."""
    return Path(os.environ.get("M2_REPO") or Path.home() / ".m2" / "repository")


if __name__ == "__main__":
    write_lock()
