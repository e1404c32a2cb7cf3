"""Every act of a tenant without Invoice Settlement, from the stand-in over HTTP through the poll into both cores.

What is open afterwards of each document is held against the balances of the stand-in's own books.
"""

from decimal import Decimal

import msgspec
import pytest

from adapters.zuora.reading.objects import ZuoraObjects
from adapters.zuora.reading.settlement import Settlement
from sandbox.zuora.acts import (
    Application,
    NewAccountingCode,
    NewAdjustment,
    NewPayment,
    adjust_credit_balance,
    adjust_invoice,
    adjust_invoice_item,
    cancel_applied_payment,
    cancel_credit_balance_adjustment,
    cancel_invoice_adjustment,
    cancel_invoice_item_adjustment,
    create_accounting_code,
    create_applied_payment,
    refund_applied_payment,
)
from schemas.postings import AllocationContent
from tests.adapters.billing_site import ACCOUNT, BAD_DEBT, DAY, REVENUE, REVERSED, TAX, Site, line, posted
from tests.adapters.zuora_tenant import BY_HAND, poller
from tests.unit import builders

BALANCE = "credit_balance"


@pytest.fixture
async def site(zuora):
    zuora.use(invoice_settlement=False)
    create_accounting_code(zuora.tenant, request=NewAccountingCode(name="Bad Debt", type="BadDebt"))
    found = Site(zuora)
    client = await zuora.client()
    found.polling = poller(client, found.log, settlement=Settlement(client, "acme"))
    return found


def pay(site, amount, *applied):
    invoices = [Application(invoice=invoice.id, amount=Decimal(part)) for invoice, part in applied]
    request = NewPayment(account=ACCOUNT, amount=Decimal(amount), invoices=invoices, effective_date=DAY)
    return create_applied_payment(site.tenant, request=request)


def adjust(site, invoice, amount, kind="Credit", **fields):
    given = {"accounting_code": "Bad Debt", "adjustment_date": DAY, **fields}
    request = NewAdjustment(invoice=invoice.id, amount=Decimal(amount), type=kind, **given)
    return (adjust_invoice_item if "source" in fields else adjust_invoice)(site.tenant, request=request)


def move(site, kind, amount, invoice=None, **fields):
    target = {"invoice": invoice.id} if invoice is not None else {"account": ACCOUNT}
    return adjust_credit_balance(
        site.tenant, type=kind, amount=Decimal(amount), adjustment_date=DAY, **target, **fields
    )


def balance_of(site):
    return site.stands(BALANCE, site.tenant.accounts.find(ACCOUNT))


def allocations(site):
    """Return what was moved between which numbers, taken back as negative."""
    names = {posting.id: posting.number for posting in site.world.postings}
    return [
        (names[one.content.payer], names[one.content.item], (-1 if one.content.reopens else 1) * one.content.amount)
        for one in site.world.postings
        if isinstance(one.content, AllocationContent) and one.content.row
    ]


# -- payments --------------------------------------------------------------------------------------------------------


async def test_a_payment_is_a_receipt_and_what_it_was_applied_to(site):
    first, second = posted(site), posted(site, line("50", ""))
    payment = pay(site, "150", (first, "119"), (second, "31"))
    await site.read()
    assert sorted(allocations(site)) == [
        (payment.payment_number, first.invoice_number, 119),
        (payment.payment_number, second.invoice_number, 31),
    ]
    [receipt] = site.world.contents("receipt")
    assert (receipt.total, sorted(offer.amount for offer in receipt.offers)) == (150, [31, 119])
    assert site.open == {second.invoice_number: 19}


async def test_what_a_payment_leaves_over_stays_open_on_its_receipt(site):
    invoice = posted(site)
    payment = pay(site, "150", (invoice, "119"))
    await site.read()
    assert site.open == {payment.payment_number: 31}
    assert balance_of(site) == ("", "")


