"""Reads what changed in a tenant, window by window, on a schedule: what callouts miss, polls find.

A window runs from the cursor, less an overlap, to Zuora's own time, less a lag: rows of one second may come late, and
a long bill run commits late. A cursor moves only when all records of a page are acknowledged. Repeats are allowed;
they are dropped by content further on.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

import msgspec
import structlog

from adapters.zuora.client import ZuoraClient
from adapters.zuora.objects import FoundBy, Header, ZuoraObjects
from schemas.errors import ConnectorError
from schemas.records import RecordKind, ZuoraRecord
from schemas.references import AccountingCode, BillRun, ZuoraReference
from streams.identity import moment_of

log = structlog.get_logger(__name__)

Result = TypeVar("Result")

# Accounts before documents, documents before what pays them: less waits.
DOCUMENT_KINDS = (RecordKind.ACCOUNT, RecordKind.INVOICE, RecordKind.CREDIT_MEMO, RecordKind.PAYMENT)
BILL_RUN = "bill_run"
# Kinds that a finalized bill run has just made.
_MADE_BY_BILL_RUNS = (RecordKind.ACCOUNT, RecordKind.INVOICE, RecordKind.CREDIT_MEMO)
_FINALIZED = frozenset({"Posted"})


class PollSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When and how far a tenant is polled.

    Attributes:
        interval_s: Pause between two rounds; not with `cron`.
        cron: Cron expression of the rounds, in UTC; not with `interval_s`.
        overlap_s: How far each window reaches back behind the cursor.
        lag_s: How far each window stays behind Zuora's time.
        start: First moment to read from when there is no cursor yet.
    """

    interval_s: int | None = None
    cron: str = ""
    overlap_s: int = 900
    lag_s: int = 120
    start: datetime


class Log(Protocol):
    """Where a tenant's poller writes; each call comes back when the broker has all of it."""

    async def records(self, records: Sequence[ZuoraRecord]) -> None:
        """Write records to every connection of the tenant."""
        ...

    async def references(self, references: Sequence[ZuoraReference]) -> None:
        """Write those references that differ from what was last written."""
        ...

    async def read_to(self, kind: str) -> datetime | None:
        """Return the cursor of a kind."""
        ...

    async def moved_to(self, kind: str, moment: datetime) -> None:
        """Write the cursor of a kind."""
        ...


class _BillingRun(msgspec.Struct, rename="camel"):
    id: str
    billing_run_number: str = ""
    status: str = ""
    number_of_invoices: int = 0
    number_of_credit_memos: int = 0
    updated_date: str = ""


class _Code(msgspec.Struct, rename="camel"):
    id: str
    name: str
    type: str = ""
    status: str = "Active"
    gl_account_number: str | None = None


_billing_run = msgspec.json.Decoder(_BillingRun)
_code = msgspec.json.Decoder(_Code)


