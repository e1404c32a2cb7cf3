"""Banking entries: a line of a bank statement, allocated to open items of one customer and to GL accounts, whole.

Money out uses up what is owed to the customer, or opens again what was paid; money in the other way round. No item
goes below nothing or above its original.
"""

from decimal import Decimal

from msgspec import structs

from sandbox.qad.books.accounts import BY_HAND, FOR_RECEIPTS, check_account, check_posting_line
from sandbox.qad.books.amounts import ZERO
from sandbox.qad.books.checks import Inspection
from sandbox.qad.books.documents import BankingAllocation, BankingEntry, DocumentKey, Kind, Origin
from sandbox.qad.books.entries import begin
from sandbox.qad.books.errors import Code, settled
from sandbox.qad.books.ledger import Entry
from sandbox.qad.books.master import DaybookType
from sandbox.qad.books.open_items import OpenItem

OUT, IN = "OUT", "IN"


def prepare_banking_entry(inspection: Inspection, asked: BankingEntry, origin: Origin) -> Entry:
    """Check a banking entry and build its GL entry.

    Raises:
        Refused: with everything that is wrong with it.
    """
    today = origin.at.date()
    banking = structs.replace(asked, value_date=asked.value_date or today, posting_date=asked.posting_date or today)
    posting_date = settled(banking.posting_date)
    inspection.check_header(banking, Kind.BANKING)
    daybook = inspection.daybook(banking.daybook_code, DaybookType.BANKING_ENTRY)
    period = inspection.period(posting_date, banking.posting_year, for_sales=True)
    key = inspection.key(banking, daybook, period)
    rate = inspection.rate(banking.currency_code, posting_date)
    items = _check_content(inspection, banking)
    builder = begin(inspection, banking, key=key, period=period, origin=origin, rate=rate)
    bank, currency_code = (banking.bank_gl_account_code, ""), banking.currency_code
    out = banking.direction == OUT
    paid, received = (ZERO, banking.amount) if out else (banking.amount, ZERO)
    builder.add("bank", bank, currency_code=currency_code, debit=paid, credit=received)
    for item, amount in items:
        debit, credit = (amount, ZERO) if out else (ZERO, amount)
        builder.realise(builder.settle(item, debit=debit, credit=credit), currency_code)
    for line in banking.gl_lines:
        builder.add(
            "line",
            (line.gl_account_code, line.sub_account_code),
            currency_code=currency_code,
            debit=line.debit_amount,
            credit=line.credit_amount,
            cost_centre_code=line.cost_centre_code,
            project_code=line.project_code,
            text=line.text,
        )
    return builder.finish()


def _check_content(inspection: Inspection, banking: BankingEntry) -> list[tuple[OpenItem, Decimal]]:
    findings, decimals = inspection.findings, inspection.currency_decimals(banking.currency_code)
    if banking.direction not in (OUT, IN):
        message = f"The direction is {OUT} or {IN}."
        findings.add(Code.VALUE_NOT_ALLOWED, "direction", banking.direction, message)
    check_account(
        inspection,
        banking.bank_gl_account_code,
        field="bank_gl_account_code",
        currency_code=banking.currency_code,
        allowed=FOR_RECEIPTS,
    )
    inspection.amount("amount", banking.amount, decimals, positive=True)
    for line in banking.gl_lines:
        check_posting_line(
            inspection,
            line,
            prefix="gl_lines.",
            currency_code=banking.currency_code,
            decimals=decimals,
            allowed=BY_HAND,
        )
    if banking.allocations:
        inspection.customer(banking.customer_code)
    found = [
        (item, allocation.amount)
        for allocation in banking.allocations
        if (item := _check_allocation(inspection, banking, allocation, decimals)) is not None
    ]
    if not any(error.code == Code.AMOUNT_TOO_LARGE for error in findings.errors):
        _check_open(inspection, banking, found)
        _check_whole(inspection, banking)
    return found


def _check_allocation(
    inspection: Inspection, banking: BankingEntry, allocation: BankingAllocation, decimals: int | None
) -> OpenItem | None:
    add, voucher = inspection.findings.add, allocation.item_voucher
    inspection.amount("allocations.amount", allocation.amount, decimals, positive=True)
    key = DocumentKey(
        inspection.entity.entity_code, allocation.item_posting_year, allocation.item_daybook_code, voucher
    )
    item = inspection.ledger.items.get(key)
    if item is None:
        add(Code.ITEM_UNKNOWN, "allocations.item_voucher", voucher, f"Open item {key} does not exist.")
    elif item.customer_code != banking.customer_code:
        message = f"Open item {key} belongs to customer {item.customer_code}."
        add(Code.ITEM_CUSTOMER, "allocations.item_voucher", voucher, message)
    elif item.currency_code != banking.currency_code:
        add(Code.ITEM_CURRENCY, "allocations.item_voucher", voucher, f"Open item {key} is in {item.currency_code}.")
    else:
        return item
    return None


def _check_open(inspection: Inspection, banking: BankingEntry, found: list[tuple[OpenItem, Decimal]]) -> None:
    open_amounts: dict[DocumentKey, Decimal] = {}
    for item, amount in found:
        lowers = item.is_debit is (banking.direction == IN)
        change = -amount if lowers else amount
        after = open_amounts[item.key] = open_amounts.get(item.key, item.open_amount) + change
        if after < 0:
            message = f"Open item {item.key} has only {item.open_amount} open."
            inspection.findings.add(Code.OVER_ALLOCATION, "allocations.amount", amount, message)
        elif after > item.original_amount:
            message = f"Open item {item.key} would be open beyond its original {item.original_amount}."
            inspection.findings.add(Code.OVER_REOPENING, "allocations.amount", amount, message)


def _check_whole(inspection: Inspection, banking: BankingEntry) -> None:
    """Check that all of the money is allocated: a statement line is not left half explained."""
    signed = banking.amount if banking.direction == IN else -banking.amount
    allocated = sum((allocation.amount for allocation in banking.allocations), ZERO)
    explained = sum((line.credit_amount - line.debit_amount for line in banking.gl_lines), ZERO)
    difference = signed - (allocated if banking.direction == IN else -allocated) - explained
    if difference:
        message = f"{difference} of {banking.amount} is not allocated."
        inspection.findings.add(Code.OUT_OF_BALANCE, "amount", banking.amount, message)
