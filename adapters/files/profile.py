"""A connection whose documents go into files: where they are put, and what the site's lists are called.

Its file begins with `surface = "file"`, which is how it is told from a profile of QAD. The layout of a document is
ours and fixed (docs/files.md): only what the site exports may be worded by the site.
"""

import hashlib
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from adapters.files.layouts import Layout
from adapters.qad.profiles.checks import COLUMNS, ITEM_KINDS, READ_BACK
from adapters.qad.profiles.part import Part
from adapters.qad.values import can_write_days
from adapters.settings import load_settings
from schemas.codec import canonical
from schemas.errors import Misconfigured

# How long the directory is waited for, while another process has it.
LOCK_S = 5.0
# What a row of the list of open items says; for balances `open` as well, for control accounts `account`.
OPEN_ITEM_WORDS = ("number", "type", "year", "daybook", "voucher", "customer", "currency", "total")
BALANCE_WORDS = ("open", "account")
# What each of the other lists must show, and what else it may show, by its name.
LIST_WORDS: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    **COLUMNS,
    "documents": (
        frozenset({"year", "daybook", "voucher", "customer", "currency", "total", "posting_date"}),
        frozenset({"reference", "number", "kind"}),
    ),
    **READ_BACK,
}

_Seconds = Annotated[float, msgspec.Meta(gt=0, le=86_400)]


class FileLimits(Part, frozen=True, kw_only=True):
    """How files are written.

    Attributes:
        concurrency: Documents at once; the directory takes them one after the other.
        age_s: How old an intent may be when its file is given its name.
        settle_s: From when on "absent" is believed: above age_s and the time that the directory is waited for.
    """

    concurrency: Annotated[int, msgspec.Meta(ge=1, le=64)] = 4
    age_s: _Seconds = 2.0
    settle_s: _Seconds = 15.0


class SiteList(Part, frozen=True, kw_only=True):
    """A list that the site exports.

    Attributes:
        columns: Header of the site by our word, where it is called otherwise.
    """

    columns: dict[str, str] = msgspec.field(default_factory=dict)


class OpenItemsList(SiteList, frozen=True, kw_only=True):
    """The open items, in which items from before the cut-over are found by their Zuora number.

    Attributes:
        types: The site's word for an item, by Zuora's kind; a debit memo is called as an invoice is unless it is named.
        negative: Kinds whose amounts, whole and open, the site shows below zero.
    """

    types: dict[str, str] = msgspec.field(default_factory=lambda: {kind: kind for kind in ITEM_KINDS})
    negative: tuple[Literal["invoice", "debit_memo", "credit_memo", "payment"], ...] = ()

    def type_of(self, kind: str) -> str | None:
        """Return what the site calls an item of a kind, or None where the profile does not say."""
        return self.types.get(kind) or (self.types.get("invoice") if kind == "debit_memo" else None)

    def sign_of(self, shown: str | None) -> int:
        """Return -1 where the site shows amounts below zero for items of a type, 1 elsewhere."""
        return -1 if shown in [self.type_of(kind) for kind in self.negative] else 1


class FileProfile(Part, frozen=True, kw_only=True):
    """One connection's directory.

    Attributes:
        surface: What this file is.
        directory: Where documents are put, relative to the configuration; `done`, `refused` and `lists` stand in it.
        layout: Of documents; files of either are found again.
        delimiter: Between the columns of the site's lists.
        date_format: How the site's lists write dates, in strftime's words.
        list_max_age_h: How many hours old a list may be.
        true_values: What a yes-or-no column says for yes.
        limits: How files are written.
        lists: The site's lists, where their headers are not our words.
        open_items: The list of open items; without it items from before the cut-over are not found.
    """

    surface: Literal["file"]
    directory: Annotated[str, msgspec.Meta(min_length=1)]
    layout: Layout = "csv"
    delimiter: Literal[",", ";", "\t", "|"] = ","
    date_format: str = "%Y-%m-%d"
    list_max_age_h: Annotated[float, msgspec.Meta(gt=0, le=8_760)] = 36.0
    true_values: tuple[str, ...] = ("true", "True", "TRUE", "yes", "Yes", "YES", "1")
    limits: FileLimits = FileLimits()
    lists: dict[str, SiteList] = msgspec.field(default_factory=dict)
    open_items: OpenItemsList | None = None

    @property
    def concurrency(self) -> int:
        """Documents at once."""
        return self.limits.concurrency

    @property
    def content_hash(self) -> str:
        """Hash of the whole profile."""
        return hashlib.sha256(canonical(self)).hexdigest()[:16]


def is_file_profile(path: Path) -> bool:
    """Return whether a profile is one of files; what cannot be read is left to whoever loads it."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8")).get("surface") == "file"
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return False


def load_file_profile(path: Path) -> FileProfile:
    """Read and check a profile.

    Raises:
        Misconfigured: It says something that is not known.
    """
    profile = load_settings(path, FileProfile)
    problems = list(_problems_of(profile))
    if problems:
        raise Misconfigured(f"{path}: " + "; ".join(problems))
    return profile


def _problems_of(profile: FileProfile) -> Iterator[str]:
    if profile.limits.settle_s <= profile.limits.age_s + LOCK_S:
        yield f"[limits] settle_s must be above age_s + {LOCK_S:g}, or a late file could be doubled"
    if not can_write_days(profile.date_format):
        yield f"date_format {profile.date_format!r} does not write dates, all in one width, that can be read again"
    for name, site_list in profile.lists.items():
        if name not in LIST_WORDS:
            yield f"[lists.{name}] is none of {', '.join(LIST_WORDS)}"
            continue
        needed, others = LIST_WORDS[name]
        for word in sorted(site_list.columns.keys() - needed - others):
            yield f"[lists.{name}] columns: {word!r} is no word of ours"
    if profile.open_items is not None:
        for word in sorted(profile.open_items.columns.keys() - {*OPEN_ITEM_WORDS, *BALANCE_WORDS}):
            yield f"[open_items] columns: {word!r} is no word of ours"
        for kind in profile.open_items.types:
            if kind not in ITEM_KINDS:
                yield f"[open_items] types: {kind!r} is none of {', '.join(ITEM_KINDS)}"
