"""The control: what a judge sees, what a person does by hand, and that a reset forgets everything."""

import datetime as dt
from decimal import Decimal

from sandbox.qad.books.documents import Kind

KEY = {"entity_code": "10USACO", "posting_year": 2026, "daybook_code": "ZINV", "voucher": 1}
CREDIT_NOTE = {
    "invoice_type": "CREDITNOTE",
    "customer_code": "C0001",
    "currency_code": "USD",
    "posting_date": "2026-02-03",
    "daybook_code": "ZCRN",
    "description": "By hand",
    "original_amount": 12.34,
    "is_taxable": False,
    "posting_lines": [{"gl_account_code": "4100", "debit_amount": 12.34}],
}


async def test_documents_are_shown_whole(tenant, invoice_record):
    await tenant.post("invoice", invoice_record())
    [shown] = (await tenant.act("documents?entity_code=10USACO")).json
    assert shown["key"] == KEY
    assert shown["content"]["original_amount"] == Decimal("110.10")
    assert [line["gl_account_code"] for line in shown["entry"]] == ["1200", "4000", "2300"]
    assert sum(line["base_debit_amount"] - line["base_credit_amount"] for line in shown["entry"]) == 0
    assert shown["open_item"]["open_amount"] == Decimal("110.10")
    assert (await tenant.act("documents?custom_short_0=mlc-1")).json == [shown]
    assert (await tenant.act("documents?entity_code=10USACO&kind=payment")).json == []
    assert (await tenant.act("items?entity_code=10USACO")).json == [shown["open_item"]]


async def test_the_books_are_paged(tenant, invoice_record):
    for number in range(7):
        await tenant.post("invoice", invoice_record(f"mlc-{number}"))
    pages = [(await tenant.act(f"documents?entity_code=10USACO&offset={at}&limit=3")).json for at in (0, 3, 6)]
    assert [[one["key"]["voucher"] for one in page] for page in pages] == [[1, 2, 3], [4, 5, 6], [7]]
    assert [one.number for one in tenant.control.requests(after=2, limit=2)] == [3, 4]


async def test_balances_counts_and_audit(tenant, invoice_record):
    await tenant.post("invoice", invoice_record())
    trial = (await tenant.act("trial-balance?entity_code=10USACO")).json
    assert {line["gl_account_code"]: line["amount"] for line in trial} == {
        "1200": Decimal("110.10"),
        "2300": Decimal(-10),
        "4000": Decimal("-100.10"),
    }
    assert len((await tenant.act("balances?entity_code=10USACO")).json) == 3
    assert (await tenant.act("counts")).json["10USACO"] == {
        "invoice": 1,
        "payment": 0,
        "adjustment": 0,
        "banking": 0,
        "journal": 0,
        "open_items": 1,
        "gl_lines": 3,
    }
    assert (await tenant.act("audit")).json == {"10USACO": [], "20DEUCO": []}


async def test_an_audit_names_what_is_wrong(tenant, invoice_record):
    await tenant.post("invoice", invoice_record())
    ledger = tenant.server.installation.books.ledgers["10USACO"]
    ledger.lines[1].credit_amount += 1
    ledger.items[next(iter(ledger.items))].open_amount -= 1
    found = tenant.control.audit()["10USACO"]
    for part in (
        "does not balance",
        "not the sum of its lines",
        "its lines come to",
        "is valued at",
        "holds 110.10 USD",
    ):
        assert any(part in one for one in found), part


async def test_duplicates_are_named(tenant, invoice_record):
    for reference in ("mlc-1", "mlc-1", "MLC-1", "mlc-2", ""):
        await tenant.post("invoice", invoice_record(reference))
    assert (await tenant.act("duplicates")).json == [
        {
            "entity_code": "10USACO",
            "kind": "invoice",
            "custom_short_0": "mlc-1",
            "documents": ["10USACO.2026.ZINV.1", "10USACO.2026.ZINV.2"],
        }
    ]


