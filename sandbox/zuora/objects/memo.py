"""Credit memos with their items, taxes, applications and parts, and debit memos with their items."""

from datetime import date
from decimal import Decimal

from sandbox.zuora.clock import Stamp
from sandbox.zuora.objects.record import Record


class Memo(Record, frozen=True, kw_only=True, omit_defaults=True, rename="camel", gc=False):
    """What credit memos and debit memos share."""

    account_id: str
    memo_number: str
    memo_date: date
    status: str
    currency: str
    total_amount: Decimal
    total_amount_without_tax: Decimal
    tax_amount: Decimal
    balance: Decimal
    bill_to_contact_id: str | None = None
    cancelled_by_id: str | None = None
    cancelled_on: Stamp | None = None
    comments: str | None = None
    communication_profile_id: str | None = None
    discount_amount: Decimal | None = None
    e_invoice_status: str | None = None
    e_invoice_file_id: str | None = None
    exchange_rate_date: date | None = None
    invoice_group_number: str | None = None
    invoice_id: str | None = None
    posted_by_id: str | None = None
    posted_on: Stamp | None = None
    reason_code: str | None = None
    sequence_set_id: str | None = None
    source: str | None = None
    source_type: str | None = None
    target_date: date | None = None
    tax_auto_calculation: bool | None = None
    tax_message: str | None = None
    tax_status: str | None = None
    total_tax_exempt_amount: Decimal | None = None
    transferred_to_accounting: str | None = None


class CreditMemo(Memo, frozen=True, kw_only=True, omit_defaults=True, rename="camel", gc=False):
    """A credit memo; balance = total - applied - refunded. `invoice_id` is the invoice that it refers to."""

    applied_amount: Decimal
    refund_amount: Decimal
    auto_apply_upon_posting: bool | None = None
    debit_memo_id: str | None = None
    exclude_from_auto_apply_rules: bool | None = None
    revenue_impacting: str | None = None
    reversed: bool | None = None
    source_id: str | None = None


class DebitMemo(Memo, frozen=True, kw_only=True, omit_defaults=True, rename="camel", gc=False):
    """A debit memo: an invoice in all but name."""

    due_date: date | None = None
    auto_pay: bool | None = None
    credit_memo_id: str | None = None
    payment_term: str | None = None
    referred_debit_memo_id: str | None = None


class MemoItem(Record, frozen=True, kw_only=True, omit_defaults=True, rename="camel", gc=False):
    """What the items of both memos share; `amount` holds the tax when the mode is TaxInclusive."""

    amount: Decimal
    amount_without_tax: Decimal
    tax_amount: Decimal
    applied_to_item_id: str | None = None
    applied_to_others_amount: Decimal | None = None
    be_applied_by_others_amount: Decimal | None = None
    charge_date: Stamp | None = None
    charge_name: str | None = None
    charge_number: str | None = None
    description: str | None = None
    exclude_item_billing_from_revenue_accounting: bool | None = None
    invoice_item_id: str | None = None
    processing_type: str | None = None
    product_rate_plan_charge_id: str | None = None
    quantity: Decimal | None = None
    rate_plan_charge_id: str | None = None
    reflect_discount_in_net_amount: bool | None = None
    service_end_date: date | None = None
    service_start_date: date | None = None
    sku: str | None = None
    source_item_type: str | None = None
    subscription_id: str | None = None
    subscription_number: str | None = None
    subscription_owner_id: str | None = None
    tax_code_name: str | None = None
    tax_exempt_amount: Decimal | None = None
    tax_mode: str | None = None
    unit_of_measure: str | None = None
    unit_price: Decimal | None = None
    account_receivable_accounting_code_id: str | None = None
    deferred_revenue_accounting_code_id: str | None = None
    recognized_revenue_accounting_code_id: str | None = None
    journal_entry_id: str | None = None


class CreditMemoItem(MemoItem, frozen=True, kw_only=True, omit_defaults=True, rename="camel", gc=False):
    """One line of a credit memo."""

    credit_memo_id: str
    commitment_id: str | None = None
    credit_from_item_id: str | None = None
    credit_from_item_source: str | None = None
    fulfillment_id: str | None = None
    item_type: str | None = None
    non_revenue_write_off_accounting_code_id: str | None = None
    on_account_accounting_code_id: str | None = None
    order_line_item_id: str | None = None
    purchase_order_number: str | None = None
    revenue_impacting: str | None = None
    revenue_recognition_rule_name: str | None = None
    unapplied_amount: Decimal | None = None


class DebitMemoItem(MemoItem, frozen=True, kw_only=True, omit_defaults=True, rename="camel", gc=False):
    """One line of a debit memo."""

    debit_memo_id: str
    balance: Decimal | None = None
    credit_memo_item_id: str | None = None


class CreditTaxationItem(Record, frozen=True, kw_only=True, omit_defaults=True, rename="camel", gc=False):
    """One tax on one credit memo item."""

    credit_memo_item_id: str
    tax_amount: Decimal
    accounting_code: str | None = None
    account_receivable_accounting_code_id: str | None = None
    applied_amount: Decimal | None = None
    exempt_amount: Decimal | None = None
    jurisdiction: str | None = None
    location_code: str | None = None
    name: str | None = None
    on_account_accounting_code_id: str | None = None
    refund_amount: Decimal | None = None
    sales_tax_payable_accounting_code_id: str | None = None
    tax_code: str | None = None
    tax_code_description: str | None = None
    tax_date: date | None = None
    tax_mode: str | None = None
    tax_rate: Decimal | None = None
    tax_rate_description: str | None = None
    tax_rate_type: str | None = None
    taxable_amount: Decimal | None = None
    taxation_item_id: str | None = None
    unapplied_amount: Decimal | None = None


class DebitTaxationItem(Record, frozen=True, kw_only=True, omit_defaults=True, rename="camel", gc=False):
    """One tax on one debit memo item."""

    debit_memo_item_id: str
    tax_amount: Decimal
    accounting_code: str | None = None
    account_receivable_accounting_code_id: str | None = None
    balance: Decimal | None = None
    credit_amount: Decimal | None = None
    exempt_amount: Decimal | None = None
    jurisdiction: str | None = None
    location_code: str | None = None
    name: str | None = None
    payment_amount: Decimal | None = None
    sales_tax_payable_accounting_code_id: str | None = None
    tax_code: str | None = None
    tax_code_description: str | None = None
    tax_date: date | None = None
    tax_mode: str | None = None
    tax_rate: Decimal | None = None
    tax_rate_description: str | None = None
    tax_rate_type: str | None = None
    taxable_amount: Decimal | None = None
    taxation_item_id: str | None = None


class CreditMemoApplication(Record, frozen=True, kw_only=True, omit_defaults=True, rename="camel", gc=False):
    """One application of a credit memo, or its undoing: rows are history and are never changed."""

    credit_memo_id: str
    account_id: str
    amount: Decimal
    effective_date: date
    application_group_id: str
    invoice_id: str | None = None
    debit_memo_id: str | None = None


class CreditMemoPart(Record, frozen=True, kw_only=True, omit_defaults=True, rename="camel", gc=False):
    """How much of a credit memo lies on one document now; without a document, how much is unapplied."""

    credit_memo_id: str
    account_id: str
    amount: Decimal
    invoice_id: str | None = None
    debit_memo_id: str | None = None
