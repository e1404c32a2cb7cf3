"""Each fault by name: what the caller sees, what stands in the books, and that it was counted."""

import asyncio
import time
from pathlib import Path

import aiohttp
import pytest

from sandbox.qad.faults import CATALOGUE, Fault, UnknownFault
from sandbox.qad.house import HOUSE

BROKEN = (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError)


def booked(tenant):
    return tenant.control.counts()["10USACO"]["invoice"]


def arm(tenant, name, **more):
    tenant.control.arm(Fault(name=name, **{"count": 1, **more}))


def test_every_fault_of_the_catalogue_is_tested_here_or_by_soap():
    sources = [Path(__file__), Path(__file__).with_name("test_qxtend.py")]
    said = "".join(source.read_text(encoding="utf-8") for source in sources)
    assert {name for name in CATALOGUE if f'"{name}"' not in said} == set()


@pytest.mark.parametrize(("name", "status"), [("http_500_before_commit", 500), ("http_503_before_commit", 503)])
async def test_failures_before_the_commit_leave_nothing(tenant, invoice_record, name, status):
    arm(tenant, name)
    reply = await tenant.post("invoice", invoice_record())
    assert reply.status == status
    assert reply.json["errors"][0]["code"] == str(status)
    assert (booked(tenant), tenant.control.fired(name)) == (0, 1)
    assert (await tenant.post("invoice", invoice_record())).success
    assert booked(tenant) == 1


@pytest.mark.parametrize(("name", "count"), [("reset_before_commit", 0), ("commit_then_reset", 1), ("down", 0)])
async def test_connections_that_are_cut(tenant, invoice_record, name, count):
    arm(tenant, name)
    with pytest.raises(BROKEN):
        await tenant.post("invoice", invoice_record())
    call = tenant.control.requests()[-1]
    assert (booked(tenant), tenant.control.fired(name)) == (count, 1)
    assert (call.outcome, call.status, call.faults) == ("dropped", 0, (name,))
    if name != "down":
        assert call.references == ("mlc-1",)
    assert len(call.committed) == count
    found = await tenant.browse("customer_invoices", "customShort0,eq,mlc-1,literal")
    assert len(found) == count


@pytest.mark.parametrize(
    ("name", "status"), [("commit_then_500", 500), ("commit_then_502", 502), ("commit_then_504", 504)]
)
async def test_answers_that_deny_what_was_committed(tenant, invoice_record, name, status):
    arm(tenant, name)
    reply = await tenant.post("invoice", invoice_record())
    assert reply.status == status
    assert (booked(tenant), tenant.control.fired(name)) == (1, 1)
    if status != 500:
        assert reply.headers["Content-Type"].startswith("text/html")


async def test_a_commit_fault_waits_for_a_commit(tenant, invoice_record):
    arm(tenant, "commit_then_500")
    assert (await tenant.post("invoice", invoice_record(customerCode="C9999"))).success is False
    assert tenant.control.fired("commit_then_500") == 0
    assert (await tenant.post("invoice", invoice_record())).status == 500
    assert tenant.control.fired("commit_then_500") == 1


async def test_silence_after_the_commit(tenant, invoice_record):
    arm(tenant, "commit_then_hang")
    with pytest.raises(TimeoutError):
        await tenant.post("invoice", invoice_record(), timeout_s=0.2)
    assert (booked(tenant), tenant.control.fired("commit_then_hang")) == (1, 1)
    call = tenant.control.requests()[-1]
    assert (call.outcome, call.committed) == ("hung", ("10USACO.2026.ZINV.1",))


async def test_silence_does_not_last_for_ever(tenant, invoice_record):
    tenant.control.change_settings({"traffic": {"hang_s_max": 0.1}})
    arm(tenant, "commit_then_hang")
    with pytest.raises(BROKEN):
        await tenant.post("invoice", invoice_record())


async def test_a_commit_that_comes_after_the_time_out(tenant, invoice_record, eventually):
    arm(tenant, "commit_late", seconds=1.0)
    with pytest.raises(TimeoutError):
        await tenant.post("invoice", invoice_record(), timeout_s=0.1)
    assert await tenant.browse("customer_invoices", "customShort0,eq,mlc-1,literal") == []
    assert tenant.control.state()["pending_commits"] == 1

    async def committed():
        assert len(await tenant.browse("customer_invoices", "customShort0,eq,mlc-1,literal")) == 1

    await eventually(committed)
    call = next(one for one in tenant.control.requests() if one.is_write)
    assert call.committed == ("10USACO.2026.ZINV.1",)
    assert call.committed_late_at is not None
    assert (tenant.control.state()["pending_commits"], tenant.control.fired("commit_late")) == (0, 1)


