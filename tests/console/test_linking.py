"""Who approves that an account goes to another customer: another person, where items are open or nobody knows."""

from contextlib import asynccontextmanager
from decimal import Decimal

import pytest

from console.customers.linking import Effects, _open_items, approval_problem
from schemas.matching import Matched, MatchRule
from tests.adapters.qad_company import ENTITY, post, qad_company
from tests.adapters.test_qad_finding import by_hand


def effects_of(open_items):
    return Effects(
        customers=("C1",), documents=3, posted=2, open_items=open_items, open_value={}, waiting=0, waiting_value={}
    )


@pytest.mark.parametrize("open_items", [0, 1, None])
@pytest.mark.parametrize("same", ["ada", "Ada", "ADA", " ada", "Ada "])
def test_nobody_approves_what_they_decide_themselves(open_items, same):
    assert "another person must approve" in approval_problem(effects_of(open_items), person="ada", approved_by=same)


@pytest.mark.parametrize(
    ("open_items", "problem"),
    [(0, ""), (1, "1 items are open in QAD: a second person"), (None, "open items cannot be told: a second person")],
)
def test_open_items_ask_for_a_second_person_and_so_does_not_knowing(open_items, problem):
    assert approval_problem(effects_of(open_items), person="ada", approved_by="").startswith(problem)
    assert bool(approval_problem(effects_of(open_items), person="ada", approved_by="")) is bool(problem)
    assert approval_problem(effects_of(open_items), person="ada", approved_by="grace") == ""


@pytest.mark.parametrize("open_items", [1, None])
def test_spaces_are_nobodys_name(open_items):
    assert "a second person" in approval_problem(effects_of(open_items), person="ada", approved_by="  ")


# -- what is open, asked of QAD ------------------------------------------------------------------------------------


@pytest.fixture
async def qad(tmp_path):
    async with qad_company(tmp_path) as company:
        yield company


class Wired:
    """One connection's QAD, as the composition root gives it."""

    def __init__(self, qad):
        self._qad = qad

    def files(self, _connection):
        return None

    def profile(self, _connection):
        return self._qad.profile()

    @asynccontextmanager
    async def qad(self, _connection, profile):
        yield await self._qad.client(profile)


def matched(number, *, customer="C0001"):
    return Matched(
        connection="acme",
        kind="invoice",
        id=number,
        number=number,
        origin=1,
        record_id="r",
        stamp="2026-01-31T00:00:00Z",
        account_id="a",
        account_number="A1",
        customer=customer,
        rule=MatchRule.LINK,
    )


async def test_only_what_is_open_is_counted_of_these_numbers_and_by_currency(qad):
    erp = await qad.erp()
    for number, amount in (("INV-1", "70.00"), ("INV-2", "30.00"), ("INV-3", "5.00")):
        qad.control.post_by_hand(ENTITY, by_hand(number, amount=amount), user="clerk")
    qad.control.post_by_hand(ENTITY, by_hand("CM-1", amount="20.00", kind="CREDITNOTE", daybook="ZCRN"), user="clerk")
    paid = await erp.find_opening(number="INV-1", item_kind="invoice", currency="USD")
    await post(erp, qad.receipt("70.00", (paid.document, "70.00")))
    items = {one["key"]["daybook_code"]: one["open_amount"] for one in qad.control.items(ENTITY)}
    assert sum(not one["open_amount"] for one in qad.control.items(ENTITY)) >= 1, items
    numbers = [matched(number) for number in ("INV-1", "inv-2", "CM-1", "INV-9")]
    found = await _open_items(Wired(qad), "acme", numbers)
    # What is paid has nothing open, INV-3 is not asked for, and what is owed to the customer counts as well.
    assert sorted(found) == [("USD", Decimal("20.00")), ("USD", Decimal("30.00"))]
    assert await _open_items(Wired(qad), "acme", [matched("INV-1")]) == []
