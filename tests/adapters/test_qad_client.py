"""Being signed in to QAD: one session for all callers, a new one when it ends, no storm of logins, quiet throughout."""

import asyncio

import pytest

from adapters.credentials.secret import Secret
from adapters.qad.asking.client import Credentials, QadClient
from adapters.qad.asking.grants import SessionLimits
from adapters.qad.profiles.auth import Auth
from adapters.qad.profiles.calls import CallLimits
from adapters.qad.profiles.profile import Profile
from adapters.qad.rest.port import RestQad
from schemas.errors import ConnectorError, NotSent, OutcomeUnknown, Refused, Transient
from tests.adapters.ground import given
from tests.adapters.qad_company import post, qad_company
from tests.adapters.strange import Told
from tests.loopback import LOOPBACK

PERIODS = "urn:browse:bebrowse:com.qad.erp.financials.periods"
WORD, TOKEN, BODY = "canary-qad-word-4e", "canary-qad-token-b1", "canary-qad-body-90"
GRANTED = Told(b'{"access_token": "%s", "expires_in": 3600}' % TOKEN.encode())


async def read(client):
    """Ask for something; return the status."""
    browse = [("browseId", PERIODS), ("page", "1"), ("pageSize", "1"), ("pageAction", "first")]
    return (await client.get("/api/qracore/browses", browse)).status


@pytest.fixture
def qad(house):
    """What is said here is of sessions: one dialect is as good as another."""
    return house


def logins(qad):
    return len(qad.requests("token"))


@pytest.fixture
async def speaker(strange):
    profile = Profile(base_url=f"{strange.url}/erp/", workspace="D_E", entity="E", documents={}, browses={})
    credentials = Credentials(client_id=Secret("ml"), username=Secret("user"), password=Secret(WORD))
    async with QadClient(profile, credentials, LOOPBACK) as client:
        yield client


class Clock:
    """The token's clock, moved by hand."""

    def __init__(self):
        self.now = 10_000.0

    def monotonic(self):
        return self.now


@pytest.fixture
def clocked(monkeypatch):
    clock = Clock()
    monkeypatch.setattr("adapters.qad.asking.token.time", clock)
    return clock


# -- the session -----------------------------------------------------------------------------------------------------


async def test_callers_that_come_together_share_one_login(qad):
    armed = qad.arm("slow", kind="token", count=1, ms=100)
    client = await qad.client()
    assert set(await asyncio.gather(*(read(client) for _ in range(20)))) == {200}
    assert (logins(qad), armed.fired) == (1, 1)


async def test_a_session_that_ended_is_begun_anew(qad, quick):
    client = await qad.client()
    assert await read(client) == 200
    assert qad.control.end_sessions() == 1
    assert await read(client) == 200
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
    await read(client)
    qad.control.end_sessions()
    answers = await asyncio.gather(*(read(client) for _ in range(8)), return_exceptions=True)
    given(401 in [call.status for call in qad.requests("browse")], "some call met the end of the session")
    assert answers == [200] * 8


async def test_a_session_that_ends_under_several_calls_costs_one_login(qad, quick):
    client = await qad.client()
    await read(client)
    qad.control.change_settings({"traffic": {"latency_ms": 50}})
    qad.arm("slow", kind="browse", count=4, ms=200)
    qad.control.end_sessions()
    slow = [asyncio.create_task(read(client)) for _ in range(4)]
    await asyncio.wait(slow, timeout=0.02)
    for _ in range(2):
        await asyncio.gather(read(client), return_exceptions=True)
    await asyncio.gather(*slow, return_exceptions=True)
    for _ in range(4):
        await asyncio.gather(read(client), return_exceptions=True)
    assert logins(qad) == 2


async def test_a_token_that_is_never_accepted_is_refused(qad, clocked, monkeypatch):
    monkeypatch.setattr("adapters.qad.asking.token._PAUSE_BETWEEN_LOGINS_S", 0.02)
    client = await qad.client()
    await client.token.get()
    armed = qad.arm("unauthorized", kind="browse")
    for _ in range(5):
        with pytest.raises(Refused, match="accepts no token"):
            await read(client)
    assert (armed.fired, logins(qad)) == (2, 2)
    qad.control.disarm()
    clocked.now += 600
    assert await read(client) == 200


