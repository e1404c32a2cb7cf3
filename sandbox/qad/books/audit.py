"""Recomputes the books of an entity from their GL lines and says where they contradict themselves.

It trusts nothing that was kept along the way: balances, open items and entries are each derived anew. An empty
answer is the proof that a judge asks for.
"""

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal

from msgspec import Struct

from sandbox.qad.books.amounts import ZERO
from sandbox.qad.books.ledger import BalanceKey, GlLine, Ledger
from sandbox.qad.books.master import AccountType, Catalogue


class TrialLine(Struct, frozen=True, kw_only=True):
    """One account of a trial balance, in one currency and in base; debit is positive."""

    gl_account_code: str
    currency_code: str
    amount: Decimal
    base_amount: Decimal


def trial_balance(ledger: Ledger) -> list[TrialLine]:
    """Return what each account holds per currency of transaction, from the period balances."""
    amounts: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    base_amounts: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for balance in ledger.balances.values():
        account = (balance.key.gl_account_code, balance.key.currency_code)
        amounts[account] += balance.debit_amount - balance.credit_amount
        base_amounts[account] += balance.base_debit_amount - balance.base_credit_amount
    return [
        TrialLine(gl_account_code=code, currency_code=currency, amount=amount, base_amount=base_amounts[code, currency])
        for (code, currency), amount in sorted(amounts.items())
    ]


def audit(ledger: Ledger, catalogue: Catalogue) -> list[str]:
    """Return every contradiction in the books of an entity; none where they are right."""
    return [
        *_unbalanced_entries(ledger),
        *_wrong_balances(ledger),
        *_wrong_items(ledger),
        *_wrong_control_accounts(ledger, catalogue),
    ]


def _unbalanced_entries(ledger: Ledger) -> Iterator[str]:
    posted = 0
    for document in ledger.documents.values():
        lines = ledger.lines_of(document)
        posted += len(lines)
        amounts: dict[str, Decimal] = defaultdict(Decimal)
        base = ZERO
        for line in lines:
            amounts[line.currency_code] += line.debit_amount - line.credit_amount
            base += line.base_debit_amount - line.base_credit_amount
            if line.document is not document:
                yield f"Document {document.key} shows a line of {line.document.key}."
        if base or any(amounts.values()):
            yield f"Document {document.key} does not balance: {dict(amounts)}, base {base}."
    if posted != len(ledger.lines):
        yield f"There are {len(ledger.lines)} GL lines, documents show {posted}."


def _wrong_balances(ledger: Ledger) -> Iterator[str]:
    sums: dict[BalanceKey, list[Decimal]] = defaultdict(lambda: [ZERO] * 4)
    for line in ledger.lines:
        key = BalanceKey(
            gl_account_code=line.gl_account_code,
            sub_account_code=line.sub_account_code,
            currency_code=line.currency_code,
            year=line.document.key.posting_year,
            period=line.document.posting_period,
        )
        sums[key] = [total + one for total, one in zip(sums[key], _amounts(line), strict=True)]
    for key, balance in ledger.balances.items():
        kept = [balance.debit_amount, balance.credit_amount, balance.base_debit_amount, balance.base_credit_amount]
        if kept != sums.pop(key, [ZERO] * 4):
            yield f"Balance {key} is not the sum of its lines."
    for key in sums:
        yield f"Balance {key} is missing."


def _amounts(line: GlLine) -> tuple[Decimal, Decimal, Decimal, Decimal]:
    return line.debit_amount, line.credit_amount, line.base_debit_amount, line.base_credit_amount


def _wrong_items(ledger: Ledger) -> Iterator[str]:
    """Check each item against the lines that moved it."""
    open_amounts: dict[object, Decimal] = defaultdict(Decimal)
    base_amounts: dict[object, Decimal] = defaultdict(Decimal)
    for line in ledger.lines:
        if line.item is not None:
            sign = 1 if line.item.is_debit else -1
            open_amounts[line.item.key] += sign * (line.debit_amount - line.credit_amount)
            base_amounts[line.item.key] += sign * (line.base_debit_amount - line.base_credit_amount)
    for key, item in ledger.items.items():
        if item.open_amount != open_amounts[key] or item.open_base_amount != base_amounts[key]:
            yield f"Open item {key} has {item.open_amount} open, its lines come to {open_amounts[key]}."
        if item.open_base_amount != item.base_at(item.open_amount):
            yield f"Open item {key} is valued at {item.open_base_amount}, not {item.base_at(item.open_amount)}."
        if not ZERO <= item.open_amount <= item.original_amount:
            yield f"Open item {key} has {item.open_amount} of {item.original_amount} open."


def _wrong_control_accounts(ledger: Ledger, catalogue: Catalogue) -> Iterator[str]:
    """Check that each control account holds exactly the open items on it, in every currency and in base."""
    expected: dict[tuple[str, str], list[Decimal]] = defaultdict(lambda: [ZERO, ZERO])
    for item in ledger.items.values():
        sign = 1 if item.is_debit else -1
        held = expected[item.gl_account_code, item.currency_code]
        held[0] += sign * item.open_amount
        held[1] += sign * item.open_base_amount
    for line in trial_balance(ledger):
        account = catalogue.gl_accounts[line.gl_account_code]
        if account.account_type != AccountType.CUSTOMER_CONTROL:
            continue
        amount, base_amount = expected.pop((line.gl_account_code, line.currency_code), [ZERO, ZERO])
        if (line.amount, line.base_amount) != (amount, base_amount):
            yield (
                f"Control account {line.gl_account_code} holds {line.amount} {line.currency_code}, "
                f"its open items come to {amount}."
            )
    for (account_code, currency_code), (amount, base_amount) in expected.items():
        if amount or base_amount:
            yield f"Control account {account_code} holds no {currency_code}, its open items come to {amount}."
