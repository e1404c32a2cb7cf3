"""Objects of Zuora whole: every child whatever the page, byte for byte, and no id that is none in a URL."""

import re
from decimal import Decimal

import msgspec
import pytest

from adapters.zuora.asking.ids import checked, quoted
from adapters.zuora.reading.kinds import KINDS
from adapters.zuora.reading.objects import ZuoraObjects
from sandbox.zuora.acts import cancel_payment, delete_credit_memo, unpost_credit_memo
from schemas.errors import ConnectorError, Refused, Transient, Unreadable
from schemas.records import RecordKind
from schemas.zuora import TAX
from tests.adapters.strange import Told
from tests.adapters.zuora_tenant import BY_HAND, speaking_to

# More than two pages of Object Query, and more than three of the older lists.
MANY = 230


def ids(rows):
    return [msgspec.json.decode(row)["id"] for row in rows]


def whole(rows, count):
    assert len(rows) == count
    assert len(set(ids(rows))) == count


# -- children --------------------------------------------------------------------------------------------------------


async def test_an_invoice_of_400_items_has_400_items(zuora):
    invoice = zuora.invoice(items=400, taxes=1)
    record = await zuora.read(RecordKind.INVOICE, invoice.id)
    whole(record.children["items"], 400)
    items = [msgspec.json.decode(raw) for raw in record.children["items"]]
    assert sum(Decimal(str(item["chargeAmount"])) for item in items) == 4000
    assert {len(item["taxationItems"]) for item in items} == {1}
    assert set(record.children) == {"items"}


@pytest.mark.parametrize("taxes", [98, 99, 100, MANY])
async def test_an_item_has_all_its_taxes(zuora, taxes):
    """Expanded taxes are cut at 99 without a mark: a list of 99 may be whole or not, so it is read again."""
    invoice = zuora.invoice(items=2, taxes=taxes)
    record = await zuora.read(RecordKind.INVOICE, invoice.id)
    whole(record.children["items"], 2)
    for raw in record.children["items"]:
        item = msgspec.json.decode(raw)
        rows = record.children.get(f"{TAX}.{item['id']}")
        assert (rows is None) == (taxes < 99)
        whole(rows if rows is not None else [msgspec.json.encode(tax) for tax in item["taxationItems"]], taxes)


@pytest.mark.parametrize("count", [1, 98, 99, 100, MANY])
async def test_a_memo_has_all_its_applications_and_parts(zuora, count):
    memo = zuora.credit_memo(*(zuora.invoice() for _ in range(count)))
    other = zuora.credit_memo(zuora.invoice())
    record = await zuora.read(RecordKind.CREDIT_MEMO, memo.id)
    whole(record.children["applications"], count)
    whole(record.children["parts"], count)
    assert {msgspec.json.decode(raw)["creditMemoId"] for raw in record.children["applications"]} == {memo.id}
    assert len((await zuora.read(RecordKind.CREDIT_MEMO, other.id)).children["applications"]) == 1


async def test_a_memo_has_all_its_items(zuora):
    memo = zuora.credit_memo(items=MANY)
    record = await zuora.read(RecordKind.CREDIT_MEMO, memo.id)
    whole(record.children["items"], MANY)


@pytest.mark.parametrize("taxes", [0, 9, 10, 11, 97])
async def test_a_debit_memo_has_all_its_items_and_their_taxes(zuora, taxes):
    """The older list nests ten taxes and says where the others are."""
    memo = zuora.debit_memo(items=41, taxes=taxes)
    record = await zuora.read(RecordKind.DEBIT_MEMO, memo.memo_number)
    assert record.id == memo.id
    whole(record.children["items"], 41)
    for raw in record.children["items"]:
        item = msgspec.json.decode(raw)
        rows = record.children.get(f"{TAX}.{item['id']}")
        assert (rows is None) == (taxes <= 10)
        whole(rows if rows is not None else [msgspec.json.encode(t) for t in item["taxationItems"]["data"]], taxes)


@pytest.mark.parametrize("count", [0, 98, 99, 100, MANY])
async def test_a_payment_has_all_its_applications_and_parts(zuora, count):
    payment = zuora.payment(*(zuora.invoice() for _ in range(count)))
    zuora.payment(zuora.invoice())
    record = await zuora.read(RecordKind.PAYMENT, payment.id)
    whole(record.children["applications"], count)
    # What nothing is applied of is one part, the rest.
    whole(record.children["parts"], max(count, 1))
    assert {msgspec.json.decode(raw)["paymentId"] for raw in record.children["applications"]} <= {payment.id}


async def test_children_are_whole_in_a_list_as_in_a_single_read(zuora):
    payment = zuora.payment(*(zuora.invoice() for _ in range(120)))
    objects = await zuora.objects()
    since, until = zuora.sandbox.clock.stamp().utc().replace(hour=0), zuora.sandbox.clock.stamp().utc().replace(hour=23)
    headers = [h async for page in objects.changed(RecordKind.PAYMENT, since=since, until=until) for h in page]
    [header] = [header for header in headers if header.id == payment.id]
    record = await objects.complete(RecordKind.PAYMENT, header, by="poll", evidence="")
    whole(record.children["applications"], 120)


