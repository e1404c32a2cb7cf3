"""Deciding again: releases, replays, repeats. What is new is emitted, what is known is not, whatever the order."""

import pytest

from schemas.mapping import LineRow
from schemas.topics import Topic
from tests.unit import builders as zuora
from tests.unit.erp import Sink
from tests.unit.world import World, world

INVOICE, PAYMENT = "invoice:inv1", "payment:pay1"
LATER, LAST = "2026-03-11T10:00:00Z", "2026-03-12T10:00:00Z"
OTHER = (LineRow(code="Subscription Revenue", account="4100", revenue="recognized"),)
NEW = zuora.item("100.00", accountingCode="New")


def sizes(found: World) -> tuple[int, ...]:
    return tuple(len(found.log[topic]) for topic in (Topic.MATCHED, Topic.POSTINGS, Topic.OUTCOMES))


def busy(*, undone: bool = True) -> World:
    """Return a world in which something of everything has happened."""
    found = world().put(
        zuora.invoice(zuora.item("100.00", taxes=[zuora.tax("19.00")])),
        zuora.simple_invoice("50.00", "inv2"),
        zuora.invoice(NEW, name="inv3"),
        zuora.payment("169.00", zuora.row("119.00"), zuora.row("40.00", "r2", to="inv2")),
        zuora.memo(zuora.memo_item("10.00"), rows=[zuora.row("10.00", "r3", to="inv2")]),
        zuora.simple_invoice(name="inv4", status="Draft"),
    )
    return found.put(zuora.draft("inv2", updated=LATER)) if undone else found


def test_a_start_adds_nothing():
    found = busy()
    before = sizes(found)
    for _ in range(3):
        found.restart()
    assert sizes(found) == before


def replay_all(found: World, *stages: str) -> None:
    for stage in stages:
        found.put(zuora.stage_replayed(stage, 1000))
    found.match.taken = found.ledger.taken = 0
    found.settle()


@pytest.mark.parametrize("stages", [("match",), ("ledger",), ("match", "ledger")])
def test_a_replay_with_todays_links_mapping_and_references_is_nothing_when_these_are_the_same(stages):
    found = busy(undone=False)
    before = sizes(found)
    replay_all(found, *stages)
    assert sizes(found) == before


def test_a_replay_is_nothing_either_where_documents_were_undone():
    found = busy()
    before = sizes(found)
    replay_all(found, "ledger")
    assert sizes(found) == before


def test_inputs_that_come_twice_add_nothing():
    found = busy()
    before = sizes(found)
    found.match.taken = found.ledger.taken = 0
    found.settle()
    assert sizes(found) == before


def test_a_mapping_that_is_mended_releases_what_was_parked():
    found = world().put(zuora.invoice(NEW), zuora.invoice(NEW, name="inv2"))
    found.put(zuora.published(2, lines=(*zuora.lines(), LineRow(code="New", account="4100"))))
    assert [event.mapping_version for event in found.sets] == [2, 2]
    assert [event.input_pass for event in found.sets] == ["release:1", "release:1"]
    assert found.standing(INVOICE) == ("released", "")


def test_a_replay_under_another_mapping_is_the_same_posting_with_other_content():
    found = world().put(zuora.simple_invoice(), zuora.published(2, lines=OTHER), zuora.replayed(INVOICE))
    first, second = found.postings
    assert (first.id, first.reference, first.n) == (second.id, second.reference, second.n)
    assert first.content_hash != second.content_hash
    assert first.source_hash == second.source_hash
    assert [event.input_pass for event in found.sets] == ["live", "replay:1"]


def test_a_release_without_any_change_emits_nothing():
    found = world().put(zuora.simple_invoice(), zuora.invoice(NEW, name="inv2"))
    before = sizes(found)
    found.put(zuora.released(INVOICE), zuora.released("invoice:inv2"), zuora.released("invoice:inv9"))
    assert sizes(found) == before


def test_a_release_posts_the_newest_version():
    newer = zuora.invoice(zuora.item("120.00", accountingCode="New"), updated=LATER, postedDate=LATER)
    found = world().put(zuora.invoice(NEW), newer)
    found.put(zuora.published(2, lines=(*zuora.lines(), LineRow(code="New", account="4100"))))
    assert [content.total for content in found.contents()] == [120]


