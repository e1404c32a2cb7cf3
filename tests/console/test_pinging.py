"""What `ping` tries at QAD before anything is posted: a look-up that could never find anything is said."""

from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import msgspec
import pytest

from adapters.qad.profiles.documents import OPTIONAL_KINDS
from console.pinging.qad import _look_up, _openings
from console.pinging.site import _connection
from schemas.errors import Misconfigured
from tests.adapters.by_hand import by_hand
from tests.adapters.qad_company import ENTITY, post, qad_company, qxtend_template


@pytest.fixture
async def qad(tmp_path):
    async with qad_company(tmp_path) as company:
        yield company


def misspelt(qad, table, name):
    head, tail = qad.profile_text().split(f"[{table}.find]")
    return qad.profile(f"{head}[{table}.find]" + tail.replace(f'\n{name} = "', f'\n{name} = "x', 1))


async def test_look_ups_of_openings_and_documents_answer(qad):
    erp = await qad.erp()
    await post(erp, qad.invoice())
    assert (await _openings(erp, qad.profile().open_items)).ok
    assert (await _look_up(erp, qad.profile(), "invoice")).ok


async def test_a_number_column_of_open_items_that_is_misspelt_is_said(qad):
    qad.control.post_by_hand(ENTITY, by_hand("INV-OLD-1"), user="clerk")
    profile = misspelt(qad, "open_items", "number")
    finding = await _openings(await qad.erp(profile), profile.open_items)
    assert (finding.ok, "xreference" in finding.next_step) == (False, True)


async def test_a_reference_column_of_documents_that_is_misspelt_is_said(qad):
    profile = misspelt(qad, "documents.invoice", "reference")
    await post(await qad.erp(), qad.invoice())
    finding = await _look_up(await qad.erp(profile), profile, "invoice")
    assert (finding.ok, "xcustomShort0" in finding.next_step) == (False, True)


class Wired:
    """One connection's QAD, as the composition root gives it."""

    def __init__(self, qad, profile, **credentials):
        self._qad, self._profile, self._credentials = qad, profile, credentials

    def files(self, _connection):
        return None

    def profile(self, _connection):
        return self._profile

    def qxtend_login(self, connection):
        raise Misconfigured(f"qad/{connection} has no qxtend_password")

    @asynccontextmanager
    async def qad(self, _connection, profile):
        yield await self._qad.client(profile, **self._credentials)


@pytest.mark.parametrize("left_out", [(), OPTIONAL_KINDS])
async def test_kinds_that_the_profile_leaves_out_are_said_one_by_one(qad, left_out):
    profile = qad.profile()
    documents = {kind: part for kind, part in profile.documents.items() if kind not in left_out}
    wired = Wired(qad, msgspec.structs.replace(profile, documents=documents))
    found = {one.what: one.found async for one in _connection(wired, "acme")}
    said = {kind for kind in OPTIONAL_KINDS if "no_such_kind" in found.get(f"documents of kind {kind}", "")}
    assert said == set(left_out)
    assert {kind for kind in OPTIONAL_KINDS if f"look-up of {kind}" in found} == set(OPTIONAL_KINDS) - said


async def test_through_qxtend_the_look_ups_are_tried_and_a_secret_that_is_not_set_is_missed(qad):
    profile = qad.profile(qxtend_template())
    found = {one.what: one async for one in _connection(Wired(qad, profile), "acme")}
    missed = found.pop("secrets of QXtend")
    assert (missed.ok, "qxtend_password" in missed.next_step) == (False, True)
    assert {f"look-up of {kind}" for kind in profile.finds} <= found.keys()
    # Documents go another way; customers are made and changed over REST all the same.
    asked = {what.removeprefix("permission for ") for what in found if what.startswith("permission")}
    assert asked == {"customers.relation", "customers.customer", "customers.operations"}
    assert {one.ok for one in found.values()} == {True}


# -- what keeps everything else from working -------------------------------------------------------------------------


async def failed(qad, profile=None, **credentials):
    """Return what does not work, by what was tried, with its next step."""
    wired = Wired(qad, profile or qad.profile(), **credentials)
    return {one.what: one.next_step async for one in _connection(wired, "acme") if not one.ok}


