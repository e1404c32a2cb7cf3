"""Answers that mean harm or come from somewhere else: redirects, bombs, other data centres, ids that are paths."""

import ast
import asyncio
import gzip
import re
from pathlib import Path

import pytest
from yarl import URL

from adapters.zuora.asking.answers import TooMany
from adapters.zuora.asking.client import ZuoraClient
from adapters.zuora.asking.regions import elsewhere, named
from adapters.zuora.asking.token import Token
from schemas.errors import ConnectorError, Misconfigured, Refused, Transient, Unreadable
from tests.adapters.strange import Told, strange_server
from tests.adapters.zuora_tenant import TOKEN, client_of, rows_of, speaking_to
from tests.source import nodes_of

CODES = "/v1/accounting-codes"
ZUORA = Path(__file__).resolve().parents[2] / "adapters/zuora"


@pytest.fixture
async def speaker(strange):
    async with speaking_to(strange) as client:
        yield client


@pytest.fixture
async def other():
    """Another server, which nothing of ours may ever reach."""
    async with strange_server() as server:
        server.tell("/oauth/token", TOKEN)
        yield server


# -- redirects -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("where", ["/oauth/token", CODES])
async def test_a_redirect_takes_neither_secret_nor_token_to_another_server(zuora, other, status, where):
    armed = zuora.arm("redirect", f"^{where}$", status=status, location=f"{other.url}{where}")
    client = await zuora.client()
    with pytest.raises(Misconfigured, match="redirect") as refused:
        await client.get(CODES)
    assert (armed.fired, other.asked) == (1, [])
    assert other.url not in str(refused.value)


async def test_a_redirect_that_names_a_data_centre_is_told_and_not_followed(speaker, strange):
    strange.tell(CODES, Told(status=302, headers={"Location": "https://rest.na.zuora.com/v1/x?secret=1"}))
    with pytest.raises(Misconfigured, match=r"it names https://rest\.na\.zuora\.com \(US Cloud 1") as refused:
        await speaker.get(CODES)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("location", [None, "", "http://[", "https://rest.na.zuora.com.evil.example/", "//x", "/v1/x"])
def test_no_other_place_is_ever_named(location):
    assert named(location) == ""


# -- data centres ----------------------------------------------------------------------------------------------------


def test_where_else_a_tenant_may_be_is_told_likeliest_first():
    assert "another data centre would be rest.na.zuora.com (US Cloud 1), " in elsewhere("https://rest.zuora.com")
    assert "another data centre would be rest.zuora.com (US Cloud 2), " in elsewhere("https://rest.na.zuora.com")
    sandbox = elsewhere("https://rest.sandbox.na.zuora.com/")
    assert "rest.apisandbox.zuora.com (US Cloud 2), rest.sandbox.eu.zuora.com (EU)" in sandbox
    assert "rest.zuora.com" not in sandbox
    assert elsewhere("https://zuora.example") == ""


async def test_good_credentials_at_a_wrong_data_centre_are_one_sentence_that_names_the_others(zuora, monkeypatch):
    """The host is Zuora's by name and the stand-in by address: what is refused there says where else to look."""
    armed = zuora.arm("unauthorized", "^/oauth/token$")
    monkeypatch.setattr("adapters.zuora.asking.token.elsewhere", lambda _: elsewhere("https://rest.eu.zuora.com"))
    client = await zuora.client()
    with pytest.raises(
        Refused, match=r"rest\.eu\.zuora\.com is production, EU; another data centre would be"
    ) as refused:
        await client.get(CODES)
    assert "\n" not in str(refused.value)
    assert (armed.fired, len(zuora.requests())) == (1, 1), "nothing was tried to find out"


async def test_nothing_is_asked_of_another_tenant_than_the_configured_one(zuora):
    client = await zuora.client(tenant_id="99")
    with pytest.raises(Refused, match="belong to tenant 12270, and tenant_id says 99"):
        await client.get(CODES)
    assert [entry.path for entry in zuora.requests()] == ["/oauth/token"]
    assert await (await zuora.client(tenant_id="12270")).get(CODES)


