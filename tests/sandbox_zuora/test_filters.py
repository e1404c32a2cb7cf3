"""filter[]: every operator on every type of field, and everything that is refused."""

from datetime import date

import pytest

from sandbox.zuora.acts import cancel_invoice, post_invoice


@pytest.fixture
def three(zuora):
    """Three invoices, a minute apart: draft over 10, posted over 20 with a mark, canceled over 30."""
    rows = []
    for place, amount in enumerate(("10", "20", "30")):
        custom = {"QADInvoice__c": "Q20"} if amount == "20" else {}
        rows.append(zuora.draft(amount, "0", invoice_date=date(2026, 3, 10 + place), custom=custom))
        if amount == "20":
            post_invoice(zuora.tenant, invoice=rows[-1].id)
        if amount == "30":
            cancel_invoice(zuora.tenant, invoice=rows[-1].id)
        zuora.sandbox.clock.advance(60)
    return rows


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("status.EQ:Posted", {20}),
        ("STATUS.eq:posted", {20}),
        ("status.NE:Posted", {10, 30}),
        ("status.SW:c", {30}),
        ("status.IN:[Draft,canceled]", {10, 30}),
        ("status.EQ:Cancelled", set()),
        ("amount.GT:10", {20, 30}),
        ("amount.GE:20.0", {20, 30}),
        ("amount.LT:20", {10}),
        ("amount.LE:20", {10, 20}),
        ("amount.EQ:20.00", {20}),
        ("amount.IN:[10,30]", {10, 30}),
        ("amount.EQ:+2e1", {20}),
        ("balance.EQ:0", {30}),
        ("invoicedate.EQ:2026-03-11", {20}),
        ("invoicedate.GE:2026-03-11", {20, 30}),
        ("invoicedate.LT:2026-03-11", {10}),
        ("reversed.EQ:false", {10, 20, 30}),
        ("reversed.EQ:TRUE", set()),
        ("sourceid.EQ:null", {10, 20, 30}),
        ("sourceid.NE:null", set()),
        ("sourceid.EQ:\x02\x03", set()),
        ("invoicenumber.EQ:inv00000002", {20}),
        ("invoicenumber.SW:INV", {10, 20, 30}),
        ("qadinvoice__c.EQ:q20", {20}),
        ("QADInvoice__c.NE:Q20", {10, 30}),
        ("updateddate.EQ:2026-03-15T12:01:00Z", {20}),
        ("updateddate.GE:2026-03-15T12:01:00Z", {20, 30}),
        ("updateddate.GT:2026-03-15T12:01:00Z", {30}),
        ("updateddate.LE:2026-03-15T12:01:00Z", {10, 20}),
        ("updateddate.LT:2026-03-15T12:01:00Z", {10}),
        ("updateddate.NE:2026-03-15T12:01:00Z", {10, 30}),
        ("updateddate.GE:2026-03-15T05:02:00-07:00", {30}),
        ("updateddate.GE:2026-03-15T13:02:00+01:00", {30}),
        ("updateddate.GE:2026-03-15T05:02:00", {30}),
    ],
)
async def test_an_operator_finds_what_it_should(zuora, three, condition, found):
    reply = await zuora.get("/object-query/invoices", ("filter[]", condition))
    assert reply.status == 200, reply.text
    assert {row["amount"] for row in reply.json["data"]} == found


async def test_filters_are_joined_by_and(zuora, three):
    query = [("filter[]", "amount.GT:10"), ("filter[]", "status.NE:Canceled")]
    assert [row["amount"] for row in (await zuora.get("/object-query/invoices", *query)).json["data"]] == [20]


@pytest.mark.parametrize(
    "condition",
    [
        "posteddate.GE:2026-03-15T12:00:00Z",
        "currency.EQ:EUR",
        "transferredtoaccounting.EQ:No",
        "plain__c.EQ:x",
        "nosuchfield.EQ:1",
        "account.name.EQ:x",
        "status.XX:Posted",
        "status.GT:Draft",
        "amount.SW:1",
        "reversed.GT:false",
        "reversed.EQ:maybe",
        "amount.EQ:ten",
        "amount.EQ:NaN",
        "amount.EQ:1_000",
        "amount.EQ:\u0661",
        "amount.EQ:1e1000000000",
        "invoicedate.EQ:10/03/2026",
        "invoicedate.EQ:2026-03-10T00:00:00Z",
        "updateddate.GE:2026-03-15",
        "updateddate.GE:2026-03-15T12:00:00.123Z",
        "updateddate.GE:2026-03-15T12:00:00 02:00",
        "status.IN:Draft,Posted",
        "status",
        "",
    ],
)
async def test_what_cannot_be_filtered_is_refused(zuora, three, condition):
    reply = await zuora.get("/object-query/invoices", ("filter[]", condition))
    assert reply.status == 400
    assert reply.json["reasons"][0]["code"] == 50000027


async def test_an_offset_whose_plus_is_not_encoded_is_refused(zuora, three):
    path = "/object-query/invoices?filter[]=updateddate.GE:2026-03-15T12:00:00+01:00"
    assert (await zuora.get(path)).status == 400


async def test_payments_applications_do_not_filter_by_invoice(zuora):
    for path in ("payment-applications", "credit-memo-applications"):
        wrong = "invoiceid" if path == "payment-applications" else "creditmemoid"
        reply = await zuora.get(f"/object-query/{path}", ("filter[]", f"{wrong}.EQ:8a"))
        assert reply.json["reasons"][0]["message"] == f"Invalid filter parameter: {wrong}"


async def test_case_may_matter_by_a_switch(zuora, three):
    await zuora.settings(match_case=True)
    for value, count in (("posted", 0), ("Posted", 1)):
        reply = await zuora.get("/object-query/invoices", ("filter[]", f"status.EQ:{value}"))
        assert len(reply.json["data"]) == count


async def test_a_tenant_may_filter_on_more(zuora, three):
    await zuora.settings(filterable={"invoices": ["currency"]})
    reply = await zuora.get("/object-query/invoices", ("filter[]", "currency.EQ:eur"))
    assert len(reply.json["data"]) == 3


async def test_by_parent_by_id_and_by_number(zuora, three):
    first = three[0]
    for condition in (f"id.EQ:{first.id.upper()}", f"id.IN:[{first.id},8a]", "invoicenumber.IN:[INV00000001]"):
        rows = (await zuora.get("/object-query/invoices", ("filter[]", condition))).json["data"]
        assert [row["id"] for row in rows] == [first.id]
    rows = (await zuora.get("/object-query/invoices", ("filter[]", f"accountid.EQ:{first.account_id}"))).json["data"]
    assert len(rows) == 3