def test_a_release_after_a_start_is_the_same():
    found = world().put(zuora.invoice(NEW))
    found.append(zuora.published(2, lines=(*zuora.lines(), LineRow(code="New", account="4100"))))
    found.restart()
    assert (found.standing(INVOICE), len(found.postings)) == (("released", ""), 1)


def test_a_parked_document_that_is_unposted_is_ignored_and_nothing_is_undone():
    found = world().put(zuora.invoice(NEW), zuora.draft(updated=LATER))
    found.put(zuora.published(2, lines=(*zuora.lines(), LineRow(code="New", account="4100"))))
    assert found.postings == []
    assert found.standing(INVOICE) == ("ignored", "not_posted")


def test_a_replay_of_what_is_posted_does_not_ask_whether_its_period_is_still_open():
    found = world().put(zuora.simple_invoice(), zuora.period(3, is_open=False), zuora.replayed(INVOICE))
    assert found.standing(INVOICE) == ("", "")


def test_a_replay_does_not_move_what_is_posted_to_another_date():
    found = world(policy={"closed_period": "first_open"}).put(zuora.simple_invoice())
    found.put(zuora.period(3, is_open=False), zuora.replayed(INVOICE), zuora.period(3), zuora.draft(updated=LATER))
    assert str(found.contents("inverse")[0].posting_date) == zuora.DAY


@pytest.mark.parametrize("how", ["next version", "replay of match"])
def test_a_newer_customer_rebuilds_the_posting(how):
    found = world().put(zuora.simple_invoice(), zuora.customer("C2", zuora_account=""), zuora.linked("C2"))
    if how == "next version":
        found.put(zuora.simple_invoice(updated=LATER, comments="x"))
    else:
        found.put(zuora.stage_replayed("match", 1000))
        found.match.taken = 0
        found.settle()
    assert found.matched[-1].customer == "C2"
    assert [content.customer for content in found.contents()] == ["C1", "C2"]
    assert len({posting.id for posting in found.postings}) == 1


def released_in_two_orders(*, ledger_first: bool) -> World:
    """Return a world in which one replay reaches the ledger before, or after, what match makes of it."""
    found = world().put(zuora.simple_invoice(), zuora.customer("C2", zuora_account=""), zuora.linked("C2"))
    found.append(zuora.replayed(INVOICE))
    for lane in (found.ledger, found.match) if ledger_first else (found.match,):
        lane.step()
    if not ledger_first:
        # The new match is there; the ledger takes it before it has read the decision.
        found.ledger.read[Topic.DECISIONS] += 1
        found.ledger.step()
        found.ledger.read[Topic.DECISIONS] -= 1
    found.settle()
    return found


def test_a_replay_rebuilds_for_the_new_customer():
    assert [content.customer for content in released_in_two_orders(ledger_first=True).contents()] == ["C1", "C2"]


def test_a_replay_rebuilds_for_the_new_customer_whichever_topic_is_read_first():
    assert [content.customer for content in released_in_two_orders(ledger_first=False).contents()] == ["C1", "C2"]


def test_an_older_version_that_is_matched_late_is_passed_over():
    found = world().put(zuora.simple_invoice("120.00", updated=LATER, postedDate=LATER))
    found.put(zuora.simple_invoice("100.00"))
    assert [content.total for content in found.contents()] == [120]


def test_matched_bytes_that_cannot_be_read_become_a_dead_letter_and_stop_nothing():
    found = world()
    found.log.write(Topic.MATCHED, b"{}")
    found.put(zuora.simple_invoice())
    assert (len(found.log[Topic.DEAD_LETTERS]), len(found.postings)) == (1, 1)


def test_an_account_is_nothing_for_the_ledger():
    found = world().put(zuora.account("acc2", number="A-2"))
    assert found.sets == []


def test_rows_of_one_pair_that_are_decided_again_do_not_wait_for_each_other():
    """Applied, unapplied and applied again to one invoice; decided again before anything of it was sent."""
    rows = [
        zuora.row("100.00"),
        zuora.row("-100.00", "r2", created=LATER),
        zuora.row("100.00", "r3", created=LAST),
    ]
    found = world(policy={"receipts": "prepayment"}).put(zuora.simple_invoice(), zuora.payment("100.00", *rows))
    found.put(zuora.replayed(PAYMENT))
    sink = Sink(found).run()
    assert (sink.stuck, sink.owed(INVOICE)) == ([], 0)
