"""Browses: flat rows, filters, pages, and every table of the dialect."""

from decimal import Decimal

import pytest

from sandbox.qad.house import HOUSE


@pytest.fixture
async def filled(tenant, invoice_record):
    """Twenty-five invoices over three customers and two daybooks, five of them paid in part."""
    for number in range(25):
        await tenant.post(
            "invoice",
            invoice_record(
                f"mlc-{number:02}",
                amount=str(100 + number),
                customerCode=f"C000{1 + number % 3}",
                daybookCode="ZINV" if number % 5 else "HINV",
                reference=f"INV,{number:02}",
                postingDate=f"2026-0{1 + number % 2}-10",
                isTaxable=False,
            ),
        )
    for number in range(1, 6):
        payment = {
            "customerCode": "C0001",
            "currencyCode": "USD",
            "bankGLAccountCode": "1010",
            "postingDate": "2026-02-01",
            "daybookCode": "ZPAY",
            "amount": 10,
            "status": "Paid",
            "paymentReference": f"P-{number}",
            "customShort0": f"pay-{number}",
        }
        assert (await tenant.post("payment", payment)).success
    return tenant


@pytest.mark.parametrize("browse", HOUSE.browses, ids=lambda browse: browse.prefix)
async def test_every_browse_has_flat_rows_with_its_prefix(filled, browse):
    reply = await filled.browse_reply(browse.table, size=1000)
    assert reply.status == 200
    assert set(reply.json) == {"data", "auxillaryData"}
    assert reply.json["auxillaryData"] == {"HasMoreParams": "false"}
    for row in reply.json["data"]:
        assert set(row) == {f"{browse.prefix}.{name}" for name in browse.columns.values()}
    empty = {"open_item_adjustments", "open_item_adjustment_lines", "banking_entries", "journal_entries"}
    assert bool(reply.json["data"]) == (browse.table not in empty)


async def test_pages_follow_one_another(filled):
    seen = []
    for page in range(1, 5):
        reply = await filled.browse_reply("customer_invoices", page=page, size=10)
        rows = reply.json["data"]
        seen += [row["customerInvoice.customShort0"] for row in rows]
        assert reply.json["auxillaryData"]["HasMoreParams"] == ("true" if page < 3 else "false")
    assert seen == [f"mlc-{number:02}" for number in range(25)]
    full = await filled.browse_reply("customer_invoices", page=5, size=5)
    assert (len(full.json["data"]), full.json["auxillaryData"]["HasMoreParams"]) == (5, "false")


async def test_the_action_first_is_the_first_page_whatever_page_is_named(filled):
    first = await filled.browse("customer_invoices", page=1, size=5)
    assert await filled.browse("customer_invoices", page=3, size=5, action="first") == first
    assert await filled.browse("customer_invoices", page=3, size=5, action="next") != first


