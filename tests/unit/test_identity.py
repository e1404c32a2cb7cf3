"""Which version of a record this is: later business does not make a new one, another content does."""

from decimal import Decimal
from random import Random

import msgspec
import pytest

from schemas.errors import Unreadable
from schemas.records import ZuoraRecord
from streams.identity import identify, moment_of, newest_stamp
from tests.unit import builders as zuora


def full() -> ZuoraRecord:
    return zuora.invoice(zuora.item("100.00", "i1", taxes=[zuora.tax("19.00")]), zuora.item("5.00", "i2"))


def paid() -> ZuoraRecord:
    return zuora.payment("100.00", zuora.row("60.00"), zuora.row("40.00", "r2", to="inv2"))


def with_parent(record: ZuoraRecord, **fields: object) -> ZuoraRecord:
    parent = msgspec.json.decode(record.parent) | fields
    return msgspec.structs.replace(record, parent=zuora.raw(parent))


def with_child(record: ZuoraRecord, child: str, **fields: object) -> ZuoraRecord:
    first, *others = record.children[child]
    changed = zuora.raw(msgspec.json.decode(first) | fields)
    return msgspec.structs.replace(record, children={**record.children, child: [changed, *others]})


# What Zuora moves after a document was posted: balances, amounts applied and refunded, marks, mail and update stamps.
MOVED = [
    ("balance", 12.5),
    ("beAppliedAmount", 12.5),
    ("paymentAmount", 100),
    ("creditMemoAmount", 1),
    ("refundAmount", 1),
    ("adjustmentAmount", 1),
    ("creditBalanceAdjustmentAmount", 1),
    ("appliedAmount", 5),
    ("unappliedAmount", 95),
    ("appliedCreditBalanceAmount", 1),
    ("transferredToAccounting", "Yes"),
    ("eInvoiceStatus", "Success"),
    ("eInvoiceFileId", "f1"),
    ("eInvoiceErrorMessage", "x"),
    ("eReportingStatus", "x"),
    ("lastEmailSentDate", "2026-04-01T00:00:00Z"),
    ("lastEmailDateTime", "2026-04-01T00:00:00Z"),
    ("updatedDate", "2026-04-01T00:00:00Z"),
    ("updatedById", "u2"),
    ("reversed", True),
    ("settledOn", "2026-04-01"),
    ("payoutId", "po1"),
    ("journalEntryId", "j1"),
    ("qADDocument__c", "2026/ZINV/7"),
    ("QADDocument__c", "2026/ZINV/7"),
]


@pytest.mark.parametrize(("field", "value"), MOVED, ids=[field for field, _ in MOVED])
def test_later_business_makes_no_new_version(field, value):
    record = full()
    assert identify(with_parent(record, **{field: value})) == identify(record)
    assert identify(with_child(record, "items", **{field: value})) == identify(record)


def test_what_was_refunded_makes_a_new_version_of_a_payment_that_is_over_and_of_no_other():
    over = with_parent(paid(), status="Error")
    assert identify(with_parent(over, refundAmount=0)) == identify(over)
    versions = [identify(with_parent(over, **{name: 30})) for name in ("refundAmount", "RefundAmount")]
    assert versions[0] == versions[1] != identify(over)
    assert identify(with_parent(over, refundAmount=100)) not in versions
    for status in ("Processed", "Posted"):
        stands = with_parent(paid(), status=status)
        assert identify(with_parent(stands, refundAmount=30)) == identify(stands)


def test_settlement_makes_no_new_version():
    submitted, settled = (with_parent(paid(), gatewayState=state) for state in ("Submitted", "Settled"))
    assert identify(submitted) == identify(settled)


@pytest.mark.parametrize(
    ("record", "changed"),
    [
        (full(), lambda record: with_parent(record, amount=119.01)),
        (full(), lambda record: with_parent(record, status="Draft")),
        (full(), lambda record: with_parent(record, accountId="acc2")),
        (full(), lambda record: with_parent(record, currency="USD")),
        (full(), lambda record: with_parent(record, invoiceDate="2026-03-11")),
        (full(), lambda record: with_parent(record, dueDate="2026-03-11")),
        (full(), lambda record: with_parent(record, postedDate="2026-03-10T10:00:01Z")),
        (full(), lambda record: with_parent(record, QADCustomer__c="C7")),
        (full(), lambda record: with_child(record, "items", chargeAmount=100.01)),
        (full(), lambda record: with_child(record, "items", accountingCode="Usage")),
        (full(), lambda record: with_child(record, "items", serviceEndDate="2026-04-30")),
        (full(), lambda record: with_child(record, "items", taxationItems=[zuora.tax("18.99")])),
        (full(), lambda record: msgspec.structs.replace(record, children={"items": record.children["items"][:1]})),
        (paid(), lambda record: with_child(record, "applications", effectiveDate="2026-03-11")),
        (paid(), lambda record: with_child(record, "applications", applyAmount=60.01)),
        (paid(), lambda record: with_child(record, "parts", amount=59)),
        (full(), lambda record: msgspec.structs.replace(record, id="inv9")),
        (full(), lambda record: msgspec.structs.replace(record, kind="credit_memo")),
        (full(), lambda record: msgspec.structs.replace(record, connection="acme-us")),
    ],
)
def test_another_content_is_another_version(record, changed):
    assert identify(changed(record)) != identify(record)


