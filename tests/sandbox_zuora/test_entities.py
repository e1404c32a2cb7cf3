"""Several entities and organizations on one tenant: a request sees its own accounts, and what belongs to them."""

import msgspec
import pytest

from sandbox.zuora.acts import (
    Application,
    NewAccount,
    NewPayment,
    create_account,
    create_applied_payment,
    create_payment,
)
from tests.sandbox_zuora.test_debit_memos import memo as debit_memo

ASIA = "22e643f4-a3ee-8bad-b061-0025904c57d7"
IN_ASIA = {"Zuora-Entity-Ids": ASIA, "Zuora-Version": "2025-08-12"}


@pytest.fixture
def asia(zuora):
    request = NewAccount(name="Asia", currency="EUR", account_number="A-ASIA", entity=ASIA, organization_id="o-asia")
    return create_account(zuora.tenant, request=request)


async def numbers(zuora, headers=None):
    rows = (await zuora.get("/object-query/accounts", headers=headers)).json["data"]
    return {row["accountNumber"] for row in rows}


async def test_a_request_sees_the_accounts_of_its_entity_alone(zuora, asia):
    assert await numbers(zuora) == {"A-00000001", "A-00000002"}
    assert await numbers(zuora, IN_ASIA) == {"A-ASIA"}
    main = {"Zuora-Entity-Ids": zuora.sandbox.world.entity_id}
    assert await numbers(zuora, main) == {"A-00000001", "A-00000002"}


async def test_what_belongs_to_an_account_is_seen_with_it(zuora, asia):
    here, there = zuora.posted(), zuora.posted(account="A-ASIA")
    debit = debit_memo(zuora)
    assert [row["id"] for row in await rows(zuora, "invoices")] == [here.id]
    assert [row["id"] for row in await rows(zuora, "invoices", IN_ASIA)] == [there.id]
    items = ("filter[]", f"invoiceid.EQ:{there.id}")
    assert (await zuora.get("/object-query/invoice-items", items)).json["data"] == []
    assert len((await zuora.get("/object-query/invoice-items", items, headers=IN_ASIA)).json["data"]) == 1
    assert (await zuora.get(f"/object-query/invoices/{there.id}")).status == 404
    assert (await zuora.get(f"/object-query/invoices/{there.id}", headers=IN_ASIA)).status == 200
    assert not (await zuora.get(f"/v1/debit-memos/{debit.id}/items", headers=IN_ASIA)).json["success"]


async def test_a_query_without_settlement_sees_what_belongs_to_its_entity(zuora, asia):
    await zuora.settings(invoice_settlement=False)
    for name in ("A-00000001", "A-ASIA"):
        invoice = zuora.posted(account=name)
        paid = [Application(invoice=invoice.id, amount=1)]
        create_applied_payment(zuora.tenant, request=NewPayment(account=name, amount=1, invoices=paid))
    for headers, invoice in (({}, "INV00000001"), (IN_ASIA, "INV00000002")):
        query = {"queryString": "select Id, InvoiceId from InvoicePayment"}
        found = (await zuora.api("POST", "/v1/action/query", json=query, headers=headers)).json["records"]
        assert [row["InvoiceId"] for row in found] == [zuora.invoice(invoice).id]


async def rows(zuora, objects, headers=None):
    return (await zuora.get(f"/object-query/{objects}", headers=headers)).json["data"]


async def test_pages_of_two_entities_do_not_mix(zuora, asia):
    """Offset cursors remember how far a walk came: for one who sees other rows it came elsewhere."""
    both = [zuora.posted(account=name).id for name in ("A-ASIA", "A-00000001") * 4]
    settings = msgspec.structs.replace(zuora.tenant.settings, cursors={"invoices": "offset"})
    zuora.sandbox.use(settings)
    walked = {}
    for headers in (None, IN_ASIA):
        found, cursor = [], []
        while True:
            answer = (await zuora.get("/object-query/invoices", ("pageSize", 2), *cursor, headers=headers)).json
            found += [row["id"] for row in answer["data"]]
            if "nextPage" not in answer:
                break
            cursor = [("cursor", answer["nextPage"])]
        walked[str(headers)] = found
    assert sorted(one for found in walked.values() for one in found) == sorted(both)


async def test_money_whose_payer_is_not_known_and_what_has_no_account_is_seen_by_all(zuora, asia):
    create_payment(zuora.tenant, request=NewPayment(amount=1, currency="EUR"))
    assert len(await rows(zuora, "payments")) == len(await rows(zuora, "payments", IN_ASIA)) == 1
    assert len((await zuora.get("/v1/accounting-codes", headers=IN_ASIA)).json["accountingCodes"]) > 0


async def test_organizations_narrow_what_is_seen(zuora, asia):
    assert await numbers(zuora, IN_ASIA | {"Zuora-Org-Ids": "o-asia"}) == {"A-ASIA"}
    assert await numbers(zuora, {"Zuora-Org-Ids": "o-asia"}) == set()


@pytest.mark.parametrize("header", ["Zuora-Entity-Ids", "Zuora-Org-Ids"])
async def test_what_the_user_has_no_access_to_is_refused(zuora, asia, header):
    reply = await zuora.get("/object-query/accounts", headers={header: "nothing-known"})
    assert (reply.status, "nothing-known" in reply.text) == (403, True)