async def test_a_session_is_renewed_before_it_ends(qad, quick):
    profile = qad.profile(auth=Auth(lifetime_s=1, renew_before_s=0, limits_path=""))
    client = await qad.client(profile)
    loop = asyncio.get_running_loop()
    began = loop.time()
    assert await read(client) == 200
    while logins(qad) == 1:
        await asyncio.sleep(0.05)
        assert await read(client) == 200
    assert loop.time() - began >= 1.0


async def test_what_qad_says_of_the_session_counts(qad, quick):
    qad.control.change_settings({"session": {"answers_expires_in": True, "session_length_minutes": 1}})
    client = await qad.client(qad.profile(auth=Auth(lifetime_s=1, renew_before_s=0)))
    await read(client)
    assert client.token._renew_at - client.token._asked_at == pytest.approx(60)


async def test_fifty_callers_and_a_slow_token_service_make_one_log_in(qad):
    armed = qad.arm("slow", kind="token", count=1, ms=300)
    client = await qad.client()
    assert await asyncio.gather(*(read(client) for _ in range(50))) == [200] * 50
    assert (logins(qad), armed.fired, len(qad.requests("platform"))) == (1, 1, 1)


# -- how long a session lives ----------------------------------------------------------------------------------------


async def test_a_session_is_renewed_by_the_token_that_came_with_it(qad, clocked):
    """Without the password: whoever changes that meanwhile ends no session."""
    client = await qad.client(qad.profile(auth=Auth(lifetime_s=600, limits_path="")))
    assert await read(client) == 200
    client.token._credentials = Credentials(client_id=Secret("ml-connector"))
    clocked.now += 599
    assert await read(client) == 200
    assert logins(qad) == 2


async def test_a_session_that_cannot_be_renewed_so_is_begun_anew(qad, clocked):
    client = await qad.client(qad.profile(auth=Auth(lifetime_s=600, limits_path="")))
    assert await read(client) == 200
    qad.control.end_sessions()
    clocked.now += 599
    assert await read(client) == 200
    assert [call.status for call in qad.requests("token")] == [200, 401, 200]


@pytest.mark.parametrize(("idle_minutes", "length_minutes"), [(30, 480), (10_000, 30)])
@pytest.mark.parametrize(("minutes", "made"), [(28.0, 1), (29.5, 2)])
async def test_a_session_ends_for_us_before_qad_ends_it(qad, clocked, idle_minutes, length_minutes, minutes, made):
    limits = {"session_length_minutes": length_minutes, "idle_minutes": idle_minutes}
    qad.control.change_settings({"session": limits})
    client = await qad.client(qad.profile(auth=Auth(renew_before_s=60)))
    assert await read(client) == 200
    clocked.now += minutes * 60
    assert await read(client) == 200
    assert (logins(qad), len(qad.requests("platform"))) == (made, 1)


async def test_a_session_that_is_used_does_not_stand_idle(qad, clocked):
    qad.control.change_settings({"session": {"session_length_minutes": 480, "idle_minutes": 30}})
    client = await qad.client()
    for _ in range(23):
        assert await read(client) == 200
        clocked.now += 20 * 60
    assert (clocked.now, logins(qad)) == (10_000 + 460 * 60, 1)
    assert await read(client) == 200
    clocked.now += 20 * 60
    assert await read(client) == 200
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


# -- credentials -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong", [{"password": "canary-1"}, {"username": "canary-2"}, {"username": "", "password": ""}], ids=str
)
async def test_wrong_credentials_are_one_clear_sentence(qad, told, wrong):
    client = await qad.client(**wrong)
    with pytest.raises(Refused) as refused:
        await read(client)
    assert "credentials" in str(refused.value)
    assert "\n" not in str(refused.value)
    assert logins(qad) == 1
    assert "canary" not in told(refused.value)


async def test_callers_that_come_together_share_a_refused_login(qad, quick):
    client = await qad.client(password="wrong")
    answers = await asyncio.gather(*(read(client) for _ in range(8)), return_exceptions=True)
    given({type(answer) for answer in answers} == {Refused}, "all were refused")
    assert logins(qad) == 1


