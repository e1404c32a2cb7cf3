"""No secret, token or body of Zuora in a log, an error or what an error comes from, whatever goes wrong."""

from urllib.parse import quote, quote_plus

import msgspec
import pytest

from adapters.zuora.reading.objects import ZuoraObjects
from schemas.errors import ConnectorError, Misconfigured
from schemas.records import RecordKind
from tests.adapters.ground import given
from tests.adapters.strange import Told
from tests.adapters.zuora_tenant import MemoryLog, client_of, poller

ID, WORD, TOKEN, BODY = "canary-client-id-5d", "canary-client-word-9c", "canary-token-2a", "canary-body-77"
CANARIES = (ID, WORD, TOKEN, BODY)
GRANTED = Told(b'{"access_token": "%s", "expires_in": 3598}' % TOKEN.encode())


def speaker(strange):
    return client_of(strange.url, client_id=ID, client_secret=WORD)


TROUBLE = [
    Told(BODY.encode(), status=500, content_type="text/html"),
    Told(BODY.encode(), status=200, content_type="text/html"),
    Told(BODY.encode(), status=404, content_type="text/html"),
    Told(b'{"%s": ' % BODY.encode(), status=500),
    Told(b'{"%s": ' % BODY.encode(), status=200),
    Told(b"{}", status=302, headers={"Location": f"https://{BODY}/"}),
    Told(b'{"success": false, "reasons": [{"code": 53100020, "message": "no"}], "x": "%s"}' % BODY.encode()),
    Told(b"{}", status=401),
    Told(b"{}", status=429),
    Told(never=True),
]


@pytest.mark.parametrize("trouble", TROUBLE, ids=lambda answer: f"{answer.status} {answer.body[:16].decode()}")
@pytest.mark.parametrize("where", ["/oauth/token", "/v1/x"])
async def test_no_trouble_tells_a_secret(strange, quick, monkeypatch, heard, told, trouble, where):
    for module in ("call", "token"):
        monkeypatch.setattr(f"adapters.zuora.asking.{module}._REQUEST_TIMEOUT_S", 0.1)
    strange.tell("/oauth/token", GRANTED)
    strange.tell(where, trouble)
    async with speaker(strange) as client:
        with pytest.raises((ConnectorError, msgspec.DecodeError)) as raised:
            await client.v1_rows("/v1/x", "rows")
    assert any(WORD.encode() in asked.body for asked in strange.asked)
    said = told(raised.value) + heard()
    assert [canary for canary in CANARIES if canary in said] == []


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("/oauth/token", f"client_secret {WORD} is not valid"),
        ("/oauth/token", f"client_id {ID} is not known"),
        ("/v1/x", f"Bearer {TOKEN} has no permission"),
        ("/v1/x", "x" * 290 + TOKEN),
    ],
)
async def test_an_answer_that_repeats_a_secret_is_not_passed_on(strange, quick, told, where, message):
    strange.tell("/oauth/token", GRANTED)
    strange.tell(where, Told(b'{"code": 400, "message": "%s"}' % message.encode(), status=400))
    async with speaker(strange) as client:
        try:
            await client.get("/v1/x")
        except ConnectorError as error:
            said = told(error)
        else:
            said = ""
    given("400" in said, "the refusal was told")
    assert [canary for canary in CANARIES if canary in said] == []


@pytest.mark.parametrize(
    "write", [str, quote_plus, lambda secret: quote(secret, safe="")], ids=["as it is", "form", "address"]
)
async def test_a_secret_is_struck_out_in_every_form_it_is_sent_in(strange, told, write):
    secret = "canary/word+8d==="
    said = msgspec.json.encode({"code": 400, "message": f"invalid: {write(secret)}"})
    strange.tell("/oauth/token", Told(said, status=400))
    async with client_of(strange.url, client_secret=secret) as client:
        with pytest.raises(Misconfigured) as refused:
            await client.get("/v1/x")
    assert "invalid: ***" in told(refused.value)
    assert "canary" not in told(refused.value)


async def test_a_whole_round_is_quiet(zuora, quick, heard):
    """A round that works, one whose pages fail and one whose token ends; names and numbers stay in the records."""
    account = zuora.account(name=BODY)
    zuora.payment(zuora.invoice(account=account.id, comments=BODY))
    zuora.sandbox.clock.advance(600)
    client, log = await zuora.client(), MemoryLog()
    polling = poller(client, log)
    await polling.round()
    zuora.arm("http_500", "^/object-query/payments$", count=5)
    zuora.sandbox.tokens.revoke()
    zuora.sandbox.clock.advance(600)
    await polling.round()
    said = heard()
    assert "poll failed" in said
    assert BODY in str(log.newest(RecordKind.ACCOUNT, account.id))
    known = zuora.sandbox.world.clients[0]
    for canary in (BODY, known.client_secret, known.client_id, client.token._text, "Müller"):
        assert canary not in said


async def test_what_holds_a_secret_shows_none(strange):
    async with speaker(strange) as client:
        objects = ZuoraObjects(client, "acme")
        polling = poller(client, MemoryLog())
        for holder in (client, client.token, objects, polling, vars(client), vars(client.token), vars(polling)):
            assert WORD not in repr(holder)
