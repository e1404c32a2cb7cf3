"""Who may hand in a callout: by password, and by signature where the tenant signs."""

import ast
import base64
import hashlib
import hmac
import inspect
import json
from ipaddress import ip_network
from pathlib import Path

import pytest

from adapters.credentials.secret import Secret
from adapters.zuora.receiving.doors import HmacRule
from adapters.zuora.receiving.guard import Limits
from adapters.zuora.receiving.guesses import GUESSES_MAX, Guesses
from sandbox.zuora.callouts.configuration import BasicAuthentication, CalloutConfiguration, Signature
from streams.read.hints import read_hint
from tests.adapters.ground import given
from tests.adapters.receiving import (
    BODY,
    PATH,
    SECRET,
    SIGNED,
    USER,
    WORD,
    Broker,
    basic,
    door,
    login,
    post,
    raw,
    receiving,
)


@pytest.fixture
def broker():
    return Broker()


@pytest.fixture
async def url(broker):
    doors = {PATH: door(), SIGNED: door(hmac_rule=HmacRule(), hmac_secrets=(Secret(SECRET),))}
    async with receiving(doors, broker) as found:
        yield found


def test_what_is_secret_is_compared_in_constant_time_alone():
    """By the source, since no clock of a test tells it: what is revealed goes into a digest and nowhere else."""
    source = ast.parse(Path(inspect.getfile(HmacRule)).read_text(encoding="utf-8"))
    parents = {child: node for node in ast.walk(source) for child in ast.iter_child_nodes(node)}
    compared = [node for node in ast.walk(source) if isinstance(node, ast.Compare)]
    spoken = [ast.unparse(node) for node in compared if not isinstance(node.ops[0], ast.Is)]
    assert all("scheme" in one or "rule.output" in one for one in spoken), spoken
    revealed = [node for node in ast.walk(source) if isinstance(node, ast.Attribute) and node.attr == "reveal"]
    for node in revealed:
        around: ast.AST = node
        while not (isinstance(around, ast.Call) and ast.unparse(around.func) in {"digest", "hmac.new"}):
            around = parents[around]
            assert not isinstance(around, ast.stmt), ast.unparse(around)
    assert len(revealed) == 2


# -- who may ---------------------------------------------------------------------------------------------------------


async def test_zuora_asks_first_without_credentials_and_then_with(url, broker):
    status, headers, body = await post(url)
    assert (status, body) == (401, b"")
    assert headers["WWW-Authenticate"].startswith("Basic realm=")
    assert broker.kept == []
    assert (await post(url, **basic()))[0] == 200
    assert len(broker.kept) == 1


@pytest.mark.parametrize("preemptive", [False, True])
@pytest.mark.parametrize(
    "body", ["", '{"object": "Invoice", "id": "{{DataSource.Invoice.Id}}"}'], ids=["usual", "asked"]
)
async def test_the_stand_ins_callouts_come_in(url, broker, zuora, eventually, preemptive, body):
    zuora.sandbox.callouts.configurations = [
        CalloutConfiguration(
            name="posted",
            url=url + SIGNED,
            event="InvoicePosted",
            body=body,
            basic=BasicAuthentication(username=USER, password=WORD, preemptive=preemptive),
            signature=Signature(header="X-ML-Signature", secret=SECRET, algorithm="SHA-256", output="HEX"),
        )
    ]
    invoice = zuora.invoice()

    async def came():
        assert len(broker.kept) == 1

    await eventually(came)
    [callout] = broker.kept
    hint = read_hint(callout)
    assert (hint.kind, hint.id) == ("invoice", invoice.id)
    assert callout.notification_id


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Basic",
        "Basic ",
        "Basic !!!",
        "Basic " + base64.b64encode(b"zuora").decode(),
        "Basic " + base64.b64encode(b":" + WORD.encode()).decode(),
        "Basic " + base64.b64encode(b"zuora:").decode(),
        "Basic " + base64.b64encode(f"{USER}:{WORD}x".encode()).decode(),
        "Basic " + base64.b64encode(f"{USER}x:{WORD}".encode()).decode(),
        "Basic " + base64.b64encode(f"{USER}:{WORD[:-1]}".encode()).decode(),
        "Basic " + base64.b64encode("zuörä:wört".encode("latin-1")).decode(),
        "Basic " + base64.b64encode(b"\xff\xfe:\xff").decode(),
        "Basic " + base64.b64encode(b"\x00" * 4000).decode(),
        "Bearer " + base64.b64encode(f"{USER}:{WORD}".encode()).decode(),
        "Digest username=zuora",
        base64.b64encode(f"{USER}:{WORD}".encode()).decode(),
    ],
    ids=lambda text: text[:24] or "none",
)
async def test_everybody_else_gets_the_same_401(url, broker, authorization):
    status, headers, body = await post(url, Authorization=authorization)
    assert (status, body, headers["WWW-Authenticate"]) == (401, b"", 'Basic realm="ml-connector"')
    assert broker.kept == []


