"""What QAD refuses: what it has already, some of many, and what people close there and open again."""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

from sandbox.qad.faults import Fault
from tests.faults.erp import fired
from tests.faults.places import Place
from tests.faults.scenario import Scenario, Trial, until
from tests.faults.ways import OVER_ALL
from tests.faults.work import DAY

# What is made has been decided by then, and waits for a sink.
_DECIDED_S = 8.0
# A round of the references, and all that it lets go.
_GOES_ON_S = 90.0
# At each place so many of so many are refused.
_REFUSED, _OF = 3, 50


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
        refused = sum("ALREADY_EXISTS" in place.way.errors(call) for call in calls)
        trial.fired["ALREADY_EXISTS"] += refused
        trial.over[place.way.name] += refused
    # By now browses show all of it: what a person releases is looked up, and found.
    await asyncio.sleep(15)
    trial.figures["parked as duplicate, released, found"] = str(await _release(trial, "duplicate"))
    for place in places:
        place.qad.control.change_settings({"books": {"unique_reference": []}})


async def three_of_fifty_refused(trial: Trial) -> None:
    """Refuse 3 calls at each place for a business reason: they park, the others go on; then they are released."""
    places, before = trial.installation.places, fired(trial, "business_error")
    made = {place.name: len(trial.work.made[place.name].numbers) for place in places}
    for place in places:
        place.qad.control.arm(
            Fault(name="business_error", kind="invoice", count=_REFUSED, code="CUSTOMER_ON_HOLD", field="customer_code")
        )
    await trial.work.make(_OF * len(places), over_s=10, bursts=3)
    await until(lambda: all(len(missing) <= _REFUSED for missing in _missing(trial).values()), within_s=60)
    # Nothing more comes of it: what is not in QAD now waits for a person.
    await asyncio.sleep(5)
    parked = {
        key for key, rows in (await _standing_still(trial)).items() if any(row["rule"] == "customer" for row in rows)
    }
    for place in places:
        numbers, missing = trial.work.made[place.name].numbers[made[place.name] :], _missing(trial)[place.name]
        trial.fired["posted meanwhile"] += len(numbers) - len(missing)
        trial.fired["parked"] += len(missing)
        trial.over[place.way.name] += len(missing)
        if len(missing) != _REFUSED or {(place.name, number) for number in missing} - parked:
            trial.findings.append(
                f"{place.name}: of {len(numbers)} are {sorted(missing)} not in QAD; parked are {sorted(parked)}"
            )
    trial.fired["refused"] += fired(trial, "business_error") - before
    await _release(trial, "customer")


async def _parked_by(trial: Trial, rule: str) -> list[str]:
    """Return the connections with a document that is parked by a rule, as often as there is one."""
    listed = await trial.installation.product.ask("parked", "list")
    return [one["row"]["connection"] for one in listed["standing_still"] if one["row"]["rule"] == rule]


async def _release(trial: Trial, rule: str) -> int:
    """Release all that is parked by a rule, as a person would; return how many that was."""
    standing = await _parked_by(trial, rule)
    for name in sorted(set(standing)):
        words = ("parked", "release", "--rule", rule, "-c", name, "--why", "mended", "--yes")
        await trial.installation.product.command(*words)
    return len(standing)


class Switch(NamedTuple):
    """Something in QAD that a person closes and opens again.

    Attributes:
        turn: Closes (False) or opens it at a place; returns how many things that was.
        refuses: How the codes begin by which QAD refuses what comes meanwhile.
        rules: By which a document stands still for it: where QAD refused it, and where a stage knew before.
    """

    turn: Callable[[Place, bool], int]
    refuses: str
    rules: frozenset[str]


