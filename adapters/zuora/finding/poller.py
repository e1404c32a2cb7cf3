"""Reads what changed in a tenant, round by round, on a schedule: what callouts miss, polls find.

A window runs from the cursor, less an overlap, to Zuora's own time, less a lag: rows of one second may come late, and
a long bill run commits late. Where nothing was listed up to the cursor, it begins behind the last row that was: a Date
that is wrong for once passes nothing over, and a cursor that stands ahead of Zuora's time is set back. A bill run that
was finalized has what it made read at once, whatever the schedules of these kinds are; the records say so.
"""

from collections.abc import Awaitable, Callable, Collection
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import structlog

from adapters.zuora.asking.client import ZuoraClient
from adapters.zuora.finding.schedule import PollSettings
from adapters.zuora.finding.window import Log, Window
from adapters.zuora.reading.kinds import ALWAYS, BILL_RUN, ENDED, INVOICE_PAYMENT
from adapters.zuora.reading.objects import ZuoraObjects
from adapters.zuora.reading.references import accounting_codes, accounting_periods, bill_runs
from adapters.zuora.reading.settlement import Settlement
from schemas.errors import ConnectorError, Misconfigured, Refused
from schemas.records import RecordKind
from streams.identity import moment_of

log = structlog.get_logger(__name__)

Result = TypeVar("Result")

# Accounts before documents, documents before what pays them: less waits.
DOCUMENT_KINDS = (
    RecordKind.ACCOUNT,
    RecordKind.INVOICE,
    RecordKind.DEBIT_MEMO,
    RecordKind.CREDIT_MEMO,
    RecordKind.INVOICE_ADJUSTMENT,
    RecordKind.INVOICE_ITEM_ADJUSTMENT,
    RecordKind.PAYMENT,
    INVOICE_PAYMENT,
    RecordKind.CREDIT_BALANCE,
    RecordKind.REFUND,
    RecordKind.APPLIED_REFUND,
)
# Kinds that a finalized bill run has just made.
_MADE_BY_BILL_RUNS = (RecordKind.ACCOUNT, RecordKind.INVOICE, RecordKind.CREDIT_MEMO)
_FINALIZED = frozenset({"Posted"})
# Stamps count whole seconds.
_SECOND = timedelta(seconds=1)


