"""The control API and the command line: the same acts over HTTP, the books of a judge, the clock, worlds, resets."""

import asyncio
import json
import signal
import sys
from decimal import Decimal

import aiohttp
import pytest

from sandbox.zuora import Sandbox, Settings, read_world
from sandbox.zuora.acts import ACTS, Application, NewPayment, create_payment

LINE = {"charge_amount": 100.10, "accounting_code": "Subscription Revenue", "taxes": [{"tax_amount": "19.02"}]}


async def test_an_act_over_http_is_the_act(zuora):
    invoice = await zuora.control("POST", "/acts/create_invoice", {"account": "A-00000001", "items": [LINE]})
    assert (invoice["invoiceNumber"], invoice["amount"]) == ("INV00000001", Decimal("119.12"))
    await zuora.control("POST", "/acts/post_invoice", {"invoice": "INV00000001", "by": "manual"})
    done = await zuora.control("POST", "/acts/reverse_invoice", {"invoice": "INV00000001"})
    assert set(done) == {"invoice", "credit_memo"}
    assert done["credit_memo"]["memoNumber"] == "CM-00000001"
    code = await zuora.control("POST", "/acts/create_accounting_code", {"name": "FX", "type": "OtherExpenses"})
    assert code["category"] == "Expenses"


@pytest.mark.parametrize(
    ("act", "body", "status"),
    [
        ("post_invoice", {"invoice": "INV404"}, 422),
        ("post_invoice", {}, 400),
        ("post_invoice", {"invoice": "INV1", "colour": "red"}, 400),
        ("create_invoice", {"account": "A-00000001", "items": [{"charge_amount": "ten"}]}, 400),
        ("nosuch", {}, 404),
    ],
)
async def test_an_act_that_cannot_be_done_says_why(zuora, act, body, status):
    reply = await zuora.call("POST", f"/control/acts/{act}", json=body)
    assert reply.status == status
    assert ("reasons" if status == 422 else "error") in reply.json


async def test_every_act_is_listed_with_its_schema(zuora):
    listed = await zuora.control("GET", "/acts")
    assert {act["name"] for act in listed} == set(ACTS)
    assert all(act["summary"].endswith(".") and act["schema"] for act in listed)


async def test_the_books_show_what_should_be_in_the_erp(zuora):
    invoice, _, other = zuora.posted("100.10", "19.02"), zuora.draft(), zuora.posted("10", "0", currency="USD")
    part = [Application(invoice=invoice.id, amount=Decimal("19.12"))]
    create_payment(zuora.tenant, request=NewPayment(account="A-00000001", amount=Decimal(50), invoices=part))
    summary = await zuora.control("GET", "/books")
    assert summary["invoices"] == {
        "EUR": {"count": 1, "amount": Decimal("119.12"), "tax": Decimal("19.02"), "open": 100},
        "USD": {"count": 1, "amount": 10, "tax": 0, "open": 10},
    }
    assert summary["payments"]["EUR"] == {"count": 1, "amount": 50, "tax": 0, "open": Decimal("30.88")}
    page = await zuora.control("GET", "/books/invoices?limit=1")
    (row,) = page["rows"]
    assert row["invoiceItems"][0]["taxationItems"][0]["taxAmount"] == Decimal("19.02")
    assert row["paymentApplications"][0]["applyAmount"] == Decimal("19.12")
    assert row["paymentParts"][0]["amount"] == Decimal("19.12")
    assert page["next"] == 1
    rest = await zuora.control("GET", f"/books/invoices?after={page['next']}")
    assert [row["id"] for row in rest["rows"]] == [other.id]
    assert rest["next"] is None
    payments = (await zuora.control("GET", "/books/payments"))["rows"]
    assert {part.get("invoiceId") for part in payments[0]["paymentParts"]} == {None, invoice.id}
    assert len((await zuora.control("GET", "/books/accounts"))["rows"]) == 2
    assert (await zuora.call("GET", "/control/books/nosuch")).status == 404