async def test_every_request_is_in_the_log(tenant, invoice_record):
    await tenant.post("invoice", invoice_record(), invoice_record("mlc-2"))
    await tenant.post("invoice", invoice_record(description=""))
    await tenant.send("POST", "/api/erp/nowhere")
    calls = (await tenant.act("requests")).json
    assert [(call["kind"], call["status"], call["references"]) for call in calls] == [
        ("token", 200, []),
        ("invoice", 200, ["mlc-1", "mlc-2"]),
        ("invoice", 200, ["mlc-1"]),
        ("unknown", 404, []),
    ]
    assert calls[1]["committed"] == ["10USACO.2026.ZINV.1", "10USACO.2026.ZINV.2"]
    assert calls[2]["errors"] == ["FIELD_REQUIRED"]
    assert (calls[1]["user"], calls[1]["workspace"], calls[1]["outcome"]) == ("connector", "10USA_10USACO", "answered")
    assert calls[1]["duration_ms"] > 0


async def test_the_log_is_bounded(tenant):
    tenant.control.change_settings({"calls": {"requests_kept": 3}})
    for _ in range(10):
        await tenant.browse("currencies")
    assert [call.number for call in tenant.control.requests()] == [9, 10, 11]
    assert [call.number for call in tenant.control.requests(after=10)] == [11]
    assert tenant.control.state()["requests"] == 11


async def test_a_document_keyed_by_hand_shows_another_user(tenant):
    body = {"entity_code": "10USACO", "kind": "invoice", "content": CREDIT_NOTE, "user": "jdoe"}
    reply = await tenant.act("hand/post", body)
    assert (reply.status, reply.json["created_by"]) == (200, "jdoe")
    [row] = await tenant.browse("customer_invoices", "daybookCode,eq,ZCRN,literal")
    assert (row["createdBy"], row["originalAmount"], row["invoiceType"]) == ("jdoe", Decimal("12.34"), "CREDITNOTE")
    refused = await tenant.act("hand/post", {**body, "content": {**CREDIT_NOTE, "customer_code": "C9999"}})
    assert (refused.status, refused.json["errors"][0]["code"]) == (409, "CUSTOMER_UNKNOWN")
    assert (await tenant.act("hand/post", {**body, "content": {"customer": "C0001"}})).status == 400
    assert (await tenant.act("hand/post", {**body, "entity_code": "99"})).status == 409


async def test_documents_are_reversed_amended_and_paid_by_hand(tenant, invoice_record):
    await tenant.post("invoice", invoice_record())
    changed = await tenant.act(
        "hand/amend", {"key": KEY, "user": "jdoe", "changes": {"reference": "INV-X", "due_date": "2026-09-09"}}
    )
    assert (changed.json["modified_by"], changed.json["content"]["due_date"]) == ("jdoe", "2026-09-09")
    [row] = await tenant.browse("customer_invoices", "reference,eq,INV-X,literal")
    assert (row["modifiedBy"], row["createdBy"]) == ("jdoe", "connector")
    reply = await tenant.act("hand/reverse", {"key": KEY, "user": "jdoe", "posting_date": "2026-02-04"})
    assert (reply.json["created_by"], reply.json["reversal_of"]) == ("jdoe", "10USACO.2026.ZINV.1")
    again = await tenant.act("hand/reverse", {"key": KEY, "user": "jdoe"})
    assert (again.status, again.json["errors"][0]["code"]) == (409, "NOT_REVERSIBLE")
    payment = {
        "customer_code": "C0001",
        "currency_code": "USD",
        "bank_gl_account_code": "1010",
        "posting_date": "2026-02-04",
        "daybook_code": "ZPAY",
        "amount": 10,
        "status": "Initial",
    }
    body = {"entity_code": "10USACO", "kind": "payment", "content": payment, "user": "jdoe"}
    key = (await tenant.act("hand/post", body)).json["key"]
    assert not (await tenant.browse("customer_payments"))[0]["isPosted"]
    paid = await tenant.act("hand/pay", {"key": key, "user": "jdoe"})
    assert (paid.json["content"]["status"], paid.json["is_posted"]) == ("Paid", True)
    key = (await tenant.act("hand/post", body)).json["key"]
    cancelled = await tenant.act("hand/cancel", {"key": key, "user": "jdoe"})
    assert (cancelled.json["content"]["status"], cancelled.json["is_posted"]) == ("Cancelled", False)
    assert (await tenant.act("hand/pay", {"key": key, "user": "jdoe"})).status == 409
    assert (await tenant.act("audit")).json["10USACO"] == []


