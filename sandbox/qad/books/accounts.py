"""The rules of GL lines: the account may be posted to, its analysis is satisfied, and one side carries an amount."""

from collections.abc import Mapping
from decimal import Decimal

from sandbox.qad.books.checks import Inspection
from sandbox.qad.books.documents import PostingLine
from sandbox.qad.books.errors import Code
from sandbox.qad.books.master import AccountType, AnalysisCode, GlAccount, Limitation

# Customer control accounts are moved by documents only, never by hand.
BY_HAND = frozenset({AccountType.STANDARD, AccountType.BANK, AccountType.SYSTEM, AccountType.TAX})
# A tax account takes tax lines only, so an invoice's own lines may not carry it.
ON_INVOICE_LINES = frozenset({AccountType.STANDARD, AccountType.BANK, AccountType.SYSTEM})
ON_TAX_LINES = frozenset({AccountType.TAX})
FOR_RECEIPTS = frozenset({AccountType.BANK})


def check_account(
    inspection: Inspection, code: str, *, field: str, currency_code: str, allowed: frozenset[AccountType]
) -> GlAccount | None:
    """Return an active account of an allowed type that takes this currency."""
    add = inspection.findings.add
    found = inspection.catalogue.gl_accounts.get(code)
    if found is None:
        add(Code.ACCOUNT_UNKNOWN, field, code, f"GL account {code or '(blank)'} does not exist.")
    elif not found.is_active:
        add(Code.ACCOUNT_INACTIVE, field, code, f"GL account {code} is not active.")
    elif found.account_type == AccountType.CUSTOMER_CONTROL:
        add(Code.ACCOUNT_IS_CONTROL, field, code, f"GL account {code} is a customer control account.")
    elif found.account_type not in allowed:
        add(Code.ACCOUNT_TYPE, field, code, f"GL account {code} of type {found.account_type} cannot be used here.")
    elif found.currency_code not in ("", currency_code):
        add(Code.ACCOUNT_CURRENCY, field, code, f"GL account {code} takes {found.currency_code} only.")
    else:
        return found
    return None


def check_posting_line(
    inspection: Inspection,
    line: PostingLine,
    *,
    prefix: str,
    currency_code: str,
    decimals: int | None,
    allowed: frozenset[AccountType],
    is_correction: bool = False,
) -> None:
    """Check one GL line: lengths, account, analysis, amounts and their side."""
    inspection.check_lengths(line, prefix)
    account = check_account(
        inspection,
        line.gl_account_code,
        field=f"{prefix}gl_account_code",
        currency_code=currency_code,
        allowed=allowed,
    )
    if account is not None:
        check_analysis(inspection, account, line, prefix=prefix)
    inspection.amount(f"{prefix}debit_amount", line.debit_amount, decimals)
    inspection.amount(f"{prefix}credit_amount", line.credit_amount, decimals)
    check_side(inspection, line.debit_amount, line.credit_amount, prefix=prefix, is_correction=is_correction)


def check_side(
    inspection: Inspection, debit: Decimal, credit: Decimal, *, prefix: str, is_correction: bool = False
) -> None:
    """Check that exactly one side carries an amount; a correction carries a negative one, all else a positive one."""
    amount = debit or credit
    wrong_sign = amount > 0 if is_correction else amount < 0
    if bool(debit) == bool(credit) or wrong_sign:
        field = f"{prefix}debit_amount" if debit else f"{prefix}credit_amount"
        kind = "negative" if is_correction else "positive"
        message = f"A line carries one {kind} amount, on the debit or on the credit side."
        inspection.findings.add(Code.AMOUNT_SIDE, field, amount, message)


def check_analysis(inspection: Inspection, account: GlAccount, line: PostingLine, *, prefix: str) -> None:
    """Check sub-account, cost centre and project against what the account asks for."""
    catalogue = inspection.catalogue
    _check_code(
        inspection,
        line.sub_account_code,
        known=catalogue.sub_accounts,
        field=f"{prefix}sub_account_code",
        code=Code.SUB_ACCOUNT,
        is_analysed=account.has_sub_account,
        is_required=account.has_sub_account,
        account=account,
    )
    has_both = account.has_cost_centre and account.has_project
    _check_code(
        inspection,
        line.cost_centre_code,
        known=catalogue.cost_centres,
        field=f"{prefix}cost_centre_code",
        code=Code.COST_CENTRE,
        is_analysed=account.has_cost_centre,
        is_required=account.has_cost_centre and not has_both,
        account=account,
    )
    _check_code(
        inspection,
        line.project_code,
        known=catalogue.projects,
        field=f"{prefix}project_code",
        code=Code.PROJECT,
        is_analysed=account.has_project,
        is_required=account.has_project and not has_both,
        account=account,
    )
    if has_both:
        _check_limitation(inspection, account, line, prefix=prefix)


def _check_code(
    inspection: Inspection,
    value: str,
    *,
    known: Mapping[str, AnalysisCode],
    field: str,
    code: Code,
    is_analysed: bool,
    is_required: bool,
    account: GlAccount,
) -> None:
    name = field.rpartition(".")[2].removesuffix("_code").replace("_", " ")
    if not value:
        if is_required:
            inspection.findings.add(code, field, value, f"GL account {account.gl_account_code} needs a {name}.")
    elif not is_analysed:
        inspection.findings.add(code, field, value, f"GL account {account.gl_account_code} takes no {name}.")
    elif value not in known or not known[value].is_active:
        inspection.findings.add(code, field, value, f"The {name} {value} does not exist or is not active.")


def _check_limitation(inspection: Inspection, account: GlAccount, line: PostingLine, *, prefix: str) -> None:
    given = bool(line.cost_centre_code) + bool(line.project_code)
    satisfied = {
        Limitation.NONE: True,
        Limitation.AT_LEAST_ONE: given >= 1,
        Limitation.BOTH: given == 2,
        Limitation.EXCLUDING: given <= 1,
    }[account.limitation]
    if not satisfied:
        message = f"GL account {account.gl_account_code} limits cost centre and project to {account.limitation}."
        inspection.findings.add(Code.ANALYSIS_LIMITATION, f"{prefix}cost_centre_code", line.cost_centre_code, message)
