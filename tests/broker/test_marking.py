"""The marking on a real broker and a real tenant: each mark once, whatever ends or fails, and nothing else moves."""

import asyncio
import signal

import msgspec
import pytest
import structlog

from adapters.zuora.asking import posts
from schemas.postings import Act
from schemas.topics import Topic
from streams.mark.marks import WriteBack
from tests.adapters.zuora_tenant import zuora_tenant
from tests.broker.marking import Marking, running_both
from tests.unit import builders


@pytest.fixture
async def world(cluster, monkeypatch):
    monkeypatch.setattr("adapters.kafka.mark_lane._PAUSE_MAX_S", 0.05)
    monkeypatch.setattr("adapters.zuora.asking.pacing.PAUSE_MAX_S", 0.02)
    async with zuora_tenant() as zuora:
        for name in ("Account", "Invoice", "Payment"):
            for field in ("QADCode__c", "QADDocument__c"):
                zuora.tenant.define_custom_field(name, field)
        yield Marking(cluster, zuora)


async def test_what_is_in_qad_and_what_is_matched_is_marked_and_said(world, eventually):
    zuora = world.zuora
    invoice = zuora.invoice()
    payment, account = zuora.payment(invoice), invoice.account_id
    await world.matched(account, "C1")
    number, of_payment = await world.posted(invoice, payment)
    async with world.running():
        await eventually(world.all_is_acknowledged)
    assert world.stands(invoice) == ("Yes", number)
    row = zuora.tenant.tables[type(payment)].latest[payment.id]
    assert (row.transferred_to_accounting, row.custom["QADDocument__c"]) == ("Yes", of_payment)
    assert world.account(account).custom["QADCode__c"] == "C1"
    said = {outcome.subject: outcome for outcome in await world.said()}
    assert set(said) == {f"invoice:{invoice.id}", f"payment:{payment.id}", f"account:{account}"}
    assert {outcome.how for outcome in said.values()} == {"answer"}
    assert said[f"invoice:{invoice.id}"].fields == {"TransferredToAccounting": "Yes", "QADDocument__c": number}
    assert len(world.calls) == 3
    assert all(len(key) < 255 for key in world.calls)


async def test_what_was_not_committed_or_makes_no_document_is_not_marked(world, eventually):
    aborted, applied, reversed_ = (world.zuora.invoice() for _ in range(3))
    memo = world.zuora.credit_memo()
    await world.posted(aborted, commit=False)
    await world.posted(applied, act=Act.ALLOCATE, step="allocate:r1")
    await world.posted(reversed_, act=Act.REVERSE, step="inverse")
    await world.posted(memo)
    async with world.running():
        await eventually(world.all_is_acknowledged)
    assert (world.calls, await world.said()) == ([], [])


async def test_each_document_of_an_account_does_not_ask_again(world, eventually):
    account = world.zuora.invoice().account_id
    async with world.running(WriteBack(customer_code="QADCode__c")):
        for customer in ("C1", "C1", "C2", "C2", "C1"):
            await world.matched(account, customer)
            await eventually(world.all_is_acknowledged)
        await world.matched(account, "C9", kept=True)
        await eventually(world.all_is_acknowledged)
    assert [outcome.fields["QADCode__c"] for outcome in await world.said()] == ["C1", "C2", "C1"]
    assert world.account(account).custom["QADCode__c"] == "C1", "back to C1 within a day, under a key of its own"
    assert len(set(world.calls)) == len(world.calls) == 3


async def test_what_stands_there_already_is_not_written(world, eventually):
    invoice = world.zuora.invoice()
    (number,) = await world.posted(invoice)
    with world.zuora.tenant.act("by hand"):
        stands = {"transferred_to_accounting": "Yes", "custom": {"QADDocument__c": number}}
        world.zuora.tenant.change(world.invoice(invoice), **stands)
    async with world.running():
        await eventually(world.all_is_acknowledged)
    assert ([outcome.how for outcome in await world.said()], world.calls) == (["found"], [])


async def test_hundreds_go_in_groups_of_fifty(world, eventually):
    invoices = [world.zuora.invoice() for _ in range(60)]
    numbers = await world.posted(*invoices)
    async with world.running():
        await eventually(world.all_is_acknowledged)
    assert [world.stands(one) for one in invoices] == [("Yes", number) for number in numbers]
    assert len(world.calls) < 10
    assert len(await world.said("marked")) == 60


async def test_one_bad_object_of_a_group_parks_and_the_others_are_marked(world, eventually):
    good, bad = [world.zuora.invoice() for _ in range(3)], world.zuora.invoice()
    numbers = await world.posted(*good, bad)
    armed = world.zuora.arm("object_locked", bad.id)
    async with world.running():
        await eventually(world.all_is_acknowledged)
    assert [world.stands(one) for one in good] == [("Yes", number) for number in numbers[:3]]
    (parked,) = await world.said("parked")
    assert (parked.subject, parked.reason.rule, armed.fired) == (f"invoice:{bad.id}", "mark_failed", 7)
    assert "lock competition" in parked.reason.message
    world.zuora.sandbox.faults.disarm()
    async with world.running():
        await world.release(f"invoice:{bad.id}")
        await eventually(world.all_is_acknowledged)
    assert world.stands(bad) == ("Yes", numbers[3])
    assert (await world.said())[-1].input_pass == "release:1"


