"""What is open of each document of a tenant without Invoice Settlement: its balances alone do not say it.

A charge raises the balance of its invoice, and is a debit note of its own in QAD: what pays the invoice pays its own
amount first, then its charges, the oldest first. What went up into a credit balance is closed in Zuora and open in QAD,
until it has come down, the oldest first. Source: ACCOUNTING 1 and 8 (b).
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal

import msgspec

from adapters.zuora.reading.objects import ZuoraObjects
from schemas.ids import document_key
from schemas.money import ZERO
from schemas.records import RecordKind
from schemas.unsettled import Adjustment, AppliedRefund, CreditBalanceAdjustment
from schemas.zuora import Account

_ADJUSTMENTS = (RecordKind.INVOICE_ADJUSTMENT, RecordKind.INVOICE_ITEM_ADJUSTMENT)

_adjustment = msgspec.json.Decoder(Adjustment)
_refund = msgspec.json.Decoder(AppliedRefund)
_account = msgspec.json.Decoder(Account)
_movements = msgspec.json.Decoder(list[CreditBalanceAdjustment])


class Known(msgspec.Struct, frozen=True):
    """What the balances say of an invoice or payment."""

    currency: str
    total: Decimal
    open: Decimal


class Adjusted(msgspec.Struct, frozen=True, kw_only=True):
    """An adjustment, signed by what it does to its invoice, or a refund, as a document."""

    kind: RecordKind
    id: str
    number: str
    currency: str
    total: Decimal
    open: Decimal
    day: str
    stamp: str
    counts: bool


class Unsettled(msgspec.Struct, frozen=True):
    """What stands beside the balances."""

    adjustments: Sequence[tuple[RecordKind, Adjustment]]
    movements: Sequence[CreditBalanceAdjustment]
    refunds: Sequence[tuple[str, AppliedRefund]] = ()

    def documents(self, known: Mapping[str, Known]) -> list[Adjusted]:
        """Return adjustments and refunds as documents.

        Args:
            known: Invoices by `kind:id`.
        """
        charges = {name: dict(self._charges_of(name, found)[1]) for name, found in known.items()}
        found = []
        for kind, row in self.adjustments:
            invoice = document_key(RecordKind.INVOICE, row.invoice_id)
            found.append(
                Adjusted(
                    kind=kind,
                    id=row.id,
                    number=row.adjustment_number,
                    currency=known[invoice].currency if invoice in known else "",
                    total=row.amount if row.type == "Charge" else -row.amount,
                    open=charges.get(invoice, {}).get(row.id, ZERO),
                    day=row.adjustment_date[:10],
                    stamp=row.updated_date,
                    counts=row.status == "Processed",
                )
            )
        for currency, refund in self.refunds:
            found.append(
                Adjusted(
                    kind=RecordKind.APPLIED_REFUND,
                    id=refund.id,
                    number=refund.refund_number,
                    currency=currency,
                    total=refund.amount,
                    open=ZERO,
                    day=refund.refund_date[:10],
                    stamp=refund.updated_date,
                    counts=refund.status == "Processed",
                )
            )
        return found

    def pools(self, known: Mapping[str, Known]) -> dict[str, str]:
        """Return which documents stand in for one another: an invoice and its charges, and what is on one account.

        Which of them is used first is no word of Zuora's: after a cancellation it is not always the oldest.
        """
        pools: dict[str, str] = {}
        for kind, row in self.adjustments:
            invoice = document_key(RecordKind.INVOICE, row.invoice_id)
            if row.type == "Charge" and invoice in known and known[invoice].total > 0:
                pools[invoice] = pools[document_key(kind, row.id)] = invoice
        for moved in self.movements:
            if moved.type == "Increase":
                pools[_source_of(moved)] = f"on account {moved.account_id}"
        return pools

    def open_of(self, known: Mapping[str, Known]) -> dict[str, Decimal]:
        """Return what should be open in QAD of each invoice and payment."""
        rests = self._rests()
        return {name: self._charges_of(name, found)[0] + rests.get(name, ZERO) for name, found in known.items()}

    def _charges_of(self, name: str, found: Known) -> tuple[Decimal, list[tuple[str, Decimal]]]:
        """Return what is open of an invoice itself, and of each charge on it; on one below zero they take from it."""
        rows = [
            row
            for _, row in self.adjustments
            if document_key(RecordKind.INVOICE, row.invoice_id) == name
            and (row.type, row.status) == ("Charge", "Processed")
        ]
        if found.total < 0 or not rows:
            return abs(found.open), []
        paid = found.total + sum((row.amount for row in rows), ZERO) - found.open
        parts = []
        for label, amount in [("", found.total), *((row.id, row.amount) for row in sorted(rows, key=_age))]:
            taken = min(amount, paid)
            paid -= taken
            parts.append((label, amount - taken))
        return parts[0][1], parts[1:]

    def _rests(self) -> dict[str, Decimal]:
        """Return what is left on account of each document from which something went up."""
        ups: defaultdict[str, dict[str, Decimal]] = defaultdict(dict)
        downs: defaultdict[str, Decimal] = defaultdict(lambda: ZERO)
        for row in sorted((row for row in self.movements if row.status == "Processed"), key=_age):
            if row.type == "Increase":
                source = _source_of(row)
                ups[row.account_id][source] = ups[row.account_id].get(source, ZERO) + row.amount
            else:
                downs[row.account_id] += row.amount
        rests = {}
        for account, raised in ups.items():
            for source, amount in raised.items():
                taken = min(amount, downs[account])
                downs[account] -= taken
                rests[source] = amount - taken
        return rests


async def read_unsettled(objects: ZuoraObjects, *, since: datetime, until: datetime) -> Unsettled:
    """Return all adjustments and movements of credit balances of a tenant without Invoice Settlement."""
    adjustments, movements = [], []
    for kind in _ADJUSTMENTS:
        async for headers in objects.changed(kind, since=since, until=until):
            adjustments += [(kind, _adjustment.decode(header.raw)) for header in headers]
    async for headers in objects.changed(RecordKind.CREDIT_BALANCE, since=since, until=until):
        movements += [row for header in headers for row in _movements.decode(header.raw)]
    refunds = [
        _refund.decode(row.raw)
        async for page in objects.changed(RecordKind.APPLIED_REFUND, since=since, until=until)
        for row in page
    ]
    currencies: dict[str, str] = {}
    if refunds:
        async for headers in objects.changed(RecordKind.ACCOUNT, since=since, until=until):
            currencies |= {header.id: _account.decode(header.raw).currency for header in headers}
    return Unsettled(adjustments, movements, [(currencies.get(row.account_id, ""), row) for row in refunds])


def _age(row: Adjustment | CreditBalanceAdjustment) -> tuple[datetime, str]:
    return datetime.fromisoformat(row.created_date), row.id


def _source_of(row: CreditBalanceAdjustment) -> str:
    return document_key((row.source_transaction_type or "").casefold(), row.source_transaction_id or "")
