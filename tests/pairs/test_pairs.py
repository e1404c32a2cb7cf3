"""What Zuora expresses twice moves QAD's books once: receivable, revenue, bank, prepayments (ACCOUNTING 1)."""

from datetime import date
from decimal import Decimal

import msgspec
import pytest

from sandbox.qad.books.documents import BankingEntry
from schemas.mapping import Analysis
from tests.pairs import cash, corrections, debits, unsettled
from tests.pairs.house import ACCOUNTS, ENTITY, house, money
from tests.pairs.judges import broken, reconciled, unexplained

PAIRS = [*cash.PAIRS, *corrections.PAIRS, *debits.PAIRS, *unsettled.PAIRS]


async def nothing() -> None:
    """Let both come at once."""


@pytest.mark.parametrize("unapply_rows", ["negative", "positive"])
@pytest.mark.parametrize("seen", ["one after the other", "at once"])
@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.name)
async def test_an_act_and_its_document_move_qads_books_once(tmp_path, pair, seen, unapply_rows):
    async with house(tmp_path, policy=dict(pair.policy), unapply_rows=unapply_rows, **pair.tenant) as one:
        await pair.act(one, one.settle if seen == "one after the other" else nothing)
        await one.settle()
        assert one.standing() == [], one.sink.refused
        assert one.books() == money(**pair.books), one.sink.refused
        assert one.owed() == one.owed_by_zuora()
        assert one.qad.control.audit()[ENTITY] == []
        assert (await broken(one), await unexplained(one)) == ([], [])
        # All that ever moved a balance is known by its day: before it, nobody owed anything.
        told = await reconciled(one, on=date(2030, 1, 1))
        assert {(line.opening, line.other) for line in told.roll_forward} <= {(0, 0)}
        assert {line.account: line.qad for line in told.movements if line.sent and line.sent != line.qad} == {}
        # Read again, by stages that know the log alone, it changes nothing.
        made = len(one.qad.documents())
        one.world.restart()
        await one.settle()
        assert (len(one.qad.documents()), one.standing()) == (made, [])


@pytest.mark.parametrize("seen", ["one after the other", "at once"])
@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.name)
async def test_by_way_of_the_clearing_account_the_books_are_the_same_and_it_is_zero(tmp_path, pair, seen):
    policy = {**pair.policy, "gl": "journal", "clearing": Analysis(account=ACCOUNTS["clearing"])}
    async with house(tmp_path, policy=policy, **pair.tenant) as one:
        await pair.act(one, one.settle if seen == "one after the other" else nothing)
        await one.settle()
        assert one.standing() == [], one.sink.refused
        assert one.books() == money(**pair.books), one.sink.refused
        assert one.qad.control.audit()[ENTITY] == []
        assert (await broken(one), await unexplained(one)) == ([], [])


@pytest.mark.parametrize("never_read", ["refund", "cancellation"])
async def test_both_judges_name_money_that_never_came_to_qad(tmp_path, never_read):
    async with house(tmp_path) as one:
        payment = await one.payment()
        await one.settle()
        assert (await broken(one), await unexplained(one)) == ([], [])
        if never_read == "refund":
            await one.act("refund_payment", source=payment["id"], amount=Decimal("40.00"))
        else:
            await one.act("cancel_payment", payment=payment["id"])
        assert await broken(one)
        assert await unexplained(one)


async def test_a_refund_that_somebody_keyed_by_hand_is_named(tmp_path):
    async with house(tmp_path) as one:
        payment = await one.payment()
        await one.act("refund_payment", source=payment["id"], amount=Decimal("40.00"))
        await one.settle()
        [posted] = [document for document in one.qad.documents() if document["kind"] == "banking"]
        said = {**posted["content"], "voucher": 0, "custom_short_0": "", "amount": Decimal("10.00")}
        moved = msgspec.structs.replace(said["allocations"][0], amount=Decimal("10.00"))
        again = BankingEntry(**{**said, "allocations": (moved,)})
        one.qad.control.post_by_hand(ENTITY, again, user="eve")
        assert any(said.startswith("foreign") for said in await unexplained(one))