async def test_a_late_commit_is_judged_when_it_comes(tenant, invoice_record, eventually):
    arm(tenant, "commit_late", seconds=0.8)
    with pytest.raises(TimeoutError):
        await tenant.post("invoice", invoice_record(), timeout_s=0.1)
    tenant.control.set_period("10USACO", 2026, 1, is_open_for_sales=False)

    async def refused():
        call = next(one for one in tenant.control.requests() if one.is_write)
        assert call.errors == ("PERIOD_CLOSED_FOR_SALES",)
        assert call.committed_late_at is None

    await eventually(refused)
    assert booked(tenant) == 0


async def test_a_reset_forgets_late_commits(tenant, invoice_record):
    arm(tenant, "commit_late", seconds=0.2)
    with pytest.raises(TimeoutError):
        await tenant.post("invoice", invoice_record(), timeout_s=0.1)
    await tenant.control.reset()
    assert tenant.control.state()["pending_commits"] == 0
    assert booked(tenant) == 0


async def test_documents_that_browses_show_late(tenant, invoice_record, eventually):
    arm(tenant, "late_visibility", seconds=1.0)
    assert (await tenant.post("invoice", invoice_record())).success
    await tenant.post("invoice", invoice_record("mlc-2"))
    for table in ("customer_invoices", "open_items", "gl_transactions"):
        assert await tenant.browse(table, "customShort0,eq,mlc-1,literal") == []
        assert {row["customShort0"] for row in await tenant.browse(table)} == {"mlc-2"}
    assert booked(tenant) == 2

    async def shown():
        for table in ("customer_invoices", "open_items", "gl_transactions"):
            assert {row["customShort0"] for row in await tenant.browse(table)} == {"mlc-1", "mlc-2"}

    await eventually(shown)
    assert tenant.control.fired("late_visibility") == 1


async def test_faults_that_act_on_one_call_together(tenant, invoice_record):
    arm(tenant, "late_visibility", seconds=30)
    arm(tenant, "commit_then_502")
    assert (await tenant.post("invoice", invoice_record())).status == 502
    assert await tenant.browse("customer_invoices") == []
    assert tenant.control.requests()[-2].faults == ("late_visibility", "commit_then_502")


async def test_a_login_page_in_the_place_of_an_answer(tenant, invoice_record):
    arm(tenant, "html_login")
    reply = await tenant.post("invoice", invoice_record())
    assert (reply.status, reply.headers["Content-Type"][:9], b"password" in reply.body) == (200, "text/html", True)
    assert (booked(tenant), tenant.control.fired("html_login")) == (0, 1)


async def test_a_row_that_left_the_list_moves_what_comes_behind_a_first_page(tenant, invoice_record):
    for number in range(6):
        assert (await tenant.post("invoice", invoice_record(f"mlc-{number}"))).success
    arm(tenant, "row_shift", kind="browse")
    pages = [await tenant.browse("customer_invoices", page=page, size=2) for page in (1, 2, 3)]
    shown = [[row["customShort0"] for row in page] for page in pages]
    # The third invoice is on no page: it stood on the second when that was shown as the first's end.
    assert shown == [["mlc-0", "mlc-1"], ["mlc-3", "mlc-4"], ["mlc-4", "mlc-5"]]
    assert tenant.control.fired("row_shift") == 1


@pytest.mark.parametrize("name", ["empty_body", "truncated_json"])
async def test_bodies_that_are_spoiled_on_the_way_back(tenant, invoice_record, name):
    arm(tenant, name)
    reply = await tenant.post("invoice", invoice_record())
    assert reply.status == 200
    with pytest.raises(ValueError, match=r"truncated|Input data"):
        _ = reply.json
    assert (booked(tenant), tenant.control.fired(name)) == (1, 1)
    arm(tenant, name, kind="browse")
    assert (await tenant.post("invoice", invoice_record())).success
    with pytest.raises(ValueError, match=r"truncated|Input data"):
        _ = (await tenant.browse_reply("customers")).json
    assert tenant.control.fired(name) == 2


