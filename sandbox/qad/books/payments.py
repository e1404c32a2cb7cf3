"""Customer payments: bank against the invoices that are paid, the rest against the prepayment account.

In status Initial a payment is only stored; it makes its entry, and moves open items, when it is Paid, and its
allocations are judged again then. Cancelled before that, it never does. It pays invoices of its own customer only.
Bounced, it takes back what is left of another payment: bank against the prepayment that it is linked to.
"""

from decimal import Decimal

from msgspec import structs

from sandbox.qad.books.accounts import FOR_RECEIPTS, check_account
from sandbox.qad.books.amounts import ZERO
from sandbox.qad.books.checks import Inspection
from sandbox.qad.books.documents import PREPAYMENT, Allocation, Document, DocumentKey, Kind, Origin, Payment
from sandbox.qad.books.entries import EntryBuilder, begin, resume
from sandbox.qad.books.errors import Code, settled
from sandbox.qad.books.invoices import check_customer_currency
from sandbox.qad.books.ledger import Entry
from sandbox.qad.books.master import Customer, DaybookType
from sandbox.qad.books.open_items import OpenItem

INITIAL, PAID, BOUNCED, CANCELLED = "Initial", "Paid", "Bounced", "Cancelled"


def prepare_payment(inspection: Inspection, asked: Payment, origin: Origin) -> Entry:
    """Check a payment and build its entry, which is empty in status Initial.

    Raises:
        Refused: with everything that is wrong with it.
    """
    today = origin.at.date()
    payment = structs.replace(asked, payment_date=asked.payment_date or today, posting_date=asked.posting_date or today)
    if payment.status == PAID and inspection.policy.payments_wait:
        payment = structs.replace(payment, status=INITIAL)
    if payment.status not in (INITIAL, PAID, BOUNCED):
        message = f"A new payment has status {INITIAL}, {PAID} or {BOUNCED}."
        inspection.findings.add(Code.VALUE_NOT_ALLOWED, "status", payment.status, message)
    inspection.check_header(payment, Kind.PAYMENT)
    daybook = inspection.daybook(payment.daybook_code, DaybookType.CUSTOMER_PAYMENT)
    period = inspection.period(settled(payment.posting_date), payment.posting_year, for_sales=True)
    key = inspection.key(payment, daybook, period)
    customer, rate, paid = _check_content(inspection, payment)
    taken_back = _check_bounced(inspection, payment) if payment.status == BOUNCED else None
    builder = begin(inspection, payment, key=key, period=period, origin=origin, rate=rate)
    if taken_back is not None:
        return _bounce(builder, payment, taken_back)
    if payment.status == INITIAL:
        return Entry(document=builder.document, lines=[], movements=[])
    return _build(inspection, builder, payment, customer=settled(customer), paid=paid, is_new=True)


def prepare_paid(inspection: Inspection, document: Document, payment: Payment) -> Entry:
    """Build the entry of a payment that was stored in status Initial and is paid now.

    Raises:
        Refused: where period, customer or open items no longer allow it.
    """
    inspection.period(settled(payment.posting_date), payment.posting_year, for_sales=True)
    customer, rate, paid = _check_content(inspection, payment)
    inspection.findings.raise_if_any()
    builder = resume(inspection, document, rate=rate)
    return _build(inspection, builder, payment, customer=settled(customer), paid=paid, is_new=False)


def _check_bounced(inspection: Inspection, payment: Payment) -> OpenItem | None:
    """Return the prepayment that a bounced payment is linked to, of which so much must be open."""
    add, field = inspection.findings.add, "linked_voucher"
    key = DocumentKey(
        inspection.entity.entity_code,
        payment.linked_posting_year,
        payment.linked_daybook_code,
        payment.linked_voucher,
    )
    item = inspection.ledger.items.get(key)
    if payment.allocations:
        add(Code.VALUE_NOT_ALLOWED, "allocations", len(payment.allocations), "A bounced payment pays nothing.")
    if item is None or item.item_type != PREPAYMENT:
        add(Code.ITEM_UNKNOWN, field, payment.linked_voucher, f"No payment {key} can bounce.")
    elif item.customer_code != payment.customer_code:
        add(Code.ITEM_CUSTOMER, field, payment.linked_voucher, f"Payment {key} is of customer {item.customer_code}.")
    elif item.currency_code != payment.currency_code:
        add(Code.ITEM_CURRENCY, field, payment.linked_voucher, f"Payment {key} is in {item.currency_code}.")
    elif item.open_amount < payment.amount:
        message = f"Only {item.open_amount} of payment {key} is not allocated."
        add(Code.OVER_ALLOCATION, "amount", payment.amount, message)
    else:
        return item
    return None


def _bounce(builder: EntryBuilder, payment: Payment, item: OpenItem) -> Entry:
    bank, currency_code = (payment.bank_gl_account_code, ""), payment.currency_code
    builder.add("bank", bank, currency_code=currency_code, credit=payment.amount)
    builder.realise(builder.settle(item, debit=payment.amount), currency_code)
    entry = builder.finish()
    entry.document.reversal_of = item.key
    return entry


