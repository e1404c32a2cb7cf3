"""Acts on accounting codes and periods, and the questions that documents ask of them."""

from datetime import date

import msgspec

from sandbox.zuora.acts.registry import act
from sandbox.zuora.objects import CODE_CATEGORIES, AccountingCode, AccountingPeriod
from sandbox.zuora.refusal import broken_rule, invalid_value
from sandbox.zuora.tenant import Tenant

CODE_RESOURCE = 587_401
PERIOD_RESOURCE = 587_402


class NewAccountingCode(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An accounting code to be created; the type is one of Zuora's, the GL account is text."""

    name: str
    type: str
    gl_account_name: str | None = None
    gl_account_number: str | None = None
    notes: str | None = None
    status: str = "Active"


class NewAccountingPeriod(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An accounting period to be created."""

    name: str
    start_date: date
    end_date: date
    fiscal_year: str
    fiscal_quarter: int | None = None
    status: str = "Open"
    notes: str | None = None


@act
def create_accounting_code(tenant: Tenant, *, request: NewAccountingCode) -> AccountingCode:
    """Create an accounting code."""
    if request.type not in CODE_CATEGORIES:
        raise invalid_value(f"Invalid accounting code type: {request.type}", resource=CODE_RESOURCE)
    if tenant.accounting_codes.find(request.name) is not None:
        raise invalid_value(f"Accounting code {request.name} already exists", resource=CODE_RESOURCE)
    fields = msgspec.structs.asdict(request)
    return tenant.create(AccountingCode, category=CODE_CATEGORIES[request.type], **fields)


@act
def update_accounting_code(
    tenant: Tenant, *, accounting_code: str, gl_account_name: str, gl_account_number: str, status: str = "Active"
) -> AccountingCode:
    """Give an accounting code another GL account, or deactivate it."""
    row = tenant.get(AccountingCode, accounting_code)
    return tenant.change(row, gl_account_name=gl_account_name, gl_account_number=gl_account_number, status=status)


@act
def create_accounting_period(tenant: Tenant, *, request: NewAccountingPeriod) -> AccountingPeriod:
    """Create an accounting period."""
    if request.end_date < request.start_date:
        raise invalid_value("The end date of a period is before its start date", resource=PERIOD_RESOURCE)
    return tenant.create(AccountingPeriod, **msgspec.structs.asdict(request))


@act
def close_accounting_period(tenant: Tenant, *, period: str) -> AccountingPeriod:
    """Close a period: no document can be dated into it any more."""
    return tenant.change(tenant.get(AccountingPeriod, period), status="Closed")


@act
def reopen_accounting_period(tenant: Tenant, *, period: str) -> AccountingPeriod:
    """Open a closed period again."""
    return tenant.change(tenant.get(AccountingPeriod, period), status="Open")


def check_period_open(tenant: Tenant, day: date) -> None:
    """Refuse a day that lies in a closed accounting period; a day that no period covers is open."""
    for period in tenant.accounting_periods.latest.values():
        if period.status == "Closed" and period.start_date <= day <= period.end_date:
            raise broken_rule(
                f"The date {day} is in the closed accounting period {period.name}", resource=PERIOD_RESOURCE
            )


def code_id(tenant: Tenant, name: str | None, *, otherwise: str | None = None) -> str | None:
    """Return the id of an accounting code by name; without a name, of the first active code of the other type."""
    if name is not None:
        code = tenant.accounting_codes.find(name)
        if code is None:
            raise invalid_value(f"Accounting code {name} does not exist", resource=CODE_RESOURCE)
        return code.id
    for code in tenant.accounting_codes.latest.values():
        if code.type == otherwise and code.status == "Active":
            return code.id
    return None


def code_name(tenant: Tenant, code: str | None) -> str | None:
    """Return the name of the accounting code with this id."""
    row = tenant.accounting_codes.latest.get(code) if code else None
    return row.name if row else None
