"""Who mends what: the person whom a reason's rule calls. The reason's next step says what that person does.

It is derived from the rule wherever a reason is shown, and stands in no event: what is in the log already has it too.
Source: reference/qad.md 4, ACCOUNTING 9.
"""

from collections.abc import Mapping
from typing import Literal

Mender = Literal["accountant", "QAD administrator", "Zuora administrator", "integration operator", "us"]

ACCOUNTANT: Mender = "accountant"
QAD_ADMINISTRATOR: Mender = "QAD administrator"
ZUORA_ADMINISTRATOR: Mender = "Zuora administrator"
OPERATOR: Mender = "integration operator"
US: Mender = "us"

_RULES: Mapping[Mender, tuple[str, ...]] = {
    ACCOUNTANT: (
        # Refusals of QAD, and what stands there otherwise.
        "period_closed",
        "gl_account",
        "customer",
        "exchange_rate",
        "open_item",
        "duplicate",
        "conflict",
        "unknown_no_look_up",
        "log_not_whole",
        "carried_or_not",
        "no_gl_entry",
        "never_entered",
        "gone_from_qad",
        "opening_elsewhere",
        "opening_not_found",
        "opening_undone",
        # Zuora's customers and documents.
        "no_customer",
        "customer_unfit",
        "other_connection",
        "given_to_other_connection",
        "taken_from_other_connection",
        "no_account",
        "total_mismatch",
        "tax_mismatch",
        "zero_total",
        "bad_amount",
        "posted_after_cut_over",
        "applications_mismatch",
        "not_supported",
        "refund_closes",
        "raised_by_hand",
        "credit_balance_short",
        "applied_otherwise",
        "customer_differs",
        "customer_not_held",
        "corrected_and_applied",
        # The mapping.
        "no_mapping",
        "unmapped_code",
        "no_deferral_rule",
        "no_daybook",
        "no_qad_tax_code",
        "clearing_not_zero",
        "gl_account_unfit",
        "period_not_defined",
    ),
    QAD_ADMINISTRATOR: (
        "daybook",
        "daybook_unfit",
        "currency",
        "currency_refused",
        "unbalanced",
        "locked",
        "changed_meanwhile",
        "periods_overlap",
        "customer_not_changed",
    ),
    ZUORA_ADMINISTRATOR: (
        "no_accounting_code",
        "no_deferred_code",
        "e_invoice_failed",
        "mark_refused",
        "mark_not_taken",
    ),
    OPERATOR: ("unclassified", "field", "no_such_kind", "account_claims", "mark_failed", "unreadable_record"),
    US: ("crashed", "not_sendable", "unknown_value"),
}
_WHO: Mapping[str, Mender] = {rule: who for who, rules in _RULES.items() for rule in rules}


def who_mends(rule: str) -> Mender | None:
    """Return whom a rule calls, None where nobody need act: it goes on by itself, or is no fault."""
    return _WHO.get(rule)
