"""Faults of QAD and of the way there: refused, lost, late, repeated, closed, away."""

import asyncio
from collections.abc import Awaitable, Callable

from sandbox.proxy.weather import LostReply, Weather
from sandbox.qad.faults import Fault
from tests.faults.places import Place
from tests.faults.scenario import Scenario, Trial
from tests.faults.work import DAY

# Below the profile's settle time (7 s) and above its time-out (4 s): a look-up in between finds nothing.
_LATE_S = 6.5
_WRITES = "POST /clouderp/api/erp/"
# As long as the caller's time-out keeps a silent call.
_SILENCE_S = 5.0


def fired(trial: Trial, name: str) -> int:
    """Return how often a fault of the stand-ins has fired so far."""
    return sum(place.qad.control.fired(name) for place in trial.installation.places)


def armed(*names: str, for_s: float, **settings: object) -> Callable[[Trial], Awaitable[None]]:
    """Return a script that arms faults of the stand-in for a while."""

    async def script(trial: Trial) -> None:
        before = {name: fired(trial, name) for name in names}
        for place in trial.installation.places:
            for name in names:
                place.qad.control.arm(Fault(name=name, seed=trial.draw.randrange(1000), **settings))  # type: ignore[arg-type]  # keywords by name
        await asyncio.sleep(for_s * trial.rounds)
        for name in names:
            trial.fired[name] += fired(trial, name) - before[name]

    return script


async def replies_lost_on_the_way(trial: Trial) -> None:
    """Lose replies in the network, after QAD has answered: reset, closed, silent."""
    places = trial.installation.places
    before = sum(place.proxy.counts["reply_lost"] for place in places)
    for how in ("reset", "close", "silence"):
        for place in places:
            place.proxy.lose_replies(LostReply(share=0.5, begins=_WRITES, how=how))
        await asyncio.sleep(8 * trial.rounds)
    trial.fired["replies lost"] += sum(place.proxy.counts["reply_lost"] for place in places) - before


async def bad_lines(trial: Trial) -> None:
    """Cut, reset, silence and slow the lines to QAD."""
    places = trial.installation.places
    for _ in range(trial.rounds):
        for place in places:
            place.proxy.weather = Weather(latency_ms=200, jitter_ms=300, slice_bytes=200)
        await asyncio.sleep(5)
        for _ in range(4):
            for place in places:
                trial.fired["cut"] += place.proxy.cut()
            await asyncio.sleep(1)
            for place in places:
                trial.fired["reset"] += place.proxy.reset()
            await asyncio.sleep(1)
        for place in places:
            place.proxy.weather = Weather(black_hole=True)
        before = sum(place.proxy.counts["held"] for place in places)
        await asyncio.sleep(_SILENCE_S)
        trial.fired["held"] += sum(place.proxy.counts["held"] for place in places) - before
        for place in places:
            place.proxy.weather = Weather()
        await asyncio.sleep(2)


async def refused_as_repeated(trial: Trial) -> None:
    """Let QAD refuse a reference that stands there already, and lose replies, so that some are repeated."""
    places = trial.installation.places
    for place in places:
        place.qad.control.change_settings({"books": {"unique_reference": ["custom_short_0"]}})
    before = [place.qad.control.requests(limit=1_000_000)[-1:] for place in places]
    # Booked and not shown by browses: the look-up finds nothing, and the second attempt meets the first.
    for place in places:
        place.qad.control.arm(Fault(name="late_visibility", share=0.5, seconds=25, seed=trial.draw.randrange(1000)))
        place.qad.control.arm(Fault(name="commit_then_reset", share=0.5, seed=trial.draw.randrange(1000)))
    await asyncio.sleep(20 * trial.rounds)
    for place in places:
        place.qad.control.disarm()
    await asyncio.sleep(12)
    for place, last in zip(places, before, strict=True):
        number = last[0].number if last else 0
        calls = place.qad.control.requests(after=number, limit=1_000_000)
        trial.fired["ALREADY_EXISTS"] += sum("ALREADY_EXISTS" in call.errors for call in calls)
    # By now browses show all of it: what a person releases is looked up, and found.
    await asyncio.sleep(15)
    trial.figures["parked as duplicate, released, found"] = str(await release(trial, "duplicate"))
    for place in places:
        place.qad.control.change_settings({"books": {"unique_reference": []}})


async def three_of_fifty_refused(trial: Trial) -> None:
    """Refuse 3 calls at each place for a business reason: they park, the others go on; then they are released."""
    places, before = trial.installation.places, fired(trial, "business_error")
    for place in places:
        place.qad.control.arm(
            Fault(name="business_error", kind="invoice", count=3, code="CUSTOMER_ON_HOLD", field="customer_code")
        )
    await asyncio.sleep(15)
    standing: list[str] = []
    async with asyncio.timeout(60):
        while len(standing) < 3 * len(places):
            await asyncio.sleep(1)
            standing = await parked_by(trial, "customer")
    trial.fired["refused"] += fired(trial, "business_error") - before
    trial.figures["parked"] = f"{len(standing)} of {3 * len(places)} refused"
    await release(trial, "customer")


async def parked_by(trial: Trial, rule: str) -> list[str]:
    """Return the connections with a document that is parked by a rule, as often as there is one."""
    listed = await trial.installation.product.ask("parked", "list")
    return [one["row"]["connection"] for one in listed["standing_still"] if one["row"]["rule"] == rule]


async def release(trial: Trial, rule: str) -> int:
    """Release all that is parked by a rule, as a person would; return how many that was."""
    standing = await parked_by(trial, rule)
    for name in sorted(set(standing)):
        words = ("parked", "release", "--rule", rule, "-c", name, "--why", "mended", "--yes")
        await trial.installation.product.command(*words)
    return len(standing)


