"""What Zuora's answers mean to the client: every way to say no, half an answer, and a next page that leads astray."""

import asyncio
import re

import pytest
from structlog.testing import capture_logs

from adapters.credentials.secret import Secret
from adapters.zuora.asking.answers import Answered, NotFound, TooMany
from adapters.zuora.asking.client import ZuoraClient
from adapters.zuora.asking.commons import Commons
from schemas.errors import ConnectorError, Misconfigured, NotAllowed, Refused, Transient
from tests.adapters.strange import Told, strange_server
from tests.adapters.zuora_tenant import TOKEN, budget, rows_of, speaking_to
from tests.loopback import LOOPBACK

CODES = "/v1/accounting-codes"
# A list that names itself as its next page is asked for so often at most before somebody notices.
PAGES_BEFORE_NOTICED = 20


@pytest.fixture
async def speaker(strange):
    async with speaking_to(strange) as client:
        yield client


# -- what does not pass ----------------------------------------------------------------------------------------------


async def test_a_token_that_is_never_accepted_is_asked_for_once_more_only(zuora, quick):
    armed = zuora.arm("unauthorized", CODES)
    client = await zuora.client()
    with pytest.raises(Refused, match="new token"):
        await client.get(CODES)
    assert (armed.fired, zuora.token_calls) == (2, 2)


async def test_a_redirect_is_refused_and_not_followed(speaker, strange):
    strange.tell("/v1/x", Told(status=302, headers={"Location": f"{strange.url}/elsewhere"}))
    with pytest.raises(Misconfigured, match="redirect"):
        await speaker.get("/v1/x")
    assert strange.times("/elsewhere") == 0


REASONS = b'{"reasons": [{"code": %s, "message": "m"}], "requestId": "r"}'
NO = b'{"success": false, "processId": "p", "reasons": [{"code": %s, "message": "m"}]}'


@pytest.mark.parametrize(
    ("status", "body", "family", "tries"),
    [
        # v1, with 200 and with an error status, codes as numbers and as texts
        (200, NO % b"53100020", Misconfigured, 1),
        (200, NO % b"53100030", Misconfigured, 1),
        (200, NO % b'"58730222"', Misconfigured, 1),
        (200, NO % b"50000040", NotFound, 1),
        (200, NO % b"50000010", NotAllowed, 1),
        (200, NO % b"50000050", Answered, 5),
        (200, NO % b'"50000061"', Answered, 5),
        (200, NO % b"50000099", Answered, 5),
        (200, b'{"success": false}', Misconfigured, 1),
        (500, NO % b"50000060", Answered, 5),
        # several reasons: retried only if all of them are
        (200, b'{"success": false, "reasons": [{"code": 50000050}, {"code": 53100020}]}', Misconfigured, 1),
        (200, b'{"success": false, "reasons": [{"code": 50000050}, {"code": 50000061}]}', Answered, 5),
        (400, b'{"reasons": [{"code": 50000050}, {"code": "ObjectNotFound"}]}', Misconfigured, 1),
        (400, b'{"reasons": [{"code": 1, "message": "lock competition"}, {"code": 20}]}', Misconfigured, 1),
        (400, b'{"reasons": [{"code": 1, "message": "Lock Competition"}, {"code": 50}]}', Answered, 5),
        # a code that is none
        (400, b'{"reasons": [{"code": "\xc2\xb250"}]}', Misconfigured, 1),
        # Object Query
        (400, REASONS % b"50000027", Misconfigured, 1),
        (403, REASONS % b"50000010", NotAllowed, 1),
        (404, REASONS % b"50000040", NotFound, 1),
        # of the same category, and about the path
        (404, REASONS.replace(b'"m"', b'"The endpoint /v1/x does not exist."') % b"50000040", Refused, 1),
        (404, b'{"message": "no Route matched with those values"}', Misconfigured, 1),
        (500, REASONS % b"50000060", Answered, 5),
        # notifications and v1 500
        (500, REASONS % b'"SystemError"', Answered, 5),
        # a no whose words cannot be read is a no: never an object, never an empty list
        (200, b'{"success": false, "reasons": [{"code": 53100020, "message": null}], "items": []}', Transient, 5),
        (200, b'{"success": false, "reasons": null, "items": []}', Transient, 5),
        (200, b'{"Success": false, "Errors": null}', Transient, 5),
        # CRUD and Actions
        (200, b'{"Success": false, "Errors": [{"Code": "INVALID_VALUE", "Message": "m"}]}', Misconfigured, 1),
        (400, b'{"FaultCode": "INVALID_VALUE", "FaultMessage": "m"}', Misconfigured, 1),
        # a lock, told as a plain wrong value
        (200, NO.replace(b'"m"', b'"Operation failed due to a lock competition"') % b"53100020", Answered, 5),
        # OAuth, Data Query and others
        (400, b'{"code": 1, "message": "m"}', Misconfigured, 1),
        (403, b'{"code": 1, "message": "m"}', NotAllowed, 1),
        # limits
        (429, REASONS % b"70", TooMany, 5),
        (429, b"", TooMany, 5),
        (429, b"<html></html>", TooMany, 5),
        # neither of them
        (500, b"not json", Transient, 5),
        (503, b"", Transient, 5),
        (400, b"[]", Transient, 5),
    ],
)
async def test_every_way_to_say_no_has_its_family(speaker, strange, quick, status, body, family, tries):
    strange.tell("/v1/x", Told(body, status=status))
    with pytest.raises(ConnectorError) as refused:
        await speaker.get("/v1/x")
    assert (type(refused.value), strange.times("/v1/x")) == (family, tries)
    assert "?" not in str(refused.value)