async def test_periods_open_and_close(tenant, invoice_record):
    january = {"entity_code": "10USACO", "year": 2026, "period": 1}
    assert (await tenant.act("periods", {**january, "status": "LOCKED"})).status == 200
    assert (await tenant.post("invoice", invoice_record())).codes == {"PERIOD_CLOSED"}
    [row] = await tenant.browse("periods", "year,eq,2026,literal", "period,eq,1,literal")
    assert (row["status"], row["isOpenForSales"]) == ("LOCKED", True)
    await tenant.act("periods", {**january, "status": "OPEN", "is_open_for_sales": False})
    assert (await tenant.post("invoice", invoice_record())).codes == {"PERIOD_CLOSED_FOR_SALES"}
    await tenant.act("periods", {**january, "is_open_for_sales": True})
    assert (await tenant.post("invoice", invoice_record())).success
    assert (await tenant.act("periods", {**january, "period": 14})).status == 409


async def test_master_data_is_switched(tenant, invoice_record):
    customer = {"shared_set_code": "CORP", "customer_code": "C0001"}
    for change, code in (
        ({"is_locked_credit_limit": True}, "CUSTOMER_ON_HOLD"),
        ({"is_active": False}, "CUSTOMER_INACTIVE"),
    ):
        await tenant.act("customers", {**customer, **change})
        assert (await tenant.post("invoice", invoice_record())).codes == {code}
        await tenant.act("customers", {**customer, "is_active": True, "is_locked_credit_limit": False})
    for path, change, code in (
        ("accounts", {"gl_account_code": "2300"}, "ACCOUNT_INACTIVE"),
        ("daybooks", {"daybook_code": "ZINV"}, "DAYBOOK_INACTIVE"),
    ):
        await tenant.act(path, {"shared_set_code": "CORP", **change, "is_active": False})
        assert (await tenant.post("invoice", invoice_record())).codes == {code}
        await tenant.act(path, {"shared_set_code": "CORP", **change, "is_active": True})
    assert (await tenant.post("invoice", invoice_record(currencyCode="GBP"))).codes == {"RATE_MISSING"}
    rate = {"from_currency_code": "GBP", "to_currency_code": "USD", "valid_from": "2026-01-01", "rate": 1.25}
    await tenant.act("rates", {"shared_set_code": "CORP", "rate": rate})
    assert (await tenant.post("invoice", invoice_record(currencyCode="GBP"))).success
    assert tenant.control.documents("10USACO", kind=Kind.INVOICE)[0]["entry"][0]["base_debit_amount"] == Decimal(
        "137.63"
    )


async def test_the_clock_is_set_moved_and_let_go(tenant, invoice_record):
    assert (await tenant.act("clock", {"now": "2026-03-01T08:00:00Z"})).json == {"now": "2026-03-01T08:00:00Z"}
    assert (await tenant.act("clock", {"advance_s": 86400})).json == {"now": "2026-03-02T08:00:00Z"}
    await tenant.sign_in()
    record = invoice_record()
    for field in ("invoiceDate", "postingDate", "dueDate"):
        del record[field]
    stored = (await tenant.post("invoice", record)).json["customerInvoices"][0]
    assert (stored["postingDate"], stored["dueDate"]) == ("2026-03-02T00:00:00.000Z", "2026-04-01T00:00:00.000Z")
    told = dt.datetime.fromisoformat((await tenant.act("clock", {"is_real": True})).json["now"])
    assert abs(told - dt.datetime.now(dt.UTC)) < dt.timedelta(seconds=5)


async def test_settings_are_changed_by_section_or_not_at_all(tenant):
    reply = await tenant.act(
        "settings", {"traffic": {"latency_ms": 5, "hang_s_max": 1.5}, "books": {"own_tax_rate": 0.19}}
    )
    assert reply.json["traffic"] | {"concurrency_max": 0} == {
        "latency_ms": 5,
        "concurrency_max": 0,
        "agents_max": 0,
        "beyond": "refuse",
        "hang_s_max": 1.5,
    }
    assert tenant.server.installation.books.policy.own_tax_rate == Decimal("0.19")
    for wrong in ({"traffic": {"speed": 1}}, {"weather": {}}, {"traffic": {"latency_ms": "x"}}, []):
        assert (await tenant.act("settings", wrong)).status == 400
    half = {"calls": {"records_max": 7}, "traffic": {"latency_ms": "x"}}
    assert (await tenant.act("settings", half)).status == 400
    assert tenant.server.installation.settings.calls.records_max == 50


