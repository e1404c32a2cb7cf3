"""Customers that people approve, made in QAD while the process that makes them is killed, not answered, or doubled.

Each stands in QAD once, with one business relation, under the code that was approved; what was billed to it meanwhile
follows. What somebody else has keyed under that code is left as it is.
"""

import asyncio
import signal
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import NamedTuple

import msgspec

from console.demo.product import CommandFailed
from sandbox.qad.books.master import Catalogue, Customer
from sandbox.qad.faults import Fault
from sandbox.world.charges import services
from sandbox.world.population import Account
from sandbox.zuora.acts import NewAccount, NewContact, NewInvoice
from sandbox.zuora.money import rounded
from tests.faults.places import Place
from tests.faults.scenario import Scenario, Trial, until
from tests.faults.ways import OVER_ALL, WAYS
from tests.faults.work import DAY

_PROCESS = "customers"
# As Zuora calls them; the profile says what QAD does.
_COUNTRIES = {"DE": "Germany", "US": "United States"}
_WITHIN_S = 40.0
# So slow that a process is caught between two calls.
_SLOW_MS = 700
_LOOKS = 20
_LOST = ("business_relation", "customer", "operations")


class Newcomer(NamedTuple):
    """A billing account that QAD has no customer for.

    Attributes:
        code: What its customer is to be called; its relation is called so as well.
    """

    place: Place
    account: Account
    code: str

    @property
    def customers(self) -> list[str]:
        """Codes of all customers that QAD holds for it."""
        held = _catalogue(self.place).customers.values()
        return [one.customer_code for one in held if one.custom_short_0 == self.account.number]

    @property
    def relations(self) -> list[str]:
        """Codes of all business relations of its name."""
        held = self.place.qad.installation.books.master.business_relations.values()
        return [one.business_relation_code for one in held if one.business_relation_name == self.account.name]

    @property
    def is_between(self) -> bool:
        """Whether its relation stands in QAD and its customer does not."""
        return bool(self.relations) and not self.customers

    @property
    def is_made(self) -> bool:
        """Whether its customer is whole."""
        held = _catalogue(self.place).customers
        return bool(self.customers) and all(
            one.site_code and one.daybook_set_code for one in held[self.customers[0]].operations.values()
        )


def _any_between(newcomers: Sequence[Newcomer]) -> bool:
    return any(one.is_between for one in newcomers)


def _catalogue(place: Place) -> Catalogue:
    return place.qad.installation.books.master.catalogues[place.world.site.shared_set]


async def killed_and_not_answered(trial: Trial) -> None:
    """Kill the process when a relation stands and its customer does not; then lose the answer of every call."""
    maker = trial.installation.crew[_PROCESS]
    for _ in range(trial.rounds):
        newcomers = await _newcomers(trial)
        _slow(newcomers, ms=_SLOW_MS)
        approving = asyncio.create_task(_approve_all(trial, newcomers))
        left = list(newcomers)
        while left and await until(partial(_any_between, left), within_s=_WITHIN_S, look_s=0.02):
            caught = [one for one in left if one.is_between]
            trial.fired["SIGKILL"] += maker.kill()
            trial.fired["caught between relation and customer"] += len(caught)
            for one in caught:
                trial.over[one.place.way.name] += 1
                left.remove(one)
        await approving
        _slow(newcomers, ms=0)
        await _hold_made(trial, newcomers)

        newcomers = await _newcomers(trial)
        armed = [
            one.place.qad.control.arm(Fault(name="commit_then_reset", kind=kind, count=1))
            for one in newcomers
            for kind in _LOST
        ]
        await _approve_all(trial, newcomers)
        await _hold_made(trial, newcomers)
        for fault in armed:
            trial.fired[f"answer lost: {fault.fault.kind}"] += fault.fired
        await _release_early_ones(trial, newcomers)


