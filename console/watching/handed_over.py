"""What of the documents that went into files the site's import has not taken yet, and what it has refused.

A refused file was posted for the log, and is in no book: nothing but the directory says so. Only these two places are
looked at, however much was taken.
"""

import time
from collections.abc import Iterator

import msgspec

from adapters.files.directory import REFUSED, Directory, Standing, reason_of, said
from console.output import duration
from console.wiring import Wiring
from schemas.errors import ConnectorError

# As many are named as a person looks at; all are counted.
_NAMED_MAX = 20

FILE_COLUMNS = ("connection", "", "files", "oldest", "file", "reason", "next step")
_MEND = f"Mend what the reason names, then move the same file from {REFUSED} back into the directory, oldest first."
_WAIT = "Nothing, while the site's import comes to it; else see whether that runs."


class HandedFile(msgspec.Struct, frozen=True, kw_only=True):
    """One file.

    Attributes:
        name: Its name: kind, Zuora's number, machine reference and key.
        age_s: Since it was written, in seconds.
        reason: Why the site has refused it, "" where it has not.
    """

    name: str
    age_s: float
    reason: str = ""


class HandedOver(msgspec.Struct, frozen=True, kw_only=True):
    """One connection's directory.

    Attributes:
        waiting: What is to be taken, oldest first.
        refused: What was refused, likewise.
        trouble: Why nothing is known, "" where it is.
    """

    connection: str
    waiting: tuple[HandedFile, ...] = ()
    refused: tuple[HandedFile, ...] = ()
    trouble: str = ""


def handed_over(wiring: Wiring) -> list[HandedOver]:
    """Return what stands in the directory of each connection into files; what cannot be read says so."""
    return [found for name in wiring.site.config.connections if (found := _look(wiring, name)) is not None]


def handed_over_rows(one: HandedOver) -> Iterator[tuple[str | int, ...]]:
    """Yield a connection's files as a table shows them."""
    if one.trouble:
        yield (
            one.connection,
            "not seen",
            "",
            "",
            "",
            one.trouble,
            "Let this machine read the directory as the sink's does.",
        )
    if one.waiting:
        yield one.connection, "to be taken", len(one.waiting), duration(one.waiting[0].age_s), "", "", _WAIT
    for file in one.refused[:_NAMED_MAX]:
        yield one.connection, "refused", len(one.refused), duration(file.age_s), file.name, file.reason, _MEND


def _look(wiring: Wiring, connection: str) -> HandedOver | None:
    try:
        profile = wiring.files(connection)
        if profile is None:
            return None
        directory = Directory(wiring.site.path(profile.directory))
        with said(directory.path):
            directory.check()
        standing = directory.documents(taken=False).values()
    except ConnectorError as error:
        return HandedOver(connection=connection, trouble=str(error))
    return HandedOver(
        connection=connection,
        waiting=_files(one for one in standing if not one.refused),
        refused=_files(one for one in standing if one.refused),
    )


def _files(standing: Iterator[Standing]) -> tuple[HandedFile, ...]:
    now, found = time.time(), list[HandedFile]()
    for one in standing:
        try:
            age_s = max(0.0, now - one.path.stat().st_mtime)
        except OSError:
            continue  # the site has moved it since
        found.append(HandedFile(name=one.path.name, age_s=age_s, reason=reason_of(one.path) if one.refused else ""))
    return tuple(sorted(found, key=lambda file: -file.age_s))