async def test_reading_it_again_adds_nothing(site):
    invoice = posted(site)
    payment = pay(site, "150", (invoice, "119"))
    await site.read()
    before = len(site.world.postings)
    site.zuora.touch(site.tenant.payments.find(payment.id))
    site.zuora.touch(site.tenant.invoice_payments.children("payment_id", payment.id)[0])
    await site.read()
    assert len(site.world.postings) == before


async def test_a_payment_that_went_into_accounting_counts(site):
    payment = pay(site, "10")
    with site.tenant.act("closed"):
        site.tenant.change(site.tenant.payments.find(payment.id), status="Posted")
    await site.read()
    assert site.open == {payment.payment_number: 10}


# -- adjustments -----------------------------------------------------------------------------------------------------


async def test_a_credit_on_an_invoice_is_a_credit_note_that_pays_it(site):
    invoice = posted(site)
    row = adjust(site, invoice, "19")
    await site.read()
    assert site.steps(row) == ["post#1 document", f"allocate#1 allocate:{row.id}"]
    [note] = site.world.contents("credit_note")
    assert (note.total, note.document_date, note.refers_to) == (19, DAY, f"invoice:{invoice.id}")
    assert site.ledger == {REVENUE: 100, TAX: 19, BAD_DEBT: -19}
    assert site.open == {invoice.invoice_number: 100}


async def test_a_charge_on_an_invoice_is_a_debit_note_beside_it(site):
    invoice = posted(site)
    row = adjust(site, invoice, "5", "Charge", accounting_code="Subscription Revenue")
    await site.read()
    assert site.steps(row) == ["post#1 document"]
    assert site.ledger == {REVENUE: 105, TAX: 19}
    assert site.open == {invoice.invoice_number: 119, row.adjustment_number: 5}


async def test_a_charge_on_a_negative_invoice_uses_its_credit_up(site):
    minus = posted(site, line("-50", ""))
    row = adjust(site, minus, "20", "Charge", accounting_code="Subscription Revenue")
    await site.read()
    assert allocations(site) == [(minus.invoice_number, row.adjustment_number, 20)]
    assert site.open == {minus.invoice_number: 30}
    cancel_invoice_adjustment(site.tenant, adjustment=row.id)
    await site.read()
    assert site.steps(row)[1:] == [f"reverse#1 deallocate:{row.id}", *REVERSED]
    assert site.open == {minus.invoice_number: 50}
    assert site.ledger == {REVENUE: -50}


async def test_items_and_taxes_go_where_theirs_went(site):
    invoice = posted(site)
    (item,) = site.tenant.invoice_items.children("invoice_id", invoice.id)
    (tax,) = site.tenant.taxation_items.children("invoice_item_id", item.id)
    net = adjust(site, invoice, "10", source=item.id, accounting_code="Subscription Revenue")
    vat = adjust(site, invoice, "1.90", source=tax.id, accounting_code=None)
    await site.read()
    assert site.ledger == {REVENUE: 90, TAX: Decimal("17.10")}
    assert site.open == {invoice.invoice_number: Decimal("107.10")}
    for row in (net, vat):
        cancel_invoice_item_adjustment(site.tenant, adjustment=row.id)
    await site.read()
    assert site.ledger == {REVENUE: 100, TAX: 19}
    assert site.open == {invoice.invoice_number: 119}


async def test_a_cancelled_adjustment_is_undone_once(site):
    invoice = posted(site)
    row = adjust(site, invoice, "19")
    await site.read()
    cancel_invoice_adjustment(site.tenant, adjustment=row.id)
    await site.read()
    site.zuora.touch(site.tenant.invoice_adjustments.find(row.id))
    await site.read()
    assert site.steps(row)[2:] == [f"reverse#1 deallocate:{row.id}", *REVERSED]
    assert site.open == {invoice.invoice_number: 119}


async def test_one_that_was_cancelled_before_it_was_seen_makes_nothing(site):
    row = adjust(site, posted(site), "19")
    cancel_invoice_adjustment(site.tenant, adjustment=row.id)
    await site.read()
    assert site.stands("invoice_adjustment", row, "match") == ("ignored", "not_posted")


