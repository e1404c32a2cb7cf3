"""What is sent to Zuora beside reads: two queries, and marks that move no money. Nothing else can leave the client."""

import ast
import inspect
from pathlib import Path

import pytest

from adapters.zuora.asking import posts
from adapters.zuora.asking.answers import Answered
from adapters.zuora.asking.client import Marked, ZuoraClient
from schemas.errors import ConnectorError, InvariantViolation, Misconfigured, Transient
from tests.adapters.strange import Told
from tests.adapters.zuora_tenant import speaking_to
from tests.source import imports_of, nodes_of

ROOT = Path(__file__).resolve().parents[2]
ZUORA = ROOT / "adapters/zuora"
# What runs at a site; the demo talks to the stand-ins' own control.
PRODUCT = [
    path
    for room in ("schemas", "streams", "adapters", "console")
    for path in sorted((ROOT / room).rglob("*.py"))
    if "console/demo" not in path.as_posix()
]
ID = "8a8aa2728e1b2b3c018e1b2b3c4d0001"
PAID = [{"Id": ID, "TransferredToAccounting": "Yes"}]
OTHER_CLIENTS = {"http.client", "urllib.request", "urllib3", "requests", "httpx"}
YES = Told(b'[{"Success": true, "Id": "%s"}]' % ID.encode())


@pytest.fixture
async def speaker(strange):
    async with speaking_to(strange) as client:
        yield client


# -- one door --------------------------------------------------------------------------------------------------------


def test_only_the_client_and_the_token_ask_over_the_wire():
    """By the source: one request of the client, one post of the token, and no session is made elsewhere."""
    calls = []
    for path in sorted(ZUORA.rglob("*.py")):
        for node in nodes_of(path):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            if node.func.attr in {"post", "put", "patch", "delete", "request", "_request", "options", "ws_connect"}:
                calls.append((path.name, node.func.attr))
    assert sorted(calls) == [("call.py", "request"), ("token.py", "post")]


def test_nothing_else_of_the_product_asks_anybody_over_http():
    sessions, others = set(), set()
    for path in PRODUCT:
        name = path.relative_to(ROOT).as_posix()
        others |= {(name, module) for module in imports_of(path) if module in OTHER_CLIENTS}
        made = (node.func for node in nodes_of(path) if isinstance(node, ast.Call))
        called = {func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "") for func in made}
        sessions |= {name} if called & {"ClientSession", "TCPConnector", "request", "urlopen"} else set()
    assert others == set()
    assert sessions == {
        "adapters/qad/asking/sending.py",
        "adapters/reach.py",
        "adapters/zuora/asking/call.py",
        "adapters/zuora/asking/token.py",
    }


async def test_whatever_the_client_is_asked_it_reads_or_sends_one_of_the_posts(speaker, strange):
    """Its whole public surface, driven with paths of writes; what arrived is all that counts."""
    paths = ["/v1/invoices", f"/v1/invoices/{ID}/post", "/v1/payments", "/v1/action/create", "/v1/action/delete"]
    everything = {
        "get": [lambda p=path: speaker.get(p, [("x", "1")]) for path in paths],
        "v1_rows": [lambda p=path: speaker.v1_rows(p, "rows") for path in paths],
        "object_query_page": [lambda: speaker.object_query_page("invoices", [])],
        "object_query_pages": [lambda: _all(speaker.object_query_pages("invoices", []))],
        "zoql": [lambda: _all(speaker.zoql("delete from Invoice"))],
        "mark": [lambda: speaker.mark("Invoice", PAID, "k-1")],
        "hear_time": [speaker.hear_time],
        "now": [],
        "clock_ahead_s": [],
        "rests": [],
    }
    public = {name for name, _ in inspect.getmembers(ZuoraClient) if not name.startswith("_")}
    assert public == set(everything), "a new way to ask is to be driven here as well"
    for path in (*paths, "/object-query/invoices"):
        strange.tell(path, Told(b'{"success": true, "data": [], "rows": []}'))
    strange.tell(posts.QUERY, Told(b'{"size": 1, "records": [{"Id": "1"}], "done": false, "queryLocator": "q-1"}'))
    strange.tell(posts.QUERY_MORE, Told(b'{"size": 0, "records": [], "done": true}'))
    strange.tell(posts.UPDATE, YES)
    for calls in everything.values():
        for call in calls:
            await call()
    written = [(one.method, one.path) for one in strange.asked if one.method != "GET"]
    assert written == [
        ("POST", "/oauth/token"),
        ("POST", posts.QUERY),
        ("POST", posts.QUERY_MORE),
        ("POST", posts.UPDATE),
    ]