@pytest.mark.parametrize(
    "answer",
    [
        Told(b'{"success": false, "reasons": [{"code": "90000011", "message": "sign in first"}]}', status=401),
        Told(b'{"success": false, "reasons": [{"code": 90000011, "message": "sign in first"}]}', status=200),
        Told(b'{"message": "Authentication error"}', status=401),
        Told(b"", status=401),
        Told(b"<html></html>", status=401, content_type="text/html"),
    ],
    ids=["text", "number", "message", "empty", "html"],
)
async def test_every_way_to_ask_for_a_sign_in_fetches_one_token(speaker, strange, quick, answer):
    strange.tell("/v1/x", answer, Told(b'{"success": true}'))
    await speaker.get("/v1/x")
    assert strange.times("/oauth/token") == 2


async def test_the_version_the_entity_and_the_pages_size_are_always_said(strange):
    strange.tell("/oauth/token", TOKEN)
    strange.tell("/object-query/invoices", Told(b'{"data": []}'))
    strange.tell(CODES, Told(b'{"accountingCodes": []}'))
    async with ZuoraClient(
        f"{strange.url}/",
        client_id=Secret("i"),
        client_secret=Secret("s"),
        version="2025-08-12",
        commons=Commons(),
        reach=LOOPBACK,
        budget=budget(),
        entity_id="e-1",
    ) as client:
        assert await rows_of(client, "invoices") == []
        assert await client.v1_rows(CODES, "accountingCodes") == []
    listed, codes = strange.asked[1:]
    assert (listed.query["pageSize"], codes.query["pageSize"]) == (["99"], ["40"])
    assert {one.headers["Zuora-Version"] for one in (listed, codes)} == {"2025-08-12"}
    assert {one.headers["Zuora-Entity-Ids"] for one in (listed, codes)} == {"e-1"}
    assert {one.headers["Authorization"] for one in (listed, codes)} == {"Bearer t"}


# -- half an answer is none ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", [0, 1])
async def test_a_list_that_is_cut_is_never_a_shorter_list(zuora, quick, page):
    for number in range(25):
        zuora.account(account_number=f"B-{number:03}")
    armed = zuora.arm("truncated_json", "^/object-query/accounts$", after=page, count=1)
    client = await zuora.client()
    with pytest.raises(Transient, match="cut"):
        await rows_of(client, "accounts", page_size=10)
    assert armed.fired == 1


@pytest.mark.parametrize(
    "body",
    [
        b'{"data": null}',
        b'{"data": {}}',
        b'{"data": [], "nextPage": 5}',
        b"null",
        b"5",
        b"[" * 100_000,
        b'{"data": ' * 5_000,
        b"{}",
        b'{"message": "\xff"}',
        b'{"data": [], "nextPage": "\xff"}',
    ],
    ids=lambda body: body[:24].decode("latin-1"),
)
async def test_what_is_no_page_is_never_an_empty_page(speaker, strange, quick, body):
    strange.tell("/object-query/invoices", Told(body))
    with pytest.raises(ConnectorError):
        await rows_of(speaker, "invoices")


