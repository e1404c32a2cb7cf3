"""Payments, and the parts of payments, credit memos and refunds."""

from collections.abc import Iterable

from sandbox.zuora.objects import AccountingCode, CreditMemoPart, Payment, PaymentPart, RefundApplication
from sandbox.zuora.tenant import Tenant
from sandbox.zuora.wire.forms.shape import AUDIT, Form, same

_PAYMENT = (
    "accountId amount appliedAmount authTransactionId bankIdentificationNumber cancelledOn comment currency "
    "gatewayOrderId gatewayReconciliationReason gatewayReconciliationStatus gatewayResponse "
    "gatewayResponseCode gatewayState id markedForSubmissionOn paymentMethodId paymentMethodSnapshotId "
    "payoutId prepayment referenceId refundAmount secondPaymentReferenceId settledOn softDescriptor status "
    f"submittedOn type unappliedAmount {AUDIT}"
)
_PART = f"id amount invoiceId debitMemoId {AUDIT}"


def payment_form(tenant: Tenant, row: Payment) -> Form:
    """Return a payment; its effective date is a moment here, and its source is not told."""
    account = tenant.accounts.shown.get(row.account_id or "")
    cash = tenant.accounting_codes.find(row.accounting_code) if row.accounting_code else None
    unapplied = next((code for code in _codes(tenant, "CustomerCashOnAccount")), None)
    return same(row, _PAYMENT) | {
        "accountNumber": account.account_number if account else None,
        "creditBalanceAmount": row.applied_credit_balance_amount,
        "effectiveDate": f"{row.effective_date.isoformat()} 00:00:00",
        "number": row.payment_number,
        "standalone": row.is_standalone,
        "financeInformation": {
            "bankAccountAccountingCode": cash.name if cash else None,
            "bankAccountAccountingCodeType": cash.type if cash else None,
            "transferredToAccounting": row.transferred_to_accounting,
            "unappliedPaymentAccountingCode": unapplied.name if unapplied else None,
            "unappliedPaymentAccountingCodeType": unapplied.type if unapplied else None,
        },
        **(row.custom or {}),
    }


def _codes(tenant: Tenant, kind: str) -> Iterable[AccountingCode]:
    return (code for code in tenant.accounting_codes.latest.values() if code.type == kind)


def payment_part_form(row: PaymentPart) -> Form:
    """Return a part of a payment."""
    return same(row, f"{_PART} billingDocumentOwnerId")


def credit_memo_part_form(row: CreditMemoPart) -> Form:
    """Return a part of a credit memo."""
    return same(row, _PART)


def application_part_form(row: PaymentPart | CreditMemoPart) -> Form:
    """Return what one payment or credit memo has on an invoice."""
    source = {"paymentId": row.payment_id} if isinstance(row, PaymentPart) else {"creditMemoId": row.credit_memo_id}
    return {"appliedAmount": row.amount, **source, **same(row, AUDIT)}


def refund_part_form(row: RefundApplication) -> Form:
    """Return a part of a refund: of which payment or credit memo it is."""
    return same(row, f"id creditMemoId paymentId {AUDIT}") | {"amount": row.apply_amount}
