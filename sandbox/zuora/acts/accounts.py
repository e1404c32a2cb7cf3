"""Acts on billing accounts, contacts and payment methods, and the one place where account balances move."""

from datetime import date
from decimal import Decimal
from typing import Any

import msgspec

from sandbox.zuora.acts.documents import in_status
from sandbox.zuora.acts.registry import act
from sandbox.zuora.money import ZERO
from sandbox.zuora.objects import Account, Contact, PaymentMethod
from sandbox.zuora.refusal import invalid_value
from sandbox.zuora.tenant import Tenant

RESOURCE = 587_300


class NewContact(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A contact to be created; names are Python's, custom fields are written as the tenant named them."""

    last_name: str
    first_name: str = ""
    country: str | None = None
    state: str | None = None
    city: str | None = None
    postal_code: str | None = None
    address1: str | None = None
    address2: str | None = None
    county: str | None = None
    work_email: str | None = None
    personal_email: str | None = None
    work_phone: str | None = None
    mobile_phone: str | None = None
    tax_region: str | None = None
    custom: dict[str, str] = {}


class NewPaymentMethod(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A payment method to be created, of one of Zuora's types: CreditCard, BankTransfer, ACH, Check, Other ..."""

    type: str
    name: str | None = None
    sub_type: str | None = None
    bank_name: str | None = None
    bank_transfer_type: str | None = None
    bank_transfer_account_number_mask: str | None = None
    credit_card_type: str | None = None
    credit_card_mask_number: str | None = None
    credit_card_holder_name: str | None = None
    credit_card_expiration_month: int | None = None
    credit_card_expiration_year: int | None = None
    email: str | None = None
    iban: str | None = None
    mandate_id: str | None = None
    is_system: bool = False


class NewAccount(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A billing account to be created.

    Attributes:
        account_number: Given or, when absent, the next of A-00000001 ...
        payment_term: Text such as "Net 30" or "Due Upon Receipt"; the due dates of invoices follow it.
        parent: Id or number of the parent account.
        entity: Entity that it lies in; the tenant's main one unless given.
        bill_to: Contact that pays; sold-to and ship-to are the same unless given.
        payment_methods: The first is the default one.
        e_invoice_profile_id: Its e-invoice profile: e-invoices are made of what is billed to it.
        custom: Custom fields as the tenant named them, for example `QADCustomer__c`; unknown ones are defined, indexed.
    """

    name: str
    currency: str = "USD"
    account_number: str | None = None
    status: str = "Active"
    payment_term: str = "Net 30"
    parent: str | None = None
    entity: str | None = None
    organization_id: str | None = None
    batch: str = "Batch1"
    bill_cycle_day: int = 1
    auto_pay: bool = False
    crm_id: str | None = None
    notes: str | None = None
    vat_id: str | None = None
    tax_company_code: str | None = None
    tax_exempt_status: str | None = None
    purchase_order_number: str | None = None
    communication_profile_id: str | None = None
    sequence_set_id: str | None = None
    invoice_template_id: str | None = None
    payment_gateway: str | None = None
    e_invoice_profile_id: str | None = None
    bill_to: NewContact | None = None
    sold_to: NewContact | None = None
    ship_to: NewContact | None = None
    payment_methods: list[NewPaymentMethod] = []
    custom: dict[str, str] = {}


def keep_custom(tenant: Tenant, object_name: str, custom: dict[str, str]) -> dict[str, str] | None:
    """Return the custom fields for a row, defining those that the tenant does not know yet."""
    for name in custom:
        if not name.endswith(("__c", "__NS")):
            raise invalid_value(f"Custom field names end with __c or __NS: {name}", resource=RESOURCE)
        tenant.define_custom_field(object_name, name)
    return dict(custom) or None


# What becomes of these is said by itself; all others stand on the account as they are given.
_OWN_FIELDS = ("account_number", "parent", "entity", "bill_to", "sold_to", "ship_to", "payment_methods", "custom")


@act
def create_account(tenant: Tenant, *, request: NewAccount) -> Account:
    """Create a billing account with its contacts and payment methods."""
    number = request.account_number or tenant.next_number("A-")
    if tenant.accounts.find(number) is not None:
        raise invalid_value(f"Account number {number} is already used", resource=RESOURCE)
    plain = {name: value for name, value in msgspec.structs.asdict(request).items() if name not in _OWN_FIELDS}
    account = tenant.create(
        Account,
        account_number=number,
        parent_id=tenant.get(Account, request.parent).id if request.parent else None,
        balance=ZERO,
        total_invoice_balance=ZERO,
        unapplied_balance=ZERO,
        unapplied_credit_memo_amount=ZERO,
        total_debit_memo_balance=ZERO,
        credit_balance=ZERO,
        mrr=ZERO,
        allow_invoice_edit=True,
        bcd_setting_option="ManualSet",
        custom=keep_custom(tenant, "Account", request.custom),
        **plain,
    )
    if request.entity:
        tenant.entities[account.id] = request.entity
    return tenant.change(account, **_attachments(tenant, account, request))


def _attachments(tenant: Tenant, account: Account, request: NewAccount) -> dict[str, Any]:
    bill_to = _create_contact(tenant, account, request.bill_to) if request.bill_to else None
    sold_to = _create_contact(tenant, account, request.sold_to) if request.sold_to else bill_to
    ship_to = _create_contact(tenant, account, request.ship_to) if request.ship_to else sold_to
    methods = [_create_payment_method(tenant, account, method) for method in request.payment_methods]
    return {
        "bill_to_id": bill_to.id if bill_to else None,
        "sold_to_id": sold_to.id if sold_to else None,
        "ship_to_id": ship_to.id if ship_to else None,
        "default_payment_method_id": methods[0].id if methods else None,
    }


def _create_contact(tenant: Tenant, account: Account, request: NewContact) -> Contact:
    fields = msgspec.structs.asdict(request)
    fields["custom"] = keep_custom(tenant, "Contact", request.custom)
    return tenant.create(Contact, account_id=account.id, **fields)


def _create_payment_method(tenant: Tenant, account: Account, request: NewPaymentMethod) -> PaymentMethod:
    return tenant.create(
        PaymentMethod,
        account_id=account.id,
        active=True,
        payment_method_status="Active",
        **msgspec.structs.asdict(request),
    )


@act
def add_payment_method(tenant: Tenant, *, account: str, method: NewPaymentMethod) -> PaymentMethod:
    """Give an account another payment method."""
    return _create_payment_method(tenant, tenant.get(Account, account), method)


@act
def update_account(
    tenant: Tenant,
    *,
    account: str,
    name: str | None = None,
    status: str | None = None,
    payment_term: str | None = None,
    parent: str | None = None,
    organization_id: str | None = None,
    vat_id: str | None = None,
    notes: str | None = None,
    crm_id: str | None = None,
    communication_profile_id: str | None = None,
    e_invoice_profile_id: str | None = None,
    bill_to: NewContact | None = None,
    custom: dict[str, str | None] | None = None,
) -> Account:
    """Change what is given of an account, its bill-to contact for a new one.

    A custom field set to null is cleared, and so is an e-invoice profile set to "".
    """
    row = tenant.get(Account, account)
    given = {
        "name": name,
        "status": status,
        "payment_term": payment_term,
        "parent_id": tenant.get(Account, parent).id if parent else None,
        "organization_id": organization_id,
        "vat_id": vat_id,
        "notes": notes,
        "crm_id": crm_id,
        "communication_profile_id": communication_profile_id,
        "bill_to_id": _create_contact(tenant, row, bill_to).id if bill_to else None,
    }
    changes: dict[str, Any] = {field: value for field, value in given.items() if value is not None}
    if e_invoice_profile_id is not None:
        changes["e_invoice_profile_id"] = e_invoice_profile_id or None
    kept = {**(row.custom or {}), **(custom or {})}
    changes["custom"] = keep_custom(tenant, "Account", {key: value for key, value in kept.items() if value is not None})
    return tenant.change(row, **changes)


@act
def update_contact(
    tenant: Tenant,
    *,
    contact: str,
    first_name: str | None = None,
    last_name: str | None = None,
    address1: str | None = None,
    address2: str | None = None,
    city: str | None = None,
    county: str | None = None,
    state: str | None = None,
    postal_code: str | None = None,
    country: str | None = None,
    tax_region: str | None = None,
    work_email: str | None = None,
    work_phone: str | None = None,
) -> Contact:
    """Change what is given of a contact; the tenant's switches say whether that shows in the stamp of its accounts."""
    given = {
        "first_name": first_name,
        "last_name": last_name,
        "address1": address1,
        "address2": address2,
        "city": city,
        "county": county,
        "state": state,
        "postal_code": postal_code,
        "country": country,
        "tax_region": tax_region,
        "work_email": work_email,
        "work_phone": work_phone,
    }
    changes: dict[str, Any] = {field: value for field, value in given.items() if value is not None}
    changed = tenant.change(tenant.get(Contact, contact), **changes)
    if tenant.settings.contact_moves_account:
        for account in [row for row in tenant.accounts.latest.values() if row.bill_to_id == changed.id]:
            tenant.change(account)
    return changed


def active_account(tenant: Tenant, key: str) -> Account:
    """Return an account that may be billed, or refuse."""
    return in_status(tenant, Account, key, "Active", resource=RESOURCE)


def move_balance(
    tenant: Tenant,
    account_id: str | None,
    *,
    invoices: Decimal = ZERO,
    debit_memos: Decimal = ZERO,
    unapplied_payments: Decimal = ZERO,
    unapplied_credits: Decimal = ZERO,
    credit_balance: Decimal = ZERO,
    invoiced_on: date | None = None,
) -> None:
    """Move what an account owes and has open; nothing moves for money without an account."""
    if account_id is None:
        return
    account = tenant.get(Account, account_id)
    owed = account.total_invoice_balance + invoices
    debited = account.total_debit_memo_balance + debit_memos
    unapplied = account.unapplied_balance + unapplied_payments
    credits_open = account.unapplied_credit_memo_amount + unapplied_credits
    on_account = (account.credit_balance or ZERO) + credit_balance
    changes: dict[str, Any] = {
        "total_invoice_balance": owed,
        "total_debit_memo_balance": debited,
        "unapplied_balance": unapplied,
        "unapplied_credit_memo_amount": credits_open,
        "balance": owed + debited - unapplied - credits_open - on_account,
    }
    if credit_balance:
        changes["credit_balance"] = on_account
    if invoiced_on is not None:
        changes["last_invoice_date"] = max(invoiced_on, account.last_invoice_date or invoiced_on)
    tenant.change(account, balance_only=True, **changes)
