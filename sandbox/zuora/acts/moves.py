"""What moves when a payment or credit memo is applied, refunded or taken back: balances, and the parts that stay.

A part is the running net of one source on one document, or its unapplied rest; one that reaches zero goes away.
Application rows are history: applications.py makes them.
"""

from decimal import Decimal
from typing import Any, TypeVar

from sandbox.zuora.acts.accounts import move_balance
from sandbox.zuora.acts.settlement import Owed, Source, find_part, named, part_of
from sandbox.zuora.objects import DebitMemo, Invoice, Payment
from sandbox.zuora.tenant import Tenant

S = TypeVar("S", bound=Source)


def move_applied(tenant: Tenant, source: Source, owed: Owed, amount: Decimal) -> None:
    """Move so much of a source onto what is owed; a negative amount takes it back."""
    _take(tenant, source, "applied_amount", amount)
    if isinstance(source, Payment):
        _move_owed(tenant, owed, payment=amount)
    else:
        _move_owed(tenant, owed, credit=amount)
    move_rest(tenant, source, -amount)
    _move_part(tenant, source, owed, amount)


def move_refunded(tenant: Tenant, source: Source, amount: Decimal) -> None:
    """Give so much of a source back; a negative amount takes that back."""
    _take(tenant, source, "refund_amount", amount)
    move_rest(tenant, source, -amount)


def move_rest(tenant: Tenant, source: Source, amount: Decimal) -> None:
    """Move what is left of a source."""
    if isinstance(source, Payment):
        move_balance(tenant, source.account_id, unapplied_payments=amount)
    else:
        move_balance(tenant, source.account_id, unapplied_credits=amount)
    if tenant.settings.unapplied_part:
        _move_part(tenant, source, None, amount)


def _take(tenant: Tenant, source: Source, counted: str, amount: Decimal) -> None:
    newest = tenant.get(type(source), source.id)
    left = "unapplied_amount" if isinstance(source, Payment) else "balance"
    changes = {counted: getattr(newest, counted) + amount, left: getattr(newest, left) - amount}
    tenant.change(newest, **changes)


def _move_owed(tenant: Tenant, owed: Owed, *, payment: Decimal = Decimal(0), credit: Decimal = Decimal(0)) -> None:
    """Lower the balance of what is owed by what is applied; negative amounts raise it again."""
    if isinstance(owed, DebitMemo):
        memo = tenant.get(DebitMemo, owed.id)
        tenant.change(memo, balance=memo.balance - payment - credit)
        move_balance(tenant, owed.account_id, debit_memos=-(payment + credit))
        return
    newest = tenant.get(Invoice, owed.id)
    tenant.change(
        newest,
        balance=newest.balance - payment - credit,
        payment_amount=(newest.payment_amount or Decimal(0)) + payment,
        credit_memo_amount=(newest.credit_memo_amount or Decimal(0)) + credit,
    )
    move_balance(tenant, owed.account_id, invoices=-(payment + credit))


def _move_part(tenant: Tenant, source: Source, owed: Owed | None, amount: Decimal) -> None:
    part = find_part(tenant, source, owed)
    if part is None:
        if amount:
            _add_part(tenant, source, owed, amount)
    elif part.amount + amount:
        tenant.change(part, amount=part.amount + amount)
    else:
        tenant.remove(part)


def _add_part(tenant: Tenant, source: Source, owed: Owed | None, amount: Decimal) -> None:
    kind, name = part_of(source)
    fields: dict[str, Any] = {name: source.id, "account_id": source.account_id, "amount": amount}
    if owed is not None:
        fields |= named(owed)
        if isinstance(source, Payment):
            fields["billing_document_owner_id"] = owed.account_id
    tenant.create(kind, **fields)
