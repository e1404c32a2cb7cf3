"""What every document has: number, account, currency, total, and whether it counts."""

from decimal import Decimal

import pytest

from schemas.errors import Unreadable
from streams.documents import facts_of
from tests.unit import builders as zuora

# Reference 2.4: the words of the SDK. "Posted" of a payment is of tenants without Invoice Settlement.
BILLING = {"Draft": False, "Posted": True, "Canceled": False, "CancelInProgress": False, "Generating": False}
BILLING |= {"PendingForTax": False, "Split": False}
PAYMENT = {"Draft": False, "Processing": False, "Processed": True, "Error": False, "Canceled": False}


@pytest.mark.parametrize(("status", "posted"), BILLING.items())
def test_an_invoice_and_a_memo_count_when_posted(status, posted):
    assert facts_of(zuora.simple_invoice(status=status)).posted is posted
    assert facts_of(zuora.memo(zuora.memo_item("1.00"), status=status)).posted is posted


@pytest.mark.parametrize(("status", "posted"), PAYMENT.items())
def test_a_payment_counts_when_processed(status, posted):
    assert facts_of(zuora.payment(status=status)).posted is posted


@pytest.mark.parametrize(
    "record",
    [
        zuora.simple_invoice(status="Cancelled"),
        zuora.simple_invoice(status="Processed"),
        zuora.payment(status="Posted"),
        zuora.memo(zuora.memo_item("1.00"), status=""),
    ],
)
def test_a_status_that_is_not_known_is_named(record):
    with pytest.raises(Unreadable, match=r"status .* is not known"):
        facts_of(record)


def test_the_facts_of_each_kind():
    invoice = facts_of(zuora.invoice(zuora.item("-100.00", taxes=[zuora.tax("-19.00")])))
    assert (invoice.number, invoice.account_id, invoice.currency) == ("INV1", "acc1", "EUR")
    assert invoice.value == Decimal("-119.00")
    assert facts_of(zuora.memo(zuora.memo_item("7.00"))).value == 7
    assert facts_of(zuora.payment("3.00", accountId=None)).account_id == ""


@pytest.mark.parametrize(
    ("currency", "amount", "why"),
    [
        ("JPY", "100.50", "more decimals"),
        ("EUR", "1.001", "more decimals"),
        ("KWD", "1.0001", "more decimals"),
        ("EUR", "1e15", "out of range"),
        ("XTS", "1", "ISO 4217"),
        ("", "1", "ISO 4217"),
    ],
)
def test_a_total_that_cannot_be_carried_is_named_never_rounded(currency, amount, why):
    with pytest.raises(Unreadable, match=f"PAY1: .*{why}"):
        facts_of(zuora.payment(amount, currency=currency))


def test_a_total_has_the_decimals_of_its_currency():
    assert str(facts_of(zuora.payment("100.0", currency="JPY")).value) == "100"
    assert str(facts_of(zuora.payment("1.5", currency="KWD")).value) == "1.500"


def test_an_account_is_no_document():
    with pytest.raises(Unreadable, match="no document"):
        facts_of(zuora.account())
