"""A session of QAD: one for all callers, a new one when it ends, renewed before; for each dialect."""

import asyncio

import pytest

from adapters.credentials.secret import Secret
from adapters.qad.asking.client import Credentials
from adapters.qad.asking.grants import SessionLimits
from schemas.errors import NotSent, Refused
from tests.adapters.ground import given
from tests.adapters.qad_company import post
from tests.adapters.qad_session import auth, clocked, logins, read, speaker
from tests.adapters.strange import Told

__all__ = ["clocked", "speaker"]


# -- the session -----------------------------------------------------------------------------------------------------


async def test_callers_that_come_together_share_one_login(qad):
    armed = qad.arm("slow", kind="token", count=1, ms=100)
    client = await qad.client()
    assert set(await asyncio.gather(*(read(qad, client) for _ in range(20)))) == {200}
    assert (logins(qad), armed.fired) == (1, 1)


async def test_a_session_that_ended_is_begun_anew(qad, quick):
    client = await qad.client()
    assert await read(qad, client) == 200
    assert qad.control.end_sessions() == 1
    assert await read(qad, client) == 200
    assert logins(qad) == 2
    assert [call.status for call in qad.requests("browse")] == [200, 401, 200]


async def test_a_posting_that_met_the_end_of_a_session_was_not_let_in(qad, quick):
    erp, command = await qad.erp(), qad.invoice()
    qad.control.end_sessions()
    await post(erp, command)
    assert [call.status for call in qad.requests("invoice")] == [401, 200]
    assert len(qad.documents()) == 1


async def test_a_posting_that_ages_while_a_session_is_begun_anew_sends_no_byte_again(qad, quick):
    erp = await qad.erp()
    qad.control.end_sessions()
    slow = qad.arm("slow", kind="token", count=1, ms=600)
    with pytest.raises(NotSent):
        await post(erp, qad.invoice(), age_s=0.5)
    assert ([call.status for call in qad.requests("invoice")], slow.fired) == ([401], 1)
    assert qad.documents() == []


async def test_a_session_that_ends_under_several_calls_is_no_refusal(qad, quick):
    client = await qad.client()
    await read(qad, client)
    qad.control.end_sessions()
    answers = await asyncio.gather(*(read(qad, client) for _ in range(8)), return_exceptions=True)
    given(401 in [call.status for call in qad.requests("browse")], "some call met the end of the session")
    assert answers == [200] * 8


async def test_a_session_that_ends_under_several_calls_costs_one_login(qad, quick):
    client = await qad.client()
    await read(qad, client)
    qad.control.change_settings({"traffic": {"latency_ms": 50}})
    qad.arm("slow", kind="browse", count=4, ms=200)
    qad.control.end_sessions()
    slow = [asyncio.create_task(read(qad, client)) for _ in range(4)]
    await asyncio.wait(slow, timeout=0.02)
    for _ in range(2):
        await asyncio.gather(read(qad, client), return_exceptions=True)
    await asyncio.gather(*slow, return_exceptions=True)
    for _ in range(4):
        await asyncio.gather(read(qad, client), return_exceptions=True)
    assert logins(qad) == 2


async def test_a_token_that_is_never_accepted_is_refused(qad, clocked, monkeypatch):
    monkeypatch.setattr("adapters.qad.asking.token._PAUSE_BETWEEN_LOGINS_S", 0.02)
    client = await qad.client()
    await client.token.get()
    armed = qad.arm("unauthorized", kind="browse")
    for _ in range(5):
        with pytest.raises(Refused, match="accepts no token"):
            await read(qad, client)
    assert (armed.fired, logins(qad)) == (2, 2)
    qad.control.disarm()
    clocked.now += 600
    assert await read(qad, client) == 200


