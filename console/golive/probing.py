"""Asks a QAD read-only, column by column: whether each browse that a profile names shows what the profile says of it.

What stands in a column is never told, only what it reads as: rows are customers and their money.
"""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import msgspec

from adapters.qad.asking.client import QadClient
from adapters.qad.profiles.profile import Profile
from adapters.qad.reading.browse import first_row
from adapters.qad.reading.look_ups import LookUps
from adapters.qad.values import amount, day, whole
from schemas.errors import ConnectorError, Misconfigured

# What a column must read as, by our word for it; any other may be any text.
_WHOLE = frozenset({"year", "period", "decimals", "voucher", "item_year", "item_voucher"})
_AMOUNT = frozenset({"total", "allocated", "tax", "open_amount", "debit", "credit", "base_debit", "base_credit"})
_DAY = frozenset({"posting_date", "first_day", "last_day"})


class Probed(msgspec.Struct, frozen=True, kw_only=True):
    """One column, or a browse as a whole.

    Attributes:
        part: Table of the profile.
        word: Our word, "" for the browse as a whole.
        column: What the profile calls it.
        ok: It is there and reads as it should.
        found: What it reads as.
        next_step: What to do where it is not.
    """

    part: str
    word: str
    column: str
    ok: bool
    found: str
    next_step: str = ""


async def probe(client: QadClient, profile: Profile) -> AsyncIterator[Probed]:
    """Yield what each browse and column of a profile is like; one that fails keeps no other from being asked.

    Raises:
        ConnectorError: QAD does not let us in, or is not reached: nothing can be asked.
    """
    await client.token.get()
    for part, (browse_id, prefix, columns) in _parts(profile).items():
        try:
            row = await first_row(client, browse_id=browse_id, prefix=prefix)
        except ConnectorError as error:
            yield Probed(part=part, word="", column=browse_id, ok=False, found="not read", next_step=str(error))
            continue
        if row is None:
            yield Probed(
                part=part,
                word="",
                column=browse_id,
                ok=False,
                found="no rows",
                next_step="Make one in the test entity, or look at the workspace: an empty browse shows no column.",
            )
            continue
        yield Probed(part=part, word="", column=browse_id, ok=True, found=f"{len(row)} columns")
        for word, name in columns.items():
            yield _column(part, word, name, row, profile)
    look_ups = LookUps(client, profile)
    for kind in filter(look_ups.can_find, profile.finds):
        yield await _filter(look_ups, kind, profile)


async def _filter(look_ups: LookUps, kind: str, profile: Profile) -> Probed:
    """Return whether what carries a reference can be told from what does not: look-ups go by it."""
    part = f"{profile.table}.{kind}.find"
    try:
        await look_ups.try_look_ups(kind)
    except ConnectorError as error:
        return Probed(part=part, word="", column="filter", ok=False, found="not heeded", next_step=str(error))
    return Probed(part=part, word="", column="filter", ok=True, found="heeded")


def _column(part: str, word: str, name: str, row: Mapping[str, Any], profile: Profile) -> Probed:
    if name not in row:
        step = f"The browse shows no such column; it shows {', '.join(sorted(row))}. Name the right one in [{part}]."
        return Probed(part=part, word=word, column=name, ok=False, found="not shown", next_step=step)
    try:
        found = _reads_as(word, row[name], profile)
    except Misconfigured:
        wanted = "a whole number" if word in _WHOLE else "an amount" if word in _AMOUNT else "a date"
        step = f"It does not read as {wanted}: name another column, or mend date_format."
        return Probed(part=part, word=word, column=name, ok=False, found="reads otherwise", next_step=step)
    return Probed(part=part, word=word, column=name, ok=True, found=found)


def _reads_as(word: str, value: Any, profile: Profile) -> str:
    if value in (None, ""):
        return "empty in the first row"
    if word in _WHOLE:
        whole(value, what=word)
        return "a whole number"
    if word in _AMOUNT:
        amount(value)
        return "an amount"
    if word in _DAY:
        day(value, profile.date_format)
        return "a date"
    return "yes or no" if isinstance(value, bool) else f"text of {len(str(value))}"


def _parts(profile: Profile) -> dict[str, tuple[str, str, dict[str, str]]]:
    """Return browse, prefix and columns by our words, of every table of a profile that names a browse."""
    parts: dict[str, tuple[str, str, dict[str, str]]] = {
        f"browses.{name}": (browse.browse_id, browse.prefix, browse.columns) for name, browse in profile.browses.items()
    }
    finds = {f"{profile.table}.{kind}.find": find for kind, find in profile.finds.items()}
    if profile.open_items is not None:
        finds["open_items.find"] = profile.open_items.find
    for part, find in finds.items():
        if find is not None:
            words = msgspec.structs.asdict(find)
            settings = ("browse_id", "prefix", "negative")
            columns = {word: name for word, name in words.items() if name and word not in settings}
            parts[part] = (find.browse_id, find.prefix, columns)
    if profile.open_items is not None:
        items = profile.open_items
        browse_id, prefix, columns = parts["open_items.find"]
        own = {"open_amount": items.open_amount, "account": items.account, "type_column": items.type_column}
        parts["open_items.find"] = (browse_id, prefix, columns | own)
    if profile.balances is not None:
        parts["balances"] = (profile.balances.browse_id, profile.balances.prefix, profile.balances.columns)
    if profile.gl_transactions is not None:
        lines = profile.gl_transactions
        parts["gl_transactions"] = (lines.browse_id, lines.prefix, lines.columns)
    if profile.adjustment_lines is not None:
        lines = profile.adjustment_lines
        parts["adjustment_lines"] = (lines.browse_id, lines.prefix, lines.columns)
    return parts