async def two_at_once(trial: Trial) -> None:
    """Approve one account under two codes, let two processes make customers, and let a code be taken meanwhile."""
    crew = trial.installation.crew
    maker, other = crew[_PROCESS], crew.another(_PROCESS)
    for _ in range(trial.rounds):
        await maker.leave()
        twice = await _newcomers(trial)
        taken = [await _newcomer(trial, trial.draw.choice(trial.installation.places))]
        again = [one._replace(code=f"Z{one.code[1:]}") for one in twice]
        await _approve_all(trial, [*twice, *again, *taken])
        kept = {one: _key_by_hand(one) for one in taken}
        _slow(twice, ms=_SLOW_MS)
        maker.start()
        # Stopped between two calls, taken over, and woken.
        if await until(partial(_any_between, twice), within_s=_WITHIN_S, look_s=0.02):
            maker.signal(signal.SIGSTOP)
            trial.fired["stopped between relation and customer"] += 1
        other.start()
        await _hold_made(trial, twice)
        maker.signal(signal.SIGCONT)
        _slow(twice, ms=0)
        wanted = dict.fromkeys(twice, "customer_held") | dict.fromkeys(taken, "customer_code_taken")
        for where, rule in (await _parked(trial, wanted)).items():
            trial.fired[f"parked: {rule}"] += 1
            trial.over[where.place.way.name] += 1
        for one, before in kept.items():
            if msgspec.json.encode(_catalogue(one.place).customers[one.code]) != before:
                trial.findings.append(f"{one.place.name}: customer {one.code}, which is another's, was written over")
        anew = [one._replace(code=f"Y{one.code[1:]}") for one in taken]
        await _approve_all(trial, anew)
        await _hold_made(trial, anew)
        await _hold_made(trial, twice)
        await other.leave()
        await _release_early_ones(trial, [*twice, *taken])


async def _parked(trial: Trial, wanted: Mapping[Newcomer, str]) -> dict[Newcomer, str]:
    """Return the rule by which each newcomer's customer is parked, once each is by the one that is wanted."""
    due = {(one.place.name, one.account.number): rule for one, rule in wanted.items()}
    rules: dict[tuple[str, str], str] = {}
    for _ in range(_LOOKS):
        listed = await trial.installation.product.ask("parked", "list")
        rows = [one["row"] for one in listed["standing_still"] if one["row"]["stage"] == "customers"]
        rules = {(row["connection"], row["number"]): row["rule"] for row in rows}
        rules = {where: rule for where, rule in rules.items() if where in due}
        if rules == due:
            break
        await asyncio.sleep(1)
    if rules != due:
        trial.findings.append(f"parked are {rules}, and not {due}")
    return {one: rules[where] for one in wanted if (where := (one.place.name, one.account.number)) in rules}


async def _release_early_ones(trial: Trial, newcomers: Sequence[Newcomer]) -> None:
    """Release what was sent before its customer was whole: QAD's list of customers does not show when that is."""
    product, names = trial.installation.product, {one.place.name for one in newcomers}
    rows = [one["row"] for one in (await product.ask("parked", "list"))["standing_still"]]
    early = [row["connection"] for row in rows if row["rule"] == "customer" and row["connection"] in names]
    for name in sorted(set(early)):
        words = ("parked", "release", "--rule", "customer", "-c", name, "--why", "the customer is whole", "--yes")
        await product.command(*words)
    trial.figures["parked since their customer was not whole, released"] = str(len(early))


def _key_by_hand(newcomer: Newcomer) -> bytes:
    """Let somebody key another customer under the code of a newcomer's; return it as it stands there then."""
    customers = _catalogue(newcomer.place).customers
    pattern: Customer = next(iter(customers.values()))
    customers[newcomer.code] = msgspec.structs.replace(pattern, customer_code=newcomer.code, custom_short_0="ELSE")
    return msgspec.json.encode(customers[newcomer.code])


async def _newcomers(trial: Trial) -> list[Newcomer]:
    """Create an account without a customer at one place of each way, and bill it."""
    found = []
    for way in WAYS:
        place = trial.draw.choice([one for one in trial.installation.places if one.way is way])
        found.append(await _newcomer(trial, place))
    return found


