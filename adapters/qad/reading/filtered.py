"""Rows of a browse that fulfil a condition, and whether QAD heeds the condition: nothing found is believed only then.

QAD answers a column that it does not have, an operator that it does not know and a condition in a form that it does not
read all alike: with no rows and no error (reference 1.4). Believed, that would send a document twice. So before nothing
is believed, a row that is known to be there must be found by a condition of the same column, operator and form; what is
proved of a browse counts while the process lives. A condition that is not heeded at all shows rows that do not fulfil
it, and each row is looked at.
"""

import re
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Literal

from adapters.clock import boot_time_s
from adapters.qad.asking.client import QadClient
from adapters.qad.profiles.documents import Find
from adapters.qad.profiles.lists import Browse
from adapters.qad.profiles.profile import Profile
from adapters.qad.reading.browse import Row, browse, column, first_page
from schemas.errors import Misconfigured

# Machine references are written in A-Z and 2-7: everything from "2" on is one, and nothing that is empty.
_FIRST_REFERENCE = "2"
_REFERENCE = re.compile(r"[A-Z2-7]{20}", re.IGNORECASE)

Operator = Literal["eq", "ge"]


class Filtered:
    """Conditions on the browses of one connection's QAD."""

    def __init__(self, client: QadClient, profile: Profile) -> None:
        """Read through this client, in this tenant's words."""
        self._client = client
        self._browsing = profile.browsing
        self._page_size = profile.limits.page_size
        self._settle_s = profile.limits.settle_s
        # Browse, column and operator by which a known row was found; with those by which one of ours was.
        self._heeded: set[tuple[str, str, Operator]] = set()
        self._shows_ours: set[tuple[str, str]] = set()
        # By browse and column: a reference that QAD took, and when that was.
        self._taken: dict[tuple[str, str], tuple[str, float]] = {}

    def took(self, spec: Find, reference: str) -> None:
        """Take up that QAD said yes to a document under a reference: it must be found by it from now on."""
        self._taken.setdefault((spec.browse_id, spec.reference), (reference, boot_time_s()))

    async def equal(self, spec: Find | Browse, name: str, value: str, *, known: str) -> AsyncIterator[Sequence[Row]]:
        """Yield the rows whose column is a value, page by page.

        Args:
            spec: The browse.
            name: The column.
            value: What stands in it.
            known: A column that has something in every row, such as the daybook.

        Raises:
            Misconfigured: QAD does not heed the condition, or does not show the column.
            Transient: It cannot be read now.
        """
        if not self._browsing.can_hold(value):
            # Sent all the same, it would be another condition: the list is read, and looked through here.
            async for page in self._pages(spec, ()):
                yield [row for row in page if _same(_text(row, name, spec), value)]
            return
        found = False
        async for page in self._pages(spec, [self._browsing.where(name, "eq", value)]):
            self._check_equal(page, spec, name, value)
            found = found or bool(page)
            yield page
        if not found:
            await self._prove_equal(spec, name, known)
            return
        self._heeded.add((spec.browse_id, name, "eq"))
        if _REFERENCE.fullmatch(value):
            self._shows_ours.add((spec.browse_id, name))

    async def with_reference(self, spec: Find) -> AsyncIterator[Sequence[Row]]:
        """Yield the rows that carry a machine reference, page by page; raises as `equal` does, if only in the end.

        What a first page without a condition shows under such a reference must come.
        """
        name = spec.reference
        sample = await self._sample(spec, name)
        missing = {text.casefold() for text in _texts(sample, name, spec) if _REFERENCE.fullmatch(text)}
        if sample and not missing:
            await self._prove_from_on(spec, sample)
        async for page in self._pages(spec, [self._browsing.where(name, "ge", _FIRST_REFERENCE)]):
            for row in page:
                text = _text(row, name, spec)
                if not text:
                    raise self._not_heeded(spec, name, "ge", "shows rows with nothing in it")
                missing.discard(text.casefold())
            yield page
        if missing:
            raise self._not_heeded(spec, name, "ge", "does not find what the browse shows without it")

    async def prove_list(self, spec: Find) -> None:
        """Hold that a list of what carries a reference could be read, reading a page of it; raises as `equal` does."""
        await self._prove_from_on(spec, await self._sample(spec, spec.reference))

    async def _pages(self, spec: Find | Browse, conditions: Sequence[str]) -> AsyncIterator[Sequence[Row]]:
        filters = [*_fixed(spec), *conditions]
        async for page in browse(
            self._client, browse_id=spec.browse_id, prefix=spec.prefix, filters=filters, page_size=self._page_size
        ):
            yield page

    async def _sample(self, spec: Find | Browse, name: str) -> Sequence[Row]:
        """Return rows of the browse, of which each shows the column; none where it holds nothing at all."""
        spelled = {"browse_id": spec.browse_id, "prefix": spec.prefix}
        fixed = _fixed(spec)
        rows = await first_page(self._client, **spelled, filters=fixed, page_size=self._page_size)
        if not rows and fixed and await first_page(self._client, **spelled, filters=(), page_size=1):
            raise Misconfigured(
                f"the browse {spec.browse_id} shows rows, and none with the fixed `filter` of the profile: mend that"
            )
        for row in rows:
            column(row, name, browse_id=spec.browse_id)
        return rows

    async def _prove_equal(self, spec: Find | Browse, name: str, known: str) -> None:
        """Hold that a known row is found by a condition on this column; raises as `equal` does."""
        key = (spec.browse_id, name)
        reference, taken_at = self._taken.get(key, ("", 0.0))
        # Browses may be late: before the settle time nothing is said of what they do not show.
        if reference and key not in self._shows_ours and boot_time_s() >= taken_at + self._settle_s:
            if not await self._shows(spec, name, reference):
                raise self._hides(spec, name, reference)
            self._shows_ours.add(key)
        elif (*key, "eq") not in self._heeded:
            sample = await self._sample(spec, name)
            if (
                sample
                and not await self._found(spec, name, sample)
                and (spec.browse_id, known, "eq") not in self._heeded
            ):
                # Nothing stands in the column yet: the operator and the form are proved by another.
                await self._found(spec, known, sample)

    async def _found(self, spec: Find | Browse, name: str, sample: Sequence[Row]) -> bool:
        """Hold that a row is found by a text in a column; False where no row has a text there that can be asked for."""
        texts = [text for text in _texts(sample, name, spec) if text and self._browsing.can_hold(text)]
        if not texts:
            return False
        # A reference of ours where there is one: that is what will be asked for.
        known = next(filter(_REFERENCE.fullmatch, texts), texts[0])
        if not await self._shows(spec, name, known):
            raise self._not_heeded(spec, name, "eq", "does not find what the browse shows without it")
        self._heeded.add((spec.browse_id, name, "eq"))
        return True

    async def _shows(self, spec: Find | Browse, name: str, value: str) -> bool:
        rows = await self._asked(spec, self._browsing.where(name, "eq", value))
        self._check_equal(rows, spec, name, value)
        return bool(rows)

    async def _prove_from_on(self, spec: Find, sample: Sequence[Row]) -> None:
        """Hold that `ge` means at or above: by the daybook, since nothing is known to stand under a reference."""
        name = spec.daybook
        for text in _texts(sample, name, spec):
            below = _below(text)
            if below and self._browsing.can_hold(below):
                rows = await self._asked(spec, self._browsing.where(name, "ge", below))
                if not rows or any(_text(row, name, spec).casefold() < below.casefold() for row in rows):
                    raise self._not_heeded(spec, name, "ge", "does not find what the browse shows without it")
                return

    async def _asked(self, spec: Find | Browse, condition: str) -> Sequence[Row]:
        filters = [*_fixed(spec), condition]
        return await first_page(
            self._client, browse_id=spec.browse_id, prefix=spec.prefix, filters=filters, page_size=1
        )

    def _check_equal(self, rows: Iterable[Row], spec: Find | Browse, name: str, value: str) -> None:
        for row in rows:
            if not _same(_text(row, name, spec), value):
                raise self._not_heeded(spec, name, "eq", "shows rows with something else in it")

    def _not_heeded(self, spec: Find | Browse, name: str, operator: Operator, how: str) -> Misconfigured:
        return Misconfigured(
            f"the browse {spec.browse_id} does not filter by {name}: a condition with the operator "
            f"{self._said(operator)} ({operator}) {how}, so nothing is believed to be absent. Compare [browsing] "
            "operators and condition of the profile with what the browser's network tab shows when that screen is "
            "filtered; or name another column"
        )

    def _hides(self, spec: Find | Browse, name: str, reference: str) -> Misconfigured:
        return Misconfigured(
            f"QAD took a document with the reference {reference}, and the browse {spec.browse_id} does not find it by "
            f"{name}: nothing is believed to be absent. Look whether reference of its `find` is the column of what "
            "`fields` sends as the reference, and whether the browse hides some documents. Where people took that "
            "document out of QAD, or our reference off it, restart the sink"
        )

    def _said(self, operator: Operator) -> str:
        return repr(self._browsing.operators.get(operator, operator))


def _fixed(spec: Find | Browse) -> Sequence[str]:
    return spec.filter if isinstance(spec, Browse) else ()


def _text(row: Row, name: str, spec: Find | Browse) -> str:
    shown = column(row, name, browse_id=spec.browse_id)
    return "" if shown is None else str(shown).rstrip()


def _texts(rows: Iterable[Row], name: str, spec: Find | Browse) -> list[str]:
    return [_text(row, name, spec) for row in rows]


def _same(shown: str, asked: str) -> bool:
    # QAD compares texts without case and without blanks behind them.
    return shown.rstrip().casefold() == asked.rstrip().casefold()


def _below(text: str) -> str:
    """Return a text of the same length that stands before another, whatever the order of letters and digits is."""
    for place, sign in enumerate(text):
        if sign in "BCDEFGHIJKLMNOPQRSTUVWXYZbcdefghijklmnopqrstuvwxyz123456789":
            return f"{text[:place]}{chr(ord(sign) - 1)}{text[place + 1 :]}"
    return ""