class TenantPoller:
    """Polls one tenant."""

    def __init__(
        self, client: ZuoraClient, tenant: str, *, settings: PollSettings, write: Log, moved: Callable[[], None]
    ) -> None:
        """Build it.

        Args:
            client: The tenant's client.
            tenant: Its name.
            settings: When and how far.
            write: Where it writes.
            moved: Called after each page: the watchdog listens.
        """
        self._client = client
        self._objects = ZuoraObjects(client, tenant)
        self._settings = settings
        self._write = write
        self._moved = moved
        self._log = log.bind(tenant=tenant)
        # What the overlap of the last rounds showed: id -> stamp; the same row again is not read again.
        self._seen: dict[str, dict[str, str]] = {kind: {} for kind in (*DOCUMENT_KINDS, BILL_RUN)}
        self._finalized: set[str] = set()

    async def round(self) -> int:
        """Read everything that changed since the last round; return how many records that was.

        A kind that fails does not keep the others from being read.
        """
        await self._guarded("accounting codes", self._codes())
        finalized = await self._guarded(BILL_RUN, self._bill_runs()) or []
        found = 0
        for kind in DOCUMENT_KINDS:
            by: FoundBy = "bill_run" if finalized and kind in _MADE_BY_BILL_RUNS else "poll"
            found += await self._guarded(kind, self._window(kind, by=by, evidence=", ".join(finalized))) or 0
        return found

    async def finalized_since(self) -> bool:
        """Return whether a bill run was finalized that no round has followed yet."""
        before = len(self._finalized)
        await self._guarded(BILL_RUN, self._bill_runs())
        return len(self._finalized) > before

    async def _guarded(self, what: str, work: "Awaitable[Result]") -> "Result | None":
        try:
            return await work
        except ConnectorError as error:
            self._log.error("poll failed; it is tried again with the next round", what=what, reason=str(error))
            return None

    async def _codes(self) -> None:
        rows = await self._client.v1_rows("/v1/accounting-codes", "accountingCodes")
        codes = (_code.decode(raw) for raw in rows)
        await self._write.references(
            [
                AccountingCode(
                    id=code.id,
                    name=code.name,
                    code_type=code.type,
                    active=code.status == "Active",
                    gl_account_number=code.gl_account_number or "",
                )
                for code in codes
            ]
        )

    async def _bill_runs(self) -> list[str]:
        """Read bill runs that changed; return the numbers of those that are finalized and were not before."""
        since, until = await self._bounds(BILL_RUN)
        params = [
            ("filter[]", f"updateddate.GE:{since:%Y-%m-%dT%H:%M:%SZ}"),
            ("filter[]", f"updateddate.LT:{until:%Y-%m-%dT%H:%M:%SZ}"),
            ("sort[]", "updateddate.ASC"),
        ]
        finalized = []
        async for page in self._client.object_query_pages("billing-runs", params):
            runs = [_billing_run.decode(raw) for raw in page.rows]
            await self._write.references([_reference(run) for run in runs])
            for run in runs:
                if run.status in _FINALIZED and run.id not in self._finalized:
                    self._finalized.add(run.id)
                    finalized.append(run.billing_run_number)
        await self._write.moved_to(BILL_RUN, until)
        return finalized

    async def _window(self, kind: str, *, by: FoundBy, evidence: str) -> int:
        since, until = await self._bounds(kind)
        window = evidence or f"{since:%Y-%m-%dT%H:%M:%SZ}/{until:%Y-%m-%dT%H:%M:%SZ}"
        seen, count = self._seen[kind], 0
        async for headers in self._objects.changed(kind, since=since, until=until):
            fresh = [header for header in headers if seen.get(header.id) != header.updated]
            records = await asyncio.gather(
                *(self._objects.complete(kind, header, by=by, evidence=window) for header in fresh)
            )
            await self._write.records(records)
            seen.update((header.id, header.updated) for header in fresh)
            count += len(records)
            self._moved()
            await self._page_done(kind, headers, until)
        await self._write.moved_to(kind, until)
        self._forget(kind, since)
        if count:
            self._log.info("polled", kind=kind, records=count)
        return count

    async def _page_done(self, kind: str, headers: Sequence[Header], until: datetime) -> None:
        """Move the cursor to the last stamp of a page: rows are sorted by it, so a stopped read goes on from there."""
        stamp = moment_of(headers[-1].updated) if headers else None
        if stamp is not None and stamp < until:
            await self._write.moved_to(kind, stamp)

    async def _bounds(self, kind: str) -> tuple[datetime, datetime]:
        read_to = await self._write.read_to(kind)
        await self._client.token.get()
        until = (self._client.now() - timedelta(seconds=self._settings.lag_s)).replace(microsecond=0)
        if read_to is None:
            return self._settings.start, until
        since = max(read_to - timedelta(seconds=self._settings.overlap_s), self._settings.start)
        return since, until

    def _forget(self, kind: str, since: datetime) -> None:
        """Forget rows that no overlap will show again."""
        self._seen[kind] = {
            name: stamp
            for name, stamp in self._seen[kind].items()
            if (moment := moment_of(stamp)) is None or moment >= since
        }


def _reference(run: _BillingRun) -> BillRun:
    return BillRun(
        id=run.id,
        number=run.billing_run_number,
        status=run.status,
        invoices=run.number_of_invoices,
        credit_memos=run.number_of_credit_memos,
        updated=run.updated_date,
    )
