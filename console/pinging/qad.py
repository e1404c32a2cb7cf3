"""What `ping` tries at one QAD, from the outside in: token, session, workspace, clock, lists, look-ups, rights.

It reads and posts nothing. Each failure has the next step of somebody who sets QAD up for the first time.
"""

from collections.abc import AsyncIterator

from adapters.qad.asking.answers import read_object
from adapters.qad.asking.client import QadClient
from adapters.qad.asking.grants import SessionLimits
from adapters.qad.profiles.documents import OPTIONAL_KINDS
from adapters.qad.profiles.lists import BROWSES, OpenItems
from adapters.qad.profiles.profile import Profile
from adapters.qad.reading.look_ups import LookUps
from adapters.qad.reading.reference import QadReferences
from console.pinging.customers import try_customers
from console.pinging.permission import try_permission
from console.pinging.write_back import Trial
from console.wiring import Wiring
from schemas.errors import ConnectorError

# No item has this number: a look-up of it must answer, and find nothing.
_NOBODYS_NUMBER = "2" * 20
# A session that ends sooner is renewed all the time.
_SESSION_S_MIN = 120
# More than this many seconds between the clocks is said: people compare stamps of both.
_CLOCK_DIFFERENCE_S = 60


async def try_qad(wiring: Wiring, connection: str) -> AsyncIterator[Trial]:
    """Yield what works of a connection's QAD; what keeps everything else from working ends it."""
    profile = wiring.profile(connection)
    waiting = profile.unconfirmed
    yield Trial(
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
        yield _session(client)
        workspace = await _workspace(client, profile)
        yield workspace
        if not workspace.ok:
            return
        yield _clock(client)
        references = QadReferences(client, profile)
        for name in BROWSES:
            yield await _reference_list(references, name)
        for kind in OPTIONAL_KINDS:
            if kind not in profile.finds:
                yield _left_out(profile, kind)
        look_ups = LookUps(client, profile)
        for kind in profile.finds:
            yield await _look_up(look_ups, profile, kind)
        async for trial in _rights(client, profile):
            yield trial
        async for trial in try_customers(client, profile):
            yield trial
        if profile.open_items is not None:
            yield await _openings(look_ups, profile.open_items)


def _session(client: QadClient) -> Trial:
    limits = client.token.limits or SessionLimits()
    ends = [
        *([f"after {limits.length_s // 60} min"] if limits.length_s else []),
        *([f"after {limits.idle_s // 60} min without a call"] if limits.idle_s else []),
    ]
    shortest_s = min(filter(None, (limits.length_s, limits.idle_s)), default=_SESSION_S_MIN)
    return Trial(
        what="session",
        ok=shortest_s >= _SESSION_S_MIN,
        found=f"ends {', or '.join(ends)}" if ends else "QAD does not say when it ends: [auth] lifetime_s counts",
        next_step="So short a session is begun anew all the time: lengthen sessionLength and timeoutMinutes of our "
        "client in QAD's security control.",
    )


async def _workspace(client: QadClient, profile: Profile) -> Trial:
    """Ask with the workspace what was answered without it: where that is refused, it is the workspace."""
    what, limits = "workspace", client.token.limits
    if limits is None or limits == SessionLimits():
        return Trial(what=what, ok=True, found=f"{profile.workspace}: not told by itself, the lists show it")
    reply = await client.get(profile.auth.limits_path)
    if reply.status != 403 and (reply.status >= 300 or read_object(reply.body) is None):
        return Trial(
            what=what,
            ok=False,
            found=f"HTTP {reply.status} and a page in the place of an answer",
            next_step="The token is good, and what answers is not the API: does a log-in or a proxy stand before it? "
            "base_url must be the API's, with its path.",
        )
    return Trial(
        what=what,
        ok=reply.status != 403,
        found=f"{profile.workspace}: {'not for this user' if reply.status == 403 else 'entered'}",
        next_step="QAD knows the user, and not in this workspace (HTTP 403): compare `workspace` of the profile with "
        "x-qad-workspace-id in the browser's network tab (DOMAIN_ENTITY), or give the service user that entity.",
    )


def _clock(client: QadClient) -> Trial:
    ahead_s = client.clock_ahead_s
    return Trial(
        what="clock",
        ok=ahead_s is None or abs(ahead_s) <= _CLOCK_DIFFERENCE_S,
        found="QAD tells no time" if ahead_s is None else f"QAD's is {round(ahead_s):+d} s from ours",
        next_step="Set this machine's clock by NTP, or have QAD's set: people compare stamps of both.",
    )


def _qxtend_secrets(wiring: Wiring, connection: str) -> Trial:
    """Open what the sink needs for QXtend: it starts for no connection while one of these is missing."""
    problem = ""
    try:
        wiring.qxtend_login(connection)
    except ConnectorError as error:
        problem = str(error)
    return Trial(
        what="secrets of QXtend",
        ok=not problem,
        found="not all can be opened" if problem else "can be opened; the first document tries them",
        next_step=f"{problem}. Until then the sink does not start.",
    )


async def _rights(client: QadClient, profile: Profile) -> AsyncIterator[Trial]:
    for kind, document in profile.documents.items():
        if profile.permission.path and document.view_uri:
            yield await try_permission(client, profile.permission, kind, document.view_uri)


async def _reference_list(references: QadReferences, name: str) -> Trial:
    try:
        count = sum([len(page) async for page in references.read(name)])
    except ConnectorError as error:
        return Trial(what=f"browse of {name}", ok=False, found="does not work", next_step=str(error))
    return Trial(
        what=f"browse of {name}",
        ok=count > 0,
        found=f"{count} rows",
        next_step="No row came: is the workspace right, and the filter of this browse in the profile?",
    )


def _left_out(profile: Profile, kind: str) -> Trial:
    return Trial(
        what=f"documents of kind {kind}",
        ok=True,
        found=f"not in the profile: what would be one parks (no_such_kind); add [{profile.table}.{kind}] to carry it",
    )


async def _look_up(qad: LookUps, profile: Profile, kind: str) -> Trial:
    what = f"look-up of {kind}"
    if not qad.can_find(kind):
        return Trial(
            what=what,
            ok=False,
            found="none configured",
            next_step="Without one, a document whose answer is lost is parked for a person. "
            f"Add [{profile.table}.{kind}.find].",
        )
    try:
        await qad.try_look_ups(kind)
    except ConnectorError as error:
        return Trial(what=what, ok=False, found="does not work", next_step=str(error))
    find = profile.finds[kind]
    silent = kind == "receipt" and find is not None and not find.allocated
    return Trial(
        what=what,
        ok=True,
        found="answers; no column says what a receipt carries: a person says it where the log was lost"
        if silent
        else "answers",
    )


async def _openings(qad: LookUps, items: OpenItems) -> Trial:
    what = "look-up of opening items"
    try:
        for kind in items.types:
            await qad.find_opening(number=_NOBODYS_NUMBER, item_kind=kind, currency="")
    except ConnectorError as error:
        return Trial(what=what, ok=False, found="does not work", next_step=str(error))
    return Trial(what=what, ok=True, found="answers")