@pytest.mark.parametrize(("code", "rule"), [(None, "no_accounting_code"), ("VAT", "unmapped_code")])
async def test_an_adjustment_without_an_account_of_the_ledger_parks(site, code, rule):
    row = adjust(site, posted(site), "19", accounting_code=code)
    await site.read()
    assert site.stands("invoice_adjustment", row) == ("parked", rule)


@pytest.mark.parametrize("field", ["type", "status"])
async def test_a_word_that_is_not_known_parks_one_record(site, field):
    invoice = posted(site)
    strange, plain = adjust(site, invoice, "1"), adjust(site, invoice, "2")
    with site.tenant.act("strange"):
        site.tenant.change(strange, **{field: "Refunded"})
    await site.read()
    assert site.stands("invoice_adjustment", strange, "match") == ("parked", "unreadable_record")
    assert site.steps(plain)[0] == "post#1 document"


# -- credit balance --------------------------------------------------------------------------------------------------


async def test_what_comes_down_is_taken_from_what_went_up_first(site):
    minus, first, second = posted(site, line("-50", "")), posted(site), posted(site)
    move(site, "Increase", "50", minus)
    site.zuora.later(seconds=5)
    payment = pay(site, "150", (first, "119"))
    site.zuora.later(seconds=5)
    move(site, "Decrease", "70", second)
    await site.read()
    assert allocations(site) == [
        (payment.payment_number, first.invoice_number, 119),
        (minus.invoice_number, second.invoice_number, 50),
        (payment.payment_number, second.invoice_number, 20),
    ]
    assert site.open == {payment.payment_number: 11, second.invoice_number: 49}
    assert site.tenant.accounts.find(ACCOUNT).credit_balance == 11


async def test_what_was_posted_stays_whatever_is_read_later(site):
    minus, other = posted(site, line("-50", "")), posted(site)
    move(site, "Increase", "50", minus)
    move(site, "Decrease", "30", other)
    await site.read()
    site.zuora.later(seconds=5)
    more = posted(site, line("-40", ""))
    move(site, "Increase", "40", more)
    move(site, "Decrease", "45", other)
    await site.read()
    assert allocations(site) == [
        (minus.invoice_number, other.invoice_number, 30),
        (minus.invoice_number, other.invoice_number, 20),
        (more.invoice_number, other.invoice_number, 25),
    ]
    assert site.open == {more.invoice_number: 15, other.invoice_number: 44}


async def test_what_came_down_and_was_cancelled_goes_back_and_can_be_taken_again(site):
    minus, plus = posted(site, line("-50", "")), posted(site)
    move(site, "Increase", "50", minus)
    down = move(site, "Decrease", "50", plus)
    await site.read()
    cancel_credit_balance_adjustment(site.tenant, adjustment=down.id)
    await site.read()
    assert allocations(site)[1:] == [(minus.invoice_number, plus.invoice_number, -50)]
    assert site.open == {minus.invoice_number: 50, plus.invoice_number: 119}
    site.zuora.later(seconds=5)
    move(site, "Decrease", "20", plus)
    await site.read()
    await site.read()
    assert allocations(site)[2:] == [(minus.invoice_number, plus.invoice_number, 20)]
    assert site.open == {minus.invoice_number: 30, plus.invoice_number: 99}


async def test_what_went_up_and_was_cancelled_moves_nothing(site):
    minus = posted(site, line("-50", ""))
    up = move(site, "Increase", "50", minus)
    await site.read()
    cancel_credit_balance_adjustment(site.tenant, adjustment=up.id)
    await site.read()
    assert allocations(site) == []
    assert site.open == {minus.invoice_number: 50}


async def test_what_was_raised_by_hand_parks_and_what_takes_it_too(site):
    invoice = posted(site)
    move(site, "Increase", "40")
    await site.read()
    assert balance_of(site) == ("parked", "raised_by_hand")
    move(site, "Decrease", "30", invoice)
    await site.read()
    assert balance_of(site) == ("parked", "raised_by_hand")
    assert "takes what was raised by hand, 30.00 of it" in site.world.outcomes[-1].reason.message
    assert allocations(site) == []


