"""Invoices, their items and the taxation items of these."""

from datetime import date
from decimal import Decimal

import msgspec

from sandbox.zuora.clock import Stamp
from sandbox.zuora.objects.record import Record


class Invoice(Record, frozen=True, kw_only=True, omit_defaults=True, rename="camel", gc=False):
    """An invoice; balance = amount - payments - credit memos, and moves without anybody touching the invoice."""

    account_id: str
    invoice_number: str
    status: str
    currency: str
    invoice_date: date
    due_date: date
    amount: Decimal
    amount_without_tax: Decimal
    tax_amount: Decimal
    balance: Decimal
    adjustment_amount: Decimal | None = None
    auto_pay: bool | None = None
    bill_to_contact_id: str | None = None
    bill_to_contact_snapshot_id: str | None = None
    comments: str | None = None
    communication_profile_id: str | None = None
    credit_balance_adjustment_amount: Decimal | None = None
    credit_memo_amount: Decimal | None = None
    e_invoice_status: str | None = None
    e_invoice_file_id: str | None = None
    e_invoice_error_code: str | None = None
    e_invoice_error_message: str | None = None
    includes_one_time: bool | None = None
    includes_recurring: bool | None = None
    includes_usage: bool | None = None
    invoice_group_number: str | None = None
    is_split: bool | None = None
    last_email_sent_date: Stamp | None = None
    organization_id: str | None = None
    payment_amount: Decimal | None = None
    payment_link: str | None = None
    payment_term: str | None = None
    posted_by: str | None = None
    posted_date: Stamp | None = None
    refund_amount: Decimal | None = None
    reversed: bool | None = None
    sequence_set_id: str | None = None
    ship_to_contact_id: str | None = None
    sold_to_contact_id: str | None = None
    source: str | None = None
    source_id: str | None = None
    source_type: str | None = None
    target_date: date | None = None
    tax_exempt_amount: Decimal | None = None
    tax_message: str | None = None
    tax_status: str | None = None
    template_id: str | None = None
    transferred_to_accounting: str | None = None


class InvoiceItem(Record, frozen=True, kw_only=True, omit_defaults=True, rename="camel", gc=False):
    """One charge on an invoice; `charge_amount` is without tax in both tax modes."""

    invoice_id: str
    account_id: str
    charge_amount: Decimal
    tax_amount: Decimal
    accounting_code: str | None = None
    applied_to_invoice_item_id: str | None = None
    booking_reference: str | None = None
    charge_date: Stamp | None = None
    charge_name: str | None = None
    charge_number: str | None = None
    commitment_id: str | None = None
    description: str | None = None
    discount_amount: Decimal | None = None
    exclude_item_billing_from_revenue_accounting: bool | None = None
    fulfillment_id: str | None = None
    item_ship_to_contact_id: str | None = None
    item_sold_to_contact_id: str | None = None
    item_type: str | None = None
    number_of_deliveries: Decimal | None = None
    order_line_item_id: str | None = None
    processing_type: str | None = None
    product_id: str | None = None
    product_rate_plan_id: str | None = None
    product_rate_plan_charge_id: str | None = None
    purchase_order_number: str | None = None
    quantity: Decimal | None = None
    rate_plan_charge_id: str | None = None
    reflect_discount_in_net_amount: bool | None = None
    rev_rec_code: str | None = None
    rev_rec_start_date: date | None = None
    rev_rec_trigger_condition: str | None = None
    revenue_recognition_rule_name: str | None = None
    service_end_date: date | None = None
    service_start_date: date | None = None
    sku: str | None = msgspec.field(default=None, name="sKU")
    source_item_type: str | None = None
    subscription_id: str | None = None
    subscription_number: str | None = None
    subscription_owner_id: str | None = None
    tax_code: str | None = None
    tax_exempt_amount: Decimal | None = None
    tax_mode: str | None = None
    unit_of_measure: str | None = msgspec.field(default=None, name="uOM")
    unit_price: Decimal | None = None
    account_receivable_accounting_code_id: str | None = None
    adjustment_liability_accounting_code_id: str | None = None
    adjustment_revenue_accounting_code_id: str | None = None
    contract_asset_accounting_code_id: str | None = None
    contract_liability_accounting_code_id: str | None = None
    contract_recognized_revenue_accounting_code_id: str | None = None
    deferred_revenue_accounting_code_id: str | None = None
    recognized_revenue_accounting_code_id: str | None = None
    unbilled_receivables_accounting_code_id: str | None = None
    journal_entry_id: str | None = None


class TaxationItem(Record, frozen=True, kw_only=True, omit_defaults=True, rename="camel", gc=False):
    """One tax on one invoice item."""

    invoice_item_id: str
    tax_amount: Decimal
    accounting_code: str | None = None
    account_receivable_accounting_code_id: str | None = None
    country_code: str | None = None
    credit_amount: Decimal | None = None
    customer_code: str | None = None
    exempt_amount: Decimal | None = None
    exempt_certificate: str | None = None
    journal_entry_id: str | None = None
    jurisdiction: str | None = None
    location_code: str | None = None
    name: str | None = None
    payment_amount: Decimal | None = None
    sales_tax_payable_accounting_code_id: str | None = None
    seller_registration: str | None = None
    tax_amount_unrounded: Decimal | None = None
    tax_code: str | None = None
    tax_code_description: str | None = None
    tax_date: date | None = None
    tax_mode: str | None = None
    tax_rate: Decimal | None = None
    tax_rate_description: str | None = None
    tax_rate_type: str | None = None
    taxable_amount: Decimal | None = None
