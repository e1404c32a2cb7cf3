"""Being signed in to QAD: by which credentials, ever more rarely where they are refused, and no storm of logins."""

import asyncio

import pytest

from adapters.qad.rest.port import RestQad
from schemas.errors import Refused, Transient
from tests.adapters.ground import given
from tests.adapters.qad_company import post
from tests.adapters.qad_session import auth, clocked, logins, read, speaker
from tests.adapters.strange import Told

__all__ = ["clocked", "speaker"]


@pytest.mark.parametrize(
    "wrong", [{"password": "canary-1"}, {"username": "canary-2"}, {"username": "", "password": ""}], ids=str
)
async def test_wrong_credentials_are_one_clear_sentence(qad, told, wrong):
    client = await qad.client(**wrong)
    with pytest.raises(Refused) as refused:
        await read(qad, client)
    assert "credentials" in str(refused.value)
    assert "\n" not in str(refused.value)
    assert logins(qad) == 1
    assert "canary" not in told(refused.value)


async def test_callers_that_come_together_share_a_refused_login(qad, quick):
    client = await qad.client(password="wrong")
    answers = await asyncio.gather(*(read(qad, client) for _ in range(8)), return_exceptions=True)
    given({type(answer) for answer in answers} == {Refused}, "all were refused")
    assert logins(qad) == 1


async def test_who_asks_after_a_refused_login_has_it_tried_again_ever_more_rarely(qad, clocked):
    """However many ask, and as often as they like: a site locks a user out after a few wrong passwords."""
    client = await qad.client(password="wrong")
    for _ in range(3600):
        answers = await asyncio.gather(*(read(qad, client) for _ in range(4)), return_exceptions=True)
        given({type(answer) for answer in answers} == {Refused}, "all were refused")
        clocked.now += 1.0
    # After 4, 8, 16 ... seconds, and at last every 512.
    assert 10 <= logins(qad) <= 14


async def test_a_login_that_is_given_up_by_its_caller_is_made_by_the_next(qad, quick):
    armed = qad.arm("slow", kind="token", count=1, ms=10_000)
    client = await qad.client()
    first = asyncio.create_task(read(qad, client))
    second = asyncio.create_task(read(qad, client))
    async with asyncio.timeout(5):
        while not armed.fired:
            await asyncio.wait([first], timeout=0.01)
        first.cancel()
        assert await second == 200


async def test_a_session_that_is_never_accepted_is_told_to_all_who_asked_with_it(qad, quick):
    client = await qad.client()
    qad.arm("unauthorized", kind="browse")
    answers = await asyncio.gather(*(read(qad, client) for _ in range(4)), return_exceptions=True)
    assert {type(answer) for answer in answers} == {Refused}
    assert logins(qad) == 2


@pytest.mark.parametrize(
    ("told", "waits_s"), [("7", 7.0), ("", None), ("soon", None), ("²", None), ("-1", None), ("9" * 400, 3600.0)]
)
async def test_a_pause_that_the_token_service_asks_for_is_kept(strange, speaker, told, waits_s):
    strange.tell("/erp/oauth/token", Told(status=429, headers={"Retry-After": told}))
    with pytest.raises(Transient) as busy:
        await speaker.get("/x")
    assert busy.value.retry_after_s == waits_s


async def test_logins_keep_their_distance(qad, monkeypatch):
    monkeypatch.setattr("adapters.qad.asking.token._PAUSE_BETWEEN_LOGINS_S", 0.2)
    client, loop = await qad.client(password="wrong"), asyncio.get_running_loop()
    began_s = loop.time()
    while logins(qad) < 3:
        with pytest.raises(Refused):
            await read(qad, client)
        await asyncio.sleep(0.01)
    assert loop.time() - began_s >= 0.39


async def test_a_client_may_sign_in_by_itself(qad):
    qad.control.change_settings({"session": {"allows_client_credentials": True, "requires_client_secret": True}})
    profile = qad.profile(auth=auth(qad, grant="client_credentials"))
    client = await qad.client(profile, username="", password="", client_secret="client-word")
    assert await read(qad, client) == 200


async def test_user_and_password_may_go_with_each_call(qad):
    qad.control.change_settings({"session": {"allows_basic": True}})
    profile = qad.profile(auth=auth(qad, grant="basic"))
    client = await qad.client(profile)
    assert await read(qad, client) == 200
    assert await post(RestQad(client, profile), qad.invoice())
    assert logins(qad) == 0


async def test_a_wrong_password_that_goes_with_each_call_goes_rarely(qad, clocked):
    qad.control.change_settings({"session": {"allows_basic": True}})
    client = await qad.client(qad.profile(auth=auth(qad, grant="basic")), password="wrong-password")
    for _ in range(600):
        with pytest.raises(Refused):
            await read(qad, client)
        clocked.now += 1.0
    assert 5 <= len(qad.requests("browse")) <= 10


@pytest.mark.parametrize(
    ("error", "told"),
    [
        ("invalid_client", "client_id"),
        ("invalid_grant", "user name or password is wrong, or the user is locked"),
        ("unsupported_grant_type", "no such grant"),
        ("unauthorized_client", "may not sign in so"),
        ("something", "ml-connector credentials set"),
    ],
)
async def test_a_refused_login_says_what_to_look_at(strange, speaker, error, told):
    strange.tell("/erp/oauth/token", Told(b'{"error": "%s"}' % error.encode(), status=400))
    with pytest.raises(Refused, match=told):
        await speaker.get("/x")
