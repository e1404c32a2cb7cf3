"""Records of a tenant without Invoice Settlement, and what became of them: shared by the tests of its ledger."""

from decimal import Decimal

from schemas.postings import AllocationContent
from schemas.records import RecordKind
from tests.unit import builders as zuora
from tests.unit.world import world

POLICIES = ({"receipts": "allocated"}, {"receipts": "prepayment"})
LATER, LAST = "2026-03-11T10:00:00Z", "2026-03-12T10:00:00Z"


def paid(amount, *applied, name="pay1", status="Processed", updated=zuora.STAMP, **more):
    """Return a payment with its invoice payments: (id, invoice, amount)."""
    parent = {"id": name, "paymentNumber": name.upper(), "accountId": zuora.ACCOUNT, "status": status}
    parent |= {"currency": "EUR", "amount": Decimal(amount), "effectiveDate": zuora.DAY, "type": "External"}
    rows = [
        {"Id": row, "InvoiceId": to, "Amount": Decimal(part), "CreatedDate": zuora.STAMP} for row, to, part in applied
    ]
    return zuora.record(RecordKind.PAYMENT, {**parent, "updatedDate": updated, **more}, invoice_payments=rows)


def adjusted(amount, name="adj1", *, to="inv1", total="100.00", kind="Credit", updated=zuora.STAMP, **more):
    """Return an adjustment of an invoice."""
    parent = {"Id": name, "AdjustmentNumber": name.upper(), "AccountId": zuora.ACCOUNT, "InvoiceId": to}
    parent |= {"Amount": Decimal(amount), "Type": kind, "Status": "Processed", "AdjustmentDate": zuora.DAY}
    parent |= {"AccountingCode": "Subscription Revenue", "CreatedDate": zuora.STAMP, "UpdatedDate": updated, **more}
    invoice = {"id": to, "invoiceNumber": to.upper(), "accountId": zuora.ACCOUNT, "status": "Posted"}
    invoice |= {"amount": Decimal(total), "currency": "EUR", "invoiceDate": zuora.DAY, "dueDate": "2026-04-09"}
    return zuora.record(RecordKind.INVOICE_ADJUSTMENT, {**parent, "id": name}, invoice=[invoice])


def moved(kind, amount, name, *, document, of="Invoice", created, status="Processed", **more):
    """Return a movement of a credit balance."""
    fields = {"Id": name, "Number": name.upper(), "Type": kind, "Amount": Decimal(amount), "Status": status}
    fields |= {"AdjustmentDate": zuora.DAY, "SourceTransactionId": document, "SourceTransactionType": of}
    return {
        **fields,
        "SourceTransactionNumber": document.upper(),
        "CreatedDate": created,
        "UpdatedDate": created,
        **more,
    }


def balance(*movements, updated=zuora.STAMP):
    parent = {"id": zuora.ACCOUNT, "accountNumber": "A-1", "currency": "EUR", "status": "Active"}
    return zuora.record(RecordKind.CREDIT_BALANCE, {**parent, "updatedDate": updated}, adjustments=movements)


def open_of(site):
    """Return what is open of each document in QAD."""
    found = {}
    names = {posting.id: posting.number for posting in site.postings}
    for posting in site.postings:
        content = posting.content
        if isinstance(content, AllocationContent):
            sign = 1 if content.reopens else -1
            for side in (content.payer, content.item):
                found[side] = found.get(side, Decimal(0)) + sign * content.amount
        else:
            found[posting.id] = found.get(posting.id, Decimal(0)) + content.total
    return {names[one]: amount for one, amount in found.items() if amount}


OLD = {"invoiceDate": "2025-12-15", "dueDate": "2026-01-15", "postedDate": "2025-12-15T10:00:00Z"}


def in_order(records, *, policy=None, restarts=False, **changes):
    """Return a world that saw these records one after the other."""
    site = world(policy=policy, **changes)
    for record in records:
        site.put(record)
        if restarts:
            site.restart()
    return site


def moved_to(site):
    """Return what lies on each item, in sum."""
    found = {}
    for one in site.contents("allocation"):
        found[one.item_document] = found.get(one.item_document, Decimal(0)) + (-1 if one.reopens else 1) * one.amount
    return {name: amount for name, amount in found.items() if amount}


def charges(to="inv1", **more):
    return [
        adjusted("50.00", "adj1", to=to, kind="Charge", **more),
        adjusted("20.00", "adj2", to=to, kind="Charge", CreatedDate=LATER, **more),
    ]
