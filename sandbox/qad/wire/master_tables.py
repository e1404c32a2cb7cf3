"""The tables of master data: customers with their relations and control accounts, and the lists of a shared set."""

from operator import attrgetter
from typing import NamedTuple

from msgspec import Struct

from sandbox.qad.books.checks import missing_of
from sandbox.qad.books.master import (
    AnalysisCode,
    BusinessRelation,
    CreditTerms,
    Currency,
    Customer,
    Daybook,
    ExchangeRate,
    GlAccount,
    Operations,
    Period,
)
from sandbox.qad.books.parties import concurrency_hash
from sandbox.qad.wire.columns import Column, Table, Type, View, column, entity_column, fields_of


class OperationsRow(NamedTuple):
    """The domain record of a customer, with what it is read by."""

    domain_code: str
    customer_code: str
    record: Operations


def _relation(field: str) -> Column:
    def read(view: View, customer: Customer) -> str:
        relation = view.master.business_relations.get(customer.business_relation_code)
        return getattr(relation, field, "")

    return Column(Type.TEXT, read)


def _control_account(profile: str) -> Column:
    def read(view: View, customer: Customer) -> str:
        found = view.catalogue.control_profiles.get(getattr(customer, profile))
        return found.gl_account_code if found else ""

    return Column(Type.TEXT, read)


def _is_complete(view: View, customer: Customer) -> bool:
    return not missing_of(customer, view.master, view.catalogue, view.entity.domain_code)


_HASH = Column(Type.TEXT, lambda _view, record: concurrency_hash(record))


def _listed(mapping: str, record: type[Struct]) -> Table:
    """Return a table of the shared set whose records lie in a mapping."""
    read = attrgetter(mapping)
    return Table(columns=fields_of(record), rows=lambda view: list(read(view).values()))


MASTER_TABLES: dict[str, Table] = {
    "customers": Table(
        columns={
            **fields_of(Customer),
            "shared_set_code": Column(Type.TEXT, lambda view, _row: view.catalogue.shared_set_code),
            "concurrency_hash": _HASH,
            "is_complete": Column(Type.FLAG, _is_complete),
            "invoice_control_gl_account_code": _control_account("invoice_control_gl_profile_code"),
            "credit_note_control_gl_account_code": _control_account("credit_note_control_gl_profile_code"),
            "pre_payment_control_gl_account_code": _control_account("pre_payment_control_gl_profile_code"),
            **{
                name: _relation(name)
                for name in (
                    "business_relation_name",
                    "search_name",
                    "street",
                    "postal_code",
                    "city",
                    "state_code",
                    "country_code",
                    "email",
                    "tax_id",
                )
            },
        },
        rows=lambda view: list(view.catalogue.customers.values()),
        lookups={
            "customer_code": lambda view, text: [
                one for code, one in view.catalogue.customers.items() if code.casefold() == text.casefold()
            ]
        },
    ),
    "business_relations": Table(
        columns={**fields_of(BusinessRelation), "concurrency_hash": _HASH},
        rows=lambda view: list(view.master.business_relations.values()),
    ),
    "operations": Table(
        columns={
            "domain_code": column(Type.TEXT, "domain_code"),
            "customer_code": column(Type.TEXT, "customer_code"),
            **fields_of(Operations, "record."),
            "concurrency_hash": Column(Type.TEXT, lambda _view, row: concurrency_hash(row.record)),
        },
        rows=lambda view: [
            OperationsRow(domain, customer.customer_code, record)
            for customer in view.catalogue.customers.values()
            for domain, record in customer.operations.items()
        ],
    ),
    "currencies": _listed("master.currencies", Currency),
    "credit_terms": _listed("master.credit_terms", CreditTerms),
    "gl_accounts": _listed("catalogue.gl_accounts", GlAccount),
    "sub_accounts": _listed("catalogue.sub_accounts", AnalysisCode),
    "cost_centres": _listed("catalogue.cost_centres", AnalysisCode),
    "projects": _listed("catalogue.projects", AnalysisCode),
    "daybooks": _listed("catalogue.daybooks", Daybook),
    "periods": Table(
        columns={**fields_of(Period), "entity_code": entity_column()}, rows=lambda view: view.entity.periods
    ),
    "exchange_rates": Table(columns=fields_of(ExchangeRate), rows=lambda view: view.catalogue.exchange_rates),
}
