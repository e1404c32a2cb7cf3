"""A rehearsal: one document of each kind posted to a test entity, read back, compared, and undone by a later one.

What was posted and is not undone is named with its key. Never run for a connection's own work: its documents are in no
log, and a reconciliation would call them foreign.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from decimal import Decimal

import msgspec

from adapters.clock import boot_time_s
from console.golive.script import Step
from console.reconciliation.facts import QadOpenItem
from console.reconciliation.ground import key_of
from schemas.errors import ConnectorError, NotSent, OutcomeUnknown, Transient
from schemas.ids import machine_reference, posting_id
from schemas.outcomes import Document
from schemas.postings import CreditNoteContent, InvoiceContent
from streams.ports import Command, Erp, FoundInQad, Receipt

# How often a document is looked for that QAD does not show yet, and a call tried again that was not let in.
_LOOK_EVERY_S = 1.0
_TRIES = 3


class Rehearsed(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one step.

    Attributes:
        step: Its name.
        kind: Kind of document.
        what: What it does.
        document: Its key in QAD as people write it, "" where none was made.
        ok: It was made, found by its reference, and reads as it was sent.
        differences: What reads otherwise, or why it was not made.
    """

    step: str
    kind: str
    what: str
    document: str
    ok: bool
    differences: tuple[str, ...] = ()


class Rehearsal:
    """One rehearsal on one ERP."""

    def __init__(
        self,
        erp: Erp,
        *,
        look: Callable[[Command], Awaitable[object]] | None = None,
        connection: str,
        run: str,
        age_s: float,
        settle_s: float,
        say: Callable[[str], None],
    ) -> None:
        """Set it up.

        Args:
            erp: Where documents are posted.
            look: Lets QAD judge a document and makes nothing, where QAD can do that: asked before each is posted.
            connection: The connection.
            run: Tells this rehearsal from every other: it goes into references and numbers.
            age_s: How old a call may be when its first byte is sent.
            settle_s: From when on an absent document is believed to be absent.
            say: Called with a line before each step.
        """
        self._erp, self._look, self._connection, self._run = erp, look, connection, run
        self._age_s, self._settle_s, self._say = age_s, settle_s, say
        self.made: dict[str, Document] = {}

    async def play(self, steps: Sequence[Step]) -> list[Rehearsed]:
        """Post each step whose documents are there, and compare it; what fails keeps only what needs it."""
        results = []
        for number, step in enumerate(steps, 1):
            self._say(f"{number} of {len(steps)}: {step.what}")
            missing = [name for name in step.needs if name not in self.made]
            if missing:
                results.append(_failed(step, f"not tried: {' and '.join(missing)} was not made"))
                continue
            results.append(await self._one(number, step))
        return results

    async def _one(self, number: int, step: Step) -> Rehearsed:
        if not self._erp.can_find(step.kind):
            return _failed(step, f"not tried: the profile has no look-up for the kind {step.kind}, or no such kind")
        name = posting_id(self._connection, kind="rehearsal", zuora_id=self._run, act="post", n=number, step=step.name)
        payload = step.build(self.made)
        command = Command(
            reference=machine_reference(name),
            number=f"REH{self._run}-{number}",
            customer=step.customer,
            payload=payload,
            linked=self.made[step.linked] if step.linked else None,
        )
        try:
            if self._look is not None:
                await self._look(command)
            told = await self._post(step.kind, command)
            found = await self._found(step.kind, command.reference)
        except ConnectorError as error:
            return _failed(step, str(error))
        document = told or (found.document if found else None)
        if document is None:
            return _failed(step, "QAD gave no answer and does not have it: nothing was posted")
        self.made[step.name] = document
        if found is None:
            absent = f"it was posted and is not found by its reference within {self._settle_s:g} s"
            return _result(step, document, (absent,))
        return _result(step, document, tuple(differences(command, document, found)))

    async def _post(self, kind: str, command: Command) -> Document | None:
        """Return the key that QAD answered with, None where no answer came: it is looked up then, never sent again."""
        for attempt in range(1, _TRIES + 1):
            try:
                return (await self._erp.post(command, not_after=boot_time_s() + self._age_s)).document
            except (Transient, NotSent):
                if attempt == _TRIES:
                    raise
                await asyncio.sleep(_LOOK_EVERY_S)
            except OutcomeUnknown:
                return None
        raise AssertionError(kind)

    async def _found(self, kind: str, reference: str) -> FoundInQad | None:
        until = boot_time_s() + self._settle_s
        while True:
            found = await self._erp.find(kind, reference)
            if found is not None or boot_time_s() >= until:
                return found
            await asyncio.sleep(_LOOK_EVERY_S)


def differences(command: Command, document: Document, found: FoundInQad) -> list[str]:
    """Return what reads otherwise than it was sent, a sentence each; a column that is not shown is not compared."""
    payload, there = command.payload, found.document
    pairs: list[tuple[str, object, object]] = [
        ("year", document.year, there.year),
        ("daybook", document.daybook, there.daybook),
        ("voucher", document.voucher, there.voucher),
        ("daybook", payload.daybook, there.daybook),
        ("customer", getattr(payload, "customer", ""), there.customer),
        ("currency", payload.currency, there.currency),
        ("total", payload.total, there.total),
        ("posting date", payload.posting_date, found.day),
    ]
    if isinstance(payload, InvoiceContent | CreditNoteContent):
        # Where none was sent QAD must not have reckoned any.
        pairs.append(("tax", payload.tax, found.tax))
    if isinstance(payload, Receipt):
        carried = sum((amount for _, amount in payload.allocations), Decimal(0))
        pairs.append(("allocated", carried, found.allocated))
    if command.linked is not None:
        pairs.append(("netted", payload.total, found.allocated))
    found_otherwise = [
        f"{name}: {sent} was sent, {shown} is shown"
        for name, sent, shown in pairs
        if sent not in ("", None) and shown not in ("", None) and sent != shown
    ]
    if found.no_entry is not None:
        status = found.no_entry.status or "none that is shown"
        found_otherwise.append(f"status: {status}, which is not in posted_when: its GL entry is not made")
    return found_otherwise


def left_open(made: Mapping[str, Document], items: Iterable[QadOpenItem]) -> dict[str, Decimal]:
    """Return what is still open of a rehearsal, by step; nothing should be."""
    amounts = {key_of(item.key): item.open for item in items}
    return {name: amount for name, document in made.items() if (amount := amounts.get(key_of(document)))}


def _result(step: Step, document: Document, found: tuple[str, ...]) -> Rehearsed:
    key = f"{document.year}/{document.daybook}/{document.voucher}"
    return Rehearsed(step=step.name, kind=step.kind, what=step.what, document=key, ok=not found, differences=found)


def _failed(step: Step, why: str) -> Rehearsed:
    return Rehearsed(step=step.name, kind=step.kind, what=step.what, document="", ok=False, differences=(why,))
