"""What goes wrong: what was not sent, what was refused, what nobody knows; and nothing is ever sent by itself again."""

import asyncio

import pytest

from schemas.errors import ConnectorError, Misconfigured, NotSent, OutcomeUnknown, Refused, Rejected, Transient
from streams.ports import Accepted
from tests.adapters.qad_company import post
from tests.ports.kinds import MAKERS, Ground, key_of, kind_of, ours

CERTAINLY_NOT = (Transient, Refused, Misconfigured)


@pytest.mark.parametrize("name", MAKERS)
async def test_an_intent_that_is_too_old_is_not_sent(sink, erp, name):
    command = await MAKERS[name](Ground(sink, erp))
    before = sink.booked()
    with pytest.raises(NotSent, match="too old"):
        await post(erp, command, age_s=-0.001)
    assert sink.booked() == before
    assert await erp.find(kind_of(command), command.reference) is None
    await post(erp, command)
    assert len(ours(sink, command)) == 1


async def test_what_is_refused_changes_nothing_and_says_why(sink, erp):
    command, reason_class, fields = await sink.refused(erp)
    before, open_before = sink.booked(), sink.open_amounts()
    with pytest.raises(Rejected) as refused:
        await post(erp, command)
    assert (refused.value.reason_class, refused.value.fields) == (reason_class, fields)
    assert refused.value.messages
    assert all(refused.value.messages)
    assert (sink.booked(), sink.open_amounts()) == (before, open_before)


@pytest.mark.parametrize("name", MAKERS)
async def test_what_was_made_and_not_answered_is_unknown_and_then_found(sink, erp, name):
    command = await MAKERS[name](Ground(sink, erp))
    fired = sink.lose_answer()
    with pytest.raises(OutcomeUnknown):
        await post(erp, command)
    assert fired()
    found = await erp.find(kind_of(command), command.reference)
    assert found is not None
    [booked] = ours(sink, command)
    assert (key_of(found.document), found.document.total) == (booked.key, command.payload.total)


async def test_one_call_makes_one_document_at_most(sink, erp):
    """A library may repeat what a closed connection swallowed, or an adapter what failed: neither may."""
    for _ in range(3):
        command = sink.commands.invoice()
        fired = sink.lose_answer()
        with pytest.raises(OutcomeUnknown):
            await post(erp, command)
        assert fired()
        assert len(ours(sink, command)) == 1


async def test_the_same_command_again_is_said_or_made_and_never_taken_for_the_first(sink, erp):
    """What an ERP makes of it is its own; the lane never does that without a look-up before."""
    command = sink.commands.invoice()
    first = await post(erp, command)
    [second] = await asyncio.gather(post(erp, command), return_exceptions=True)
    keys = [key_of(first.document)]
    if isinstance(second, Accepted):
        keys.append(key_of(second.document))
    else:
        assert isinstance(second, Rejected)
        assert second.reason_class == "duplicate"
    assert sorted(booked.key for booked in ours(sink, command)) == sorted(set(keys))
    assert len(set(keys)) == len(keys)


async def test_what_is_out_of_reach_is_certainly_not_done_and_nothing_is_absent_there(sink, erp):
    command = sink.commands.invoice()
    await sink.leave()
    # First what may meet a connection that stood idle: for a look-up that does no harm.
    with pytest.raises(ConnectorError) as not_found:
        await erp.find("invoice", command.reference)
    with pytest.raises(ConnectorError) as not_sent:
        await post(erp, command)
    with pytest.raises(ConnectorError) as not_listed:
        [page async for page in erp.find_all("invoice")]
    assert [isinstance(one.value, CERTAINLY_NOT) for one in (not_sent, not_found, not_listed)] == [True] * 3
    await sink.come_back()
    assert ours(sink, command) == []
    await post(erp, command)
    assert len(ours(sink, command)) == 1


async def test_a_call_that_is_cancelled_is_made_once_or_not_at_all(sink, erp):
    commands = [sink.commands.invoice() for _ in range(6)]
    posting = [asyncio.create_task(post(erp, command)) for command in commands]
    await asyncio.wait(posting, return_when=asyncio.FIRST_COMPLETED)
    for task in posting:
        task.cancel()
    await asyncio.wait(posting)
    last = sink.commands.invoice()
    await post(erp, last)
    assert all(len(ours(sink, command)) <= 1 for command in commands)
    assert any(ours(sink, command) for command in commands)
    for command in commands:
        found = await erp.find("invoice", command.reference)
        assert found is None or [key_of(found.document)] == [booked.key for booked in ours(sink, command)]