@pytest.mark.parametrize(
    ("path", "content", "key"),
    [
        ("/v1/action/create", {"type": "Invoice", "objects": PAID}, "k"),
        ("/v1/action/delete", {"type": "Invoice", "ids": [ID]}, "k"),
        ("/v1/action/delete", {"type": "Invoice", "objects": PAID}, "k"),
        ("/v1/action/generate", {"type": "Invoice", "objects": PAID}, "k"),
        ("/v1/action/update/../create", {"type": "Invoice", "objects": PAID}, "k"),
        ("/v1/action/update?x=1", {"type": "Invoice", "objects": PAID}, "k"),
        ("/v1/payments", {"type": "Invoice", "objects": PAID}, "k"),
        ("/v1/action/query/", {"queryString": "x"}, ""),
        ("/v1/invoices", {"queryString": "x"}, ""),
        (posts.QUERY, {"queryString": "x"}, "k"),
        (posts.QUERY, {"queryString": "x", "type": "Invoice"}, ""),
        (posts.QUERY_MORE, {"queryString": "x"}, ""),
        (posts.UPDATE, {"type": "Invoice", "objects": PAID}, ""),
        (posts.UPDATE, {"type": "Invoice", "objects": PAID}, "k" * 256),
        (posts.UPDATE, {"type": "Invoice", "objects": PAID}, "k\r\nX-Other: 1"),
        (posts.UPDATE, {"type": "Invoice", "objects": PAID}, "k\n"),
        (posts.UPDATE, {"type": "Invoice", "objects": []}, "k"),
        (posts.UPDATE, {"type": "Invoice", "objects": PAID * 51}, "k"),
        (posts.UPDATE, {"type": "CreditMemo", "objects": PAID}, "k"),
        (posts.UPDATE, {"type": "InvoiceItem", "objects": PAID}, "k"),
        (posts.UPDATE, {"type": "Invoice", "objects": [{"Id": ID}]}, "k"),
        (posts.UPDATE, {"type": "Invoice", "objects": [{"TransferredToAccounting": "Yes"}]}, "k"),
        (posts.UPDATE, {"type": "Invoice", "objects": [{**PAID[0], "Id": "../x"}]}, "k"),
        (posts.UPDATE, {"type": "Invoice", "objects": [{**PAID[0], "Status": "Canceled"}]}, "k"),
        (posts.UPDATE, {"type": "Invoice", "objects": [{**PAID[0], "InvoiceDate": "2026-01-01"}]}, "k"),
        (posts.UPDATE, {"type": "Invoice", "objects": [{**PAID[0], "status": "Canceled"}]}, "k"),
        (posts.UPDATE, {"type": "Invoice", "objects": [{**PAID[0], "Amount__c ": "1"}]}, "k"),
        (posts.UPDATE, {"type": "Invoice", "objects": [{**PAID[0], "Amount": 1}]}, "k"),
        (posts.UPDATE, {"type": "Invoice", "objects": [{"Id": ID, "TransferredToAccounting": "No"}]}, "k"),
        (posts.UPDATE, {"type": "Payment", "objects": [{"Id": ID, "Amount": "0"}]}, "k"),
        (posts.UPDATE, {"type": "Account", "objects": [{"Id": ID, "AutoPay": "true"}]}, "k"),
        (posts.UPDATE, {"type": "Account", "objects": [{"Id": ID, "TransferredToAccounting": "Yes"}]}, "k"),
        (posts.UPDATE, {"type": "Account", "objects": ["x"]}, "k"),
    ],
)
def test_no_other_post_can_be_made(path, content, key):
    with pytest.raises(InvariantViolation, match="never sent"):
        posts.Post(path=path, content=content, key=key)


