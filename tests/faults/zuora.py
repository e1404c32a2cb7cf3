"""Faults of Zuora's answers: too many requests, tokens that end, pages that change or are lost, no answers."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from sandbox.zuora.faults import Fault
from tests.faults.places import Place
from tests.faults.scenario import Scenario, Trial, until

# Zuora's own limit for one address.
_TOKEN_CALLS_PER_MINUTE = 100
# Above two pages of the largest size.
_PAGED = 220
_LISTS = r"^/object-query/[a-z-]+$"
_INVOICES = r"^/object-query/invoices$"


def fired(trial: Trial, name: str) -> int:
    """Return how often a fault of Zuora's stand-ins has fired so far."""
    armed = (one for place in trial.installation.places for one in place.zuora.faults.all)
    return sum(one.fired for one in armed if one.fault.name == name)


def arm(trial: Trial, name: str, *places: Place, **settings: object) -> None:
    """Arm a fault at some places, or at all."""
    for place in places or trial.installation.places:
        place.zuora.faults.arm(Fault(name=name, seed=trial.draw.randrange(1000), **settings))  # type: ignore[arg-type]  # keywords by name


def disarm(trial: Trial) -> None:
    """Take all faults of Zuora's stand-ins out of force."""
    for place in trial.installation.places:
        place.zuora.faults.disarm()


def armed(*names: str, for_s: float, **settings: object) -> Callable[[Trial], Awaitable[None]]:
    """Return a script that arms faults of the stand-ins for a while."""

    async def script(trial: Trial) -> None:
        before = {name: fired(trial, name) for name in names}
        for name in names:
            arm(trial, name, **settings)
        await asyncio.sleep(for_s * trial.rounds)
        disarm(trial)
        for name in names:
            trial.fired[name] += fired(trial, name) - before[name]

    return script


async def too_many_requests(trial: Trial) -> None:
    """Refuse calls for their number: first without a word of when to come again, then with one."""
    async with _TokenCalls(trial):
        for told, retry_after_s in (("429 without Retry-After", None), ("429 with Retry-After", 1)):
            before = fired(trial, "too_many_requests")
            arm(trial, "too_many_requests", share=0.5, retry_after_s=retry_after_s)
            await asyncio.sleep(7 * trial.rounds)
            disarm(trial)
            trial.fired[told] += fired(trial, "too_many_requests") - before
        before = fired(trial, "too_many_concurrent")
        arm(trial, "too_many_concurrent", share=0.3, retry_after_s=1)
        await asyncio.sleep(4 * trial.rounds)
        disarm(trial)
        trial.fired["429 for calls at once"] += fired(trial, "too_many_concurrent") - before


async def tokens_end(trial: Trial) -> None:
    """End all tokens, refuse some in the middle of a list, and refuse every one for a while."""
    async with _TokenCalls(trial):
        for _ in range(trial.rounds):
            for place in trial.installation.places:
                trial.fired["tokens ended"] += place.zuora.tokens.revoke()
            await asyncio.sleep(4)
            before = fired(trial, "unauthorized")
            arm(trial, "unauthorized", path=_LISTS, after=2, count=3)
            await asyncio.sleep(5)
            disarm(trial)
            trial.fired["401 among lists"] += fired(trial, "unauthorized") - before
            before = fired(trial, "unauthorized")
            arm(trial, "unauthorized")
            await asyncio.sleep(9)
            disarm(trial)
            trial.fired["401 to every call"] += fired(trial, "unauthorized") - before


async def bad_pages(trial: Trial) -> None:
    """Change rows while a list is paged, fail its third page, lose its cursor, cut it; no callout tells of its rows."""
    names = ("row_shift", "page_fails", "cursor_lost", "truncated_json")
    for number in range(trial.rounds):
        before = {name: fired(trial, name) for name in names}
        place = trial.installation.places[number % len(trial.installation.places)]
        arm(trial, "callout_drop", place)
        arm(trial, "page_fails", place, path=_INVOICES, page=3, count=2)
        arm(trial, "cursor_lost", place, path=_INVOICES, count=2)
        arm(trial, "row_shift", place, path=_INVOICES, share=0.5)
        arm(trial, "truncated_json", place, path=_LISTS, share=0.1)
        await trial.work.bill_at_once(place, _PAGED)
        await until(lambda: all(fired(trial, name) > before[name] for name in names), within_s=30)  # noqa: B023 - in here
        await asyncio.sleep(3)
        disarm(trial)
        for name in names:
            trial.fired[name] += fired(trial, name) - before[name]


class _TokenCalls:
    """Holds meanwhile that the limit of token calls is not passed: it is one for all tenants, who share an address."""

    def __init__(self, trial: Trial) -> None:
        self._trial = trial
        self._began_s = time.time()

    async def __aenter__(self) -> None:
        self._began_s = time.time()

    async def __aexit__(self, *_: object) -> None:
        entries = [one for place in self._trial.installation.places for one in place.zuora.journal.entries]
        at_s = [one.at_s for one in entries if one.at_s >= self._began_s and one.path == "/oauth/token"]
        most = max((sum(one <= other < one + 60 for other in at_s) for one in at_s), default=0)
        if most > _TOKEN_CALLS_PER_MINUTE:
            self._trial.findings.append(f"{most} token calls within a minute")
        self._trial.figures["token calls within a minute, at most"] = str(most)


SCENARIOS = (
    Scenario(
        name="Zuora answers 429, with and without Retry-After",
        faults=("F18",),
        script=too_many_requests,
        expects=("429 without Retry-After", "429 with Retry-After", "429 for calls at once"),
        rounds=3,
    ),
    Scenario(
        name="Zuora's tokens end, among the pages of a list and every new one",
        faults=("F19",),
        script=tokens_end,
        expects=("tokens ended", "401 among lists", "401 to every call"),
        rounds=3,
    ),
    Scenario(
        name="pages change while they are read, fail, are cut, lose their cursor",
        faults=("F20",),
        script=bad_pages,
        expects=("row_shift", "page_fails", "cursor_lost", "truncated_json"),
        rounds=3,
    ),
    Scenario(
        name="answers that are none: success false, HTML, another content type",
        faults=("F21",),
        script=armed("success_false", "html_page", "http_503", "wrong_content_type", for_s=14, share=0.15),
        expects=("success_false", "html_page", "http_503", "wrong_content_type"),
        rounds=3,
    ),
)