async def test_what_was_lowered_by_hand_or_refunded_parks(site):
    minus = posted(site, line("-50", ""))
    move(site, "Increase", "50", minus)
    move(site, "Decrease", "10")
    await site.read()
    assert balance_of(site) == ("parked", "not_supported")


async def test_all_of_it_decided_again_is_the_same(site):
    minus, plus = posted(site, line("-50", "")), posted(site)
    move(site, "Increase", "50", minus)
    move(site, "Decrease", "30", plus)
    gone = move(site, "Decrease", "5", plus)
    adjust(site, plus, "3")
    pay(site, "30", (plus, "20"))
    await site.read()
    cancel_credit_balance_adjustment(site.tenant, adjustment=gone.id)
    await site.read()
    before = [(posting.id, posting.content_hash, posting.after) for posting in site.world.postings]
    for document in {posting.document for posting in site.world.postings}:
        site.world.put(builders.replayed(document))
    site.world.put(builders.replayed(f"{BALANCE}:{site.tenant.accounts.find(ACCOUNT).id}"))
    site.world.restart()
    assert [(posting.id, posting.content_hash, posting.after) for posting in site.world.postings] == before


async def test_settlement_switched_on_posts_nothing_twice(site):
    invoice = posted(site)
    payment = pay(site, "119", (invoice, "119"))
    await site.read()
    record = next(one for one in reversed(site.log.kept) if one.id == payment.id)
    row = {"id": "new-row", "applyAmount": 119, "effectiveDate": str(DAY), "invoiceId": invoice.id}
    part = {"id": "part", "amount": 119, "invoiceId": invoice.id}
    children = {"applications": [builders.raw(row)], "parts": [builders.raw(part)]}
    site.world.put(msgspec.structs.replace(record, connection=builders.CONNECTION, children=children))
    assert site.stands("payment", payment) == ("parked", "applied_otherwise")
    assert len(allocations(site)) == 1


# -- what is applied to an invoice that was charged more ---------------------------------------------------------------


def charge(site, invoice, amount):
    return adjust(site, invoice, amount, "Charge", accounting_code="Subscription Revenue")


async def test_a_payment_of_more_than_the_invoice_pays_its_charges_the_oldest_first(site):
    invoice = posted(site)
    first = charge(site, invoice, "5")
    site.zuora.later(seconds=5)
    second = charge(site, invoice, "7")
    await site.read()
    payment = pay(site, "128", (invoice, "128"))
    await site.read()
    await site.read()
    number = payment.payment_number
    assert allocations(site) == [
        (number, invoice.invoice_number, 119),
        (number, first.adjustment_number, 5),
        (number, second.adjustment_number, 4),
    ]
    assert site.open == {second.adjustment_number: 3}
    [receipt] = site.world.contents("receipt")
    assert sum(offer.amount for offer in receipt.offers) == 128


async def test_a_payment_that_is_decided_before_the_charge_waits_for_it(site):
    invoice = posted(site)
    charge(site, invoice, "3")
    await site.read()
    late = charge(site, invoice, "5")
    payment = pay(site, "127", (invoice, "127"))
    site.zuora.later(minutes=10)
    await site.polling.round({"payment"})
    for record in site.log.kept[site.taken :]:
        site.world.put(msgspec.structs.replace(record, connection=builders.CONNECTION))
    site.taken = len(site.log.kept)
    assert site.stands("payment", payment) == ("waiting", "more_than_charged")
    await site.read()
    assert (payment.payment_number, late.adjustment_number, 5) in allocations(site)
    assert site.open == {}


