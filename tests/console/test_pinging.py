"""What `ping` tries at QAD before anything is posted: a look-up that could never find anything is said."""

from contextlib import asynccontextmanager

import msgspec
import pytest

from adapters.qad.profiles.documents import OPTIONAL_KINDS
from console.pinging import _connection, _look_up, _openings
from schemas.errors import Misconfigured
from tests.adapters.qad_company import ENTITY, post, qad_company, qxtend_template
from tests.adapters.test_qad_finding import by_hand


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
    assert (await _openings(erp, "acme", qad.profile().open_items)).ok
    assert (await _look_up(await qad.client(), qad.profile(), "acme", "invoice")).ok


async def test_a_number_column_of_open_items_that_is_misspelt_is_said(qad):
    qad.control.post_by_hand(ENTITY, by_hand("INV-OLD-1"), user="clerk")
    profile = misspelt(qad, "open_items", "number")
    finding = await _openings(await qad.erp(profile), "acme", profile.open_items)
    assert (finding.ok, "xreference" in finding.next_step) == (False, True)


async def test_a_reference_column_of_documents_that_is_misspelt_is_said(qad):
    profile = misspelt(qad, "documents.invoice", "reference")
    await post(await qad.erp(), qad.invoice())
    finding = await _look_up(await qad.client(profile), profile, "acme", "invoice")
    assert (finding.ok, "xcustomShort0" in finding.next_step) == (False, True)


class Wired:
    """One connection's QAD, as the composition root gives it."""

    def __init__(self, qad, profile):
        self._qad, self._profile = qad, profile

    def files(self, _connection):
        return None

    def profile(self, _connection):
        return self._profile

    def qxtend_login(self, connection):
        raise Misconfigured(f"qad/{connection} has no qxtend_password")

    @asynccontextmanager
    async def qad(self, _connection, profile):
        yield await self._qad.client(profile)


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
    assert not [what for what in found if what.startswith("permission")]
    assert {one.ok for one in found.values()} == {True}