async def test_a_session_is_renewed_before_it_ends(qad, quick):
    profile = qad.profile(auth=auth(qad, lifetime_s=1, renew_before_s=0, limits_path=""))
    client = await qad.client(profile)
    loop = asyncio.get_running_loop()
    began = loop.time()
    assert await read(qad, client) == 200
    while logins(qad) == 1:
        await asyncio.sleep(0.05)
        assert await read(qad, client) == 200
    assert loop.time() - began >= 1.0


async def test_what_qad_says_of_the_session_counts(qad, quick):
    qad.control.change_settings({"session": {"answers_expires_in": True, "session_length_minutes": 1}})
    client = await qad.client(qad.profile(auth=auth(qad, lifetime_s=1, renew_before_s=0)))
    await read(qad, client)
    assert client.token._renew_at - client.token._asked_at == pytest.approx(60)


async def test_fifty_callers_and_a_slow_token_service_make_one_log_in(qad):
    armed = qad.arm("slow", kind="token", count=1, ms=300)
    client = await qad.client()
    assert await asyncio.gather(*(read(qad, client) for _ in range(50))) == [200] * 50
    assert (logins(qad), armed.fired, len(qad.requests("platform"))) == (1, 1, 1)


# -- how long a session lives ----------------------------------------------------------------------------------------


async def test_a_session_is_renewed_by_the_token_that_came_with_it(qad, clocked):
    """Without the password: whoever changes that meanwhile ends no session."""
    client = await qad.client(qad.profile(auth=auth(qad, lifetime_s=600, limits_path="")))
    assert await read(qad, client) == 200
    client.token._credentials = Credentials(client_id=Secret("ml-connector"))
    clocked.now += 599
    assert await read(qad, client) == 200
    assert logins(qad) == 2


async def test_a_session_that_cannot_be_renewed_so_is_begun_anew(qad, clocked):
    client = await qad.client(qad.profile(auth=auth(qad, lifetime_s=600, limits_path="")))
    assert await read(qad, client) == 200
    qad.control.end_sessions()
    clocked.now += 599
    assert await read(qad, client) == 200
    assert [call.status for call in qad.requests("token")] == [200, 401, 200]


@pytest.mark.parametrize(("idle_minutes", "length_minutes"), [(30, 480), (10_000, 30)])
@pytest.mark.parametrize(("minutes", "made"), [(28.0, 1), (29.5, 2)])
async def test_a_session_ends_for_us_before_qad_ends_it(qad, clocked, idle_minutes, length_minutes, minutes, made):
    limits = {"session_length_minutes": length_minutes, "idle_minutes": idle_minutes}
    qad.control.change_settings({"session": limits})
    client = await qad.client(qad.profile(auth=auth(qad, renew_before_s=60)))
    assert await read(qad, client) == 200
    clocked.now += minutes * 60
    assert await read(qad, client) == 200
    assert (logins(qad), len(qad.requests("platform"))) == (made, 1)


async def test_a_session_that_is_used_does_not_stand_idle(qad, clocked):
    qad.control.change_settings({"session": {"session_length_minutes": 480, "idle_minutes": 30}})
    client = await qad.client()
    for _ in range(23):
        assert await read(qad, client) == 200
        clocked.now += 20 * 60
    assert (clocked.now, logins(qad)) == (10_000 + 460 * 60, 1)
    assert await read(qad, client) == 200
    clocked.now += 20 * 60
    assert await read(qad, client) == 200
    assert logins(qad) == 2


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"{}", b'{"data": []}', b'{"data": {"securityControls": [{"sessionLength": "long"}]}}']
)
async def test_a_qad_that_does_not_say_how_long_sessions_live_is_believed_by_its_profile(strange, speaker, body):
    strange.tell("/erp/oauth/token", Told(b'{"access_token": "t"}'))
    strange.tell("/erp/api/qracore/securityControl", Told(body))
    strange.tell("/erp/x", Told())
    await speaker.get("/x")
    assert speaker.token.limits == SessionLimits()
    assert speaker.token._renew_at - speaker.token._began_at == pytest.approx(1800 - 60)