async def test_a_page_is_never_longer_than_the_site_allows(server, enter):
    limited = type(HOUSE)(
        **{name: getattr(HOUSE, name) for name in HOUSE.__struct_fields__ if name != "page_size_max"}, page_size_max=3
    )
    async with type(server)(dialect=limited) as other:
        tenant = await enter(other)
        reply = await tenant.browse_reply("customers", size=999_999)
        assert (len(reply.json["data"]), reply.json["auxillaryData"]["HasMoreParams"]) == (3, "true")


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (["customShort0,eq,mlc-07,literal"], {7}),
        (["customerInvoice.customShort0,eq,mlc-07,literal"], {7}),
        (["customShort0,eq,MLC-07,literal"], {7}),
        (["reference,eq,INV,07,literal"], {7}),
        (["reference,cn,v,0,literal"], set(range(10))),
        (["customShort0,sw,mlc-1,literal"], set(range(10, 20))),
        (["customShort0,ew,5,literal"], {5, 15}),
        (["daybookCode,eq,HINV,literal"], {0, 5, 10, 15, 20}),
        (["daybookCode,eq,HINV,literal", "customerCode,eq,C0001,literal"], {0, 15}),
        (["originalAmount,gt,120,literal"], {21, 22, 23, 24}),
        (["originalAmount,ge,123.00,literal", "originalAmount,lt,124,literal"], {23}),
        (["originalAmount,rg,110,literal,112,literal"], {10, 11, 12}),
        (["originalAmount,le,100,literal"], {0}),
        (["postingDate,eq,2026-02-10,literal", "originalAmount,lt,104,literal"], {1, 3}),
        (["postingDate,ge,2026-02-01T00:00:00.000Z,literal", "voucher,eq,1,literal"], {1}),
        (["postingDate,rg,2026-01-01,literal,2026-01-31,literal", "daybookCode,eq,HINV,literal"], {0, 10, 20}),
        (["isTaxable,eq,false,literal", "customShort0,eq,mlc-01,literal"], {1}),
        (["isTaxable,eq,true,literal"], set()),
        (["createdAt,gt,2026-02-15T11:59:59,literal", "customShort0,eq,mlc-01,literal"], {1}),
        (["createdAt,lt,2026-02-15T12:00:00Z,literal"], set()),
        (["createdBy,eq,connector,literal", "customShort0,rg,mlc-03,literal,mlc-05,literal"], {3, 4, 5}),
        (["modifiedAt,ge,2026-01-01,literal"], set()),
        (["noSuchField,eq,x,literal"], set()),
        (["customShort0,eq,,literal"], set()),
    ],
)
async def test_filters(filled, filters, expected):
    rows = await filled.browse("customer_invoices", *filters)
    assert {int(row["customShort0"][4:]) for row in rows} == expected


@pytest.mark.parametrize(
    "wrong",
    [
        "customShort0",
        "customShort0,eq,x",
        "customShort0,like,x,literal",
        "originalAmount,eq,ten,literal",
        "originalAmount,eq,NaN,literal",
        "originalAmount,cn,1,literal",
        "postingDate,eq,soon,literal",
        "isTaxable,eq,perhaps,literal",
        "originalAmount,rg,1,literal",
        "createdAt,gt,then,literal",
    ],
)
async def test_filters_that_cannot_be_read_are_refused(filled, wrong):
    assert (await filled.browse_reply("customer_invoices", wrong)).status == 400


@pytest.mark.parametrize(
    "params",
    [{"page": "0x"}, {"pageSize": "0"}, {"pageSize": "-1"}, {"pageAction": "last"}],
)
async def test_pages_that_cannot_be_read_are_refused(tenant, params):
    base = {"browseId": HOUSE.browse_of("customers").browse_id, "page": "1", "pageSize": "5", "pageAction": "first"}
    assert (await tenant.send("GET", HOUSE.browse_path, params={**base, **params})).status == 400
    assert (await tenant.send("GET", HOUSE.browse_path, params={**base, "browseId": "urn:other"})).status == 404


async def test_each_look_up_by_reference_finds_what_the_document_made(filled):
    items = await filled.browse("open_items", "customShort0,eq,mlc-07,literal")
    assert [(row["itemType"], row["openAmount"], row["glAccountCode"]) for row in items] == [("INVOICE", 107, "1200")]
    assert len(await filled.browse("open_items", "customShort0,eq,pay-1,literal")) == 1
    assert len(await filled.browse("open_items", "reference,eq,P-1,literal")) == 1
    assert len(await filled.browse("open_items", "customerCode,eq,c0001,literal")) == 9 + 5
    assert len(await filled.browse("open_items", "daybookCode,eq,ZPAY,literal")) == 5
    lines = await filled.browse("gl_transactions", "customShort0,eq,mlc-07,literal")
    assert [row["glAccountCode"] for row in lines] == ["1200", "4000", "2300"]
    assert {row["customerCode"] for row in lines} == {"C0002"}
    assert len(await filled.browse("gl_transactions", "daybookCode,eq,ZPAY,literal")) == 10
    assert len(await filled.browse("gl_transactions", "reference,eq,P-1,literal")) == 2
    payments = await filled.browse("customer_payments", "paymentReference,eq,P-3,literal")
    assert [(row["amount"], row["allocatedAmount"], row["openAmount"], row["status"]) for row in payments] == [
        (10, 0, 10, "Paid")
    ]