async def closed_and_opened(trial: Trial) -> None:
    """Close the period, then customers, then accounts: what comes meanwhile stands, and goes on by itself."""
    places = trial.installation.places
    for what, switch in SWITCHES.items():
        for place in places:
            trial.fired[what] += switch(place, False)
        before = sum(len(place.ledger.documents) for place in places)
        await trial.work.make(60, over_s=8, bursts=3)
        await asyncio.sleep(6)
        booked = sum(len(place.ledger.documents) for place in places) - before
        trial.figures[f"booked meanwhile, {what}"] = str(booked)
        for place in places:
            switch(place, True)
        await asyncio.sleep(6)
    for place in places:
        calls = place.qad.control.requests(limit=1_000_000)
        trial.fired["refused by QAD"] += sum(bool(call.errors) for call in calls)


def _period(place: Place, is_open: bool) -> int:
    """Open or close the period that all documents are dated in."""
    site = place.world.site
    period = site.fiscal_period_of(DAY)
    place.qad.control.set_period(site.entity, period.year, period.period, is_open_for_sales=is_open)
    return 1


def _customers(place: Place, is_open: bool) -> int:
    """Activate or deactivate every second customer."""
    codes = sorted({account.customer for account in place.accounts})[::2]
    for code in codes:
        place.qad.control.set_customer(place.world.site.shared_set, code, is_active=is_open)
    return len(codes)


def _accounts(place: Place, is_open: bool) -> int:
    """Activate or deactivate the accounts of what was posted so far."""
    lines = [line for one in place.ledger.documents.values() for line in getattr(one.content, "posting_lines", ())]
    codes = {line.gl_account_code for line in lines}
    for code in codes:
        place.qad.control.set_account(place.world.site.shared_set, code, is_active=is_open)
    return len(codes)


SWITCHES: dict[str, Callable[[Place, bool], int]] = {
    "periods closed": _period,
    "customers inactive": _customers,
    "accounts inactive": _accounts,
}


def away(*, for_s: float) -> Callable[[Trial], Awaitable[None]]:
    """Return a script in which QAD is away: first it refuses connections, then it cuts them."""

    async def script(trial: Trial) -> None:
        places, crew = trial.installation.places, trial.installation.crew
        starts = {name: process.starts for name, process in crew.processes.items()}
        requests = {place.name: place.qad.installation.log.count for place in places}
        for place in places:
            await place.qad.refuse_connections()
        await asyncio.sleep(for_s / 2)
        for place in places:
            await place.qad.listen()
            place.qad.control.set_down(is_down=True)
        await asyncio.sleep(for_s / 2)
        for place in places:
            trial.fired["calls cut while away"] += place.qad.installation.log.count - requests[place.name]
        trial.fired["places away"] += len(places)
        trial.figures["away for"] = f"{for_s:.0f} s"
        restarted = [name for name, process in crew.processes.items() if process.starts != starts[name]]
        if restarted:
            trial.findings.append(f"started again while QAD was away: {restarted}")

    return script


SCENARIOS = (
    Scenario(
        name="QAD fails before it commits: 500, 503, reset",
        faults=("F8",),
        script=armed("http_500_before_commit", "http_503_before_commit", "reset_before_commit", for_s=20, share=0.2),
        expects=("http_500_before_commit", "http_503_before_commit", "reset_before_commit"),
        rounds=3,
    ),
    Scenario(
        name="QAD commits and fails: 500, 502, 504, reset, hang",
        faults=("F9",),
        script=armed(
            "commit_then_500",
            "commit_then_502",
            "commit_then_504",
            "commit_then_reset",
            "commit_then_hang",
            for_s=25,
            share=0.12,
        ),
        expects=("commit_then_500", "commit_then_502", "commit_then_504", "commit_then_reset", "commit_then_hang"),
        documents=120,
        rounds=10,
    ),
    Scenario(
        name="replies lost on the way back",
        faults=("F9",),
        script=replies_lost_on_the_way,
        expects=("replies lost",),
        documents=180,
        over_s=20,
        rounds=10,
    ),
    Scenario(
        name="lines to QAD cut, reset, silent, slow, in slices",
        faults=("F6", "F7"),
        script=bad_lines,
        expects=("cut", "reset", "held"),
        rounds=5,
    ),
    Scenario(
        name="QAD commits late: a look-up finds nothing, then it is there",
        faults=("F10",),
        script=armed("commit_late", for_s=15, share=0.3, seconds=_LATE_S),
        expects=("commit_late",),
        rounds=4,
    ),
    Scenario(
        name="QAD refuses a repeated reference",
        faults=("F11",),
        script=refused_as_repeated,
        expects=("ALREADY_EXISTS",),
        rounds=2,
    ),
    Scenario(
        name="3 of 50 calls refused, then released",
        faults=("F12", "F13"),
        script=three_of_fifty_refused,
        expects=("refused",),
        documents=300,
        over_s=10,
    ),
    Scenario(
        name="period closed, customers and accounts inactive, then back",
        faults=("F13",),
        script=closed_and_opened,
        expects=tuple(SWITCHES),
        documents=12,
        over_s=0,
        bursts=1,
    ),
    Scenario(
        name="QAD away for 40 s, then back",
        faults=("F14",),
        script=away(for_s=40),
        expects=("places away", "calls cut while away"),
    ),
    Scenario(
        name="QAD away for 10 minutes, then back",
        faults=("F14",),
        script=away(for_s=600),
        expects=("places away", "calls cut while away"),
        documents=600,
        over_s=300,
        bursts=30,
        drains_within_s=300,
        quick=False,
    ),
)