async def test_the_chronicle_is_read_in_pieces(zuora):
    for _ in range(3):
        zuora.posted()
    first = await zuora.control("GET", "/chronicle?limit=2")
    rest = await zuora.control("GET", f"/chronicle?after={first['next']}")
    assert [deed["sequence"] for deed in first["rows"] + rest["rows"]] == [1, 2, 3]
    assert first["rows"][0]["verb"] == "posted"
    assert rest["next"] is None


async def test_the_clock_is_set_and_moved(zuora):
    assert (await zuora.control("GET", "/clock")) == {"at": "2026-03-15T12:00:00Z", "running": False}
    moved = await zuora.control("POST", "/clock/advance", {"seconds": -60})
    assert moved["at"] == "2026-03-15T11:59:00Z"
    running = await zuora.control("PUT", "/clock", {"at": "2030-01-01T00:00:00+01:00"})
    assert running["running"] is True
    assert running["at"].startswith("2029-12-31T23:00:0")
    assert (await zuora.call("PUT", "/control/clock", json={"at": "2030-01-01T00:00:00"})).status == 400
    await zuora.control("PUT", "/clock", {})
    assert zuora.sandbox.clock.running


async def test_settings_are_merged_and_strict(zuora):
    await zuora.settings(limits={"token_calls": 7}, callouts={"attempts": 5})
    settings = await zuora.control("GET", "/settings")
    assert settings["limits"]["token_calls"] == 7
    assert settings["limits"]["calls_per_minute"] == 50_000
    assert settings["callouts"]["attempts"] == 5
    for wrong in ({"nosuch": 1}, {"time_zone": "Mars/Olympus"}, {"unapply_rows": "sideways"}):
        assert (await zuora.call("PATCH", "/control/settings", json=wrong)).status in (400, 404)
    assert (await zuora.control("GET", "/settings")) == settings


async def test_requests_are_kept_for_a_judge(zuora):
    await zuora.get("/v1/invoices/x", headers={"Zuora-Track-Id": "t-1"})
    page = await zuora.control("GET", "/requests?limit=1")
    assert page["rows"][0]["path"] == "/oauth/token"
    (row,) = (await zuora.control("GET", f"/requests?after={page['next']}"))["rows"]
    assert (row["method"], row["path"], row["status"], row["track_id"]) == ("GET", "/v1/invoices/x", 200, "t-1")
    assert len(row["request_id"]) == 36
    counts = (await zuora.control("GET", "/requests/counts"))["requests"]
    assert counts == {"POST /oauth/token 200": 1, "GET /v1/invoices 200": 1}


def test_the_log_of_requests_is_bounded():
    sandbox = Sandbox(settings=Settings(request_log_rows=2))
    assert sandbox.journal.entries.maxlen == 2


async def test_a_world_is_loaded_in_place_of_what_was(zuora):
    zuora.posted()
    world = {
        "tenant_id": "9",
        "clients": [{"client_id": "c" * 36, "client_secret": "s"}],
        "settings": {"time_zone": "UTC"},
        "accounts": [{"name": "Parent"}, {"name": "Child", "parent": "A-00000001", "organization_id": "org-1"}],
        "custom_fields": [{"object": "Invoice", "name": "Mark__c", "indexed": False}],
        "callouts": [{"name": "n", "event": "InvoicePosted", "url": "http://127.0.0.1:1/"}],
    }
    assert (await zuora.control("POST", "/world", world))["accounts"] == 2
    assert (await zuora.ask_token()).status == 200
    zuora._token = None
    accounts = (await zuora.get("/object-query/accounts", ("sort[]", "name.ASC"))).json["data"]
    assert [row["name"] for row in accounts] == ["Child", "Parent"]
    assert accounts[0]["parentId"] == accounts[1]["id"]
    assert accounts[0]["organizationId"] == "org-1"
    assert accounts[0]["updatedDate"].endswith("Z")
    assert (await zuora.get("/object-query/invoices")).json == {"data": []}
    assert (await zuora.control("GET", "/callouts"))["configurations"][0]["event"] == "InvoicePosted"


