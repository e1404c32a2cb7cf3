"""`ping`: really calls both systems of each connection, and says what to do where something does not work."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from datetime import UTC, datetime

import msgspec

from adapters.kafka.assignments import read_assignments
from adapters.qad.asking.answers import read_object
from adapters.qad.asking.client import QadClient
from adapters.qad.places import pick
from adapters.qad.profiles.calls import Permission
from adapters.qad.profiles.documents import OPTIONAL_KINDS
from adapters.qad.profiles.lists import BROWSES, OpenItems
from adapters.qad.profiles.profile import Profile
from adapters.qad.reading.look_ups import LookUps
from adapters.qad.reading.reference import QadReferences
from adapters.zuora.asking.client import ZuoraClient
from adapters.zuora.reading.kinds import KINDS
from adapters.zuora.reading.references import accounting_periods
from adapters.zuora.reading.settlement import Said, Settlement
from console.config import Callouts
from console.pinging_files import try_files
from console.readable import step_of, try_callout_history, try_reading
from console.wiring import Wiring
from console.write_back import try_write_back
from schemas.errors import ConnectorError, Refused
from schemas.records import Found, RecordKind, ZuoraRecord
from schemas.zuora import field_of
from streams.match.claims import Claim, claimed_by

# More than this many seconds between the clocks is said: windows follow Zuora's clock, but people compare stamps.
_CLOCK_DIFFERENCE_S = 60
# No posting has this reference: a look-up of it must answer, and find nothing.
_NOBODYS_REFERENCE = "2" * 20
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
            async for finding in _qad(wiring, connection):
                yield finding
            return
        for trial in await try_files(wiring.site.path(files.directory), files):
            yield Finding(subject=connection, **msgspec.structs.asdict(trial))
    except ConnectorError as error:
        yield Finding(subject=connection, what="QAD", ok=False, found="does not work", next_step=str(error))


async def _qad(wiring: Wiring, connection: str) -> AsyncIterator[Finding]:
    profile = wiring.profile(connection)
    waiting = profile.unconfirmed
    yield Finding(
        subject=connection,
        what="profile",
        ok=not waiting,
        found=f"hash {profile.content_hash}" + (f", not confirmed: {', '.join(waiting)}" if waiting else ""),
        next_step="Compare these parts with the tenant, then set confirmed = true; nothing is posted before.",
    )
    if profile.qxtend is not None:
        yield _qxtend_secrets(wiring, connection)
    async with wiring.qad(connection, profile) as client:
        # Once and first: a wrong password that is tried for every line locks the service user out.
        await client.token.get()
        references = QadReferences(client, profile)
        for name in BROWSES:
            yield await _reference_list(references, connection, name)
        for kind in OPTIONAL_KINDS:
            if kind not in profile.finds:
                yield _left_out(profile, connection, kind)
        for kind in profile.finds:
            yield await _look_up(client, profile, connection, kind)
        for kind, document in profile.documents.items():
            if profile.permission.path and document.view_uri:
                yield await _permission(client, profile.permission, connection, kind, document.view_uri)
        if profile.open_items is not None:
            yield await _openings(LookUps(client, profile), connection, profile.open_items)


def _qxtend_secrets(wiring: Wiring, connection: str) -> Finding:
    """Open what the sink needs for QXtend: it starts for no connection while one of these is missing."""
    problem = ""
    try:
        wiring.qxtend_login(connection)
    except ConnectorError as error:
        problem = str(error)
    return Finding(
        subject=connection,
        what="secrets of QXtend",
        ok=not problem,
        found="not all can be opened" if problem else "can be opened; the first document tries them",
        next_step=f"{problem}. Until then the sink does not start.",
    )


async def _reference_list(references: QadReferences, connection: str, name: str) -> Finding:
    try:
        count = sum([len(page) async for page in references.read(name)])
    except ConnectorError as error:
        return Finding(
            subject=connection, what=f"browse of {name}", ok=False, found="does not work", next_step=str(error)
        )
    return Finding(
        subject=connection,
        what=f"browse of {name}",
        ok=count > 0,
        found=f"{count} rows",
        next_step="No row came: is the workspace right, and the filter of this browse in the profile?",
    )


def _left_out(profile: Profile, connection: str, kind: str) -> Finding:
    return Finding(
        subject=connection,
        what=f"documents of kind {kind}",
        ok=True,
        found=f"not in the profile: what would be one parks (no_such_kind); add [{profile.table}.{kind}] to carry it",
    )


async def _look_up(client: QadClient, profile: Profile, connection: str, kind: str) -> Finding:
    qad = LookUps(client, profile)
    what = f"look-up of {kind}"
    if not qad.can_find(kind):
        return Finding(
            subject=connection,
            what=what,
            ok=False,
            found="none configured",
            next_step="Without one, a document whose answer is lost is parked for a person. "
            f"Add [{profile.table}.{kind}.find].",
        )
    try:
        await qad.find(kind, _NOBODYS_REFERENCE)
    except ConnectorError as error:
        return Finding(subject=connection, what=what, ok=False, found="does not work", next_step=str(error))
    find = profile.finds[kind]
    silent = kind == "receipt" and find is not None and not find.allocated
    return Finding(
        subject=connection,
        what=what,
        ok=True,
        found="answers; no column says what a receipt carries: a person says it where the log was lost"
        if silent
        else "answers",
    )


async def _openings(qad: LookUps, connection: str, items: OpenItems) -> Finding:
    what = "look-up of opening items"
    try:
        for kind in items.types:
            await qad.find_opening(number=_NOBODYS_REFERENCE, item_kind=kind, currency="")
    except ConnectorError as error:
        return Finding(subject=connection, what=what, ok=False, found="does not work", next_step=str(error))
    return Finding(subject=connection, what=what, ok=True, found="answers")


async def _permission(client: QadClient, asked: Permission, connection: str, kind: str, view_uri: str) -> Finding:
    what = f"permission for {kind}"
    try:
        reply = await client.get(asked.path, [(asked.resource, view_uri), (asked.action, asked.create)])
    except ConnectorError as error:
        return Finding(subject=connection, what=what, ok=False, found="does not work", next_step=str(error))
    told = pick(read_object(reply.body) or {}, asked.given)
    return Finding(
        subject=connection,
        what=what,
        ok=told not in asked.no,
        found="not told by this tenant" if told is None else ("not given" if told in asked.no else "given"),
        next_step="Give the user a role that may create this kind of document.",
    )