async def test_a_tax_of_a_memo_item_is_read_to_its_last_page(strange):
    """The stand-in never pages the taxes of a memo item; the contract says that they may go on."""
    nested = b'{"data": [{"id": "t0"}], "nextPage": "%s/v1/more"}' % strange.url.encode()
    strange.tell("/object-query/credit-memos/m1", Told(b'{"id": "m1", "accountId": "a1", "status": "Posted"}'))
    strange.tell("/v1/credit-memos/m1/items", Told(b'{"items": [{"id": "i1", "taxationItems": %s}]}' % nested))
    strange.tell("/v1/credit-memos/m1/parts", Told(b'{"parts": []}'))
    rows = b",".join(b'{"id": "t%d"}' % number for number in range(40))
    path = "/v1/credit-memos/m1/items/i1/taxation-items"
    strange.tell(
        path, Told(b'{"data": [%s], "nextPage": "%s?page=2"}' % (rows, path.encode())), Told(b'{"data": [{}]}')
    )
    async with speaking_to(strange) as client:
        record = await ZuoraObjects(client, "acme").read(RecordKind.CREDIT_MEMO, "m1", BY_HAND)
    assert record is not None
    assert len(record.children[f"{TAX}.i1"]) == 41


async def test_an_item_that_changes_while_its_list_is_paged_leaves_the_list_whole(zuora):
    invoice = zuora.invoice(items=150)
    items = list(zuora.tenant.invoice_items.children("invoice_id", invoice.id))
    objects = await zuora.objects()
    asked = [("filter[]", f"invoiceid.EQ:{invoice.id}"), ("expand[]", "taxationitems")]
    first = await anext((await zuora.client()).object_query_pages("invoice-items", asked))
    unseen = next(item for item in items if item.id not in ids(first.rows))

    def business() -> None:
        zuora.sandbox.clock.advance(60)
        zuora.touch(unseen)

    zuora.after_answer("^/object-query/invoice-items$", business)
    record = await objects.read(RecordKind.INVOICE, invoice.id, BY_HAND)
    assert record is not None
    assert sorted(ids(record.children["items"])) == sorted(item.id for item in items)


# -- verbatim --------------------------------------------------------------------------------------------------------


async def test_what_zuora_said_is_kept_byte_for_byte(zuora):
    zuora.use(amounts="as_given")
    invoice = zuora.invoice(comments='A name of \\ 300 "quotes",\nnew lines and ü漢字')
    record = await zuora.read(RecordKind.INVOICE, invoice.id)
    raw = await (await zuora.client()).get(f"/object-query/invoices/{invoice.id}", [("pageSize", "99")])
    assert bytes(record.parent) == raw.body
    assert record.found.by == "reread"
    assert re.fullmatch(r"[0-9a-f-]{36}", record.found.request_id)
    assert (record.tenant, record.kind, record.id) == ("acme", "invoice", invoice.id)


async def test_a_number_names_an_object_as_its_id_does(zuora):
    invoice = zuora.invoice()
    record = await zuora.read(RecordKind.INVOICE, invoice.invoice_number)
    assert record.id == invoice.id


async def test_a_document_that_was_never_posted_carries_no_items(zuora):
    draft = zuora.invoice(items=3, post=False)
    assert (await zuora.read(RecordKind.INVOICE, draft.id)).children == {}


async def test_an_account_has_no_children(zuora):
    assert (await zuora.read(RecordKind.ACCOUNT, "A-00000001")).children == {}


async def test_what_is_not_there_is_none(zuora):
    objects = await zuora.objects()
    for kind in KINDS:
        assert await objects.read(kind, "8a" + "0" * 30, BY_HAND) is None


@pytest.mark.parametrize("nulls", [False, True])
@pytest.mark.parametrize("amounts", ["number", "text"])
async def test_v1_may_write_nulls_and_texts(zuora, nulls, amounts):
    zuora.use(v1_nulls=nulls, v1_amounts=amounts)
    assert len((await zuora.read(RecordKind.PAYMENT, zuora.payment(zuora.invoice()).id)).children["parts"]) == 1


@pytest.mark.parametrize("nulls", [False, True])
async def test_v1_may_write_nulls_on_a_memo(zuora, nulls):
    zuora.use(v1_nulls=nulls)
    memo = zuora.credit_memo(zuora.invoice())
    assert len((await zuora.read(RecordKind.CREDIT_MEMO, memo.id)).children["items"]) == 1


async def test_a_tenant_without_settlement_is_refused_and_not_empty(zuora, quick):
    memo = zuora.credit_memo()
    zuora.use(invoice_settlement=False)
    with pytest.raises(Refused):
        await (await zuora.objects()).read(RecordKind.CREDIT_MEMO, memo.id, BY_HAND)


# -- ids -------------------------------------------------------------------------------------------------------------

