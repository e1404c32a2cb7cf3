"""What corrects a posted memo: its reversal, its write-off; each a memo of the other kind and an application.

A credit memo is reversed or written off by a debit memo that it is applied to, a debit memo is written off by a credit
memo that is applied to it. The memo keeps its amounts; only `reversed` and its balance tell.
"""

from dataclasses import dataclass
from datetime import date

from sandbox.zuora.acts.credit_memos import NewCreditMemo, apply_credit_memo, draft_credit_memo, post_credit_memo
from sandbox.zuora.acts.debit_memos import NewDebitMemo, draft_debit_memo, post_debit_memo
from sandbox.zuora.acts.documents import in_status
from sandbox.zuora.acts.mirrors import mirror_memo
from sandbox.zuora.acts.registry import act
from sandbox.zuora.acts.settlement import Application, check_settlement
from sandbox.zuora.objects import CreditMemo, DebitMemo
from sandbox.zuora.refusal import broken_rule
from sandbox.zuora.tenant import Tenant

RESOURCE = 587_314


@dataclass(frozen=True)
class MemoCorrection:
    """Both memos after a correction."""

    credit_memo: CreditMemo
    debit_memo: DebitMemo


@act
def reverse_credit_memo(tenant: Tenant, *, credit_memo: str, memo_date: date | None = None) -> MemoCorrection:
    """Reverse a posted credit memo of which nothing is applied or refunded, by a debit memo over all of it."""
    memo = _credit(tenant, credit_memo)
    if memo.reversed or memo.balance != memo.total_amount:
        raise broken_rule(
            f"Credit memo {memo.memo_number} is reversed already, or something of it is applied", resource=RESOURCE
        )
    debit = _debited(tenant, memo, memo_date)
    reversed_memo = tenant.change(tenant.get(CreditMemo, memo.id), reversed=True)
    return MemoCorrection(credit_memo=reversed_memo, debit_memo=debit)


@act
def write_off_credit_memo(tenant: Tenant, *, credit_memo: str, memo_date: date | None = None) -> MemoCorrection:
    """Write off what is still open of a posted credit memo, by a debit memo over that."""
    memo = _credit(tenant, credit_memo)
    if memo.balance <= 0:
        raise broken_rule(f"Credit memo {memo.memo_number} has no balance to write off", resource=RESOURCE)
    debit = _debited(tenant, memo, memo_date)
    return MemoCorrection(credit_memo=tenant.get(CreditMemo, memo.id), debit_memo=debit)


@act
def write_off_debit_memo(tenant: Tenant, *, debit_memo: str, memo_date: date | None = None) -> MemoCorrection:
    """Write off what is still open of a posted debit memo, by a credit memo over that."""
    check_settlement(tenant)
    memo = tenant.get(DebitMemo, debit_memo)
    if memo.status != "Posted" or memo.balance <= 0:
        raise broken_rule(f"Debit memo {memo.memo_number} has no balance to write off", resource=RESOURCE)
    request = NewCreditMemo(
        account=memo.account_id,
        items=mirror_memo(tenant, memo),
        currency=memo.currency,
        memo_date=memo_date,
        reason_code="Write-off",
    )
    credit = draft_credit_memo(tenant, request, source_type="DebitMemo")
    post_credit_memo(tenant, credit_memo=credit.id)
    _apply(tenant, credit, memo)
    return MemoCorrection(credit_memo=tenant.get(CreditMemo, credit.id), debit_memo=tenant.get(DebitMemo, memo.id))


def _credit(tenant: Tenant, key: str) -> CreditMemo:
    check_settlement(tenant)
    return in_status(tenant, CreditMemo, key, "Posted", resource=RESOURCE)


def _debited(tenant: Tenant, memo: CreditMemo, memo_date: date | None) -> DebitMemo:
    request = NewDebitMemo(
        account=memo.account_id, items=mirror_memo(tenant, memo), currency=memo.currency, memo_date=memo_date
    )
    debit = draft_debit_memo(tenant, request, source_type="CreditMemo")
    debit = tenant.change(debit, credit_memo_id=memo.id)
    post_debit_memo(tenant, debit_memo=debit.id)
    _apply(tenant, memo, debit)
    return tenant.get(DebitMemo, debit.id)


def _apply(tenant: Tenant, credit: CreditMemo, debit: DebitMemo) -> None:
    amount = min(tenant.get(CreditMemo, credit.id).balance, tenant.get(DebitMemo, debit.id).balance)
    part = [Application(debit_memo=debit.id, amount=amount)]
    day = max(credit.memo_date, debit.memo_date)
    apply_credit_memo(tenant, credit_memo=credit.id, invoices=part, effective_date=day)