async def test_a_cursor_that_does_not_move_is_not_the_end_of_a_list(speaker, strange):
    strange.tell(
        "/object-query/invoices",
        Told(b'{"nextPage": "MTA=", "data": [{"id": "1"}]}'),
        Told(b'{"nextPage": "MTA=", "data": [{"id": "2"}]}'),
    )
    with pytest.raises(ConnectorError):
        await rows_of(speaker, "invoices")


async def test_cursors_that_go_round_are_not_the_end_of_a_list(speaker, strange):
    pages = (Told(b'{"nextPage": "%s", "data": [{"id": "1"}]}' % name) for name in (b"MTA=", b"MjA=", b"MTA="))
    strange.tell("/object-query/invoices", *pages)
    with pytest.raises(Transient, match="does not end"):
        await rows_of(speaker, "invoices")


async def test_an_older_list_that_is_left_out_is_empty_only_where_all_went_well(speaker, strange, quick):
    strange.tell(CODES, Told(b'{"success": true}'))
    assert await speaker.v1_rows(CODES, "accountingCodes") == []
    strange.tell(CODES, Told(b'{"requestId": "r"}'))
    with pytest.raises(Transient, match="has no accountingCodes"):
        await speaker.v1_rows(CODES, "accountingCodes")


async def test_an_older_list_that_names_itself_as_its_next_page_comes_to_an_end(speaker, strange):
    here = f"{strange.url}{CODES}?pageSize=40&page=2".encode()
    strange.tell(CODES, Told(b'{"accountingCodes": [{"id": "1"}], "nextPage": "' + here + b'"}'))
    reading = asyncio.create_task(speaker.v1_rows(CODES, "accountingCodes"))
    try:
        async with asyncio.timeout(10):
            while not reading.done() and strange.times(CODES) <= PAGES_BEFORE_NOTICED:
                await asyncio.wait([reading], timeout=0.01)
        assert strange.times(CODES) <= PAGES_BEFORE_NOTICED
        with pytest.raises(ConnectorError):
            await reading
    finally:
        reading.cancel()
        await asyncio.wait([reading])


async def test_a_gateway_that_knows_no_such_path_is_no_deleted_object(speaker, strange):
    strange.tell("/v1/x", Told(b'{"message": "no Route matched with those values"}', status=404))
    with pytest.raises(ConnectorError) as refused:
        await speaker.get("/v1/x")
    assert not isinstance(refused.value, NotFound)


@pytest.mark.parametrize("status", [507, 520, 522, 524])
async def test_any_failure_of_a_gateway_passes(speaker, strange, quick, status):
    strange.tell("/v1/x", Told(b"<html>gateway</html>", status=status, content_type="text/html"))
    with pytest.raises(ConnectorError) as refused:
        await speaker.get("/v1/x")
    assert isinstance(refused.value, Transient)


# -- the next page ---------------------------------------------------------------------------------------------------


async def test_the_next_page_is_followed_as_zuora_writes_it(speaker, strange):
    """A full URL, a path alone, and a gateway that says another scheme or port than we came by."""
    port = strange.url.rsplit(":", 1)[1]
    pages = [
        f"{strange.url}{CODES}?page=2&pageSize=40",
        f"{CODES}?page=3&pageSize=40",
        f"https://127.0.0.1{CODES}?page=4&pageSize=40",
    ]
    body = b'{"accountingCodes": [{"id": "%d"}], "nextPage": "%s"}'
    strange.tell(
        CODES,
        *(Told(body % (number, page.encode())) for number, page in enumerate(pages, 1)),
        Told(b'{"accountingCodes": [{"id": "4"}], "nextPage": null}'),
    )
    rows = await speaker.v1_rows(CODES, "accountingCodes")
    assert [bytes(row) for row in rows] == [b'{"id": "%d"}' % number for number in (1, 2, 3, 4)]
    assert [asked.query.get("page") for asked in strange.asked[1:]] == [None, ["2"], ["3"], ["4"]]
    assert {asked.headers["Host"] for asked in strange.asked} == {f"127.0.0.1:{port}"}