async def test_of_a_tenant_that_is_right_nothing_fails_and_session_workspace_and_clock_are_told(qad):
    found = {one.what: one async for one in _connection(Wired(qad, qad.profile()), "acme")}
    assert [one.what for one in found.values() if not one.ok] == []
    assert found["session"].found == "ends after 480 min, or after 30 min without a call"
    assert "entered" in found["workspace"].found
    assert found["clock"].found.startswith("QAD's is ")


async def test_a_host_that_there_is_not(qad):
    told = await failed(qad, qad.profile(base_url="https://no-such-host.invalid/clouderp"))
    assert set(told) == {"QAD"}
    assert "no such host" in told["QAD"] or "no answer in time" in told["QAD"]


async def test_a_port_where_nobody_listens(qad):
    await qad.server.refuse_connections()
    told = await failed(qad)
    assert (set(told), "nobody takes the call there" in told["QAD"]) == ({"QAD"}, True)


async def test_tls_where_none_is_spoken(qad):
    told = await failed(qad, qad.profile(base_url=qad.server.url.replace("http://", "https://")))
    assert (set(told), "no TLS is spoken there" in told["QAD"]) == ({"QAD"}, True)


async def test_a_base_path_that_is_wrong(qad):
    told = await failed(qad, qad.profile(base_url=f"{qad.server.origin}/elsewhere"))
    assert (set(told), "look at base_url" in told["QAD"]) == ({"QAD"}, True)


async def test_a_wrong_password_is_tried_once(qad):
    told = await failed(qad, password="wrong-password")
    assert (set(told), "user name or password is wrong" in told["QAD"]) == ({"QAD"}, True)
    assert len(qad.requests("token")) == 1


async def test_a_workspace_that_is_not_this_users(qad):
    told = await failed(qad, qad.profile(workspace="10USA_NOWHERE"))
    assert set(told) == {"workspace"}
    assert "x-qad-workspace-id" in told["workspace"]


@pytest.mark.parametrize(
    ("was", "becomes", "what", "step"),
    [
        ("com.qad.erp.financials.periods", "com.qad.erp.financials.nothing", "browse of periods", "take browseId"),
        ('last_day = "lastDay"', 'last_day = "lastDays"', "browse of periods", "shows no column lastDays"),
    ],
)
async def test_a_browse_or_a_column_that_there_is_not(qad, was, becomes, what, step):
    told = await failed(qad, qad.profile(qad.profile_text().replace(was, becomes)))
    assert (set(told), step in told[what]) == ({what}, True)


async def test_a_right_that_is_missing(qad):
    told = await failed(qad, username="reader", password="reader-word")
    assert {what.partition(" for ")[0] for what in told} == {"permission"}
    assert all("role that may create" in step for step in told.values())


@pytest.mark.parametrize(("length", "idle"), [(1, 30), (480, 1)])
async def test_a_session_that_is_too_short_to_work_in(qad, length, idle):
    qad.control.change_settings({"session": {"session_length_minutes": length, "idle_minutes": idle}})
    told = await failed(qad)
    assert (set(told), "security control" in told["session"]) == ({"session"}, True)


async def test_a_clock_that_is_wrong(qad, monkeypatch):
    monkeypatch.setattr("adapters.qad.asking.client.datetime", Behind)
    told = await failed(qad)
    assert (set(told), "NTP" in told["clock"]) == ({"clock"}, True)


class Behind(datetime):
    """This machine's clock, two minutes behind."""

    @classmethod
    def now(cls, tz=None):
        return datetime.now(tz) - timedelta(minutes=2)


async def test_customers_that_the_profile_does_not_confirm_are_said_with_the_next_step(qad):
    said = await failed(
        qad, qad.profile(qad.profile_text().replace("[customers]\n", "[customers]\nconfirmed = false\n"))
    )
    assert set(said) == {"customers in QAD"}
    assert "set [customers] confirmed = true" in said["customers in QAD"]
    assert await failed(qad, qad.profile(customers=None)) == {}


async def test_a_column_of_relations_that_is_misspelt_is_said(qad):
    profile = qad.profile(qad.profile_text().replace('relation = "businessRelationCode", name', 'relation = "x", name'))
    said = await failed(qad, profile)
    assert (set(said), "x" in said["customers of one business relation"]) == (
        {"customers of one business relation"},
        True,
    )