# -- envelopes -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "family"),
    [
        (Told(b'{"faultCode": "MALFORMED_QUERY", "faultMessage": "no field Foo"}', status=400), Misconfigured),
        (Told(b'{"faultCode": "REQUEST_EXCEEDED_LIMIT", "faultMessage": "m"}', status=500), Transient),
        (Told(b'{"success": false, "reasons": [{"code": 50, "message": "m"}]}'), Transient),
        (Told(b'{"success": false, "reasons": [{"code": "61", "message": "m"}]}'), Transient),
        (Told(b'{"reasons": [{"code": 70, "message": "API Rate limit exceeded"}]}', status=429), TooMany),
        (Told(b'{"success": false, "reasons": [{"code": "99", "message": "m"}]}'), Transient),
        (Told(b'{"success": false, "reasons": [{"code": 20, "message": "m"}]}'), Misconfigured),
        (Told(b"<html>Gateway Timeout</html>", status=504, content_type="text/html"), Transient),
        (Told(b'{"message": "The upstream server is timing out"}', status=504), Transient),
        (Told(b'{"message": "no Route matched with those values"}', status=404), Misconfigured),
        (Told(b'{"success": true}', content_type="text/html"), Transient),
        (Told(b'{"message": "Failed to get user info"}', status=401), Transient),
    ],
    ids=lambda value: getattr(value, "body", b"").decode()[:40] or None,
)
async def test_every_envelope_has_its_family(speaker, strange, quick, answer, family):
    strange.tell("/v1/x", answer)
    with pytest.raises(family):
        await speaker.get("/v1/x")
    assert strange.times("/oauth/token") == 1


async def test_a_path_that_the_gateway_does_not_know_says_what_to_look_at(zuora):
    armed = zuora.arm("no_route", CODES)
    client = await zuora.client()
    with pytest.raises(Misconfigured, match="no Route matched"):
        await client.get(CODES)
    assert armed.fired == 1


async def test_the_gateways_time_out_is_waited_out(zuora, quick):
    armed = zuora.arm("http_503", CODES, status=504, count=2)
    client = await zuora.client()
    await client.get(CODES)
    assert armed.fired == 2


async def test_a_token_that_ends_while_twenty_read_pages_is_fetched_once_and_no_row_is_lost(zuora, quick):
    for number in range(30):
        zuora.account(account_number=f"B-{number:03}")
    client = await zuora.client()
    await client.token.get()
    lists = [asyncio.create_task(rows_of(client, "accounts", page_size=10)) for _ in range(20)]
    while len(zuora.requests("^/object-query/accounts$")) < 25:  # noqa: ASYNC110 - the server has no event for it
        await asyncio.sleep(0.001)
    zuora.sandbox.tokens.revoke()
    rows = await asyncio.gather(*lists)
    assert {(len(one), len(set(one))) for one in rows} == {(31, 31)}
    refused = [entry for entry in zuora.requests() if entry.status == 401]
    assert refused, "the token was never refused: this test would hold nothing"
    assert zuora.token_calls == 2


# -- bombs and headers -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["/oauth/token", CODES])
async def test_a_small_answer_that_unpacks_to_a_large_one_is_not_unpacked(zuora, where):
    armed = zuora.arm("bomb", f"^{where}$")
    client = await zuora.client()
    with pytest.raises(Misconfigured, match="larger than"):
        await client.get(CODES)
    assert armed.fired == 1


async def test_an_answer_of_the_largest_size_is_read(speaker, strange, monkeypatch):
    monkeypatch.setattr("adapters.zuora.asking.answers.BODY_BYTES_MAX", 10_000)
    body = b'{"success": true, "x": "' + b"x" * (10_000 - 26) + b'"}'
    packed = {"Content-Encoding": "gzip"}
    strange.tell(
        "/v1/x", Told(gzip.compress(body), headers=packed), Told(gzip.compress(body + b" "), headers=packed), Told(body)
    )
    assert (await speaker.get("/v1/x")).body == body
    with pytest.raises(Misconfigured, match="larger than 10000 bytes"):
        await speaker.get("/v1/x")
    assert (await speaker.get("/v1/x")).body == body