async def test_a_mark_that_moves_money_is_not_even_asked_a_token_for(speaker, strange):
    with pytest.raises(InvariantViolation, match="Amount"):
        await speaker.mark("Invoice", [{"Id": ID, "Amount": "1"}], "k-1")
    assert strange.asked == []


@pytest.mark.parametrize("value", ["x' or Id != '", "x\\", "x\n", 'x"', "x\x00", "x" * 256])
def test_a_value_that_could_end_its_quotes_never_stands_in_a_query(value):
    with pytest.raises(InvariantViolation):
        posts.literal(value)


def test_a_value_stands_in_its_quotes():
    assert posts.literal("2026-01-01T00:00:00+01:00") == "'2026-01-01T00:00:00+01:00'"


# -- queries ---------------------------------------------------------------------------------------------------------


async def test_a_query_is_read_to_its_end_and_its_rows_are_as_they_came(speaker, strange):
    strange.tell(
        posts.QUERY, Told(b'{"size": 3, "records": [{"Id":"1", "A":1.10}], "done": false, "queryLocator": "q-1"}')
    )
    strange.tell(
        posts.QUERY_MORE,
        Told(b'{"size": 3, "records": [{"Id": "2"}], "done": false, "queryLocator": "q-2"}'),
        Told(b'{"size": 3, "records": [{"Id": "3"}], "done": true}'),
    )
    rows = [bytes(row) for page in await _all(speaker.zoql("select Id from Invoice")) for row in page.rows]
    assert rows == [b'{"Id":"1", "A":1.10}', b'{"Id": "2"}', b'{"Id": "3"}']
    assert [one.body for one in strange.asked[1:]] == [
        b'{"queryString":"select Id from Invoice"}',
        b'{"queryLocator":"q-1"}',
        b'{"queryLocator":"q-2"}',
    ]
    assert {one.headers["Authorization"] for one in strange.asked[1:]} == {"Bearer t"}
    assert not any("Idempotency-Key" in one.headers for one in strange.asked)


async def test_a_query_that_finds_nothing_is_empty(speaker, strange):
    strange.tell(posts.QUERY, Told(b'{"size": 0, "done": true}'))
    assert [page.rows for page in await _all(speaker.zoql("select Id from Invoice"))] == [[]]


@pytest.mark.parametrize(
    "body",
    [
        b'{"size": 1, "records": [{}]}',
        b'{"size": 1, "records": [{}], "done": false}',
        b'{"size": 1, "records": [{}], "done": false, "queryLocator": ""}',
        b'{"size": 1, "records": {}, "done": true}',
        b'{"size": 1, "records": [{}], "done": false, "queryLocator": "q-1"}',
        b'{"size": 1, "records": [',
        b"[]",
    ],
)
async def test_half_a_query_is_never_a_shorter_one(speaker, strange, quick, body):
    strange.tell(posts.QUERY, Told(body))
    strange.tell(posts.QUERY_MORE, Told(body))
    with pytest.raises(Transient):
        await _all(speaker.zoql("select Id from Invoice"))


async def test_a_query_that_zuora_does_not_understand_says_its_words(speaker, strange):
    strange.tell(
        posts.QUERY, Told(b'{"FaultCode": "MALFORMED_QUERY", "FaultMessage": "no such field Foo"}', status=400)
    )
    with pytest.raises(Misconfigured, match="no such field Foo"):
        await _all(speaker.zoql("select Foo from Invoice"))
    assert strange.times(posts.QUERY) == 1


async def test_a_query_may_be_asked_again(speaker, strange, quick):
    strange.tell(posts.QUERY, Told(status=503), Told(b'{"size": 0, "done": true}'))
    await _all(speaker.zoql("select Id from Invoice"))
    assert strange.times(posts.QUERY) == 2


# -- marks -----------------------------------------------------------------------------------------------------------


