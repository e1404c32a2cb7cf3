"""Billing accounts, their contacts and payment methods."""

from datetime import date
from decimal import Decimal

import msgspec

from sandbox.zuora.clock import Stamp
from sandbox.zuora.objects.record import Record


class Account(Record, frozen=True, kw_only=True, omit_defaults=True, rename="camel", gc=False):
    """A billing account.

    The balance is what is owed over all: posted invoices and debit memos less unapplied payments and credit memos.
    """

    account_number: str
    name: str
    status: str
    currency: str
    balance: Decimal
    total_invoice_balance: Decimal
    unapplied_balance: Decimal
    unapplied_credit_memo_amount: Decimal
    total_debit_memo_balance: Decimal
    credit_balance: Decimal | None = None
    additional_email_addresses: str | None = None
    allow_invoice_edit: bool | None = None
    auto_pay: bool | None = None
    batch: str | None = None
    bcd_setting_option: str | None = None
    bill_cycle_day: int | None = None
    bill_to_id: str | None = None
    communication_profile_id: str | None = None
    crm_id: str | None = None
    customer_service_rep_name: str | None = None
    default_payment_method_id: str | None = None
    e_invoice_profile_id: str | None = None
    invoice_template_id: str | None = None
    last_invoice_date: date | None = None
    mrr: Decimal | None = None
    notes: str | None = None
    organization_id: str | None = None
    parent_id: str | None = None
    partner_account: bool | None = None
    payment_gateway: str | None = None
    payment_term: str | None = None
    purchase_order_number: str | None = None
    sales_rep_name: str | None = None
    sequence_set_id: str | None = None
    ship_to_id: str | None = None
    sold_to_id: str | None = None
    tax_company_code: str | None = None
    tax_exempt_certificate_id: str | None = msgspec.field(default=None, name="taxExemptCertificateID")
    tax_exempt_effective_date: date | None = None
    tax_exempt_expiration_date: date | None = None
    tax_exempt_status: str | None = None
    vat_id: str | None = msgspec.field(default=None, name="vATId")


class Contact(Record, frozen=True, kw_only=True, omit_defaults=True, rename="camel", gc=False):
    """A person or desk of an account."""

    account_id: str
    first_name: str | None = None
    last_name: str | None = None
    nick_name: str | None = None
    address1: str | None = None
    address2: str | None = None
    city: str | None = None
    county: str | None = None
    state: str | None = None
    postal_code: str | None = None
    country: str | None = None
    description: str | None = None
    fax: str | None = None
    home_phone: str | None = None
    mobile_phone: str | None = None
    other_phone: str | None = None
    other_phone_type: str | None = None
    personal_email: str | None = None
    work_email: str | None = None
    work_phone: str | None = None
    tax_region: str | None = None


class PaymentMethod(Record, frozen=True, kw_only=True, omit_defaults=True, rename="camel", gc=False):
    """How an account pays: a card, a mandate, or a plain cheque or wire."""

    type: str
    account_id: str | None = None
    active: bool | None = None
    is_system: bool | None = None
    name: str | None = None
    sub_type: str | None = None
    payment_method_status: str | None = None
    bank_name: str | None = None
    bank_transfer_type: str | None = None
    bank_transfer_account_number_mask: str | None = None
    credit_card_type: str | None = None
    credit_card_mask_number: str | None = None
    credit_card_holder_name: str | None = None
    credit_card_expiration_month: int | None = None
    credit_card_expiration_year: int | None = None
    email: str | None = None
    iban: str | None = msgspec.field(default=None, name="iBAN")
    mandate_id: str | None = msgspec.field(default=None, name="mandateID")
    mandate_status: str | None = None
    last_transaction_date_time: Stamp | None = None
    last_transaction_status: str | None = None