@pytest.mark.parametrize("packed", [b"not gzip at all", gzip.compress(b'{"rows": []}' * 99)[:20]], ids=["none", "cut"])
async def test_what_cannot_be_unpacked_passes(speaker, strange, quick, packed):
    strange.tell("/v1/x", Told(packed, headers={"Content-Encoding": "gzip"}))
    with pytest.raises(Transient):
        await speaker.v1_rows("/v1/x", "rows")


async def test_a_token_never_makes_a_header_of_its_own(strange, quick):
    strange.tell("/oauth/token", Told(b'{"access_token": "t\\r\\nX-Evil: 1", "expires_in": 3598}'))
    async with client_of(strange.url) as client:
        with pytest.raises(ConnectorError):
            await client.get("/v1/x")
    assert {one.path for one in strange.asked} == {"/oauth/token"}


# -- paths, filters, addresses ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "evil", ["../accounts/x", "%2e%2e/accounts", "x?fields=1", "x#f", "a/b", "a\n", "", "x y", "a]&b=[", "'", "ä"]
)
async def test_an_id_that_is_a_path_is_never_asked_for(zuora, evil):
    for kind in ("invoice", "account", "payment", "credit_memo"):
        with pytest.raises(Unreadable):
            await (await zuora.objects()).read(kind, evil, None)
    assert zuora.requests("^/(v1|object-query)") == []


# What may stand in a path or a filter beside its own words, and the names of what our own tables say.
_QUOTING = {"quoted", "checked", "literal", "_zulu", "zulu", "isoformat"}
_MADE_BY_QUOTING = re.compile(r"\b(quoted|checked|literal|is_id)\(")
_OUR_OWN = re.compile(r"path|objects|spec\.objects|kind\.dated|post\.path|self\._url|base_url|self\._base_url")


def test_whatever_stands_in_a_path_or_a_filter_is_quoted():
    """By the source: a value in a text that begins like a path or compares like a filter comes from a quoting call."""
    looked_at = 0
    for path in sorted(ZUORA.rglob("*.py")):
        # A name is as good as what it was made of.
        made = [node for node in nodes_of(path) if isinstance(node, ast.Assign)]
        names = {ast.unparse(one.targets[0]) for one in made if re.search(_MADE_BY_QUOTING, ast.unparse(one.value))}
        # What is one of some words by its type is our own.
        typed = [node for node in nodes_of(path) if isinstance(node, ast.arg) and node.annotation]
        names |= {one.arg for one in typed if one.annotation and ast.unparse(one.annotation).startswith("Literal[")}
        for node in nodes_of(path):
            if not isinstance(node, ast.JoinedStr):
                continue
            words = "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)
            if not re.match(r"(\{\})?/(v1|object-query|oauth|query|events|notifications)/", words) and not re.search(
                r"\.(EQ|NE|LT|GT|LE|GE|SW|IN):", words
            ):
                continue
            looked_at += 1
            for part in node.values:
                if not isinstance(part, ast.FormattedValue):
                    continue
                value = part.value
                called = value.func if isinstance(value, ast.Call) else None
                name = getattr(called, "id", getattr(called, "attr", ""))
                words = ast.unparse(value)
                quoted = name in _QUOTING or words in names or _OUR_OWN.fullmatch(words)
                assert quoted, f"{path.name}:{node.lineno}: {words} may be anything"
    assert looked_at > 8, "no path was looked at: this test would hold nothing"


@pytest.mark.parametrize("kind", [ZuoraClient, Token])
def test_no_address_but_the_configured_one_is_known(kind):
    """The host of every call is the base URL's: nothing else in these modules names one."""
    texts = [
        node.value
        for path in sorted(ZUORA.rglob("*.py"))
        if path.name != "regions.py"
        for node in nodes_of(path)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    assert [text for text in texts if re.search(r"https?://[a-z]", text)] == []
    assert URL("https://rest.zuora.com@evil.example").host == "evil.example"
