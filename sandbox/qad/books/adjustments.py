"""Open item adjustments: open items netted against one another, or against GL accounts, in one currency.

A credit lowers an invoice and re-opens a credit note or prepayment, a debit the other way round; no item goes below
nothing or above its original. Lines may name items of several customers. A line with `new_item_type` makes a
prepayment for its customer, which is how a prepayment moves to another one.
"""

from decimal import Decimal

from msgspec import structs

from sandbox.qad.books.accounts import BY_HAND, check_posting_line, check_side
from sandbox.qad.books.amounts import ZERO
from sandbox.qad.books.checks import Inspection
from sandbox.qad.books.documents import (
    PREPAYMENT,
    Adjustment,
    AdjustmentLine,
    DocumentKey,
    Kind,
    Origin,
    PostingLine,
)
from sandbox.qad.books.entries import EntryBuilder, begin
from sandbox.qad.books.errors import Code, settled
from sandbox.qad.books.ledger import Entry
from sandbox.qad.books.master import DaybookType
from sandbox.qad.books.open_items import OpenItem
from sandbox.qad.books.payments import prepayment_item


def prepare_adjustment(inspection: Inspection, asked: Adjustment, origin: Origin) -> Entry:
    """Check an adjustment and build its entry.

    Raises:
        Refused: with everything that is wrong with it.
    """
    adjustment = structs.replace(asked, posting_date=asked.posting_date or origin.at.date())
    posting_date = settled(adjustment.posting_date)
    inspection.check_header(adjustment, Kind.ADJUSTMENT)
    rate = inspection.rate(adjustment.currency_code, posting_date)
    daybook = inspection.daybook(adjustment.daybook_code, DaybookType.CUSTOMER_ADJUSTMENT)
    period = inspection.period(posting_date, adjustment.posting_year, for_sales=True)
    key = inspection.key(adjustment, daybook, period)
    items = _check_lines(inspection, adjustment)
    builder = begin(inspection, adjustment, key=key, period=period, origin=origin, rate=rate)
    return _build(inspection, builder, adjustment, items=items)


def _check_lines(inspection: Inspection, adjustment: Adjustment) -> list[OpenItem | None]:
    """Check all lines; return the item of each, None for a line that makes a new one."""
    findings = inspection.findings
    decimals = inspection.currency_decimals(adjustment.currency_code)
    for line in adjustment.lines:
        inspection.check_lengths(line, "lines.")
        inspection.amount("lines.debit_amount", line.debit_amount, decimals)
        inspection.amount("lines.credit_amount", line.credit_amount, decimals)
        check_side(inspection, line.debit_amount, line.credit_amount, prefix="lines.")
    for gl_line in adjustment.gl_lines:
        check_posting_line(
            inspection,
            gl_line,
            prefix="gl_lines.",
            currency_code=adjustment.currency_code,
            decimals=decimals,
            allowed=BY_HAND,
        )
    items = [_check_item(inspection, adjustment, line) for line in adjustment.lines]
    if not adjustment.lines:
        findings.add(Code.FIELD_REQUIRED, "lines", "", "The adjustment has no lines.")
    if sum(bool(line.new_item_type) for line in adjustment.lines) > 1:
        findings.add(Code.VALUE_NOT_ALLOWED, "lines.new_item_type", "", "An adjustment makes one new item at most.")
    if not any(error.code == Code.AMOUNT_TOO_LARGE for error in findings.errors):
        _check_open(inspection, adjustment, items)
        _check_balance(inspection, adjustment)
    return items


def _check_item(inspection: Inspection, adjustment: Adjustment, line: AdjustmentLine) -> OpenItem | None:
    add = inspection.findings.add
    if line.new_item_type:
        if line.new_item_type != PREPAYMENT or not line.credit_amount:
            message = f"A new item is a {PREPAYMENT} on the credit side."
            add(Code.VALUE_NOT_ALLOWED, "lines.new_item_type", line.new_item_type, message)
        inspection.customer(line.customer_code, "lines.customer_code")
        return None
    key = DocumentKey(inspection.entity.entity_code, line.item_posting_year, line.item_daybook_code, line.item_voucher)
    item = inspection.ledger.items.get(key)
    if item is None:
        add(Code.ITEM_UNKNOWN, "lines.item_voucher", line.item_voucher, f"Open item {key} does not exist.")
        return None
    if item.customer_code != line.customer_code:
        message = f"Open item {key} belongs to customer {item.customer_code}."
        add(Code.ITEM_CUSTOMER, "lines.customer_code", line.customer_code, message)
    if item.currency_code != adjustment.currency_code:
        message = f"Open item {key} is in {item.currency_code}."
        add(Code.ITEM_CURRENCY, "lines.item_voucher", line.item_voucher, message)
    return item


def _check_open(inspection: Inspection, adjustment: Adjustment, items: list[OpenItem | None]) -> None:
    """Check, line after line, that no item goes below nothing or above its original."""
    open_amounts: dict[DocumentKey, Decimal] = {}
    for line, item in zip(adjustment.lines, items, strict=True):
        if item is None:
            continue
        signed = line.debit_amount - line.credit_amount
        change = signed if item.is_debit else -signed
        after = open_amounts[item.key] = open_amounts.get(item.key, item.open_amount) + change
        field = "lines.debit_amount" if line.debit_amount else "lines.credit_amount"
        if after < 0:
            message = f"Open item {item.key} has only {item.open_amount} open."
            inspection.findings.add(Code.OVER_ALLOCATION, field, abs(signed), message)
        elif after > item.original_amount:
            message = f"Open item {item.key} would be open beyond its original {item.original_amount}."
            inspection.findings.add(Code.OVER_REOPENING, field, abs(signed), message)


def _check_balance(inspection: Inspection, adjustment: Adjustment) -> None:
    both: tuple[AdjustmentLine | PostingLine, ...] = (*adjustment.lines, *adjustment.gl_lines)
    difference = sum((line.debit_amount - line.credit_amount for line in both), ZERO)
    if difference:
        message = f"Debit and credit differ by {difference}."
        inspection.findings.add(Code.OUT_OF_BALANCE, "lines", difference, message)


def _build(
    inspection: Inspection,
    builder: EntryBuilder,
    adjustment: Adjustment,
    *,
    items: list[OpenItem | None],
) -> Entry:
    """Make the entry: each item at its own value, GL lines at the rate of the day, one realised difference for all."""
    difference = ZERO
    for line, item in zip(adjustment.lines, items, strict=True):
        if item is not None:
            difference += builder.settle(item, debit=line.debit_amount, credit=line.credit_amount)
            continue
        amount: Decimal = line.credit_amount
        customer = inspection.catalogue.customers[line.customer_code]
        new_item = prepayment_item(inspection, builder, customer=customer, original=amount, rest=amount)
        builder.open(new_item, credit=amount)
    for gl_line in adjustment.gl_lines:
        builder.add(
            "line",
            (gl_line.gl_account_code, gl_line.sub_account_code),
            currency_code=adjustment.currency_code,
            debit=gl_line.debit_amount,
            credit=gl_line.credit_amount,
            cost_centre_code=gl_line.cost_centre_code,
            project_code=gl_line.project_code,
            text=gl_line.text,
        )
    builder.realise(difference, adjustment.currency_code)
    return builder.finish()
