"""Whatever is wrong when a QAD is set up, `ping` and `qad profile probe` say the next step of whoever does it."""

from contextlib import asynccontextmanager

import msgspec
import pytest

from adapters.credentials.secret import Secret
from adapters.qad.asking.client import Credentials, QadClient
from adapters.reach import PUBLIC
from console.golive.probing import probe
from console.pinging.site import _connection
from schemas.errors import Refused
from tests.adapters.qad_company import USER, WORD, post, qad_company
from tests.adapters.strange import Told, strange_server
from tests.adapters.test_qad_heeded import misspelt, strict
from tests.console.test_pinging import Wired, failed
from tests.loopback import LOOPBACK

BROWSES = "/api/qracore/browses"
GRANTED = Told(b'{"access_token": "t", "expires_in": 3600}')


@pytest.fixture
async def qad(tmp_path):
    async with qad_company(tmp_path) as company:
        yield company


@pytest.fixture
async def strange():
    async with strange_server() as server:
        server.tell("/oauth/token", GRANTED)
        yield server


async def probed(qad, profile):
    """Return the next steps of what `probe` finds wrong, but empty browses, by table and word."""
    async with QadClient(profile, credentials(), LOOPBACK) as client:
        found = [one async for one in probe(client, profile)]
    return {(one.part, one.word or one.column): one.next_step for one in found if not one.ok and one.found != "no rows"}


def credentials(client_id="ml-connector"):
    return Credentials(client_id=Secret(client_id), username=Secret(USER), password=Secret(WORD))


class Otherwise(Wired):
    """Another client or another reach than a company in order has."""

    def __init__(self, qad, profile, *, client_id="ml-connector", reach=LOOPBACK):
        super().__init__(qad, profile)
        self._held, self._reach = credentials(client_id), reach

    @asynccontextmanager
    async def qad(self, _connection, profile):
        async with QadClient(profile, self._held, self._reach) as client:
            yield client


async def wrong(wired):
    return {one.what: one.next_step async for one in _connection(wired, "acme") if not one.ok}


# -- the way there ---------------------------------------------------------------------------------------------------


async def test_a_private_host_that_is_not_listed(qad):
    told = await wrong(Otherwise(qad, qad.profile(), reach=PUBLIC))
    assert set(told) == {"QAD"}
    assert 'add private_hosts = ["127.0.0.1"] to the [connections.*]' in told["QAD"]


async def test_a_client_that_qad_does_not_know(qad):
    told = await wrong(Otherwise(qad, qad.profile(), client_id="nobody"))
    assert set(told) == {"QAD"}
    assert "it does not know the client: ml-connector credentials set" in told["QAD"]


async def test_what_keeps_everything_from_being_probed_is_said_once(qad):
    async with QadClient(qad.profile(), credentials("nobody"), LOOPBACK) as client:
        with pytest.raises(Refused, match="does not know the client"):
            [one async for one in probe(client, qad.profile())]
    assert len(qad.requests("token")) == 1


@pytest.mark.parametrize(
    ("answer", "step"),
    [
        (
            Told(b"<html>Sign in</html>", content_type="text/html"),
            "a page, and no JSON: does a log-in or a proxy stand",
        ),
        (Told(b'{"rows": [], "total": 0}'), "[browsing] rows of the profile is 'data', and the answer has rows, total"),
        (Told(b"{}"), "and the answer has nothing"),
        (Told(status=302, headers={"Location": "/login"}), "base_url must be the API's own address"),
        (Told(status=503), "it is busy or in trouble: it is asked again"),
        (Told(b"{}", status=403), "give it a role that may, or look at workspace, domain and entity"),
        (Told(b"{}", status=404), "take browseId from the network tab of its screen, and look at [browsing] path"),
    ],
    ids=lambda part: getattr(part, "status", ""),
)
async def test_a_browse_that_does_not_answer_with_rows(qad, strange, answer, step):
    strange.tell(BROWSES, answer)
    profile = qad.profile(base_url=strange.url)
    told = await failed(qad, profile)
    assert step in told["browse of customers"]
    assert step in told["look-up of invoice"]
    assert step in (await probed(qad, profile))["browses.customers", profile.browses["customers"].browse_id]


async def test_a_page_where_the_workspace_is_asked_for(qad, strange):
    limits = b'{"data": {"securityControls": [{"sessionLength": 480, "timeoutMinutes": 30}]}}'
    page = Told(b"<html>Sign in</html>", content_type="text/html")
    strange.tell("/api/qracore/securityControl", Told(limits), page)
    told = await failed(qad, qad.profile(base_url=strange.url))
    assert set(told) == {"workspace"}
    assert "what answers is not the API" in told["workspace"]


async def test_a_browse_that_shows_the_same_page_again(qad, strange):
    strange.tell(
        BROWSES,
        Told(
            b'{"data": [{"currency.currencyCode": "USD", "currency.decimals": 2, "currency.isActive": true}],'
            b' "auxillaryData": {"HasMoreParams": "true"}}'
        ),
    )
    told = await failed(qad, qad.profile(base_url=strange.url))
    assert "Compare page, counts, first_page, page_size and page_action" in told["browse of currencies"]


async def test_an_entity_that_there_is_not(qad):
    text = qad.profile_text().replace("entityCode,eq,@ENTITY@", "entityCode,eq,NOWHERE")
    told = await failed(qad, qad.profile(text))
    assert set(told) == {"browse of periods"}
    assert "is the workspace right, and the filter of this browse" in told["browse of periods"]


# -- the words of the profile ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["eq", "ge"])
@pytest.mark.parametrize("unread", ["refused", "nothing", "ignored"])
async def test_an_operator_that_is_misspelt(tmp_path, unread, word):
    async with strict(tmp_path, "house", unread=unread) as qad:
        await post(await qad.erp(), qad.invoice())
        profile = misspelt(qad, **{word: "equals"})
        told, probes = await failed(qad, profile), await probed(qad, profile)
    if unread == "ignored" and word == "ge":
        # All rows come, and they are all at or above what was asked for: only a list that is read tells.
        return
    for step in (told["look-up of invoice"], probes["documents.invoice.find", "filter"]):
        assert "equals" in step
        assert "Compare [browsing] operators and condition of the profile with what the browser's network tab" in step


async def test_a_condition_in_another_form(tmp_path):
    async with strict(tmp_path, "house", unread="nothing") as qad:
        await post(await qad.erp(), qad.invoice())
        browsing = msgspec.structs.replace(qad.profile().browsing, condition="{column};{operator};{value}")
        told = await failed(qad, qad.profile(browsing=browsing))
    assert "operators and condition of the profile" in told["look-up of invoice"]


async def test_a_column_of_a_look_up_that_there_is_not_is_probed(qad):
    await post(await qad.erp(), qad.invoice())
    told = await probed(qad, qad.changed({"documents.invoice.find.total": "zzz"}))
    assert set(told) == {("documents.invoice.find", "total")}
    assert "The browse shows no such column; it shows createdAt" in told["documents.invoice.find", "total"]


async def test_of_a_tenant_that_is_right_nothing_is_probed_wrong(qad):
    await post(await qad.erp(), qad.invoice())
    assert await probed(qad, qad.profile()) == {}