async def closed_and_opened(trial: Trial) -> None:
    """Close the period, then customers, then accounts: what comes meanwhile stands, and goes on by itself."""
    places, crew = trial.installation.places, trial.installation.crew
    for what, switch in SWITCHES.items():
        # Decided before it is closed, and sent afterwards: QAD itself has to refuse it.
        await asyncio.gather(*(sink.leave() for sink in crew.of("sink")))
        await trial.work.make(24)
        await asyncio.sleep(_DECIDED_S)
        calls = {place.name: place.qad.installation.log.count for place in places}
        before = sum(len(place.ledger.documents) for place in places)
        turned = max(switch.turn(place, False) for place in places)
        crew.start()
        await trial.work.make(36, over_s=8, bursts=3)
        await _hold_explained(trial, what, switch)
        refused = Counter[str]()
        for place in places:
            told = _refusals(place, calls[place.name], switch.refuses)
            trial.over[place.way.name] += told.total()
            refused += told
        trial.fired[f"refused: {what}"] += refused.total()
        booked = sum(len(place.ledger.documents) for place in places) - before
        trial.figures[f"booked meanwhile, {what}"] = str(booked)
        # It is sent again when QAD shows a change of what it waits for, and not before.
        again = {reference: count for reference, count in refused.items() if count > 1 + turned}
        if again:
            trial.findings.append(f"{what}: refused again and again although nothing had changed: {again}")
        for place in places:
            switch.turn(place, True)
        if not await until(lambda: not any(_missing(trial).values()), within_s=_GOES_ON_S):
            trial.findings.append(f"{what}: {_missing(trial)} did not go on when it was over")


def _refusals(place: Place, since: int, begins: str) -> Counter[str]:
    """Return how often each reference was refused by codes that begin so, since so many calls."""
    return Counter(
        reference
        for call in place.qad.control.requests(after=since, limit=1_000_000)
        if any(code.startswith(begins) for code in place.way.errors(call))
        for reference in call.references
    )


async def _hold_explained(trial: Trial, what: str, switch: Switch) -> None:
    """Hold that all that is not in QAD stands still for the right reason, or behind what does."""
    rows: dict[tuple[str, str], list[dict[str, Any]]] = {}
    unexplained: set[tuple[str, str]] = set()
    for _ in range(15):
        await asyncio.sleep(2)
        rows = await _standing_still(trial)
        unexplained = {
            (place, number)
            for place, missing in _missing(trial).items()
            for number in missing
            if not any(row["rule"] in switch.rules or row["blocked_by"] for row in rows.get((place, number), ()))
        }
        if not unexplained:
            break
    for place, number in sorted(unexplained):
        said = [f"{row['stage']}: {row['rule']}" for row in rows.get((place, number), ())]
        trial.findings.append(f"{what}: {place}: {number} is not in QAD, and of it is said {said}")
    held = Counter(row["rule"] for found in rows.values() for row in found if row["rule"] in switch.rules)
    trial.fired[f"held: {what}"] += held.total()
    trial.figures[f"held by, {what}"] = ", ".join(f"{rule} {count}" for rule, count in sorted(held.items()))


async def _standing_still(trial: Trial) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """Return what waits and what is parked, by connection and number."""
    listed = await trial.installation.product.ask("parked", "list", "--waiting")
    rows: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for one in listed["standing_still"]:
        rows.setdefault((one["row"]["connection"], one["row"]["number"]), []).append(one["row"])
    return rows


def _missing(trial: Trial) -> dict[str, set[str]]:
    """Return the numbers that are not in QAD, by place."""
    return {
        place.name: set(trial.work.made[place.name].numbers)
        - {one.content.reference for one in place.ledger.documents.values()}
        for place in trial.installation.places
    }


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


SWITCHES = {
    "periods closed": Switch(_period, "PERIOD_", frozenset({"period_closed"})),
    "customers inactive": Switch(_customers, "CUSTOMER_", frozenset({"customer", "customer_unfit"})),
    "accounts inactive": Switch(_accounts, "ACCOUNT_", frozenset({"gl_account", "gl_account_unfit"})),
}


SCENARIOS = (
    Scenario(
        name="QAD refuses a repeated reference",
        faults=("F11",),
        script=refused_as_repeated,
        expects=("ALREADY_EXISTS",),
        over=OVER_ALL,
        rounds=2,
    ),
    Scenario(
        name="3 of 50 calls refused, then released",
        faults=("F12", "F13"),
        script=three_of_fifty_refused,
        expects=("refused", "parked", "posted meanwhile"),
        over=OVER_ALL,
        documents=6,
        over_s=0,
        bursts=1,
    ),
    Scenario(
        name="period closed, customers and accounts inactive, then back",
        faults=("F13",),
        script=closed_and_opened,
        expects=tuple(f"{how}: {what}" for what in SWITCHES for how in ("refused", "held")),
        over=OVER_ALL,
        documents=12,
        over_s=0,
        bursts=1,
    ),
)
