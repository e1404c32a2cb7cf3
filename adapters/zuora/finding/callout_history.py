"""Zuora's own list of callouts that failed: what they told of is read, although nobody heard it.

A row is a hint, as a callout is: nothing of it is used but which object to read, and nothing of it is kept, since it
holds what people wrote. Its time has no zone: it is that of the tenant, and of no use but to go on from. So each read
begins far enough behind the last one that an hour which comes twice is no gap.
"""

import asyncio
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Final

import msgspec
import structlog

from adapters.zuora.asking.client import ZuoraClient
from adapters.zuora.finding.window import Log
from adapters.zuora.reading.objects import ZuoraObjects
from adapters.zuora.reading.settlement import Settlement
from schemas.errors import ConnectorError, Refused, Transient, Unreadable
from schemas.records import Found, ZuoraRecord
from streams.read.hints import Hint, hints_of_context

# What the schedule and the cursor call it.
CALLOUT_HISTORY: Final = "callout_history"

_PATH = "/v1/notification-history/callout"
# An hour that comes twice, and what is written late.
_OVERLAP = timedelta(hours=2)
# Without a cursor: a day, as Zuora's own default, and what the tenant's clock may be behind UTC.
_FIRST = timedelta(hours=24 + 12)
# A tenant's clock is never further ahead of UTC; a later time is none to go on from.
_AHEAD_MAX = timedelta(hours=14)


class _Row(msgspec.Struct, rename="camel"):
    """A failed try. Zuora's types and its example differ: numbers may be text, the context text or an object."""

    create_time: str = ""
    event_context: msgspec.Raw = msgspec.Raw(b"null")
    notification: str = ""
    response_code: int | str = ""


_row = msgspec.json.Decoder(_Row)


class CalloutHistory:
    """One tenant's."""

    def __init__(self, client: ZuoraClient, tenant: str, *, write: Log, settlement: Settlement | None = None) -> None:
        """Read through this client.

        Args:
            client: The tenant's client.
            tenant: Its name.
            write: Where it writes.
            settlement: Whether the tenant has Invoice Settlement; without it, it has.
        """
        self._client = client
        self._objects = ZuoraObjects(client, tenant, settlement)
        self._write = write
        self._log = structlog.get_logger(__name__).bind(tenant=tenant)
        # Rows that the overlap shows again, with their time.
        self._known: dict[bytes, datetime] = {}
        self.failed = False

    async def round(self) -> int:
        """Read what failed callouts told of since the last round; return how many records were written."""
        try:
            written = await self._round()
        except ConnectorError as error:
            if not self.failed:
                # Once: a right that is missing stays so, and polls find the same.
                self._log.error("failed callouts cannot be read; it is tried again", reason=str(error))
            self.failed = True
            return 0
        if self.failed:
            self._log.info("failed callouts are read again")
        self.failed = False
        return written

    async def _round(self) -> int:
        now = await self._client.hear_time()
        reached = await self._write.read_to(CALLOUT_HISTORY)
        if reached is not None and reached > now + _AHEAD_MAX:
            reached = None
        since = now - _FIRST if reached is None else reached - _OVERLAP
        params = [("failedOnly", "true"), ("startTime", f"{since.astimezone(UTC):%Y-%m-%dT%H:%M:%S}")]
        told, times, fresh = dict[Hint, str](), list[datetime](), dict[bytes, datetime]()
        for raw in await self._client.v1_rows(_PATH, "calloutHistories", params):
            digest = blake2b(raw, digest_size=16).digest()
            if digest in self._known:
                continue
            moment, hints, evidence = self._look(raw)
            fresh[digest] = moment or since
            times += [moment] if moment and moment <= now + _AHEAD_MAX else []
            # The last try of a callout names it.
            told |= dict.fromkeys(hints, evidence)
        records = await self._read(told)
        await self._write.records(records)
        if records:
            self._log.warning("callouts had failed: what they told of is read", records=len(records))
        self._known |= fresh
        if times and (reached is None or max(times) > reached):
            await self._write.moved_to(CALLOUT_HISTORY, max(times))
            self._known = {one: moment for one, moment in self._known.items() if moment >= max(times) - 2 * _OVERLAP}
        return len(records)

    def _look(self, raw: msgspec.Raw) -> tuple[datetime | None, list[Hint], str]:
        """Return a row's time, as if its zone were UTC, what it tells of, and what is said of it."""
        try:
            row = _row.decode(raw)
        except (msgspec.DecodeError, ValueError):
            self._log.error("a failed callout cannot be read")
            return None, [], ""
        hints = hints_of_context(bytes(row.event_context))
        if not hints:
            self._log.info("a failed callout tells of nothing that is read", notification=row.notification)
        return _moment(row.create_time), hints, f"{row.notification}, {row.create_time}: {row.response_code}"

    async def _read(self, told: dict[Hint, str]) -> list[ZuoraRecord]:
        """Return the objects that were told of; what Zuora has no more, the re-read notices.

        Raises:
            Transient: One of them cannot be read now.
        """
        there = await self._objects.kinds()
        hints = [hint for hint in told if hint.kind in there]
        at = datetime.now(UTC)
        answers = await asyncio.gather(
            *(
                self._objects.read(hint.kind, hint.id, Found(by=CALLOUT_HISTORY, at=at, evidence=told[hint]))
                for hint in hints
            ),
            return_exceptions=True,
        )
        records = list[ZuoraRecord]()
        for hint, answer in zip(hints, answers, strict=True):
            match answer:
                case ZuoraRecord():
                    records.append(answer)
                case None:
                    self._log.info("a failed callout told of what is gone", kind=hint.kind, id=hint.id)
                case Unreadable() | Refused():
                    # Also a right that is missing keeps no other back: once it is given, polls find the same.
                    self._log.error("what a failed callout told of cannot be read", kind=hint.kind, reason=str(answer))
                case ConnectorError():
                    raise Transient(f"{hint.kind} {hint.id}: {answer}") from None
                case _:
                    raise answer
        return records


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError:
        return None
