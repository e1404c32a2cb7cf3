"""`ping`: really calls both systems of each connection, and says what to do where something does not work."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from datetime import UTC, datetime

import msgspec

from adapters.kafka.assignments import read_assignments
from adapters.zuora.asking.client import ZuoraClient
from adapters.zuora.reading.kinds import KINDS
from adapters.zuora.reading.references import accounting_periods
from adapters.zuora.reading.settlement import Said, Settlement
from console.config import Callouts
from console.pinging.files import try_files
from console.pinging.qad import try_qad
from console.pinging.reading import step_of, try_callout_history, try_reading
from console.pinging.write_back import try_write_back
from console.wiring import Wiring
from schemas.errors import ConnectorError, Refused
from schemas.records import Found, RecordKind, ZuoraRecord
from schemas.zuora import field_of
from streams.match.claims import Claim, claimed_by

# More than this many seconds between the clocks is said: windows follow Zuora's clock, but people compare stamps.
_CLOCK_DIFFERENCE_S = 60
# A record that is looked at and not kept.
_NOT_KEPT = Found(by="poll", at=datetime.fromtimestamp(0, UTC))


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was tried.

    Attributes:
        subject: Tenant or connection.
        what: What was tried.
        ok: Whether it works.
        found: What was found.
        next_step: What to do when it does not work.
    """

    subject: str
    what: str
    ok: bool
    found: str
    next_step: str = ""


async def ping(wiring: Wiring) -> list[Finding]:
    """Try everything; nothing that fails keeps the rest from being tried."""
    findings = [await _kafka(wiring)]
    for tenant in wiring.site.config.tenants:
        findings += [finding async for finding in _tenant(wiring, tenant)]
    for connection in wiring.site.config.connections:
        findings += [finding async for finding in _connection(wiring, connection)]
    return [msgspec.structs.replace(finding, next_step="") if finding.ok else finding for finding in findings]


async def _kafka(wiring: Wiring) -> Finding:
    try:
        partitions = await wiring.partitions()
    except ConnectorError as error:
        return Finding(subject="kafka", what="topics and partitions", ok=False, found="not ready", next_step=str(error))
    owners = await read_assignments(wiring.site.cluster, partitions=wiring.site.config.kafka.partitions)
    return Finding(
        subject="kafka",
        what="topics and partitions",
        ok=True,
        found=f"{len(partitions)} connections, {len(owners)} ever",
    )


async def _tenant(wiring: Wiring, tenant: str) -> AsyncIterator[Finding]:
    settings = wiring.site.config.tenants[tenant]
    if settings.callouts is not None:
        yield _callout_secrets(wiring, tenant, settings.callouts)
    try:
        async with wiring.zuora(tenant) as client:
            await client.token.get()
            told = client.token.tenant_id
            same = not settings.tenant_id or settings.tenant_id == told
            yield Finding(
                subject=tenant,
                what="Zuora token",
                ok=same,
                found=f"tenant {told or 'not told'}",
                next_step=f"The credentials belong to tenant {told or 'that is not told'}, the configuration says "
                f"{settings.tenant_id}: seal those of that tenant (ml-connector credentials set zuora/{tenant} "
                f"client_id, then client_secret), or mend tenant_id in [tenants.{tenant}].",
            )
            if not same:
                return
            ahead = round(client.clock_ahead_s)
            yield Finding(
                subject=tenant,
                what="clock",
                ok=abs(ahead) <= _CLOCK_DIFFERENCE_S,
                found=f"Zuora's is {ahead:+d} s from ours",
                next_step="Set this machine's clock by NTP: people compare stamps of both.",
            )
            settlement = wiring.settlement(client, tenant)
            for finding in await asyncio.gather(
                _settlement(settlement, tenant, settings.invoice_settlement),
                _tried(tenant, "accounting codes", _codes(client, tenant)),
                _tried(tenant, "accounting periods", _periods(client, tenant)),
                _tried(tenant, "accounts claimed", _claims(client, tenant, wiring.site.claims_of(tenant))),
            ):
                yield finding
            trials = list(await try_reading(client, tenant, settlement))
            if settings.callouts is not None:
                trials.append(await try_callout_history(client))
            trials += [trial async for trial in try_write_back(client, settings.write_back)]
            for trial in trials:
                yield Finding(subject=tenant, **msgspec.structs.asdict(trial))
    except ConnectorError as error:
        seal = f". ml-connector credentials set zuora/{tenant} client_id, then client_secret, seals the right ones"
        step = f"{error}{seal if isinstance(error, Refused) else ''}"
        yield Finding(subject=tenant, what="Zuora", ok=False, found="does not work", next_step=step)