async def test_adjustments_and_journals_are_found_by_reference_and_daybook(filled):
    item = {"itemPostingYear": 2026, "customerCode": "C0001"}
    adjustment = {
        "currencyCode": "USD",
        "postingDate": "2026-02-02",
        "daybookCode": "ZADJ",
        "customShort0": "adj-1",
        "lines": [
            {**item, "itemDaybookCode": "ZPAY", "itemVoucher": 1, "debitAmount": 4},
            {**item, "itemDaybookCode": "ZINV", "itemVoucher": 3, "creditAmount": 4},
        ],
    }
    reply = await filled.post("adjustment", adjustment)
    assert reply.success, reply.body
    journal = {
        "postingDate": "2026-02-03",
        "daybookCode": "ZJRN",
        "description": "Reclass",
        "customShort0": "jrn-1",
        "lines": [
            {"glAccountCode": "1900", "currencyCode": "EUR", "debitAmount": 5},
            {"glAccountCode": "4100", "currencyCode": "EUR", "creditAmount": 5},
        ],
    }
    assert (await filled.post("journal", journal)).success
    for value in ("customShort0,eq,adj-1,literal", "daybookCode,eq,ZADJ,literal"):
        [row] = await filled.browse("open_item_adjustments", value)
        assert (row["totalAmount"], row["currencyCode"]) == (4, "USD")
        lines = await filled.browse("open_item_adjustment_lines", value)
        assert [
            (row["sequence"], row["itemDaybookCode"], row["debitAmount"], row["creditAmount"]) for row in lines
        ] == [
            (1, "ZPAY", 4, 0),
            (2, "ZINV", 0, 4),
        ]
    for value in ("customShort0,eq,jrn-1,literal", "daybookCode,eq,ZJRN,literal"):
        [row] = await filled.browse("journal_entries", value)
        assert (row["totalAmount"], row["currencyCode"], row["isPosted"]) == (5, "EUR", True)


async def test_balances_and_transactions_say_the_same(filled):
    balances = await filled.browse("gl_balances", size=1000)
    lines = await filled.browse("gl_transactions", size=1000)
    for side in ("debitAmount", "creditAmount", "baseDebitAmount", "baseCreditAmount"):
        sums: dict[tuple[str, int], Decimal] = {}
        for row in lines:
            place = (row["glAccountCode"], row["postingPeriod"])
            sums[place] = sums.get(place, Decimal(0)) + row[side]
        held: dict[tuple[str, int], Decimal] = {}
        for row in balances:
            place = (row["glAccountCode"], row["period"])
            held[place] = held.get(place, Decimal(0)) + row[side]
        assert sums == held


async def test_a_workspace_sees_its_own_entity_only(filled, invoice_record):
    filled.workspace = "20DEU_20DEUCO"
    assert await filled.browse("customer_invoices") == []
    assert await filled.browse("gl_transactions") == []
    assert {row["entityCode"] for row in await filled.browse("periods")} == {"20DEUCO"}
    assert len(await filled.browse("customers")) == 5


async def test_customers_show_what_a_match_needs(tenant):
    [row] = await tenant.browse("customers", "customShort0,eq,A-00000002,literal")
    expected = {
        "customerCode": "C0002",
        "sharedSetCode": "CORP",
        "name": "Birke Maschinenbau GmbH",
        "city": "Stuttgart",
        "postalCode": "70173",
        "currencyCode": "EUR",
        "creditTermsCode": "NET30",
        "isActive": True,
        "isComplete": True,
        "invoiceControlGLAccountCode": "1200",
        "creditNoteControlGLAccountCode": "1210",
        "prePaymentControlGLAccountCode": "2400",
    }
    assert {name: row[name] for name in expected} == expected
    [currency] = await tenant.browse("currencies", "currencyCode,eq,JPY,literal")
    assert currency["decimals"] == 0
    [account] = await tenant.browse("gl_accounts", "glAccountCode,eq,6100,literal")
    assert (account["hasCostCentre"], account["hasProject"], account["limitation"]) == (True, True, "AT_LEAST_ONE")
