"""Files spoilt or gone: the read model, the credential store."""

import asyncio
import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from console.demo.product import CommandFailed, Product
from tests.faults.scenario import Scenario, Trial

_TABLES = {
    # The cursors of the polls go on, whatever else is at rest.
    "events": "select * from events where topic <> 'cursors'",
    **{name: f"select * from {name}" for name in ("documents", "standings", "dead_letters", "put_back")},
}
# Longer than a read model of some hundred thousand events takes.
_MADE_ANEW_S = 120.0


async def read_model_deleted(trial: Trial) -> None:
    """Delete the read model: what is made anew from the log says the same, row by row.

    Twice: what it held of a log that an earlier fault has cut is nowhere else. From then on it took up, piece by piece
    and from a log that is whole, what the second one reads at once.
    """
    path = trial.installation.wiring.data / "readmodel.sqlite"
    await _delete(trial, path)
    await asyncio.sleep(5)
    await trial.work.make(30)
    before = await _settled(path)
    if before is None:
        trial.findings.append("the read model had nothing to delete, or did not come to rest")
        return
    loop = asyncio.get_running_loop()
    began = loop.time()
    await _delete(trial, path)
    after: Tables | None = None
    while after != before and loop.time() < began + _MADE_ANEW_S:
        await asyncio.sleep(0.5)
        after = _tables(path)
    counts = ", ".join(f"{len(rows)} {name}" for name, rows in before.items())
    trial.figures["made anew in"] = f"{loop.time() - began:.1f} s: {counts}"
    trial.fired["standings made anew"] += len((after or {}).get("standings", ()))
    for name, rows in before.items():
        found = (after or {}).get(name, frozenset())
        missing, extra = sorted(rows - found), sorted(found - rows)
        if missing or extra:
            trial.findings.append(
                f"the read model made anew differs in {name}: {len(missing)} are not there {missing[:2]}, "
                f"{len(extra)} were not before {extra[:2]}"
            )


async def _delete(trial: Trial, path: Path) -> None:
    """Take the read model away from under `observe`, and start that again."""
    observe = trial.installation.crew["observe"]
    await observe.kill_and_stay_away()
    trial.fired["deleted"] += _removed(path)
    observe.start()


def _removed(path: Path) -> bool:
    """Remove a database with what stands beside it; return whether it was there."""
    there = path.exists()
    for one in (path, path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")):
        one.unlink(missing_ok=True)
    return there


Tables = dict[str, frozenset[tuple[str, ...]]]


async def _settled(path: Path) -> Tables | None:
    """Return what the read model says when it no longer changes; None where it is empty or never comes to rest."""
    last: Tables | None = None
    for _ in range(40):
        now = _tables(path)
        if now is not None and all(now[name] for name in ("events", "documents", "standings")) and now == last:
            return now
        last = now
        # More than a round of the polls.
        await asyncio.sleep(6)
    return None


def _tables(path: Path) -> Tables | None:
    """Return all rows of the read model that say something of documents; None while it is made."""
    if not path.exists():
        return None
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            return {
                name: frozenset(tuple(map(str, row)) for row in database.execute(query))
                for name, query in _TABLES.items()
            }
    except sqlite3.Error:
        return None


async def spoilt_credentials(trial: Trial) -> None:
    """Spoil the credential store and its key in every way: each is found, and said without a word of a secret."""
    directory = trial.installation.directory / "spoilt"
    secrets = [
        text for place in trial.installation.places for fields in place.secrets().values() for text in fields.values()
    ]
    for what, (spoil, words) in {"left as it is": (lambda _: None, ""), **SPOILING}.items():
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir()
        for path in trial.installation.directory.glob("*.toml"):
            shutil.copy(path, directory)
        for name in ("credentials.json", "credentials.key"):
            shutil.copy(trial.installation.directory / name, directory)
        spoil(directory)
        product = Product(directory / "ml-connector.toml", log=directory / "run.log")
        try:
            said = await product.command("credentials", "check")
            if what in SPOILING:
                trial.findings.append(f"{what} was not found: {said}")
            else:
                trial.fired[what] += 1
        except CommandFailed as failed:
            trial.fired[what] += bool(words) and words in str(failed)
            if "Traceback" in str(failed) or any(text in str(failed) for text in secrets if len(text) > 12):
                trial.findings.append(f"{what}: {failed}")


def _flip(directory: Path) -> None:
    """Change one character of what is sealed."""
    path = directory / "credentials.json"
    store = json.loads(path.read_bytes())
    sealed = store["records"][0]["sealed"]
    store["records"][0]["sealed"] = ("A" if sealed[0] != "A" else "B") + sealed[1:]
    path.write_text(json.dumps(store))


def _swap(directory: Path) -> None:
    """Let two records change places, each whole."""
    path = directory / "credentials.json"
    store = json.loads(path.read_bytes())
    first, second = store["records"][:2]
    for name in ("owner", "field"):
        first[name], second[name] = second[name], first[name]
    path.write_text(json.dumps(store))


def _no_key(directory: Path) -> None:
    (directory / "credentials.key").unlink()


def _open_key(directory: Path) -> None:
    (directory / "credentials.key").chmod(0o644)


def _half(directory: Path) -> None:
    path = directory / "credentials.json"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


# How, and what has to be said of it.
SPOILING: dict[str, tuple[Callable[[Path], None], str]] = {
    "byte flipped": (_flip, "does not open: the record was changed"),
    "records swapped": (_swap, "does not open: the record was changed"),
    "key missing": (_no_key, "no key for the credential store"),
    "key readable by others": (_open_key, "can be read by others"),
    "store cut off": (_half, "is damaged"),
}

SCENARIOS = (
    Scenario(
        name="read model deleted",
        faults=("F32",),
        script=read_model_deleted,
        expects=("deleted", "standings made anew"),
        over_s=5,
    ),
    Scenario(
        name="credential store spoilt",
        faults=("F29",),
        script=spoilt_credentials,
        expects=("left as it is", *SPOILING),
        documents=30,
        over_s=0,
        bursts=1,
    ),
)
