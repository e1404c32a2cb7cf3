"""What Zuora expresses twice moves QAD's books once: receivable, revenue, bank, prepayments (ACCOUNTING 1)."""

import pytest

from tests.pairs import cash, corrections, debits, unsettled
from tests.pairs.house import ENTITY, house, money

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
        # Read again, by stages that know the log alone, it changes nothing.
        made = len(one.qad.documents())
        one.world.restart()
        await one.settle()
        assert (len(one.qad.documents()), one.standing()) == (made, [])