async def _newcomer(trial: Trial, place: Place) -> Newcomer:
    tenant, made, site = place.zuora.tenant, trial.work.made[place.name], place.world.site
    count = len(tenant.accounts.latest)
    number, code = f"NEW-{count:06}", f"X{count:07}"
    account = msgspec.structs.replace(
        place.accounts[0],
        number=number,
        name=f"Newcomer {count} {place.name}",
        currency=site.base_currency,
        country=site.home,
        state="CA" if site.home == "US" else "",
        field_text="",
        customer=code,
        is_exempt=False,
    )
    contact = NewContact(
        last_name=account.contact,
        country=_COUNTRIES[site.home],
        state=account.state or None,
        city=account.place.city,
        postal_code=account.place.postal_code,
        address1="1 First Street",
    )
    await place.scene.zuora.act(
        "create_account",
        NewAccount(account_number=number, name=account.name, currency=account.currency, bill_to=contact),
    )
    amount = rounded(Decimal(trial.draw.randint(50, 500)), account.currency)
    items = place.scene.taxed(account, services(amount, DAY))
    # The scenario's own work counts what it bills: nobody else may bill meanwhile.
    async with trial.work._turns[place.name]:
        before = len(tenant.invoices.latest)
        await place.scene.bill(f"run {number}", DAY, [NewInvoice(account=number, items=items)])
        billed = list(tenant.invoices.latest.values())[before:]
    made.numbers += [row.invoice_number for row in billed]
    return Newcomer(place, account, code)


async def _approve_all(trial: Trial, newcomers: Sequence[Newcomer]) -> None:
    await asyncio.gather(*(_approve(trial, one) for one in newcomers))


async def _approve(trial: Trial, newcomer: Newcomer) -> None:
    """Approve a customer, as soon as its account has been read."""
    words = ("match", "create", newcomer.account.number, "-c", newcomer.place.name, "--code", newcomer.code)
    loop = asyncio.get_running_loop()
    end = loop.time() + _WITHIN_S
    while True:
        try:
            await trial.installation.product.command(*words, "--why", "new", "--approved-by", "grace", "--yes")
        except CommandFailed as failed:
            if "has not been read" not in str(failed) or loop.time() > end:
                raise
            await asyncio.sleep(1)
        else:
            trial.fired["approved"] += 1
            return


def _slow(newcomers: Sequence[Newcomer], *, ms: int) -> None:
    for one in newcomers:
        one.place.qad.control.change_settings({"traffic": {"latency_ms": 40 + ms}})


async def _hold_made(trial: Trial, newcomers: Sequence[Newcomer]) -> None:
    """Wait until each has its customer, whole; hold that it has one, and one relation."""
    if not await until(lambda: all(one.is_made for one in newcomers), within_s=_WITHIN_S):
        trial.findings.append(f"not made: {[(one.place.name, one.code) for one in newcomers if not one.is_made]}")
    for one in newcomers:
        if len(one.customers) > 1 or len(one.relations) > 1:
            trial.findings.append(
                f"{one.place.name}: {one.account.number} has customers {one.customers} and relations {one.relations}"
            )


SCENARIOS = (
    Scenario(
        name="customers: killed between relation and customer, answers lost",
        faults=("F1", "F9"),
        script=killed_and_not_answered,
        expects=(
            "approved",
            "SIGKILL",
            "caught between relation and customer",
            *(f"answer lost: {kind}" for kind in _LOST),
        ),
        over=OVER_ALL,
        documents=6,
        over_s=0,
        alone=True,
        bursts=1,
        rounds=3,
    ),
    Scenario(
        name="customers: approved twice, made by two, the code taken meanwhile",
        faults=("F2", "F33"),
        script=two_at_once,
        expects=(
            "approved",
            "stopped between relation and customer",
            "parked: customer_held",
            "parked: customer_code_taken",
        ),
        over=OVER_ALL,
        documents=6,
        over_s=0,
        alone=True,
        bursts=1,
        rounds=3,
    ),
)
