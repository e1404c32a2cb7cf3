"""Zuora's JSON as decisions read it: amounts exact, enums open, and what is wrong is named."""

from decimal import Decimal

import msgspec
import pytest

from schemas.errors import Unreadable
from schemas.records import ZuoraRecord
from schemas.zuora import children_of, field_of, parent_of, stamp_of
from tests.unit import builders as zuora


def parent(record: ZuoraRecord, old: bytes, new: bytes) -> ZuoraRecord:
    assert old in bytes(record.parent)
    return msgspec.structs.replace(record, parent=msgspec.Raw(bytes(record.parent).replace(old, new)))


@pytest.mark.parametrize("text", [b"10.10", b'"10.10"', b"1234567890123.10", b"0.1e2", b"-5", b"10.100000000000000001"])
def test_an_amount_is_exact_whether_number_or_string(text):
    record = parent(zuora.simple_invoice(), b'"amount":100.00', b'"amount":' + text)
    assert str(parent_of(record).amount) == str(Decimal(text.decode().strip('"')))


@pytest.mark.parametrize(
    ("record", "old", "field"),
    [
        (zuora.simple_invoice(), b'"accountId"', "accountId"),
        (zuora.simple_invoice(), b'"amount"', "amount"),
        (zuora.simple_invoice(), b'"invoiceDate"', "invoiceDate"),
        (zuora.memo(zuora.memo_item("5.00")), b'"memoDate"', "memoDate"),
        (zuora.payment(), b'"effectiveDate"', "effectiveDate"),
        (zuora.account(), b'"accountNumber"', "accountNumber"),
    ],
)
def test_a_field_that_is_missing_is_named_with_its_record(record, old, field):
    with pytest.raises(Unreadable, match=rf"{record.kind} {record.id}: .*`{field}`"):
        parent_of(parent(record, old, b'"other"'))


@pytest.mark.parametrize(
    "new", [b'"amount":null', b'"amount":"ten"', b'"amount":true', b'"amount":[1]', b'"amount":"1,00"']
)
def test_an_amount_that_is_none_is_named(new):
    with pytest.raises(Unreadable, match="amount"):
        parent_of(parent(zuora.simple_invoice(), b'"amount":100.00', new))


def test_a_new_value_of_an_enum_is_read():
    assert parent_of(zuora.simple_invoice(status="PostedElsewhere")).status == "PostedElsewhere"
    assert parent_of(zuora.payment(type="Crypto")).type == "Crypto"


def test_a_kind_that_is_not_known_is_named():
    with pytest.raises(Unreadable, match="debit_memo"):
        parent_of(msgspec.structs.replace(zuora.simple_invoice(), kind="debit_memo"))


def test_fields_that_nobody_reads_do_not_matter():
    record = zuora.simple_invoice(brandNew={"deep": [1, None]}, balance=Decimal("3.00"))
    assert parent_of(record).amount == 100


def test_the_view_of_an_account_holds_no_personal_data():
    record = zuora.account(name2="x", billToId="b1", notes="call Ada", vATId="DE123")
    assert set(parent_of(record).__struct_fields__) == {
        "id",
        "account_number",
        "currency",
        "status",
        "payment_term",
        "parent_id",
        "organization_id",
        "sequence_set_id",
        "e_invoice_profile_id",
        "updated_date",
    }


def test_the_spelling_of_object_query_is_met():
    (item,) = children_of(zuora.invoice(zuora.item("1.00", sKU="SKU-1", taxes=[zuora.tax("0.19")])), "items")
    assert (item.sku, item.taxation_items[0].tax_amount) == ("SKU-1", Decimal("0.19"))


def test_the_spelling_of_v1_is_met():
    finance = {"nonRevenueWriteOffAccountingCode": "Bad Debt"}
    record = zuora.memo(zuora.memo_item("1.00", sku="SKU-1", revenueImpacting="No", financeInformation=finance))
    (item,) = children_of(record, "items")
    assert (item.sku, item.revenue_impacting) == ("SKU-1", "No")
    assert item.finance_information.non_revenue_write_off_accounting_code == "Bad Debt"


def test_children_come_in_the_order_of_the_record_and_none_is_none():
    record = zuora.invoice(zuora.item("1.00", "b"), zuora.item("2.00", "a"), tax_rows={"b": [zuora.tax("0.10", "t9")]})
    assert [row.id for row in children_of(record, "items")] == ["b", "a"]
    assert [row.id for row in children_of(record, "tax.b")] == ["t9"]
    assert children_of(record, "tax.a") == []
    assert children_of(zuora.draft(updated=zuora.STAMP), "items") == []


def test_a_child_that_cannot_be_read_is_named():
    broken = zuora.item("1.00")
    del broken["chargeAmount"]
    record = msgspec.structs.replace(zuora.simple_invoice(), children={"items": [zuora.raw(broken)]})
    with pytest.raises(Unreadable, match=r"invoice inv1, items: .*chargeAmount"):
        children_of(record, "items")


@pytest.mark.parametrize("name", ["QADCustomer__c", "qADCustomer__c", "qadcustomer__C"])
def test_a_custom_field_is_found_whatever_the_case_of_its_name(name):
    assert field_of(zuora.account(**{name: " C7 "}).parent, "QADCustomer__c") == "C7"


@pytest.mark.parametrize("value", [None, 7, True, ["C7"], {"a": "C7"}, "", "   "])
def test_a_custom_field_that_is_no_text_is_empty(value):
    assert field_of(zuora.account(QADCustomer__c=value).parent, "QADCustomer__c") == ""
    assert field_of(msgspec.Raw(b'{"QADCustomer__c":null}'), "QADCustomer__c") == ""


def test_a_stamp_is_as_it_stands():
    assert stamp_of(zuora.raw({"updatedDate": "2026-10-25T02:30:00+01:00"})) == "2026-10-25T02:30:00+01:00"
    for value in (b"{}", b'{"updatedDate":null}', b'{"updatedDate":5}', b"[]", b"7"):
        assert stamp_of(msgspec.Raw(value)) == ""