@pytest.mark.parametrize(
    ("name", "status", "body"),
    [
        ("commit_then_login_page", 200, b"password"),
        ("commit_then_no_content", 204, b""),
        ("commit_then_other_shape", 200, b'"items"'),
        ("commit_then_no_key", 200, b'{"submitResult": {"success": true}}'),
    ],
)
async def test_answers_that_say_nothing_of_what_was_committed(tenant, invoice_record, name, status, body):
    arm(tenant, name)
    reply = await tenant.post("invoice", invoice_record())
    assert (reply.status, body in reply.body) == (status, True)
    assert b"voucher" not in reply.body
    assert (booked(tenant), tenant.control.fired(name)) == (1, 1)


async def test_an_answer_that_is_packed_and_cut(tenant, invoice_record):
    arm(tenant, "commit_then_gzip_cut")
    try:
        reply = await tenant.post("invoice", invoice_record())
    except BROKEN:
        pass
    else:
        with pytest.raises(ValueError, match=r"truncated|Input data"):
            _ = reply.json
    assert (booked(tenant), tenant.control.fired("commit_then_gzip_cut")) == (1, 1)


async def test_an_answer_in_chunks_that_never_ends(tenant, invoice_record):
    arm(tenant, "commit_then_chunks_cut")
    with pytest.raises(BROKEN):
        await tenant.post("invoice", invoice_record())
    assert (booked(tenant), tenant.control.fired("commit_then_chunks_cut")) == (1, 1)
    assert tenant.control.requests()[-1].outcome == "dropped"


async def test_slowness(tenant):
    arm(tenant, "slow", ms=150, kind="browse")
    started = time.monotonic()
    await tenant.browse("customers")
    assert time.monotonic() - started >= 0.15
    assert tenant.control.fired("slow") == 1


@pytest.mark.parametrize("retry_after_s", [None, 7])
async def test_too_many_requests(tenant, retry_after_s):
    arm(tenant, "too_many_requests", retry_after_s=retry_after_s)
    reply = await tenant.browse_reply("customers")
    assert reply.status == 429
    assert reply.headers.get("Retry-After") == (None if retry_after_s is None else "7")
    assert tenant.control.fired("too_many_requests") == 1


@pytest.mark.parametrize(("name", "status"), [("unauthorized", 401), ("forbidden", 403)])
async def test_refusals_by_the_gateway_so_many_times(tenant, invoice_record, name, status):
    arm(tenant, name, count=3)
    statuses = [(await tenant.post("invoice", invoice_record())).status for _ in range(4)]
    assert statuses == [status] * 3 + [200]
    assert (booked(tenant), tenant.control.fired(name)) == (1, 3)
    [armed] = tenant.control.faults()
    assert not armed.is_armed


async def test_a_token_service_that_fails_fails_alone(tenant):
    arm(tenant, "token_5xx", count=2, status=502)
    form = {"grant_type": "password", "username": "connector", "password": "connector-word"}
    assert [(await tenant.grant(**form)).status for _ in range(3)] == [502, 502, 200]
    assert (await tenant.browse_reply("customers")).status == 200
    assert tenant.control.fired("token_5xx") == 2


async def test_everything_down_but_the_control(tenant):
    armed = tenant.control.arm(Fault(name="down"))
    for _ in range(2):
        with pytest.raises(BROKEN):
            await tenant.browse_reply("customers")
        with pytest.raises(BROKEN):
            await tenant.grant(grant_type="password", username="connector", password="connector-word")
    # Some clients ask again by themselves when a kept connection is cut, so the log says how many calls there were.
    dropped = [call for call in tenant.control.requests() if call.outcome == "dropped"]
    assert (await tenant.act("faults")).json[0]["fired"] == len(dropped) >= 4
    assert tenant.control.disarm(id=armed.id) == 1
    assert (await tenant.browse_reply("customers")).status == 200


