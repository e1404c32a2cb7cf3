"""Cursors: both kinds, every order, what moves between pages, and that nothing else is lost or doubled."""

import base64
import json
from decimal import Decimal

import pytest

from sandbox.zuora import Fault
from sandbox.zuora.acts import NewPayment, create_payment, delete_invoice

BOTH = ("keyset", "offset")


def many(zuora, count=25):
    """Draft invoices, three to a second."""
    rows = []
    for place in range(count):
        rows.append(zuora.draft(str(10 + place % 4), "0"))
        if place % 3 == 2:
            zuora.sandbox.clock.advance(1)
    return rows


@pytest.mark.parametrize("kind", BOTH)
@pytest.mark.parametrize(
    "sort", [None, "updateddate.ASC", "updateddate.DESC", "amount.ASC", "invoicenumber.DESC", "id.ASC"]
)
@pytest.mark.parametrize("size", [1, 7, 25])
async def test_pages_hold_every_row_once_and_in_order(zuora, kind, sort, size):
    await zuora.settings(cursors={"invoices": kind})
    made = many(zuora)
    rows = await zuora.walk("/object-query/invoices", ("pageSize", size), *([("sort[]", sort)] if sort else []))
    assert sorted(row["id"] for row in rows) == sorted(row.id for row in made)
    name, direction = (sort or "updateddate.DESC").split(".")
    field = {"updateddate": "updatedDate", "amount": "amount", "invoicenumber": "invoiceNumber", "id": "id"}[name]
    keys = [(row[field], row["id"]) for row in rows]
    assert keys == sorted(keys, reverse=direction == "DESC")


@pytest.mark.parametrize("kind", BOTH)
async def test_filters_hold_over_all_pages(zuora, kind):
    await zuora.settings(cursors={"invoices": kind})
    made = many(zuora)
    query = [("filter[]", "amount.EQ:11"), ("filter[]", "updateddate.LT:2026-03-15T12:00:05Z")]
    rows = await zuora.walk("/object-query/invoices", ("pageSize", 2), ("sort[]", "updateddate.ASC"), *query)
    expected = [row.id for row in made if row.amount == 11 and row.updated_date.epoch_s % 60 < 5]
    assert sorted(row["id"] for row in rows) == sorted(expected)
    assert expected


async def test_a_keyset_cursor_reads_as_in_zuoras_examples(zuora):
    for _ in range(3):
        create_payment(zuora.tenant, request=NewPayment(account="A-00000001", amount=Decimal(1)))
    body = (await zuora.get("/object-query/payments", ("pageSize", 2))).json
    value, key = json.loads(base64.b64decode(body["nextPage"]))
    assert value == {"value": "2026-03-15T12:00:00Z", "orderBy": {"field": "UpdatedDate", "order": "DESC"}}
    assert key == {"value": body["data"][-1]["id"], "orderBy": {"field": "Id", "order": "DESC"}}


async def test_an_offset_cursor_counts_rows(zuora):
    many(zuora, 12)
    assert (await zuora.get("/object-query/invoices")).json["nextPage"] == "MTA="


async def test_a_cursor_of_another_order_is_refused(zuora):
    await zuora.settings(cursors={"invoices": "keyset"})
    many(zuora, 5)
    cursor = (await zuora.get("/object-query/invoices", ("pageSize", 2))).json["nextPage"]
    reply = await zuora.get("/object-query/invoices", ("cursor", cursor), ("sort[]", "updateddate.ASC"))
    assert reply.status == 400


async def test_no_next_page_after_the_last(zuora):
    many(zuora, 20)
    first = (await zuora.get("/object-query/invoices")).json
    last = (await zuora.get("/object-query/invoices", ("cursor", first["nextPage"]))).json
    assert "nextPage" not in last
    beyond = (await zuora.get("/object-query/invoices", ("cursor", "OTk5"))).json
    assert beyond == {"data": []}


@pytest.mark.parametrize(("kind", "skipped"), [("offset", 1), ("keyset", 0)])
async def test_a_row_that_moves_between_pages_hides_another_only_under_an_offset(zuora, kind, skipped):
    await zuora.settings(cursors={"invoices": kind})
    made = many(zuora, 9)
    zuora.sandbox.clock.advance(60)
    armed = zuora.sandbox.faults.arm(Fault(name="row_shift", path="/invoices$", count=1))
    # The window ends before the change, as a poll's does, so the row that moves leaves it.
    query = [("sort[]", "updateddate.ASC"), ("filter[]", "updateddate.LT:2026-03-15T12:00:30Z"), ("pageSize", 3)]
    rows = await zuora.walk("/object-query/invoices", *query)
    assert armed.fired == 1
    assert len({row["id"] for row in rows}) == len(made) - skipped


async def test_an_offset_is_counted_anew_when_rows_go_away(zuora):
    made = many(zuora, 9)
    query = [("sort[]", "updateddate.ASC"), ("pageSize", 3)]
    first = (await zuora.get("/object-query/invoices", *query)).json
    delete_invoice(zuora.tenant, invoice=made[0].id)
    second = (await zuora.get("/object-query/invoices", *query, ("cursor", first["nextPage"]))).json
    seen = {row["id"] for page in (first, second) for row in page["data"]}
    assert len(seen) == 6
    in_order = sorted(made, key=lambda row: (row.updated_date.epoch_s, row.id))
    assert in_order[3].id not in seen