async def test_a_reset_forgets_everything(tenant, invoice_record):
    before = {
        name: value for name, value in tenant.control.state().items() if name not in ("now", "requests", "sessions")
    }
    await tenant.post("invoice", invoice_record())
    await tenant.act("settings", {"calls": {"records_max": 7}, "books": {"offers_reversal": True}})
    await tenant.act("faults", {"name": "forbidden"})
    await tenant.act("customers", {"shared_set_code": "CORP", "customer_code": "C0001", "is_active": False})
    await tenant.act("network", {"is_down": True})
    assert (await tenant.act("reset", {})).status == 200
    after = {
        name: value for name, value in tenant.control.state().items() if name not in ("now", "requests", "sessions")
    }
    assert after | {"serving_max": 0} == before | {"serving_max": 0}
    assert (await tenant.act("faults")).json == []
    assert (await tenant.browse_reply("customers")).status == 401
    await tenant.sign_in()
    assert (await tenant.post("invoice", invoice_record())).json["customerInvoices"][0]["voucher"] == 1


async def test_a_reset_takes_another_world(tenant):
    world = tenant.server.installation.world
    bare = {
        "format": "ml-connector/sandbox/qad/1",
        "currencies": [{"currency_code": "USD"}],
        "credit_terms": [],
        "business_relations": [],
        "shared_sets": [{"shared_set_code": "S", "gl_accounts": [{"gl_account_code": "9", "description": "All"}]}],
        "entities": [
            {
                "entity_code": "E",
                "name": "E",
                "domain_code": "D",
                "shared_set_code": "S",
                "base_currency_code": "USD",
                "rounding_gl_account_code": "9",
                "realised_gain_gl_account_code": "9",
                "realised_loss_gl_account_code": "9",
            }
        ],
        "users": [{"name": "u", "password": "p", "workspaces": ["*"]}],
        "clients": [{"client_id": "ml-connector"}],
    }
    reply = await tenant.act("reset", {"world": bare})
    assert reply.json["workspaces"] == ["D_E"]
    await tenant.sign_in("u", "p")
    tenant.workspace = None
    assert [row["glAccountCode"] for row in await tenant.browse("gl_accounts")] == ["9"]
    assert (await tenant.act("reset", {"world": {**bare, "colour": 1}})).status == 400
    tenant.control.set_clock(is_real=True)
    await tenant.control.reset(world)
    assert len(tenant.control.counts()) == 2


async def test_acts_that_do_not_fit_are_refused(tenant):
    for path, body in (
        ("periods", {"entity_code": "10USACO"}),
        ("clock", {"later": 1}),
        ("hand/post", {"entity_code": "10USACO", "kind": "letter", "content": {}, "user": "x"}),
        ("faults/disarm", {"id": "one"}),
    ):
        assert (await tenant.act(path, body)).status == 400
    for path in ("documents?entity_code=10USACO&kind=letter", "items?entity_code=10USACO&offset=x"):
        assert (await tenant.act(path)).status == 400
    assert (await tenant.act("documents?entity_code=99")).status == 409


async def test_a_currency_is_set_up(tenant, invoice_record):
    record = invoice_record(currencyCode="CHF")
    assert "CURRENCY_UNKNOWN" in str((await tenant.post("invoice", record)).json)
    rate = {"from_currency_code": "CHF", "to_currency_code": "USD", "valid_from": "2026-01-01", "rate": 1.1}
    await tenant.act("currencies", {"currency": {"currency_code": "CHF", "decimals": 2}})
    await tenant.act("rates", {"shared_set_code": "CORP", "rate": rate})
    assert "CURRENCY_UNKNOWN" not in str((await tenant.post("invoice", record)).json)


async def test_the_index_names_all_and_what_is_not_there_is_told(tenant):
    index = (await tenant.act("")).json["endpoints"]
    assert {"GET /control/state", "POST /control/hand/post"} <= set(index)
    missing = await tenant.act("nothing")
    told = "There is no GET /control/nothing: GET /control lists what there is"
    assert (missing.status, missing.json) == (404, {"error": told})