async def test_business_errors_for_the_next_records(tenant, invoice_record):
    arm(tenant, "business_error", count=2)
    reply = await tenant.post("invoice", invoice_record())
    assert (reply.success, reply.codes) == (False, {"RECORD_LOCKED"})
    arm(tenant, "business_error", code="OPTIMISTIC_LOCK", field="custom_short_0", message="Changed by another user.")
    reply = await tenant.post("invoice", invoice_record("mlc-2"), invoice_record("mlc-3"))
    assert [(one["recordIndex"], one["code"]) for one in reply.errors] == [(0, "RECORD_LOCKED"), (1, "OPTIMISTIC_LOCK")]
    assert reply.errors[1]["fieldName"] == "customShort0"
    arm(tenant, "business_error", after=1)
    reply = await tenant.post("invoice", invoice_record("mlc-2"), invoice_record("mlc-3"))
    assert [one["recordIndex"] for one in reply.errors] == [1]
    assert (booked(tenant), tenant.control.fired("business_error")) == (0, 4)
    tenant.control.change_settings({"calls": {"each_record_by_itself": True}})
    arm(tenant, "business_error", after=1)
    reply = await tenant.post("invoice", invoice_record("mlc-4"), invoice_record("mlc-5"), invoice_record("mlc-6"))
    assert [one["customShort0"] for one in reply.json["customerInvoices"]] == ["mlc-4", "mlc-6"]
    assert [one["recordIndex"] for one in reply.errors] == [1]


async def test_business_errors_on_master_records(tenant):
    arm(tenant, "business_error", kind="customer")
    read = await tenant.read("customer", sharedSetCode="CORP", customerCode="C0001")
    record = read.json["data"]["customerV2s"][0]
    key = {"sharedSetCode": "CORP", "customerCode": "C0001"}
    assert (await tenant.post("customer", record, **key)).codes == {"RECORD_LOCKED"}
    assert (await tenant.post("customer", record, **key)).success


async def test_a_warning_beside_success(tenant, invoice_record):
    arm(tenant, "warning", code="W1", message="The due date lies on a Sunday.")
    reply = await tenant.post("invoice", invoice_record())
    assert reply.success
    assert reply.json["supplementaryMessages"] == [
        {"severity": 3, "code": "W1", "message": "The due date lies on a Sunday."}
    ]
    assert "supplementaryMessages" not in (await tenant.post("invoice", invoice_record())).json


async def test_kind_share_and_after_choose_the_calls(tenant, invoice_record):
    arm(tenant, "http_500_before_commit", kind="payment", count=None)
    assert (await tenant.post("invoice", invoice_record())).status == 200
    tenant.control.disarm()
    arm(tenant, "http_500_before_commit", kind="browse")
    assert (await tenant.browse_reply("customers")).status == 500
    arm(tenant, "http_503_before_commit", after=2)
    statuses = [(await tenant.post("invoice", invoice_record())).status for _ in range(4)]
    assert statuses == [200, 200, 503, 200]
    drawn = []
    for _ in range(2):
        arm(tenant, "http_500_before_commit", count=None, share=0.3, seed=11)
        drawn.append([(await tenant.post("invoice", invoice_record())).status for _ in range(40)])
        assert tenant.control.disarm(name="http_500_before_commit") == 1
    assert drawn[0] == drawn[1]
    assert 4 <= drawn[0].count(500) <= 20


async def test_faults_that_cannot_be_armed(tenant):
    for wrong in (Fault(name="earthquake"), Fault(name="slow", count=0), Fault(name="slow", kind="invoices")):
        with pytest.raises(UnknownFault):
            tenant.control.arm(wrong)
    assert (await tenant.act("faults", {"name": "earthquake"})).status == 400
    assert (await tenant.act("faults", {"name": "slow", "speed": 1})).status == 400


async def test_a_thousand_lost_replies_double_nothing_in_the_books(tenant, invoice_record):
    tenant.control.arm(Fault(name="commit_then_reset", share=0.5, seed=3))

    async def post(number):
        try:
            return (await tenant.post("invoice", invoice_record(f"mlc-{number}"))).success
        except BROKEN:
            return None

    outcomes = await asyncio.gather(*(post(number) for number in range(400)))
    assert booked(tenant) == 400
    assert outcomes.count(None) == tenant.control.fired("commit_then_reset") > 100
    assert tenant.control.duplicates() == []
    log = [call for call in tenant.control.requests() if call.is_write]
    assert sorted(reference for call in log for reference in call.references) == sorted(
        f"mlc-{number}" for number in range(400)
    )
    assert tenant.control.audit()["10USACO"] == []


async def test_the_token_and_the_erp_are_told_apart_by_scope(tenant):
    tenant.control.arm(Fault(name="unauthorized"))
    reply = await tenant.grant(grant_type="password", username="connector", password="connector-word")
    assert reply.status == 200
    assert (await tenant.send("GET", HOUSE.security_path)).status == 401