async def test_who_asks_after_a_refused_login_has_it_tried_again_ever_more_rarely(qad, clocked):
    """However many ask, and as often as they like: a site locks a user out after a few wrong passwords."""
    client = await qad.client(password="wrong")
    for _ in range(3600):
        answers = await asyncio.gather(*(read(client) for _ in range(4)), return_exceptions=True)
        given({type(answer) for answer in answers} == {Refused}, "all were refused")
        clocked.now += 1.0
    # After 4, 8, 16 ... seconds, and at last every 512.
    assert 10 <= logins(qad) <= 14


async def test_a_login_that_is_given_up_by_its_caller_is_made_by_the_next(qad, quick):
    armed = qad.arm("slow", kind="token", count=1, ms=10_000)
    client = await qad.client()
    first = asyncio.create_task(read(client))
    second = asyncio.create_task(read(client))
    async with asyncio.timeout(5):
        while not armed.fired:
            await asyncio.wait([first], timeout=0.01)
        first.cancel()
        assert await second == 200


async def test_a_session_that_is_never_accepted_is_told_to_all_who_asked_with_it(qad, quick):
    client = await qad.client()
    qad.arm("unauthorized", kind="browse")
    answers = await asyncio.gather(*(read(client) for _ in range(4)), return_exceptions=True)
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
            await read(client)
        await asyncio.sleep(0.01)
    assert loop.time() - began_s >= 0.39


async def test_a_client_may_sign_in_by_itself(qad):
    qad.control.change_settings({"session": {"allows_client_credentials": True, "requires_client_secret": True}})
    profile = qad.profile(auth=Auth(grant="client_credentials"))
    client = await qad.client(profile, username="", password="", client_secret="client-word")
    assert await read(client) == 200


async def test_user_and_password_may_go_with_each_call(qad):
    qad.control.change_settings({"session": {"allows_basic": True}})
    profile = qad.profile(auth=Auth(grant="basic"))
    client = await qad.client(profile)
    assert await read(client) == 200
    assert await post(RestQad(client, profile), qad.invoice())
    assert logins(qad) == 0


async def test_a_wrong_password_that_goes_with_each_call_goes_rarely(qad, clocked):
    qad.control.change_settings({"session": {"allows_basic": True}})
    client = await qad.client(qad.profile(auth=Auth(grant="basic")), password="wrong-password")
    for _ in range(600):
        with pytest.raises(Refused):
            await read(client)
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


async def test_the_password_is_in_the_body_and_nowhere_else(strange, speaker):
    strange.tell("/erp/oauth/token", GRANTED)
    strange.tell("/erp/x", Told())
    await speaker.get("/x")
    login, asked = (one for one in strange.asked if not one.path.endswith("/securityControl"))
    assert (login.path, login.query) == ("/erp/oauth/token", {})
    assert WORD.encode() in login.body
    assert WORD not in str(login.headers)
    assert asked.headers["Authorization"] == f"Bearer {TOKEN}"
    assert asked.headers["x-qad-workspace-id"] == "D_E"
    assert asked.headers["Accept-Language"] == "en-US"


async def test_what_renews_a_session_is_in_the_body_and_nowhere_else(strange, speaker, clocked, heard):
    again = "canary-qad-again-77"
    strange.tell("/erp/oauth/token", Told(f'{{"access_token": "{TOKEN}", "refresh_token": "{again}"}}'.encode()))
    strange.tell("/erp/x", Told())
    await speaker.get("/x")
    clocked.now += 1800
    await speaker.get("/x")
    renewal = [one for one in strange.asked if one.path == "/erp/oauth/token"][1]
    assert again.encode() in renewal.body
    assert WORD.encode() not in renewal.body
    secrets = (again, WORD, TOKEN)
    assert [one.path for one in strange.asked if any(secret in f"{one.path}{one.query}" for secret in secrets)] == []
    assert [one.path for one in strange.asked if any(secret in str(one.headers) for secret in (again, WORD))] == []
    assert [secret for secret in secrets if secret in heard()] == []