async def test_a_value_that_zuora_does_not_take_parks_at_once(world, eventually):
    invoice, payment = world.zuora.invoice(), world.zuora.payment()
    await world.posted(invoice, payment)
    async with world.running(WriteBack(document_number="Nosuch__c", transferred=True)):
        await eventually(world.all_is_acknowledged)
    parked = await world.said("parked")
    assert {(one.document.partition(":")[0], one.reason.rule) for one in parked} == {
        ("invoice", "mark_refused"),
        ("payment", "mark_refused"),
    }
    assert all("Nosuch__c" in one.reason.message for one in parked)
    assert len(world.calls) == 2


async def test_a_type_that_the_tenant_does_not_take_holds_up_no_other(world, eventually):
    world.zuora.use(action_types=("Account", "Invoice"))
    invoice, payment = world.zuora.invoice(), world.zuora.payment()
    (number, _) = await world.posted(invoice, payment)
    async with world.running():
        await eventually(world.all_is_acknowledged)
    assert world.stands(invoice) == ("Yes", number)
    (left_out,) = await world.said("ignored")
    assert (left_out.subject, left_out.reason.rule) == (f"payment:{payment.id}", "mark_not_taken")


async def test_what_zuora_does_not_have_is_left_out(world, eventually):
    invoice = world.zuora.invoice()
    await world.posted(invoice)
    await world.posted(msgspec.structs.replace(invoice, id="8a404"))
    async with world.running():
        await eventually(world.all_is_acknowledged)
    assert [one.subject for one in await world.said("ignored")] == ["invoice:8a404"]
    assert world.stands(invoice)[0] == "Yes"


# -- what ends, and what fails -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["lost_reply", "cut_body"])
async def test_a_lost_reply_is_asked_for_again_under_its_key(world, eventually, fault):
    invoice = world.zuora.invoice()
    (number,) = await world.posted(invoice)
    armed = world.zuora.arm(fault, posts.UPDATE, count=1)
    async with world.running():
        await eventually(world.all_is_acknowledged)
    assert (armed.fired, world.stands(invoice)) == (1, ("Yes", number))
    assert len(world.calls) == 2
    assert len(set(world.calls)) == 1, "the stored answer was asked for"
    assert [one.how for one in await world.said()] == ["answer"]


async def test_killed_after_zuora_did_it_and_before_anybody_knows_it_is_not_done_again(world, eventually, tmp_path):
    invoice = world.zuora.invoice()
    (number,) = await world.posted(invoice)
    armed = world.zuora.arm("hang_after", posts.UPDATE, count=1, seconds=600)
    process = world.process(tmp_path / "first.log")
    try:

        async def done():
            assert world.stands(invoice) == ("Yes", number), (tmp_path / "first.log").read_text()[-2000:]

        await eventually(done, within_s=60)
    finally:
        process.send_signal(signal.SIGKILL)
        await asyncio.to_thread(process.wait)
    assert (armed.fired, await world.said()) == (1, [])
    stamp = world.invoice(invoice).updated_date
    world.zuora.later(minutes=1)
    async with world.running():
        await eventually(world.all_is_acknowledged, within_s=60)
    assert world.invoice(invoice).updated_date == stamp, "no second effect"
    assert ([one.how for one in await world.said()], len(world.calls)) == (["found"], 1)


async def test_a_call_that_is_under_way_elsewhere_is_waited_for(world, eventually):
    """Its key is in use: 409 is no yes, and no reason for another key."""
    invoice = world.zuora.invoice()
    (number,) = await world.posted(invoice)
    # It is done when the first call ends: until then the second reads what stood there, and meets the key.
    slow = world.zuora.arm("slow", posts.UPDATE, count=1, seconds=1.0)
    async with world.running() as worker:

        async def fired():
            assert slow.fired == 1

        await eventually(fired)
        for task in list(worker._under_way.values()):
            task.cancel()
            await asyncio.wait([task])
    async with world.running():
        await eventually(world.all_is_acknowledged)
    statuses = [one.status for one in world.zuora.requests(posts.UPDATE)]
    assert world.stands(invoice) == ("Yes", number)
    assert len(set(world.calls)) == 1
    assert 409 in statuses


@pytest.mark.parametrize("fault", ["http_500", "success_false"])
async def test_a_burnt_key_is_left_behind(world, eventually, fault):
    invoice = world.zuora.invoice()
    (number,) = await world.posted(invoice)
    armed = world.zuora.arm(fault, posts.UPDATE, count=2)
    async with world.running():
        await eventually(world.all_is_acknowledged)
    assert (armed.fired, world.stands(invoice)) == (2, ("Yes", number))
    assert len(set(world.calls)) == 3
    assert [one.how for one in await world.said()] == ["answer"]


