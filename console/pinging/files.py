"""`ping` of a connection whose documents go into files: its directory, what the site has refused, its lists."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

from adapters.clock import boot_time_s
from adapters.files.directory import DONE, REFUSED, Directory, reason_of
from adapters.files.lists import OPEN_ITEMS, SiteLists
from adapters.files.profile import LIST_WORDS, LOCK_S, FileProfile
from adapters.qad.profiles.lists import BROWSES
from console.pinging.write_back import Trial
from console.reconciliation.site import SHOWS
from schemas.errors import ConnectorError

# As many are named as a person looks at.
_NAMED_MAX = 3


async def try_files(directory: Path, profile: FileProfile) -> list[Trial]:
    """Return what was tried; nothing that fails keeps the rest from being tried."""
    return await asyncio.to_thread(lambda: list(_tried(directory, profile)))


def _tried(directory: Path, profile: FileProfile) -> Iterator[Trial]:
    yield Trial(what="profile", ok=True, found=f"files, hash {profile.content_hash}")
    yield from _documents(Directory(directory))
    lists = SiteLists(directory, profile)
    for name in BROWSES:
        yield _list(lists, name)
    if profile.open_items is not None:
        yield _list(lists, OPEN_ITEMS)
    else:
        found = "not in the profile: items from before the cut-over are not found; [open_items] has them looked for"
        yield Trial(what=f"list of {OPEN_ITEMS}", ok=True, found=found)
    for name in sorted(LIST_WORDS.keys() - BROWSES):
        if lists.is_there(name):
            yield _list(lists, name)
        else:
            found = f"not there: reconcile leaves out {SHOWS[name].what}"
            yield Trial(what=f"list of {name}", ok=True, found=found)


def _documents(directory: Directory) -> Iterator[Trial]:
    what = f"directory {directory.path}"
    try:
        with directory.held(until=boot_time_s() + LOCK_S, alone=True):
            standing = directory.documents()
    except ConnectorError as error:
        yield Trial(what=what, ok=False, found="does not work", next_step=str(error))
        return
    refused = {name: one for name, one in standing.items() if one.refused}
    waiting = sum(one.path.parent == directory.path for one in standing.values())
    taken = len(standing) - waiting - len(refused)
    yield Trial(what=what, ok=True, found=f"{waiting} to be taken, {taken} in {DONE}")
    told = [f"{name} ({reason_of(one.path)})" for name, one in list(refused.items())[:_NAMED_MAX]]
    yield Trial(
        what="documents refused by the site's import",
        ok=not refused,
        found="; ".join([*told, f"{len(refused)} in all"]) if refused else "none",
        next_step=f"They are not in the books. Mend what the reason names and let the import take the same file again: "
        f"move it from {REFUSED} back into the directory. ml-connector trace NUMBER says what it is.",
    )


def _list(lists: SiteLists, name: str) -> Trial:
    what = f"list of {name}"
    try:
        count = lists.check(name)
    except ConnectorError as error:
        return Trial(what=what, ok=False, found="does not work", next_step=str(error))
    return Trial(what=what, ok=True, found=f"{count} rows")