@pytest.mark.parametrize(
    "following",
    [
        "http://localhost:{port}/v1/x",
        "//localhost:{port}/v1/x",
        "http://127.0.0.1@localhost:{port}/v1/x",
        "http://user:word@localhost:{port}/v1/x",
        "http://127.0.0.1.localhost:{port}/v1/x",
    ],
)
async def test_the_next_page_is_never_on_another_host(speaker, strange, following):
    async with strange_server() as other:
        there = following.format(port=other.url.rsplit(":", 1)[1])
        other.tell("/v1/x", Told(b'{"rows": [{"id": "2"}]}'))
        strange.tell("/v1/x", Told(b'{"rows": [{"id": "1"}], "nextPage": "' + there.encode() + b'"}'))
        with pytest.raises(Misconfigured, match="another host"):
            await speaker.v1_rows("/v1/x", "rows")
        assert other.asked == []


async def test_another_port_of_the_same_host_never_gets_the_token(speaker, strange):
    async with strange_server() as other:
        there = f"{other.url}/v1/x?page=2"
        strange.tell(
            "/v1/x",
            Told(b'{"rows": [{"id": "1"}], "nextPage": "' + there.encode() + b'"}'),
            Told(b'{"rows": [{"id": "2"}]}'),
        )
        assert len(await speaker.v1_rows("/v1/x", "rows")) == 2
        assert other.asked == []


@pytest.mark.parametrize(
    "following",
    [
        "file:///etc/passwd",
        "javascript:alert(1)",
        "ftp://127.0.0.1/x",
        "http://[",
    ],
)
async def test_a_next_page_that_is_no_page_is_an_error(speaker, strange, quick, following):
    strange.tell("/v1/x", Told(b'{"rows": [], "nextPage": "' + following.encode() + b'"}'))
    with pytest.raises(ConnectorError):
        await speaker.v1_rows("/v1/x", "rows")


# -- what Zuora's support asks for -----------------------------------------------------------------------------------


async def test_each_failed_call_leaves_what_zuoras_support_finds_it_by(speaker, strange, quick):
    locked = b'{"success": false, "processId": "7F2E4C89", "reasons": [{"code": 53100350, "message": "locked"}]}'
    strange.tell("/v1/x", Told(locked, status=400, headers={"Zuora-Request-Id": "r-1"}), Told(b'{"success": true}'))
    strange.tell("/v1/y", Told(b'{"reasons": [{"code": 50000040, "message": "gone"}]}', status=404))
    with capture_logs() as said:
        await speaker.get("/v1/x")
        with pytest.raises(NotFound):
            await speaker.get("/v1/y")
    [failed] = [one for one in said if one["event"] == "a call of Zuora failed"]
    assert (failed["what"], failed["request_id"], failed["process_id"]) == ("GET /v1/x", "r-1", "7F2E4C89")
    sent = [one.headers["Zuora-Track-Id"] for one in strange.asked if one.path.startswith("/v1/")]
    assert failed["track_id"] == sent[0]
    assert len(set(sent)) == len(sent) == 3, "each try has its own"
    assert all(re.fullmatch(r"[A-Za-z0-9-]{1,64}", one) for one in sent)


async def test_a_call_without_an_answer_is_found_by_its_track_id(zuora, quick):
    # One that is cut on a connection that stood is sent again below us, under the same name.
    reset = zuora.arm("reset", CODES, count=3)
    client = await zuora.client()
    with capture_logs() as said:
        await client.get(CODES)
    assert reset.fired == 3
    failed = [one for one in said if one["event"] == "a call of Zuora failed"]
    assert failed
    assert all((one["request_id"], one["track_id"][:3]) == ("", "ml-") for one in failed)


@pytest.mark.parametrize("process_id", [b"17", b"null", b'{"a": [1]}', b'"' + b"x" * 5000 + b'"'])
async def test_whatever_stands_for_a_process_id_changes_nothing_of_an_error(speaker, strange, quick, process_id):
    body = b'{"success": false, "processId": %s, "reasons": [{"code": 53100320, "message": "no"}]}' % process_id
    strange.tell("/v1/x", Told(body, status=400))
    with pytest.raises(Misconfigured) as refused:
        await speaker.get("/v1/x")
    assert len(refused.value.process_id) <= 100
