"""Reads what changed in a tenant, round by round, on a schedule: what callouts miss, polls find.

A window runs from the cursor, less an overlap, to Zuora's own time, less a lag: rows of one second may come late, and
a long bill run commits late. A bill run that was finalized brings a round of its own, which says so.
"""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, TypeVar

import msgspec
import structlog

from adapters.zuora.answers import decoded
from adapters.zuora.client import ZuoraClient
from adapters.zuora.kinds import BILL_RUN
from adapters.zuora.objects import ZuoraObjects
from adapters.zuora.window import Log, Window, move_forward
from schemas.errors import ConnectorError
from schemas.records import RecordKind
from schemas.references import AccountingCode, BillRun

log = structlog.get_logger(__name__)

Result = TypeVar("Result")
Row = TypeVar("Row")

# Accounts before documents, documents before what pays them: less waits.
DOCUMENT_KINDS = (RecordKind.ACCOUNT, RecordKind.INVOICE, RecordKind.CREDIT_MEMO, RecordKind.PAYMENT)
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
        start: First moment to read from when there is no cursor yet, with its zone.
    """

    interval_s: Annotated[int, msgspec.Meta(ge=1)] | None = None
    cron: str = ""
    overlap_s: Annotated[int, msgspec.Meta(ge=0)] = 900
    lag_s: Annotated[int, msgspec.Meta(ge=0)] = 120
    start: Annotated[datetime, msgspec.Meta(tz=True)]


class _BillingRun(msgspec.Struct, rename="camel"):
    id: str
    billing_run_number: str | None = None
    status: str | None = None
    number_of_invoices: int | None = None
    number_of_credit_memos: int | None = None
    updated_date: str | None = None


class _Code(msgspec.Struct, rename="camel"):
    id: str
    name: str
    type: str | None = None
    status: str | None = None
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
        self._overlap = timedelta(seconds=settings.overlap_s)
        self._write = write
        self._log = log.bind(tenant=tenant)
        self._windows: dict[str, Window] = {
            kind: Window(self._objects, kind, overlap=self._overlap, write=write, moved=moved)
            for kind in DOCUMENT_KINDS
        }
        self._finalized: set[str] = set()
        # Numbers of bill runs that were finalized and that no round has followed yet.
        self._unfollowed: list[str] = []

    async def round(self) -> int:
        """Read everything that changed since the last round; return how many records that was.

        A kind that fails does not keep the others from being read.
        """
        await self._guarded("accounting codes", self._codes())
        await self._guarded(BILL_RUN, self._bill_runs())
        finalized, self._unfollowed = ", ".join(self._unfollowed), []
        found = 0
        for kind in DOCUMENT_KINDS:
            found += await self._guarded(kind, self._window(kind, finalized)) or 0
        return found

    async def finalized_since(self) -> bool:
        """Return whether a bill run was finalized since the last look; the next round follows it."""
        return bool(await self._guarded(BILL_RUN, self._bill_runs()))

    async def _guarded(self, what: str, work: "Awaitable[Result]") -> "Result | None":
        try:
            return await work
        except ConnectorError as error:
            self._log.error("poll failed; it is tried again with the next round", what=what, reason=str(error))
            return None

    async def _codes(self) -> None:
        rows = await self._client.v1_rows("/v1/accounting-codes", "accountingCodes")
        await self._write.references(
            [
                AccountingCode(
                    id=code.id,
                    name=code.name,
                    code_type=code.type or "",
                    active=(code.status or "Active") == "Active",
                    gl_account_number=code.gl_account_number or "",
                )
                for code in self._readable(rows, _code, "accounting code")
            ]
        )

    async def _bill_runs(self) -> int:
        """Read bill runs that changed; return how many are finalized and were not before."""
        since, until = await self._bounds(BILL_RUN)
        before = len(self._finalized)
        async for headers in self._objects.changed(BILL_RUN, since=since, until=until):
            runs = list(self._readable([header.raw for header in headers], _billing_run, "bill run"))
            await self._write.references([_reference(run) for run in runs])
            for run in runs:
                if run.status in _FINALIZED and run.id not in self._finalized:
                    self._finalized.add(run.id)
                    self._unfollowed.append(run.billing_run_number or run.id)
        await move_forward(self._write, BILL_RUN, until)
        return len(self._finalized) - before

    async def _window(self, kind: str, finalized: str) -> int:
        since, until = await self._bounds(kind)
        if finalized and kind in _MADE_BY_BILL_RUNS:
            return await self._windows[kind].read(since, until, by="bill_run", evidence=finalized)
        window = f"{since:%Y-%m-%dT%H:%M:%SZ}/{until:%Y-%m-%dT%H:%M:%SZ}"
        return await self._windows[kind].read(since, until, by="poll", evidence=window)

    async def _bounds(self, kind: str) -> tuple[datetime, datetime]:
        read_to = await self._write.read_to(kind)
        now = await self._client.hear_time()
        until = (now - timedelta(seconds=self._settings.lag_s)).replace(microsecond=0)
        start = self._settings.start.astimezone(UTC)
        return start if read_to is None else max(read_to - self._overlap, start), until

    def _readable(
        self, rows: Sequence[msgspec.Raw], decoder: "msgspec.json.Decoder[Row]", what: str
    ) -> "Iterator[Row]":
        """Yield the rows that are as documented; one that is not keeps no other from being known."""
        for raw in rows:
            try:
                yield decoded(raw, decoder, what)
            except ConnectorError as error:
                self._log.error("not known to us: a row cannot be read", what=what, reason=str(error))


def _reference(run: _BillingRun) -> BillRun:
    return BillRun(
        id=run.id,
        number=run.billing_run_number or "",
        status=run.status or "",
        invoices=run.number_of_invoices or 0,
        credit_memos=run.number_of_credit_memos or 0,
        updated=run.updated_date or "",
    )