@pytest.mark.parametrize("scheme", ["Basic", "basic", "BASIC"])
async def test_a_scheme_is_written_as_one_likes(url, scheme):
    coded = base64.b64encode(f"{USER}:{WORD}".encode()).decode()
    assert (await post(url, Authorization=f"{scheme} {coded}"))[0] == 200


@pytest.mark.parametrize("user", ["zuörä", "漢字", "a b"])
@pytest.mark.parametrize("word", ["pässwörd:with:colons", "🔑🔑🔑", " "])
async def test_credentials_may_be_of_any_script(broker, user, word):
    async with receiving({PATH: door(login(user, word))}, broker) as url:
        assert (await post(url, **basic(user, word)))[0] == 200
        assert (await post(url, **basic(user, word + "x")))[0] == 401
    assert len(broker.kept) == 1


async def test_bytes_that_are_no_text_in_the_credentials_are_401(url, broker):
    first = b"POST " + PATH.encode() + b" HTTP/1.1"
    status, _ = await raw(url, first, b"Authorization: Basic \xff\xfe\xc3", b"Content-Length: 0")
    assert (status, broker.kept) == (401, [])


# -- signatures ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ["sha256", "sha384", "sha512"])
@pytest.mark.parametrize("output", ["hex", "base64"])
async def test_a_body_is_verified_over_its_raw_bytes(broker, algorithm, output):
    rule = HmacRule(header="X-Signed", algorithm=algorithm, output=output)
    body = b'{"objectId":  "8a", "n": 1.10}  \n'

    def signature(over, secret=SECRET):
        digest = hmac.new(secret.encode(), over, algorithm).digest()
        return digest.hex() if output == "hex" else base64.b64encode(digest).decode()

    async with receiving({PATH: door(hmac_rule=rule, hmac_secrets=(Secret(SECRET),))}, broker) as url:

        async def status(**headers):
            return (await post(url, body=body, **basic(), **headers))[0]

        assert await status(**{"X-Signed": signature(body)}) == 200
        assert await status(**{"X-Signed": signature(body).upper()}) == (200 if output == "hex" else 401)
        assert await status() == 401
        assert await status(**{"X-Signed": ""}) == 401
        assert await status(**{"X-Signed": signature(body) + "0"}) == 401
        assert await status(**{"X-Signed": signature(body)[:-1]}) == 401
        assert await status(**{"X-Signed": signature(json.dumps(json.loads(body)).encode())}) == 401
        assert await status(**{"X-Signed": signature(body, "another")}) == 401
        assert await status(**{"X-ML-Signature": signature(body)}) == 401
        assert await status(**{"X-Signed": "ä"}) == 401
    assert len(broker.kept) == (2 if output == "hex" else 1)


async def test_a_signature_does_not_stand_for_the_password(url, broker):
    digest = hmac.new(SECRET.encode(), BODY, hashlib.sha256).hexdigest()
    assert (await post(url, SIGNED, **{"X-ML-Signature": digest}))[0] == 401
    assert broker.kept == []


async def test_bytes_that_are_no_text_in_the_signature_are_401(url, broker):
    status, _ = await raw(
        url,
        b"POST " + SIGNED.encode() + b" HTTP/1.1",
        b"Authorization: " + basic()["Authorization"].encode(),
        b"X-ML-Signature: \xff\xfe",
        b"Content-Type: application/json",
        b"Content-Length: 2",
        body=b"{}",
    )
    given(broker.kept == [], "nothing was stored")
    assert status == 401