def test_how_it_was_written_makes_no_new_version():
    record = full()
    parent = bytes(record.parent)
    for old, new in (
        (b'"amount":124.00', b'"amount":124'),
        (b'"amount":124.00', b'"amount":1.24e2'),
        (b'"amount":124.00', b'"amount":124.0000000000'),
        (b'"invoiceNumber"', b'"InvoiceNumber"'),
        (b'"currency"', b'"comments":null,"currency"'),
        (b'"currency":"EUR"', b'"currency" :\n"EUR"'),
    ):
        assert old in parent
        other = msgspec.structs.replace(record, parent=msgspec.Raw(parent.replace(old, new)))
        assert identify(other) == identify(record), new


def test_the_order_of_keys_and_rows_makes_no_new_version():
    record, random = full(), Random(1)
    fields = list(msgspec.json.decode(record.parent).items())
    for _ in range(5):
        random.shuffle(fields)
        shuffled = {name: random.sample(rows, len(rows)) for name, rows in reversed(record.children.items())}
        other = msgspec.structs.replace(record, parent=zuora.raw(dict(fields)), children=shuffled)
        assert identify(other) == identify(record)


def test_how_it_was_found_makes_no_new_version():
    found = msgspec.structs.replace(full().found, by="callout", evidence="n1")
    assert identify(msgspec.structs.replace(full(), found=found)) == identify(full())


@pytest.mark.parametrize(
    "number",
    [b"1e20", b"12345678901234567890", b"1E-31", b"0.1234567891", b"1e1000000000", b"1e99999999999999999999"],
)
def test_a_number_that_cannot_be_carried_is_unreadable(number):
    parent = bytes(full().parent).replace(b'"amount":124.00', b'"amount":' + number)
    with pytest.raises(Unreadable):
        identify(msgspec.structs.replace(full(), parent=msgspec.Raw(parent)))


def test_a_truth_is_no_number():
    assert identify(with_parent(full(), autoPay=True)) != identify(with_parent(full(), autoPay=1))


def test_nesting_beyond_reason_is_unreadable():
    deep = b"[" * 40 + b"]" * 40
    with pytest.raises(Unreadable, match="nested"):
        identify(msgspec.structs.replace(full(), parent=msgspec.Raw(b'{"id":"1","x":' + deep + b"}")))


@pytest.mark.parametrize("child", [b"5", b'"x"', b"[]", b"null"])
def test_a_child_that_is_no_object_is_unreadable(child):
    with pytest.raises(Unreadable):
        identify(msgspec.structs.replace(full(), children={"items": [msgspec.Raw(child)]}))
    with pytest.raises(Unreadable):
        identify(msgspec.structs.replace(full(), parent=msgspec.Raw(child)))


@pytest.mark.parametrize(
    ("stamp", "utc"),
    [
        ("2026-03-10T10:00:00Z", "2026-03-10T10:00:00Z"),
        ("2026-03-10T10:00:00-07:00", "2026-03-10T17:00:00Z"),
        ("2026-10-25T02:30:00+02:00", "2026-10-25T00:30:00Z"),
        ("2026-10-25T02:10:00+01:00", "2026-10-25T01:10:00Z"),
        ("2026-12-31T23:30:00-11:00", "2027-01-01T10:30:00Z"),
        ("2028-02-29T00:00:00+14:00", "2028-02-28T10:00:00Z"),
        ("2026-03-10T10:00:00.123+00:00", "2026-03-10T10:00:00Z"),
    ],
)
def test_a_stamp_with_a_zone_is_read_as_utc(stamp, utc):
    assert newest_stamp(zuora.simple_invoice(updated=stamp)) == utc


@pytest.mark.parametrize("stamp", ["2026-03-10 10:00:00", "2026-03-10", "", None, "yesterday", "2026-02-30T00:00:00Z"])
def test_a_stamp_without_a_zone_does_not_count(stamp):
    assert moment_of(stamp) is None
    assert newest_stamp(zuora.simple_invoice(updated=stamp)) == ""


@pytest.mark.parametrize(
    "stamp",
    [
        "0001-01-01T00:00:00+01:00",
        pytest.param("9999-12-31T23:59:59-08:00", id="end of time in Pacific time"),
    ],
)
def test_a_stamp_at_the_end_of_the_calendar_crashes_nothing(stamp):
    moment_of(stamp)


def test_the_newest_stamp_is_that_of_the_record_and_its_children():
    late = zuora.row("60.00", updatedDate="2026-03-12T01:00:00+02:00")
    record = zuora.payment("100.00", zuora.row("40.00", "r2", to="inv2"), late, updated="2026-03-11T22:59:59Z")
    assert newest_stamp(record) == "2026-03-11T23:00:00Z"


def test_in_the_night_in_which_an_hour_comes_twice_the_later_moment_is_the_newer():
    first, second = "2026-10-25T02:30:00+02:00", "2026-10-25T02:10:00+01:00"
    assert newest_stamp(zuora.payment("1.00", updated=first)) < newest_stamp(zuora.payment("1.00", updated=second))


def test_amounts_in_a_record_pass_no_float():
    record = with_parent(full(), custom__c=Decimal("0.1"))
    parent = bytes(record.parent).replace(b'"custom__c":0.1', b'"custom__c":0.10000001')
    assert identify(record) != identify(msgspec.structs.replace(record, parent=msgspec.Raw(parent)))
