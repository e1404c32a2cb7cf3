"""What of a call to QAD goes where: the password in one body, documents into one workspace, a secret nowhere else."""

import asyncio

import pytest

from adapters.credentials.secret import Secret
from adapters.qad.asking.client import Credentials, QadClient
from adapters.qad.profiles.auth import Auth
from adapters.qad.profiles.calls import CallLimits
from adapters.qad.profiles.profile import Profile
from adapters.qad.rest.port import RestQad
from schemas.errors import ConnectorError, OutcomeUnknown, Refused, Transient
from tests.adapters.qad_company import post, qad_company
from tests.adapters.qad_session import BODY, GRANTED, TOKEN, WORD, clocked, read, speaker
from tests.adapters.strange import Told
from tests.loopback import LOOPBACK

__all__ = ["clocked", "speaker"]


# -- on the wire -----------------------------------------------------------------------------------------------------


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
            await read(qad, client)
    assert await read(qad, client) == 200
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
    workspace = qad.server.installation.dialect.workspace_of("20DEU", "20DEUCO")
    german = qad.profile(text, workspace=workspace, entity="20DEUCO")
    await post(await qad.erp(german), qad.invoice())
    assert qad.documents() == []
    assert len(qad.control.documents("20DEUCO")) == 1
    assert {call.workspace for call in qad.requests("invoice")} == {"20DEU_20DEUCO"}


@pytest.mark.parametrize(("domain", "entity"), [("20DEU", "20DEUCO"), ("99", "99")])
async def test_a_workspace_that_is_not_the_users_is_refused(qad, domain, entity):
    profile = qad.profile(workspace=qad.server.installation.dialect.workspace_of(domain, entity))
    erp = RestQad(await qad.client(profile, username="clerk", password="clerk-word"), profile)
    with pytest.raises(Refused):
        await post(erp, qad.invoice())
    with pytest.raises(Refused):
        await erp.find("invoice", "A" * 20)


async def test_an_entity_that_is_not_the_workspaces_is_said(qad):
    text = qad.profile_text()
    for written in ('entityCode = "@ENTITY@"', '"key.tcEntityCode" = "{entity}"'):
        text = text.replace(written, f'{written.partition(" = ")[0]} = "20DEUCO"')
    profile = qad.profile(text)
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