async def test_further_form_fields_and_headers_are_the_profiles(strange):
    strange.tell("/oauth/token", GRANTED)
    strange.tell("/x", Told())
    profile = Profile(
        base_url=strange.url,
        workspace="D_E",
        entity="E",
        documents={},
        browses={},
        auth=Auth(extra={"scope": "erp"}),
        headers={"X-Site": "7"},
    )
    async with QadClient(profile, Credentials(client_id=Secret("ml")), LOOPBACK) as client:
        await client.get("/x")
    login, asked = (one for one in strange.asked if not one.path.endswith("/securityControl"))
    assert b"scope=erp" in login.body
    assert b"username" not in login.body
    assert asked.headers["X-Site"] == "7"


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_the_password_never_follows_a_redirect(strange, speaker, status):
    strange.tell("/erp/oauth/token", Told(status=status, headers={"Location": f"{strange.url}/elsewhere"}))
    with pytest.raises(ConnectorError):
        await speaker.get("/x")
    assert strange.times("/elsewhere") == 0


@pytest.mark.parametrize(
    ("status", "family"), [(301, Refused), (302, OutcomeUnknown), (303, OutcomeUnknown), (307, Refused), (308, Refused)]
)
async def test_no_call_follows_a_redirect(strange, speaker, status, family):
    """Where QAD may have done what was posted and shows a page about it, it is looked up; it is never sent on."""
    strange.tell("/erp/oauth/token", GRANTED)
    strange.tell("/erp/x", Told(status=status, headers={"Location": f"{strange.url}/elsewhere"}))
    with pytest.raises(Refused, match="redirect"):
        await speaker.get("/x")
    with pytest.raises(family, match="redirect"):
        await speaker.post("/x", [], b"{}", not_after=float("inf"))
    assert strange.times("/elsewhere") == 0


async def test_an_answer_that_never_ends_takes_no_more_memory_than_any_other(strange, speaker, monkeypatch):
    monkeypatch.setattr("adapters.qad.asking.sending._ANSWER_MAX", 100_000)
    strange.tell("/erp/oauth/token", GRANTED)
    strange.tell("/erp/x", Told(b"x" * 100_000), Told(b"x" * 100_001), Told(b"x" * 100_001), GRANTED)
    assert len((await speaker.get("/x")).body) == 100_000
    with pytest.raises(Transient):
        await speaker.get("/x")
    with pytest.raises(OutcomeUnknown):
        await speaker.post("/x", [], b"{}", not_after=float("inf"))
    assert (await speaker.get("/x")).status == 200


@pytest.mark.parametrize(
    ("answer", "family"),
    [
        (Told(status=500), Transient),
        (Told(status=503, content_type="text/html"), Transient),
        (Told(status=429), Transient),
        (Told(b"{}", status=400), Refused),
        (Told(b"{}", status=403), Refused),
        (Told(b""), Transient),
        (Told(b'{"access_token": '), Transient),
        (Told(b'{"access_token": null}'), Transient),
        (Told(b"<html></html>", content_type="text/html"), Transient),
        (Told(status=404), Refused),
        (Told(status=405), Refused),
        (Told(status=302, headers={"Location": "/login"}), Refused),
        (Told(b'{"access_token": "t", "expires_in": "soon"}'), Transient),
        (Told(b'{"access_token": "t", "expires_in": -5}'), Transient),
        (Told(b'{"access_token": "t", "expires_in": 1e999999999}'), Transient),
        (Told(b'{"access_token": "\xff"}'), Transient),
        (Told(b'{"access_token": ""}'), Transient),
        (Told(b'{"access_token": "a\\r\\nX-Other: b"}'), Transient),
        (Told(b'{"access_token": "t\\u00fc"}'), Transient),
    ],
    ids=lambda part: getattr(part, "__name__", None) or f"{part.status} {part.body.decode('latin-1')[:20]}",
)
async def test_whatever_answers_for_a_token_has_its_family(strange, speaker, quick, answer, family):
    strange.tell("/erp/oauth/token", answer)
    with pytest.raises(ConnectorError) as refused:
        await speaker.get("/x")
    assert type(refused.value) is family


async def test_a_token_service_that_fails_passes(qad, quick):
    armed = qad.arm("token_5xx", count=2)
    client = await qad.client()
    for _ in range(2):
        with pytest.raises(Transient):
            await read(client)
    assert await read(client) == 200
    assert armed.fired == 2