async def test_a_rule_without_a_secret_lets_nobody_in(broker):
    async with receiving({PATH: door(hmac_rule=HmacRule())}, broker) as url:
        assert (await post(url, **basic()))[0] == 401


# -- guessing --------------------------------------------------------------------------------------------------------


async def test_who_guesses_has_to_wait_and_who_asks_first_does_not(broker):
    async with receiving({PATH: door()}, broker, limits=Limits(proxies=[ip_network("127.0.0.1")])) as url:

        async def status(address, **headers):
            return (await post(url, **headers, **{"X-Forwarded-For": address}))[0]

        answers = [await status("192.0.2.1", **basic(word="guess")) for _ in range(GUESSES_MAX + 5)]
        assert answers == [401] * GUESSES_MAX + [429] * 5
        assert await status("192.0.2.1", **basic()) == 429
        assert {await status("192.0.2.2") for _ in range(GUESSES_MAX + 5)} == {401}
        assert await status("192.0.2.2", **basic()) == 200
        # Whoever has an address of version 6 has a network of them, and each call comes from another port.
        answers = [await status(f"[2001:db8::{at:x}]:{at + 1}", **basic(word="guess")) for at in range(GUESSES_MAX + 5)]
        assert answers == [401] * GUESSES_MAX + [429] * 5
        assert await status("2001:db8:0:1::1", **basic()) == 200


def test_guesses_are_forgotten_and_their_number_is_bounded():
    at = [0.0]
    guesses = Guesses(now=lambda: at[0])
    for _ in range(GUESSES_MAX):
        guesses.note("a")
    assert guesses.too_many("a")
    assert not guesses.too_many("b")
    at[0] = 60.0
    assert not guesses.too_many("a")
    for number in range(100_000):
        guesses.note(str(number))
        assert len(guesses._wrong) <= 10_001


# -- rotation --------------------------------------------------------------------------------------------------------


async def test_two_logins_and_two_secrets_are_good_while_they_change(broker):
    rule, other = HmacRule(), "canary-signing-secret-next"
    doors = {PATH: door(login(), login(word="next-word"), hmac_rule=rule, hmac_secrets=(Secret(SECRET), Secret(other)))}

    def signed(secret):
        return {rule.header: hmac.new(secret.encode(), BODY, hashlib.sha256).hexdigest()}

    async with receiving(doors, broker) as url:
        for word, secret in ((WORD, SECRET), ("next-word", other), ("next-word", SECRET)):
            assert (await post(url, **basic(word=word), **signed(secret)))[0] == 200
        assert (await post(url, **basic(word="third"), **signed(SECRET)))[0] == 401
        assert (await post(url, **basic(), **signed("third")))[0] == 401
    assert [(one.login, one.signature) for one in broker.kept] == [
        ("current", "current"),
        ("next", "next"),
        ("next", "current"),
    ]


async def test_users_and_passwords_of_two_logins_do_not_mix(broker):
    async with receiving({PATH: door(login("a", "one"), login("b", "two"))}, broker) as url:
        assert (await post(url, **basic("a", "two")))[0] == 401
        assert (await post(url, **basic("b", "one")))[0] == 401
        assert (await post(url, **basic("b", "two")))[0] == 200


async def test_a_secret_that_changes_counts_from_the_next_callout_on(broker):
    doors = {PATH: door()}
    async with receiving(doors, broker) as url:
        assert (await post(url, **basic(word="new")))[0] == 401
        doors[PATH] = door(login(), login(word="new"))
        assert (await post(url, **basic(word="new")))[0] == 200
        doors[PATH] = door(login(word="new"), login(word="new"))
        assert (await post(url, **basic()))[0] == 401
        assert (await post(url, **basic(word="new")))[0] == 200
    assert [one.login for one in broker.kept] == ["next", "current"]


async def test_which_slot_is_used_is_said_once(broker, heard):
    async with receiving({PATH: door(login(), login(word="next-word"))}, broker) as url:
        for word in (WORD, "next-word", "next-word"):
            await post(url, **basic(word=word))
    log = heard()
    assert (log.count("'slot': 'current'"), log.count("'slot': 'next'")) == (1, 1)