def _callout_secrets(wiring: Wiring, tenant: str, callouts: Callouts) -> Finding:
    """Open what the receiver needs of a tenant: it starts for none while one of these is missing."""
    problems = []
    for field in callouts.secrets:
        try:
            wiring.credentials.get(f"zuora/{tenant}", field)
        except ConnectorError as error:
            problems.append(str(error))
    return Finding(
        subject=tenant,
        what="secrets of callouts",
        ok=not problems,
        found="not all can be opened" if problems else f"{', '.join(callouts.secrets)} can be opened",
        next_step="; ".join(dict.fromkeys(problems)) + ". Until then the receiver takes no callouts in.",
    )


async def _tried(tenant: str, what: str, trial: Awaitable[Finding]) -> Finding:
    try:
        return await trial
    except ConnectorError as error:
        return Finding(subject=tenant, what=what, ok=False, found="does not work", next_step=step_of(error))


async def _codes(client: ZuoraClient, tenant: str) -> Finding:
    codes = await client.v1_rows("/v1/accounting-codes", "accountingCodes")
    return Finding(
        subject=tenant,
        what="accounting codes",
        ok=bool(codes),
        found=f"{len(codes)} read",
        next_step="The tenant shows none: give the OAuth user the finance permissions to read them.",
    )


async def _periods(client: ZuoraClient, tenant: str) -> Finding:
    periods = await accounting_periods(client)
    return Finding(
        subject=tenant,
        what="accounting periods",
        ok=True,
        found=f"{len(periods)} read" if periods else "none: what Zuora has closed is not named",
    )


async def _settlement(settlement: Settlement, tenant: str, said: Said) -> Finding:
    found = await settlement.look()
    told = {
        True: "on: memos, payments and their applications are read",
        False: "off: payments, adjustments and credit balances are read (ZOQL)",
        None: "cannot be told",
    }[found.on]
    wrong = found.on is not None and said != "probe" and found.on != (said == "on")
    sure = found.on is not None or said != "probe"
    ended = await settlement.ended() if found.on else {}
    before = "".join(
        f"; what it had before, {kind}, is read to {read_to:%Y-%m-%d %H:%M}" for kind, read_to in ended.items()
    )
    return Finding(
        subject=tenant,
        what="Invoice Settlement",
        ok=sure and not wrong and not found.lost,
        found=told + (f"; taken as {said}, as the configuration says" if said != "probe" else "") + before,
        next_step=f"{found.why}. invoice_settlement in [tenants.{tenant}] "
        + ('says otherwise: set it to "probe".' if wrong else 'may say "on" or "off" where nobody can look.'),
    )


async def _claims(client: ZuoraClient, tenant: str, claims: tuple[Claim, ...]) -> Finding:
    """Look at every account: each must belong to exactly one connection."""
    none, several, total = list[str](), list[str](), 0
    async for page in client.object_query_pages(KINDS[RecordKind.ACCOUNT].objects, []):
        for raw in page.rows:
            total += 1
            account = ZuoraRecord(
                connection="", tenant=tenant, kind=RecordKind.ACCOUNT, id="", found=_NOT_KEPT, parent=raw
            )
            owners = claimed_by(account, claims)
            if len(owners) != 1:
                (several if owners else none).append(field_of(raw, "accountNumber") or field_of(raw, "id"))
    wrong = [
        f"{len(names)} by {whom} ({', '.join(sorted(names)[:5])})"
        for names, whom in ((none, "none"), (several, "two or more"))
        if names
    ]
    return Finding(
        subject=tenant,
        what="accounts claimed",
        ok=not wrong,
        found=f"{total} accounts" + "".join(f"; {told}" for told in wrong),
        next_step="State in [connections.*.accounts] which one connection each belongs to; until then they park.",
    )


async def _connection(wiring: Wiring, connection: str) -> AsyncIterator[Finding]:
    try:
        files = wiring.files(connection)
        if files is None:
            async for trial in try_qad(wiring, connection):
                yield Finding(subject=connection, **msgspec.structs.asdict(trial))
            return
        for trial in await try_files(wiring.site.path(files.directory), files):
            yield Finding(subject=connection, **msgspec.structs.asdict(trial))
    except ConnectorError as error:
        yield Finding(subject=connection, what="QAD", ok=False, found="does not work", next_step=str(error))