async def test_when_the_key_is_forgotten_what_stands_there_is_read_first(world, eventually):
    """A day after a call whose answer was lost, its key protects nothing any more."""
    invoice = world.zuora.invoice()
    (number,) = await world.posted(invoice)
    lost = world.zuora.arm("lost_reply", posts.UPDATE, count=1)
    async with world.running() as worker:

        async def fired():
            assert lost.fired == 1

        await eventually(fired)
        for task in list(worker._under_way.values()):
            task.cancel()
            await asyncio.wait([task])
    stamp, calls = world.invoice(invoice).updated_date, len(world.calls)
    world.zuora.later(hours=25)
    async with world.running():
        await eventually(world.all_is_acknowledged)
    assert world.stands(invoice) == ("Yes", number)
    assert world.invoice(invoice).updated_date == stamp
    assert len(world.calls) == calls
    assert (await world.said())[-1].how == "found"


@pytest.mark.parametrize("fault", ["http_503", "too_many_requests", "too_many_concurrent", "reset"])
async def test_with_zuora_away_it_stands_still_with_one_sentence_and_goes_on(world, eventually, fault):
    invoice = world.zuora.invoice()
    (number,) = await world.posted(invoice)
    armed = world.zuora.arm(fault)
    with structlog.testing.capture_logs() as heard:
        async with world.running():

            async def tried():
                assert armed.fired > 12

            await eventually(tried)
            assert await world.said() == []
            world.zuora.sandbox.faults.disarm()
            await eventually(world.all_is_acknowledged)
    assert world.stands(invoice) == ("Yes", number)
    told = [line["event"] for line in heard if "marking" in line["event"]]
    assert told == ["marking stands still; it is tried again by itself", "marking goes on"]


async def test_a_user_who_may_not_write_stops_it_with_one_sentence(world, eventually):
    invoice = world.zuora.invoice()
    (number,) = await world.posted(invoice)
    armed = world.zuora.arm("http_500", posts.UPDATE, code=50000010)
    with structlog.testing.capture_logs() as heard:
        async with world.running():

            async def tried():
                assert armed.fired > 2

            await eventually(tried)
            assert await world.said() == [], "nothing parks for it"
            world.zuora.sandbox.faults.disarm()
            await eventually(world.all_is_acknowledged)
    assert world.stands(invoice) == ("Yes", number)
    told = [line for line in heard if line["event"].startswith("marking stands still")]
    assert len(told) == 1
    assert "50000010" in told[0]["reason"]
    assert len(set(world.calls)) == len(world.calls), "the refusal stays under each key: it is not asked for again"


async def test_one_tenant_away_holds_up_no_other_connection(world, eventually):
    async with zuora_tenant() as other:
        other.tenant.define_custom_field("Invoice", "QADDocument__c")
        first, second = world.zuora.invoice(), other.invoice()
        neighbour = Marking(world.cluster, other, partition=1, connection="other")
        (number,), (of_other,) = await world.posted(first), await neighbour.posted(second)
        armed = world.zuora.arm("http_503")
        async with running_both(world, neighbour):
            await eventually(neighbour.all_is_acknowledged)
            assert (neighbour.stands(second), armed.fired > 0) == (("Yes", of_other), True)
            assert world.stands(first)[0] != "Yes"
            assert Topic.OUTCOMES not in {topic for topic, place in (await world.committed()).items() if place}
            world.zuora.sandbox.faults.disarm()
            await eventually(world.all_is_acknowledged)
        assert world.stands(first) == ("Yes", number)


async def test_another_process_takes_over_what_one_leaves(world, eventually):
    first, second = world.zuora.invoice(), world.zuora.invoice()
    numbers = await world.posted(first)
    async with world.running(slot="0"):
        await eventually(world.all_is_acknowledged)
    async with world.running(slot="1"):
        numbers += await world.posted(second)
        await eventually(world.all_is_acknowledged, within_s=60)
    assert [world.stands(one) for one in (first, second)] == [("Yes", number) for number in numbers]
    assert len(world.calls) == 2


async def test_the_mapping_asks_the_field_so_nothing_is_written_into_it(world, eventually):
    account = world.zuora.invoice().account_id
    asks = builders.published(customers={"account_field": "qADCode__c"})
    await world.write((Topic.DECISIONS, asks), stage="")
    await world.matched(account, "C1")
    with structlog.testing.capture_logs() as heard:
        async with world.running():
            await eventually(world.all_is_acknowledged)
    assert (world.calls, await world.said()) == ([], [])
    assert any("no evidence" in line["event"] for line in heard)


async def test_where_nothing_is_switched_on_nothing_is_asked(world, eventually):
    invoice = world.zuora.invoice()
    await world.matched(invoice.account_id, "C1")
    await world.posted(invoice)
    async with world.running(WriteBack()):
        await eventually(world.all_is_acknowledged)
    assert world.zuora.requests() == []
