"""Creates and changes business relations, customers and the domain records of customers.

A change names the hash of the record that it was read from, so that nobody overwrites what another has changed
since. A new customer gets an empty record in each domain of its shared set; until that is filled the customer is
incomplete.
"""

import hashlib
from collections.abc import Callable, Container, Iterable
from functools import partial
from typing import TypeVar

import msgspec
from msgspec import Struct, structs

from sandbox.qad.books.errors import Code, Findings, refuse, settled
from sandbox.qad.books.master import BusinessRelation, Catalogue, Customer, Master, Operations, Record

_Record = TypeVar("_Record", bound=Record)

_CODE_LENGTH = 8
_LENGTHS = {
    "customer_code": _CODE_LENGTH,
    "business_relation_code": 20,
    "business_relation_name": 36,
    "search_name": 28,
    "currency_code": 3,
    "custom_short_0": 20,
    "custom_short_1": 20,
    "custom_long_0": 255,
}
_CUSTOMER_MANDATORY = (
    "business_relation_code",
    "currency_code",
    "credit_terms_code",
    "invoice_status_code",
    "invoice_control_gl_profile_code",
    "credit_note_control_gl_profile_code",
    "pre_payment_control_gl_profile_code",
    "sales_account_gl_profile_code",
)


class BusinessRelationChange(Struct, frozen=True, kw_only=True):
    """What a caller says of a business relation; None is left as it is."""

    business_relation_code: str = ""
    business_relation_name: str | None = None
    search_name: str | None = None
    is_active: bool | None = None
    street: str | None = None
    postal_code: str | None = None
    city: str | None = None
    state_code: str | None = None
    country_code: str | None = None
    email: str | None = None
    tax_id: str | None = None
    concurrency_hash: str = ""


class CustomerChange(Struct, frozen=True, kw_only=True):
    """What a caller says of a customer; None is left as it is."""

    shared_set_code: str = ""
    customer_code: str = ""
    business_relation_code: str | None = None
    currency_code: str | None = None
    credit_terms_code: str | None = None
    invoice_status_code: str | None = None
    invoice_control_gl_profile_code: str | None = None
    credit_note_control_gl_profile_code: str | None = None
    pre_payment_control_gl_profile_code: str | None = None
    sales_account_gl_profile_code: str | None = None
    is_active: bool | None = None
    is_locked_credit_limit: bool | None = None
    is_taxable: bool | None = None
    tax_zone: str | None = None
    tax_class: str | None = None
    tax_usage: str | None = None
    bill_to_customer_code: str | None = None
    customer_type_code: str | None = None
    custom_short_0: str | None = None
    custom_short_1: str | None = None
    custom_long_0: str | None = None
    concurrency_hash: str = ""


class OperationsChange(Struct, frozen=True, kw_only=True):
    """What a caller says of a customer's domain record; None is left as it is."""

    domain_code: str = ""
    customer_code: str = ""
    site_code: str | None = None
    daybook_set_code: str | None = None
    concurrency_hash: str = ""


class Pending(Struct, frozen=True, kw_only=True):
    """A checked record that is not stored yet, so that several of one call stand or fall together."""

    record: Record
    store: Callable[[], None]


def concurrency_hash(record: Record) -> str:
    """Return what changes whenever the record does."""
    return hashlib.sha256(msgspec.json.encode(record)).hexdigest()[:32]


def prepare_business_relation(master: Master, change: BusinessRelationChange, *, is_update: bool) -> Pending:
    """Check a new or changed business relation.

    Raises:
        Refused: where it is there already or is not there, was changed since, or breaks a rule.
    """
    code = change.business_relation_code
    known = master.business_relations.get(code)
    _check_known(known, "business_relation_code", code, hash_read=change.concurrency_hash, is_update=is_update)
    blank = BusinessRelation(business_relation_code=code, business_relation_name="", search_name="")
    record = _merged(known or blank, change)
    findings = Findings()
    _check_texts(findings, record, ("business_relation_code", "business_relation_name", "search_name"))
    findings.raise_if_any()
    return Pending(record=record, store=partial(master.business_relations.__setitem__, code, record))