def _check_content(
    inspection: Inspection, payment: Payment
) -> tuple[Customer | None, Decimal, list[tuple[OpenItem, Decimal]]]:
    """Check all but header and key; return customer, rate, and the items that are paid with their amounts."""
    customer = inspection.customer(payment.customer_code)
    check_customer_currency(inspection, customer, payment.currency_code)
    decimals = inspection.currency_decimals(payment.currency_code)
    rate = inspection.rate(payment.currency_code, payment.posting_date)
    check_account(
        inspection,
        payment.bank_gl_account_code,
        field="bank_gl_account_code",
        currency_code=payment.currency_code,
        allowed=FOR_RECEIPTS,
    )
    inspection.amount("amount", payment.amount, decimals, positive=True)
    paid = [
        (item, allocation.amount)
        for allocation in payment.allocations
        if (item := _check_allocation(inspection, payment, allocation, decimals)) is not None
    ]
    _check_open(inspection, payment, paid)
    return customer, rate, paid


def _check_allocation(
    inspection: Inspection, payment: Payment, allocation: Allocation, decimals: int | None
) -> OpenItem | None:
    add = inspection.findings.add
    inspection.amount("allocations.amount", allocation.amount, decimals, positive=True)
    key = DocumentKey(
        inspection.entity.entity_code,
        allocation.invoice_posting_year,
        allocation.invoice_daybook_code,
        allocation.invoice_voucher,
    )
    field = "allocations.invoice_voucher"
    item = inspection.ledger.items.get(key)
    if item is None:
        add(Code.ITEM_UNKNOWN, field, allocation.invoice_voucher, f"Open item {key} does not exist.")
    elif not item.is_debit:
        add(Code.ITEM_TYPE, field, allocation.invoice_voucher, f"Open item {key} is a {item.item_type}.")
    elif item.customer_code != payment.customer_code:
        message = f"Open item {key} belongs to customer {item.customer_code}."
        add(Code.ITEM_CUSTOMER, field, allocation.invoice_voucher, message)
    elif item.currency_code != payment.currency_code:
        message = f"Open item {key} is in {item.currency_code}."
        add(Code.ITEM_CURRENCY, field, allocation.invoice_voucher, message)
    else:
        return item
    return None


def _check_open(inspection: Inspection, payment: Payment, paid: list[tuple[OpenItem, Decimal]]) -> None:
    """Check that no item gets more than it has open, and that no more is allocated than was paid."""
    if any(error.code == Code.AMOUNT_TOO_LARGE for error in inspection.findings.errors):
        return
    open_amounts: dict[DocumentKey, Decimal] = {}
    for item, amount in paid:
        open_amounts[item.key] = open_amounts.get(item.key, item.open_amount) - amount
        if open_amounts[item.key] < 0:
            message = f"Open item {item.key} has only {item.open_amount} open."
            inspection.findings.add(Code.OVER_ALLOCATION, "allocations.amount", amount, message)
    allocated = sum((allocation.amount for allocation in payment.allocations), ZERO)
    if payment.allocations and allocated > payment.amount:
        message = f"{allocated} is allocated of a payment of {payment.amount}."
        inspection.findings.add(Code.OVER_ALLOCATION, "amount", payment.amount, message)


def _build(
    inspection: Inspection,
    builder: EntryBuilder,
    payment: Payment,
    *,
    customer: Customer,
    paid: list[tuple[OpenItem, Decimal]],
    is_new: bool,
) -> Entry:
    """Make the entry: bank against each paid item, each with its realised difference, and the rest as prepayment."""
    currency_code = payment.currency_code
    bank = (payment.bank_gl_account_code, "")
    builder.add("bank", bank, currency_code=currency_code, debit=payment.amount)
    rest = payment.amount
    for item, amount in paid:
        builder.realise(builder.settle(item, credit=amount), currency_code)
        rest -= amount
    keeps_item = rest > 0 or inspection.policy.prepayment_holds_whole_payment
    if keeps_item:
        original = payment.amount if inspection.policy.prepayment_holds_whole_payment else rest
        item = prepayment_item(inspection, builder, customer=customer, original=original, rest=rest)
        builder.open(item, credit=rest)
    return builder.finish(is_new=is_new)


def prepayment_item(
    inspection: Inspection,
    builder: EntryBuilder,
    *,
    customer: Customer,
    original: Decimal,
    rest: Decimal,
) -> OpenItem:
    """Make the open item of what a customer paid ahead; `rest` of the original is open."""
    account, sub_account = inspection.control_account(customer.pre_payment_control_gl_profile_code)
    content = builder.document.content
    item = OpenItem(
        key=builder.document.key,
        item_type=PREPAYMENT,
        customer_code=customer.customer_code,
        gl_account_code=account,
        sub_account_code=sub_account,
        currency_code=settled(getattr(content, "currency_code", None)),
        due_date=settled(content.posting_date),
        original_amount=original,
        open_amount=rest,
        original_base_amount=builder.in_base(original),
        open_base_amount=ZERO,
        base_decimals=inspection.base_decimals,
        document=builder.document,
    )
    item.open_base_amount = item.base_at(rest)
    return item
