"""A posting cannot be built unbalanced, nor read so; and one that was changed after it was built is not sent."""

from datetime import date
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.codec import encode
from schemas.errors import InvariantViolation, Unreadable
from schemas.events import read_postings
from schemas.ids import PostingId
from schemas.money import MoneyError
from schemas.postings import (
    AllocationContent,
    CreditNoteContent,
    GlLine,
    InverseContent,
    InvoiceContent,
    Offer,
    PostingSet,
    ReceiptContent,
    Unbalanced,
    content_hash,
)
from tests.unit import builders as zuora
from tests.unit.world import world

DAY = date(2026, 3, 10)
MONSTERS = ("NaN", "sNaN", "-NaN", "Infinity", "1e1000000000", "-1e1000000000", "1e-1000000000")


def invoice(lines, total="100.00", currency="EUR", kind=InvoiceContent, **more):
    return kind(
        customer="C1",
        currency=currency,
        total=Decimal(total),
        document_date=DAY,
        posting_date=DAY,
        due_date=DAY,
        daybook="ZINV",
        description="",
        lines=tuple(lines),
        **more,
    )


def receipt(total="100.00", offers=(), currency="EUR"):
    return ReceiptContent(
        customer="C1",
        currency=currency,
        total=Decimal(total),
        document_date=DAY,
        posting_date=DAY,
        daybook="ZPAY",
        bank_account="1010",
        description="",
        offers=tuple(Offer(allocation=PostingId("a"), item=PostingId("i"), amount=Decimal(one)) for one in offers),
    )


def allocation(amount="100.00", currency="EUR"):
    return AllocationContent(
        payer=PostingId("p"),
        item=PostingId("i"),
        payer_document="payment:1",
        item_document="invoice:1",
        amount=Decimal(amount),
        currency=currency,
        document_date=DAY,
        posting_date=DAY,
        daybook="ZADJ",
        description="",
    )


def inverse(total="100.00"):
    return InverseContent(
        of=PostingId("i"), currency="EUR", total=Decimal(total), posting_date=DAY, daybook="ZCRN", description=""
    )


def credit(amount, account="4000"):
    return GlLine(account=account, credit=Decimal(amount))


def debit(amount, account="4090"):
    return GlLine(account=account, debit=Decimal(amount))


@pytest.mark.parametrize(
    "sides", [{}, {"debit": "1", "credit": "1"}, {"debit": "-1"}, {"credit": "-1"}, {"debit": "0", "credit": "0.00"}]
)
def test_a_line_has_one_side_above_zero(sides):
    with pytest.raises(Unbalanced, match="4000"):
        GlLine(account="4000", **{side: Decimal(amount) for side, amount in sides.items()})


@given(st.lists(st.integers(-10000, 10000).filter(bool), min_size=1, max_size=8), st.integers(-50, 50))
@settings(max_examples=100, deadline=None)
def test_a_document_is_what_its_lines_come_to_or_cannot_be_built(cents, off):
    lines = [credit(Decimal(one) / 100) if one > 0 else debit(Decimal(-one) / 100) for one in cents]
    net = sum(cents)
    for kind, sign in ((InvoiceContent, 1), (CreditNoteContent, -1)):
        total = Decimal(sign * net + off) / 100
        if off == 0 and sign * net > 0:
            assert invoice(lines, total, kind=kind).total == total
        else:
            with pytest.raises(Unbalanced):
                invoice(lines, total, kind=kind)


@pytest.mark.parametrize(
    ("currency", "amount"), [("EUR", "100.001"), ("JPY", "100.5"), ("KWD", "1.0005"), ("XAU", "1"), ("", "1")]
)
def test_a_total_that_the_currency_does_not_have_cannot_be_built(currency, amount):
    for build in (lambda: invoice([credit(amount)], amount, currency), lambda: receipt(amount, currency=currency)):
        with pytest.raises(MoneyError):
            build()
    with pytest.raises(MoneyError):
        allocation(amount, currency)


def test_a_receipt_holds_what_it_offers():
    assert receipt("100.00", ["60.00", "40.00"]).offers[1].amount == 40
    for total, offers in (("100.00", ["60.00", "40.01"]), ("0.00", []), ("-1.00", []), ("1.00", ["0.00"])):
        with pytest.raises(Unbalanced):
            receipt(total, offers)