def prepare_customer(master: Master, catalogue: Catalogue, change: CustomerChange, *, is_update: bool) -> Pending:
    """Check a new or changed customer of a shared set; a blank code is numbered.

    Raises:
        Refused: where it is there already or is not there, was changed since, or breaks a rule.
    """
    code = change.customer_code or _next_code(catalogue)
    known = catalogue.customers.get(code)
    _check_known(known, "customer_code", code, hash_read=change.concurrency_hash, is_update=is_update)
    record = structs.replace(_merged(known or _blank_customer(), change), customer_code=code)
    findings = Findings()
    _check_texts(findings, record, _CUSTOMER_MANDATORY)
    _check_references(findings, master, catalogue, record)
    findings.raise_if_any()
    if known is None:
        shared_set = catalogue.shared_set_code
        domains = {one.domain_code for one in master.entities.values() if one.shared_set_code == shared_set}
        record.operations = {domain: Operations() for domain in sorted(domains)}
    return Pending(record=record, store=partial(catalogue.customers.__setitem__, code, record))


def prepare_operations(catalogue: Catalogue, change: OperationsChange) -> Pending:
    """Check a change of the domain record of a customer.

    Raises:
        Refused: where there is none, or it was changed since.
    """
    customer = catalogue.customers.get(change.customer_code)
    known = customer.operations.get(change.domain_code) if customer else None
    _check_known(known, "customer_code", change.customer_code, hash_read=change.concurrency_hash, is_update=True)
    record = _merged(settled(known), change)
    operations = settled(customer).operations
    return Pending(record=record, store=partial(operations.__setitem__, change.domain_code, record))


def _check_known(known: Record | None, field: str, code: str, *, hash_read: str, is_update: bool) -> None:
    if not is_update:
        if known is not None:
            raise refuse(Code.ALREADY_EXISTS, field, code, f"Record {code} already exists.")
    elif known is None:
        raise refuse(Code.NOT_FOUND, field, code, f"Record {code} does not exist.")
    elif hash_read != concurrency_hash(known):
        message = f"Record {code} was changed by another user since it was read."
        raise refuse(Code.OPTIMISTIC_LOCK, "concurrency_hash", hash_read, message)


def _merged(record: _Record, change: Struct) -> _Record:
    """Return the record with what the change says."""
    said = {name: getattr(change, name, None) for name in record.__struct_fields__}
    said = {name: value for name, value in said.items() if value is not None}
    return structs.replace(record, **said)


def _blank_customer() -> Customer:
    return Customer(
        customer_code="",
        business_relation_code="",
        currency_code="",
        credit_terms_code="",
        invoice_status_code="",
        invoice_control_gl_profile_code="",
        credit_note_control_gl_profile_code="",
        pre_payment_control_gl_profile_code="",
        sales_account_gl_profile_code="",
    )


def _next_code(catalogue: Catalogue) -> str:
    number = len(catalogue.customers) + 1
    while f"{number:0{_CODE_LENGTH}}" in catalogue.customers:
        number += 1
    return f"{number:0{_CODE_LENGTH}}"


def _check_texts(findings: Findings, record: Record, mandatory: Iterable[str]) -> None:
    for field in mandatory:
        if not getattr(record, field).strip():
            findings.add(Code.FIELD_REQUIRED, field, "", f"Field {field.replace('_', ' ')} is mandatory.")
    for field, length in _LENGTHS.items():
        value = getattr(record, field, "")
        if len(value) > length:
            findings.add(Code.FIELD_TOO_LONG, field, value, f"Field length should be less than {length + 1}.")


def _check_references(findings: Findings, master: Master, catalogue: Catalogue, customer: Customer) -> None:
    """Check that the codes of a customer lead somewhere; blank ones are noted as mandatory."""
    known: tuple[tuple[str, Container[str], Code], ...] = (
        ("business_relation_code", master.business_relations, Code.BUSINESS_RELATION_UNKNOWN),
        ("currency_code", master.currencies, Code.CURRENCY_UNKNOWN),
        ("credit_terms_code", master.credit_terms, Code.CREDIT_TERMS_UNKNOWN),
        ("invoice_control_gl_profile_code", catalogue.control_profiles, Code.PROFILE_UNKNOWN),
        ("credit_note_control_gl_profile_code", catalogue.control_profiles, Code.PROFILE_UNKNOWN),
        ("pre_payment_control_gl_profile_code", catalogue.control_profiles, Code.PROFILE_UNKNOWN),
    )
    for field, codes, code in known:
        value = getattr(customer, field)
        if value and value not in codes:
            findings.add(code, field, value, f"{field.removesuffix('_code').replace('_', ' ')} {value} does not exist.")