class TenantPoller:
    """Polls one tenant."""

    def __init__(
        self,
        client: ZuoraClient,
        tenant: str,
        *,
        settings: PollSettings,
        write: Log,
        moved: Callable[[], None],
        settlement: Settlement | None = None,
    ) -> None:
        """Build it.

        Args:
            client: The tenant's client.
            tenant: Its name.
            settings: When and how far.
            write: Where it writes.
            moved: Called after each page: the watchdog listens.
            settlement: Whether the tenant has Invoice Settlement; without it, it has.
        """
        self._client = client
        if settlement is not None:
            settlement.remember(write)
        self._objects = ZuoraObjects(client, tenant, settlement)
        self._settings = settings
        self._overlap = timedelta(seconds=settings.overlap_s)
        self._write = write
        self._log = log.bind(tenant=tenant)
        self._windows: dict[str, Window] = {
            kind: Window(self._objects, kind, overlap=self._overlap, write=write, moved=moved, told=self._told)
            for kind in DOCUMENT_KINDS
        }
        self._finalized: set[str] = set()
        # Numbers of bill runs that were finalized, and whose documents have not all been read since.
        self._unfollowed: list[str] = []
        self._failed: set[str] = set()
        self._begun: set[str] = set()
        # Of what a tenant has no more since Invoice Settlement was switched on: what was read to its end, or given up;
        # and when this process first saw that.
        self._closed: set[str] = set()
        self._seen_on: datetime | None = None

    @property
    def failed(self) -> frozenset[str]:
        """What the last round could not read, or not all of it."""
        return frozenset(self._failed)

    async def round(self, kinds: Collection[str] = DOCUMENT_KINDS) -> int:
        """Read everything that changed since the last round of these kinds; return how many records that was.

        What a bill run made that was finalized meanwhile is read as well. A kind that fails does not keep the others
        from being read.

        Args:
            kinds: What is due.
        """
        self._failed = set()
        await self._guarded("accounting codes", self._codes())
        await self._guarded("accounting periods", self._periods())
        await self._guarded(BILL_RUN, self._bill_runs())
        followed = tuple(self._unfollowed)
        made = _MADE_BY_BILL_RUNS if followed else ()
        there = await self._guarded("Invoice Settlement", self._objects.kinds())
        if there is None:
            # What depends on it is due again as soon as what failed is.
            self._failed |= set(kinds) - ALWAYS
            there = ALWAYS
        found = 0
        for kind in DOCUMENT_KINDS:
            if kind in there and (kind in kinds or kind in made):
                found += await self._guarded(kind, self._window(kind, ", ".join(followed) if kind in made else "")) or 0
        if RecordKind.CREDIT_MEMO in there:
            found += await self._before_settlement()
        if not self._failed.intersection(made):
            self._unfollowed = [run for run in self._unfollowed if run not in followed]
        return found

    async def _before_settlement(self) -> int:
        """Read once more what the tenant had before Invoice Settlement was switched on; name what Zuora shows no more.

        A cursor shows that it had that. What was made just before may be committed late: it is read until a window ends
        behind the moment at which the switch was seen.
        """
        found = 0
        for kind in ENDED:
            read_to = None if kind in self._closed else await self._write.read_to(kind)
            if read_to is None:
                continue
            if self._seen_on is None:
                self._seen_on = self._client.now() + self._overlap
            try:
                found += await self._window(kind, "")
            except ConnectorError as error:
                if isinstance(error, Misconfigured | Refused) and error.codes:
                    self._closed.add(kind)
                    self._name_unread(kind, read_to, error)
                else:
                    self._failed.add(kind)
                    self._log.error("poll failed; it is tried again with the next round", what=kind, reason=str(error))
                continue
            if kind not in self._failed and (await self._write.read_to(kind) or read_to) >= self._seen_on:
                self._closed.add(kind)
        return found

    def _name_unread(self, kind: str, read_to: datetime, error: ConnectorError) -> None:
        self._log.error(
            "Invoice Settlement was switched on, and Zuora no longer shows what was made before: what came after the "
            "last read is not in QAD",
            kind=kind,
            read_to=read_to.isoformat(),
            next_step="look in Zuora for what was made between then and the switch, and book it by hand; "
            "ml-connector reconcile names the invoices and accounts that differ",
            reason=str(error),
        )

    async def finalized_since(self) -> bool:
        """Return whether a bill run was finalized whose documents have not been read since: a round follows it."""
        await self._guarded(BILL_RUN, self._bill_runs())
        return bool(self._unfollowed)

    async def _guarded(self, what: str, work: "Awaitable[Result]") -> "Result | None":
        try:
            return await work
        except ConnectorError as error:
            self._failed.add(what)
            self._log.error("poll failed; it is tried again with the next round", what=what, reason=str(error))
            return None

    async def _codes(self) -> None:
        await self._write.references(await accounting_codes(self._client))

    async def _periods(self) -> None:
        await self._write.references(await accounting_periods(self._client))

    async def _bill_runs(self) -> None:
        """Read bill runs that changed, and note which are finalized and were not before."""
        since, until = await self._bounds(BILL_RUN)
        stamps = list[datetime]()
        async for headers in self._objects.changed(BILL_RUN, since=since, until=until):
            runs = bill_runs(headers)
            stamps += [moment for header in headers if (moment := moment_of(header.updated))]
            await self._write.references(runs)
            for run in runs:
                if run.status in _FINALIZED and run.id not in self._finalized:
                    self._finalized.add(run.id)
                    self._unfollowed.append(run.number or run.id)
        await self._ended(BILL_RUN, since, until, max(stamps, default=None))

    async def _window(self, kind: str, finalized: str) -> int:
        since, until = await self._bounds(kind)
        window = self._windows[kind]
        if finalized:
            found = await window.read(since, until, by="bill_run", evidence=finalized)
        else:
            bounds = f"{since:%Y-%m-%dT%H:%M:%SZ}/{until:%Y-%m-%dT%H:%M:%SZ}"
            found = await window.read(since, until, by="poll", evidence=bounds)
        if found:
            self._log.info("polled", kind=kind, records=found)
        if window.whole:
            await self._ended(kind, since, until, window.newest)
        else:
            self._failed.add(kind)
        return found

    async def _bounds(self, kind: str) -> tuple[datetime, datetime]:
        read_to = await self._write.read_to(kind)
        await self._client.hear_time()
        until = self._told()
        start = self._settings.start.astimezone(UTC)
        if read_to is not None:
            since = min(min(read_to, until) - self._overlap, self._write.quiet_since(kind) or read_to)
            return max(since, start), until
        if kind not in self._begun:
            self._begun.add(kind)
            self._log.warning("no cursor: everything is read from the start", kind=kind, start=start.isoformat())
        return start, until

    def _told(self) -> datetime:
        """Return Zuora's time less the lag, as its last answer told it: no cursor passes that."""
        return (self._client.now() - timedelta(seconds=self._settings.lag_s)).replace(microsecond=0)

    async def _ended(self, kind: str, since: datetime, until: datetime, newest: datetime | None) -> None:
        """Move a cursor to where a window ended; its own answers have told the time since, and bear that out or not."""
        told, read_to = self._told(), await self._write.read_to(kind)
        end = min(until, told)
        if read_to is not None and since < until and read_to - max(until, told) > self._overlap:
            self._log.warning("the cursor was ahead of Zuora's time: it is set back", kind=kind, to=end.isoformat())
            await self._write.moved_to(kind, end)
        elif read_to is None or end >= read_to:
            quiet = newest + _SECOND if newest else self._write.quiet_since(kind) or since
            await self._write.moved_to(kind, end, quiet_since=min(quiet, end))