async def test_credits_and_credit_balance_go_where_there_is_room_and_come_back(site):
    invoice, minus = posted(site), posted(site, line("-50", ""))
    more = charge(site, invoice, "10")
    pay(site, "100", (invoice, "100"))
    move(site, "Increase", "50", minus)
    await site.read()
    less = adjust(site, invoice, "9")
    await site.read()
    down = move(site, "Decrease", "15", invoice)
    await site.read()
    assert allocations(site)[1:] == [
        (less.adjustment_number, invoice.invoice_number, 9),
        (minus.invoice_number, invoice.invoice_number, 10),
        (minus.invoice_number, more.adjustment_number, 5),
    ]
    cancel_credit_balance_adjustment(site.tenant, adjustment=down.id)
    await site.read()
    await site.read()
    assert sorted(allocations(site)[4:]) == sorted(
        [(minus.invoice_number, invoice.invoice_number, -10), (minus.invoice_number, more.adjustment_number, -5)]
    )
    assert site.open == {invoice.invoice_number: 10, more.adjustment_number: 10, minus.invoice_number: 50}


async def test_a_voided_payment_opens_everything_it_paid(site):
    invoice = posted(site)
    more = charge(site, invoice, "5")
    payment = pay(site, "130", (invoice, "124"))
    await site.read()
    cancel_applied_payment(site.tenant, payment=payment.id)
    await site.read()
    await site.read()
    steps = site.steps(payment)
    assert [step for step in steps if step.startswith("reverse")][-1] == "reverse#1 inverse"
    assert sum(amount for *_, amount in allocations(site)) == 0
    assert {name: amount for name, amount in site.open.items() if name != payment.payment_number} == {
        invoice.invoice_number: 119,
        more.adjustment_number: 5,
    }
    assert len(steps) == len(set(steps))


# -- refunds ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["poll", "hint"])
async def test_a_refund_parks_by_name_however_it_is_found(site, by):
    invoice = posted(site)
    payment = pay(site, "119", (invoice, "119"))
    await site.read()
    given = {"payment": payment.id, "invoice": invoice.id, "amount": Decimal(19)}
    refund = refund_applied_payment(site.tenant, refund_date=DAY, **given)
    if by == "poll":
        await site.read()
    else:
        client = await site.zuora.client()
        reading = ZuoraObjects(client, "acme", Settlement(client, "acme"))
        record = await reading.read("refund", refund.id, BY_HAND)
        site.world.put(msgspec.structs.replace(record, connection=builders.CONNECTION))
    assert site.stands("applied_refund", refund) == ("parked", "not_supported")
    [outcome] = [one for one in site.world.outcomes if one.subject.endswith(refund.id) and one.stage == "ledger"]
    assert (outcome.currency, outcome.value) == ("EUR", 19)
    assert "it gives a payment that is applied back" in outcome.reason.message
    assert len(allocations(site)) == 1


async def test_what_pays_an_invoice_again_after_a_refund_is_applied(site):
    invoice = posted(site)
    first = pay(site, "119", (invoice, "119"))
    await site.read()
    refund_applied_payment(site.tenant, payment=first.id, invoice=invoice.id, amount=Decimal(40), refund_date=DAY)
    second = pay(site, "40", (invoice, "40"))
    await site.read()
    await site.read()
    numbers = (first.payment_number, second.payment_number)
    assert allocations(site) == [
        (number, invoice.invoice_number, of) for number, of in zip(numbers, (119, 40), strict=True)
    ]
    assert site.world.contents("receipt")[1].offers == ()


async def test_a_refund_that_is_read_again_after_the_switch_stays_with_its_person(site, monkeypatch):
    invoice = posted(site)
    payment = pay(site, "119", (invoice, "119"))
    await site.read()
    given = {"payment": payment.id, "invoice": invoice.id, "amount": Decimal(19)}
    refund = refund_applied_payment(site.tenant, refund_date=DAY, **given)
    await site.read()
    site.zuora.use(invoice_settlement=True)
    monkeypatch.setattr("adapters.zuora.reading.settlement._BELIEVED_S", -1.0)
    await site.read()
    assert site.stands("applied_refund", refund) == ("parked", "not_supported")
    assert site.stands("refund", refund) == ("ignored", "refund_known_otherwise")
    assert site.world.contents("refund") == []