@pytest.mark.parametrize("amount", ["0.00", "-1.00"])
def test_an_allocation_moves_something_and_an_inverse_undoes_something(amount):
    for build in (allocation, inverse):
        with pytest.raises(Unbalanced):
            build(amount)


def test_the_inverse_of_a_line_is_the_same_line_on_the_other_side():
    line = GlLine(account="4000", credit=Decimal("5.00"), sub_account="S", cost_centre="C", project="P", source="it1")
    assert line.inverse() == msgspec.structs.replace(line, credit=Decimal(0), debit=Decimal("5.00"))
    assert line.inverse().inverse() == line


def written() -> tuple[bytes, PostingSet]:
    everything = world().put(
        zuora.invoice(zuora.item("100.00", taxes=[zuora.tax("19.00")]), zuora.item("20.00", "it2")),
    )
    (event,) = everything.sets
    return encode(event), event


def test_a_posting_that_is_read_is_what_was_built():
    value, event = written()
    (posting,) = read_postings(value).postings
    posting.check()
    assert content_hash(posting.content) == event.postings[0].content_hash


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"total":"139.00"', b'"total":"139.01"'),
        (b'"credit":"19.00"', b'"credit":"19.01"'),
        (b'"credit":"19.00"', b'"debit":"19.00"'),
        (b'"credit":"19.00"', b'"credit":"0.00"'),
        (b'"credit":"19.00"', b'"credit":"-19.00"'),
        (b'"credit":"19.00"', b'"credit":"Infinity"'),
        (b'"credit":"19.00"', b'"credit":"1e999999"'),
        (b'"currency":"EUR","total"', b'"currency":"XAU","total"'),
        (b'"total":"139.00"', b'"total":"1e1000000000"'),
        (b'"total":"139.00"', b'"total":139.001'),
        (b'"kind":"invoice"', b'"kind":"credit_note"'),
        (b'"kind":"invoice"', b'"kind":"gift"'),
    ],
)
def test_bytes_that_do_not_balance_are_unreadable(old, new):
    value, _ = written()
    assert old in value
    with pytest.raises(Unreadable):
        read_postings(value.replace(old, new))


@pytest.mark.parametrize("monster", MONSTERS)
def test_bytes_with_an_amount_that_is_no_number_are_unreadable(monster):
    value, _ = written()
    for old in (b'"credit":"19.00"', b'"total":"139.00"'):
        name, _, _ = old.rpartition(b":")
        with pytest.raises(Unreadable):
            read_postings(value.replace(old, name + b':"' + monster.encode() + b'"'))


@pytest.mark.parametrize("monster", MONSTERS)
@pytest.mark.parametrize(
    "build",
    [receipt, lambda amount: receipt("100.00", [amount]), allocation, inverse],
    ids=["receipt", "offer", "allocation", "inverse"],
)
def test_no_content_is_built_of_an_amount_that_is_no_number(build, monster):
    with pytest.raises(MoneyError):
        build(monster)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"account":"2300"', b'"account":"9999"'),
        (b'"currency":"EUR","total"', b'"currency":"USD","total"'),
        (b'"customer":"C1","currency"', b'"customer":"C2","currency"'),
        (b'"posting_date":"2026-03-10"', b'"posting_date":"2026-03-11"'),
        (b'"daybook":"ZINV"', b'"daybook":"AINV"'),
        (b'"credit":"19.00"', b'"credit":"19.0"'),
    ],
)
def test_a_posting_that_was_changed_and_still_balances_is_found_out(old, new):
    value, _ = written()
    assert old in value
    (posting,) = read_postings(value.replace(old, new)).postings
    with pytest.raises(InvariantViolation, match="not what it was built as"):
        posting.check()


@pytest.mark.parametrize("field", ["reference", "id", "content_hash"])
def test_a_posting_whose_name_was_changed_is_found_out(field):
    _, event = written()
    changed = msgspec.structs.replace(event.postings[0], **{field: PostingId("0" * 32)})
    with pytest.raises(InvariantViolation):
        changed.check()