async def test_the_form_of_a_world_is_told(zuora):
    schema = await zuora.control("GET", "/world/schema")
    world = schema["$defs"]["World"]
    assert {"accounts", "accounting_codes", "accounting_periods", "callouts"} <= set(world["properties"])
    assert world["additionalProperties"] is False


@pytest.mark.parametrize(
    "world", [{"nosuch": 1}, {"accounts": [{"currency": "EUR"}]}, {"accounts": [{"name": "x", "parent": "A-9"}]}]
)
async def test_a_world_that_does_not_fit_is_refused(zuora, world):
    assert (await zuora.call("POST", "/control/world", json=world)).status in (400, 422)


async def test_reset_gives_the_same_tenant_again(zuora):
    first = zuora.posted().id
    await zuora.control("POST", "/faults", {"name": "http_500"})
    await zuora.control("POST", "/reset")
    zuora.tenant, zuora._token = zuora.sandbox.tenant, None
    assert (await zuora.get("/object-query/invoices")).json == {"data": []}
    assert (await zuora.get("/object-query/accounts/A-00000001")).json["qADCustomer__c"] == "C0001"
    assert zuora.posted().id == first
    assert zuora.sandbox.clock.running


async def test_the_index_lets_a_newcomer_in(zuora):
    index = await zuora.control("GET", "")
    assert index["client_id"] == zuora.sandbox.world.clients[0].client_id
    assert "POST /control/acts/{act}" in index["endpoints"]


@pytest.mark.parametrize(
    ("method", "path", "told"),
    [
        ("GET", "/nothing", "There is no GET /control/nothing: GET /control lists what there is"),
        ("DELETE", "/books", "There is no DELETE /control/books: GET /control lists what there is"),
        ("POST", "/acts/nothing", "There is no act nothing: GET /control/acts lists them"),
        ("GET", "/books/nothing", "There is no book nothing; there are invoices, "),
    ],
)
async def test_what_is_not_there_is_told_with_where_to_look(zuora, method, path, told):
    reply = await zuora.call(method, f"/control{path}")
    assert (reply.status, reply.json["error"][: len(told)]) == (404, told)


@pytest.mark.parametrize(
    ("world", "told"),
    [
        ("{", "holds no world: Input data was truncated"),
        ('{"tenant": 1}', "holds no world: Object contains unknown field `tenant`"),
        ('{"accounts": [{"name": "x", "parent": "A-9"}]}', "Cannot find entity by key: 'A-9'."),
        (None, "No such file or directory"),
    ],
)
async def test_the_command_line_says_in_one_sentence_why_it_cannot_start(tmp_path, world, told):
    file = tmp_path / "world.json"
    if world is not None:
        file.write_text(world)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "sandbox.zuora", "--world", str(file), stderr=asyncio.subprocess.PIPE
    )
    _, error = await process.communicate()
    assert process.returncode == 1
    assert error.decode().startswith("The Zuora stand-in cannot start: ")
    assert told in error.decode()
    assert str(file) in error.decode()
    assert "Traceback" not in error.decode()


async def test_the_command_line_serves_a_world_until_it_is_ended(tmp_path):
    world = tmp_path / "world.json"
    world.write_text(json.dumps({"accounts": [{"name": "Only"}], "tenant_id": "77"}))
    assert read_world(world.read_text()).tenant_id == "77"
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "sandbox.zuora",
        "--port",
        "0",
        "--seed",
        "5",
        "--world",
        str(world),
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        started = json.loads(await process.stdout.readline())
        assert started["tenant_id"] == "77"
        form = {name: started[name] for name in ("client_id", "client_secret")} | {"grant_type": "client_credentials"}
        async with aiohttp.ClientSession() as session:
            async with session.post(f"{started['url']}/oauth/token", data=form) as reply:
                token = (await reply.json())["access_token"]
            headers = {"Authorization": f"Bearer {token}"}
            async with session.get(f"{started['url']}/object-query/accounts", headers=headers) as reply:
                assert [row["name"] for row in (await reply.json())["data"]] == ["Only"]
    finally:
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0
