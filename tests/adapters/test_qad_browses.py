"""Browses that are not as documented: asked for as they should be, and never taken for an empty one."""

import asyncio

import pytest

from adapters.credentials.secret import Secret
from adapters.qad.asking.client import Credentials, QadClient
from adapters.qad.profiles.profile import Profile
from adapters.qad.reading.browse import browse
from adapters.qad.rest.port import RestQad
from schemas.errors import ConnectorError, Misconfigured, Transient
from tests.adapters.strange import Told
from tests.loopback import LOOPBACK

BROWSES = "/api/qracore/browses"
PAGES_BEFORE_NOTICED = 20
# The one row of a look-up: its reference and its voucher.
ROW = (
    b'{"data": [{"customerInvoice.customShort0": "%s", "customerInvoice.postingYear": 2026, '
    b'"customerInvoice.daybookCode": "Z", "customerInvoice.voucher": %s, "customerInvoice.customerCode": "C", '
    b'"customerInvoice.currencyCode": "USD", "customerInvoice.originalAmount": 1, "customerInvoice.taxAmount": 0, '
    b'"customerInvoice.postingDate": "2026-01-01"}]}'
)


@pytest.fixture
async def speaker(strange):
    strange.tell("/oauth/token", Told(b'{"access_token": "t", "expires_in": 3600}'))
    profile = Profile(base_url=strange.url, workspace="D_E", entity="E", documents={}, browses={})
    async with QadClient(profile, Credentials(client_id=Secret("ml")), LOOPBACK) as client:
        yield client


async def rows(client):
    pages = browse(client, browse_id="urn:b", prefix="p", filters=["a,eq,1,literal"], page_size=2)
    return [row async for page in pages for row in page]


async def test_a_browse_is_asked_for_as_documented(speaker, strange):
    strange.tell(
        BROWSES,
        Told(b'{"data": [{"p.a": 1, "q.b": 2, "c": 3}], "auxillaryData": {"HasMoreParams": "true"}}'),
        Told(b'{"data": [{"p.a": 4}], "auxillaryData": {"HasMoreParams": "false"}}'),
    )
    assert await rows(speaker) == [{"a": 1, "q.b": 2, "c": 3}, {"a": 4}]
    first, second = (asked.query for asked in strange.asked if asked.path == BROWSES)
    assert (first["page"], first["pageAction"]) == (["1"], ["first"])
    assert (second["page"], second["pageAction"]) == (["2"], ["next"])
    assert first["callId"] == second["callId"]
    assert first["filter"] == ["a,eq,1,literal"]


@pytest.mark.parametrize("more", [b'"false"', b"false", b'""', b"null"])
async def test_no_more_is_said_in_several_ways(speaker, strange, more):
    strange.tell(BROWSES, Told(b'{"data": [{"p.a": 1}], "auxillaryData": {"HasMoreParams": %s}}' % more))
    assert len(await rows(speaker)) == 1


async def test_no_word_about_more_is_no_more(speaker, strange):
    strange.tell(BROWSES, Told(b'{"data": []}'))
    assert await rows(speaker) == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b'{"data": null}',
        b'{"data": [null]}',
        b'{"data": ["x"]}',
        b'{"data": {}}',
        b"<html></html>",
        b'{"data": [{"p.a": 1}',
    ],
    ids=str,
)
async def test_what_is_no_page_is_never_an_empty_one(speaker, strange, body):
    strange.tell(BROWSES, Told(body))
    with pytest.raises(Transient):
        await rows(speaker)


async def test_a_browse_that_always_shows_its_first_page_comes_to_an_end(speaker, strange):
    strange.tell(BROWSES, Told(b'{"data": [{"p.a": 1}], "auxillaryData": {"HasMoreParams": "true"}}'))
    reading = asyncio.create_task(rows(speaker))
    try:
        async with asyncio.timeout(10):
            while not reading.done() and strange.times(BROWSES) <= PAGES_BEFORE_NOTICED:
                await asyncio.wait([reading], timeout=0.01)
        assert strange.times(BROWSES) <= PAGES_BEFORE_NOTICED
        with pytest.raises(ConnectorError):
            await reading
    finally:
        reading.cancel()
        await asyncio.wait([reading])


async def test_a_browse_that_shows_its_pages_in_a_circle_comes_to_an_end(speaker, strange):
    page = b'{"data": [{"p.a": %d}], "auxillaryData": {"HasMoreParams": "true"}}'
    strange.tell(BROWSES, *(Told(page % number) for number in (1, 2, 1, 2)))
    with pytest.raises(Misconfigured, match="does not page"):
        await rows(speaker)
    assert strange.times(BROWSES) == 3


async def test_a_word_about_more_that_is_none_is_no_more(speaker, strange):
    strange.tell(BROWSES, Told(b'{"data": [{"p.a": 1}], "auxillaryData": ["true"]}'))
    assert len(await rows(speaker)) == 1


async def test_a_browse_that_does_not_heed_its_filter_finds_nobodys_document(house, strange):
    """Another document of the same customer, day and amount would pass for ours."""
    strange.tell("/oauth/token", Told(b'{"access_token": "t", "expires_in": 3600}'))
    strange.tell(BROWSES, Told(ROW % (b"OTHER", b"7")), Told(ROW % (b"a  ", b"7")))
    profile = house.profile(base_url=strange.url)
    async with QadClient(profile, Credentials(client_id=Secret("ml")), LOOPBACK) as client:
        erp = RestQad(client, profile)
        with pytest.raises(Misconfigured, match="does not filter"):
            await erp.find("invoice", "A")
        found = await erp.find("invoice", "A")
    assert found is not None
    assert found.document.voucher == 7


@pytest.mark.parametrize("voucher", [b"null", b'"x"', b"{}", b"true", b"1.5", b"-1", b"1e999999999"])
async def test_a_row_without_a_key_is_said(house, strange, voucher):
    strange.tell("/oauth/token", Told(b'{"access_token": "t", "expires_in": 3600}'))
    strange.tell(BROWSES, Told(ROW % (b"A", voucher)))
    profile = house.profile(base_url=strange.url)
    async with QadClient(profile, Credentials(client_id=Secret("ml")), LOOPBACK) as client:
        with pytest.raises(ConnectorError):
            await RestQad(client, profile).find("invoice", "A")