async def test_a_token_call_that_hangs_ends(strange):
    strange.tell("/oauth/token", Told(never=True))
    limits = CallLimits(timeout_s=0.1)
    profile = Profile(base_url=strange.url, workspace="D_E", entity="E", documents={}, browses={}, limits=limits)
    async with QadClient(profile, Credentials(client_id=Secret("ml")), LOOPBACK) as client:
        async with asyncio.timeout(2):
            with pytest.raises(Transient, match="no answer in time"):
                await client.get("/x")


# -- the workspace ---------------------------------------------------------------------------------------------------


async def test_documents_go_to_the_workspaces_books_and_to_no_other(qad):
    text = qad.profile_text().replace("@ENTITY@", "20DEUCO")
    german = qad.profile(text, workspace="20DEU_20DEUCO", entity="20DEUCO")
    await post(await qad.erp(german), qad.invoice())
    assert qad.documents() == []
    assert len(qad.control.documents("20DEUCO")) == 1
    assert {call.workspace for call in qad.requests("invoice")} == {"20DEU_20DEUCO"}


@pytest.mark.parametrize("workspace", ["20DEU_20DEUCO", "99_99"])
async def test_a_workspace_that_is_not_the_users_is_refused(qad, workspace):
    profile = qad.profile(workspace=workspace)
    erp = RestQad(await qad.client(profile, username="clerk", password="clerk-word"), profile)
    with pytest.raises(Refused):
        await post(erp, qad.invoice())
    with pytest.raises(Refused):
        await erp.find("invoice", "A" * 20)


async def test_an_entity_that_is_not_the_workspaces_is_said(qad):
    profile = qad.profile(qad.profile_text().replace('entityCode = "@ENTITY@"', 'entityCode = "20DEUCO"'))
    with pytest.raises(ConnectorError):
        await post(await qad.erp(profile), qad.invoice())
    assert qad.documents() == []
    assert qad.control.documents("20DEUCO") == []


# -- quiet -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "trouble",
    [
        Told(BODY.encode(), status=500, content_type="text/html"),
        # A page that repeats what it was sent.
        Told(f"<p>{WORD} Bearer {TOKEN}</p>".encode(), status=500, content_type="text/html"),
        Told(b'{"%s": ' % BODY.encode()),
        Told(b'{"x": "%s"}' % BODY.encode()),
        Told(b"{}", status=401),
        Told(b'{"errors": [{"message": "Access is denied"}], "x": "%s"}' % BODY.encode(), status=403),
        Told(status=302, headers={"Location": f"https://{BODY}/"}),
        Told(never=True),
    ],
    ids=lambda answer: f"{answer.status} {answer.body[:12].decode()}",
)
@pytest.mark.parametrize("where", ["/erp/oauth/token", "/erp/api/erp/customerInvoices"])
async def test_no_trouble_tells_a_secret(strange, tmp_path, quick, heard, told, trouble, where):
    async with qad_company(tmp_path) as qad:
        profile = qad.profile(limits={"timeout_s": 0.2}, base_url=f"{strange.url}/erp")
        command = qad.invoice(description=BODY[:40])
    strange.tell("/erp/oauth/token", GRANTED)
    strange.tell(where, trouble)
    credentials = Credentials(client_id=Secret("ml"), username=Secret("user"), password=Secret(WORD))
    async with QadClient(profile, credentials, LOOPBACK) as client:
        with pytest.raises(ConnectorError) as raised:
            await post(RestQad(client, profile), command)
    assert any(WORD.encode() in asked.body for asked in strange.asked)
    # The text of a page is kept for people, in the event alone; no secret is.
    kept = vars(raised.value).pop("answer", "")
    assert [canary for canary in (WORD, TOKEN) if canary in kept] == []
    said = told(raised.value) + heard()
    assert [canary for canary in (WORD, TOKEN, BODY) if canary in said] == []


async def test_what_holds_a_secret_shows_none(qad):
    client = await qad.client(password=WORD)
    for holder in (client.token, vars(client.token), client, RestQad(client, qad.profile()), vars(client)):
        assert WORD not in repr(holder)
        assert WORD not in str(holder)