NO_IDS = [
    "",
    " ",
    ".",
    "..",
    "../accounts/8a",
    "%2e%2e/accounts",
    "a/b",
    "a\\b",
    "a?fields=1",
    "a#f",
    "a&b",
    "a\n",
    "\na",
    "8a\r\nHost: evil",
    "a" * 65,
    "-a",
    "_a",
    "a:b",
    "a,b",
    "a b",
    "ä",
    "\uff18\uff41",
    "a\x00",
    "a;b",
    "a]",
    "*",
]


@pytest.mark.parametrize("text", NO_IDS, ids=repr)
async def test_what_is_no_id_never_reaches_a_url(zuora, text):
    objects = await zuora.objects()
    for kind in RecordKind:
        with pytest.raises(Unreadable):
            await objects.read(kind, text, BY_HAND)
    assert zuora.requests() == []


def test_what_is_an_id_goes_as_it_is():
    for text in ("8a8082e65ba3d1a4015ba3e27b2c0b1d", "INV00000001", "CM-00000001", "A_1", "1"):
        assert checked(text) == quoted(text) == text


@pytest.mark.parametrize("text", ["../x", "a?b", ""])
async def test_an_id_in_an_answer_is_not_trusted_either(strange, text):
    strange.tell("/object-query/payments/p1", Told(msgspec.json.encode({"id": text, "status": "Processed"})))
    async with speaking_to(strange) as client:
        with pytest.raises(ConnectorError):
            await ZuoraObjects(client, "acme").read(RecordKind.PAYMENT, "p1", BY_HAND)
    assert [asked.path for asked in strange.asked] == ["/oauth/token", "/object-query/payments/p1"]


# -- half an object --------------------------------------------------------------------------------------------------


async def test_an_object_that_is_cut_is_transient(zuora, quick):
    invoice = zuora.invoice()
    armed = zuora.arm("truncated_json", f"^/object-query/invoices/{invoice.id}$", count=1)
    try:
        with pytest.raises(Transient):
            await (await zuora.objects()).read(RecordKind.INVOICE, invoice.id, BY_HAND)
    finally:
        assert armed.fired == 1


@pytest.mark.parametrize("body", [b"{}", b"[]", b"null", b'{"id": null}', b'{"id": "p1", "status": null}'])
async def test_an_object_that_is_none_is_an_error_of_ours(strange, body):
    strange.tell("/object-query/payments/p1", Told(body))
    async with speaking_to(strange) as client:
        with pytest.raises(ConnectorError):
            await ZuoraObjects(client, "acme").read(RecordKind.PAYMENT, "p1", BY_HAND)


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        (RecordKind.INVOICE, "^/object-query/invoice-items$"),
        (RecordKind.PAYMENT, "/parts$"),
        (RecordKind.PAYMENT, "^/object-query/payment-applications$"),
        (RecordKind.CREDIT_MEMO, "/items$"),
        (RecordKind.CREDIT_MEMO, "/parts$"),
    ],
)
async def test_no_object_is_given_without_one_of_its_lists(zuora, quick, kind, path):
    make = {
        RecordKind.INVOICE: lambda: zuora.invoice(items=2),
        RecordKind.PAYMENT: lambda: zuora.payment(*(zuora.invoice() for _ in range(100))),
        RecordKind.CREDIT_MEMO: zuora.credit_memo,
    }
    row = make[kind]()
    armed = zuora.arm("http_500", path)
    with pytest.raises(Transient):
        await (await zuora.objects()).read(kind, row.id, BY_HAND)
    assert armed.fired == 5


async def test_what_is_deleted_between_parent_and_children_is_none(zuora, quick):
    memo = zuora.credit_memo()

    def business() -> None:
        delete_credit_memo(zuora.tenant, credit_memo=unpost_credit_memo(zuora.tenant, credit_memo=memo.id).id)

    zuora.after_answer(f"^/object-query/credit-memos/{memo.id}$", business)
    assert await (await zuora.objects()).read(RecordKind.CREDIT_MEMO, memo.id, BY_HAND) is None


async def test_what_is_there_without_its_children_is_not_gone(zuora, quick):
    """A list that cannot be seen yet is no reason to take a document for deleted."""
    payment = zuora.payment(amount="10")
    armed = zuora.arm("http_500", f"^/v1/payments/{payment.id}/parts$", code=50_000_040, status=404, count=1)
    objects = await zuora.objects()
    with pytest.raises(Transient, match="not all of it"):
        await objects.read(RecordKind.PAYMENT, payment.id, BY_HAND)
    assert armed.fired == 1
    assert await objects.read(RecordKind.PAYMENT, payment.id, BY_HAND) is not None


async def test_a_canceled_payment_is_read_with_its_history(zuora):
    payment = zuora.payment(amount="25")
    cancel_payment(zuora.tenant, payment=payment.id)
    record = await zuora.read(RecordKind.PAYMENT, payment.id)
    assert msgspec.json.decode(record.parent)["status"] == "Canceled"