async def test_each_object_of_a_mark_has_its_own_answer(speaker, strange):
    other = [{"Id": ID, "QADCustomer__c": "C0001"}, {"Id": f"{ID[:-1]}2", "QADCustomer__c": "C0002"}]
    no = b'{"Success": false, "Errors": [{"Code": "INVALID_ID", "Message": "no\\nsuch account"}]}'
    strange.tell(posts.UPDATE, Told(b'[{"Success": true, "Id": "x"}, ' + no + b"]"))
    marked = await speaker.mark("Account", other, "k-1")
    assert marked == [Marked(True), Marked(False, "INVALID_ID", "no such account")]
    sent = strange.asked[-1]
    assert sent.headers["Idempotency-Key"] == "k-1"
    assert sent.body == (
        b'{"type":"Account","objects":[{"Id":"8a8aa2728e1b2b3c018e1b2b3c4d0001","QADCustomer__c":"C0001"},'
        b'{"Id":"8a8aa2728e1b2b3c018e1b2b3c4d0002","QADCustomer__c":"C0002"}]}'
    )


async def test_a_mark_is_done_in_the_books_once(zuora):
    invoice, client = zuora.invoice(), await zuora.client()
    books, stamps = zuora.tenant.tables[type(invoice)].latest, []
    for _ in range(2):
        zuora.later(seconds=10)
        mark = {"Id": invoice.id, "TransferredToAccounting": "Yes"}
        assert await client.mark("Invoice", [mark], "k-1") == [Marked(True)]
        stamps.append(books[invoice.id].updated_date)
    assert (books[invoice.id].transferred_to_accounting, books[invoice.id].amount) == ("Yes", invoice.amount)
    assert stamps[0] == stamps[1] != invoice.updated_date


@pytest.mark.parametrize("fault", ["lost_reply", "cut_body", "http_503", "too_many_requests"])
async def test_a_mark_without_an_answer_of_zuoras_is_repeated_under_its_key(zuora, quick, fault):
    invoice, client = zuora.invoice(), await zuora.client()
    armed = zuora.arm(fault, posts.UPDATE, count=2)
    marked = await client.mark("Invoice", [{"Id": invoice.id, "TransferredToAccounting": "Yes"}], "k-1")
    assert (marked, armed.fired, len(zuora.requests(posts.UPDATE))) == ([Marked(True)], 2, 3)


async def test_what_zuora_itself_refused_is_not_asked_again_under_a_burnt_key(zuora, quick):
    invoice, client = zuora.invoice(), await zuora.client()
    armed, mark = (
        zuora.arm("success_false", posts.UPDATE, count=1),
        {"Id": invoice.id, "TransferredToAccounting": "Yes"},
    )
    for _ in range(2):
        with pytest.raises(Answered, match="lock competition"):
            await client.mark("Invoice", [mark], "k-1")
    assert (armed.fired, len(zuora.requests(posts.UPDATE))) == (1, 2)
    assert await client.mark("Invoice", [mark], "k-2") == [Marked(True)]


async def test_a_mark_that_is_under_way_elsewhere_is_waited_for(speaker, strange, quick):
    strange.tell(posts.UPDATE, Told(b'{"FaultCode": "X", "FaultMessage": "in progress"}', status=409), YES)
    assert await speaker.mark("Invoice", PAID, "k-1") == [Marked(True)]
    assert [one.headers["Idempotency-Key"] for one in strange.asked[1:]] == ["k-1", "k-1"]


@pytest.mark.parametrize(
    "told",
    [
        Told(b"[]"),
        Told(b"{}"),
        Told(b'[{"Success": true}, {"Success": true}]'),
        Told(b"[null]"),
        Told(b'[{"Id": "x"}]'),
    ],
)
async def test_a_mark_whose_answer_does_not_fit_is_not_taken_as_done(speaker, strange, told):
    strange.tell(posts.UPDATE, told)
    with pytest.raises(Transient):
        await speaker.mark("Invoice", PAID, "k-1")


async def test_a_key_used_for_something_else_says_so(speaker, strange):
    strange.tell(posts.UPDATE, Told(b'{"FaultCode": "X", "FaultMessage": "another URL"}', status=422))
    with pytest.raises(ConnectorError, match="another URL"):
        await speaker.mark("Invoice", PAID, "k-1")
    assert strange.times(posts.UPDATE) == 1


async def _all(pages):
    return [page async for page in pages]
