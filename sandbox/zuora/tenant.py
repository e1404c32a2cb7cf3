"""One Zuora tenant: its tables, numbers, clock and custom fields, and the transaction in which every act runs.

An act changes rows through `create`, `change` and `remove`. When it ends, readers see all of it at once and the
listeners hear of it; when it fails, nothing of it is left. Pure state: no HTTP, no waiting, no randomness but the
seed's.
"""

import heapq
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from random import Random
from typing import Any, TypeVar

import msgspec

from sandbox.zuora.chronicle import Change, Deed
from sandbox.zuora.clock import Clock, TenantZone
from sandbox.zuora.money import trimmed
from sandbox.zuora.objects import (
    Account,
    AccountingCode,
    AccountingPeriod,
    BillingRun,
    Contact,
    CreditBalanceAdjustment,
    CreditMemo,
    CreditMemoApplication,
    CreditMemoItem,
    CreditMemoPart,
    CreditTaxationItem,
    DebitMemo,
    DebitMemoItem,
    DebitTaxationItem,
    Invoice,
    InvoiceAdjustment,
    InvoiceItem,
    InvoiceItemAdjustment,
    InvoicePayment,
    Payment,
    PaymentApplication,
    PaymentMethod,
    PaymentPart,
    Record,
    Refund,
    RefundApplication,
    TaxationItem,
)
from sandbox.zuora.refusal import not_found
from sandbox.zuora.settings import Settings
from sandbox.zuora.table import Table

R = TypeVar("R", bound=Record)
Listener = Callable[[list[Change], list[Deed]], None]


@dataclass(slots=True)
class _Transaction:
    before: dict[tuple[type[Record], str], Record | None] = field(default_factory=dict)
    balance_only: set[str] = field(default_factory=set)
    deeds: list[Deed] = field(default_factory=list)


class Tenant:
    """The state of one tenant.

    Attributes:
        settings: The switches in force; replace them with `use`.
        zone: How this tenant writes moments.
        chronicle: Every deed since the start.
        listeners: Called with the changes and deeds of each act that succeeded.
        commit_delay_s: Asked once per act how long readers are kept from seeing it.
        custom_fields: Per object name, the custom fields and whether each is indexed.
        entities: By account id, the entity it lies in, where that is not the main one.
        planned_invoices: What a bill run that was created, but not generated, will bill.
    """

    def __init__(self, *, seed: int, settings: Settings, clock: Clock) -> None:
        self.clock = clock
        self._random = Random(seed)  # noqa: S311 - ids must repeat from the seed, and protect nothing.
        self.user_id = self.new_id()
        self.accounts = Table(Account, number="account_number")
        self.contacts = Table(Contact, indexed=("account_id",))
        self.payment_methods = Table(PaymentMethod, indexed=("account_id",))
        self.billing_runs = Table(BillingRun, number="billing_run_number")
        self.invoices = Table(Invoice, number="invoice_number", indexed=("account_id", "source_id"))
        self.invoice_items = Table(InvoiceItem, indexed=("invoice_id",))
        self.taxation_items = Table(TaxationItem, indexed=("invoice_item_id",))
        self.credit_memos = Table(CreditMemo, number="memo_number", indexed=("account_id", "invoice_id", "source_id"))
        self.credit_memo_items = Table(CreditMemoItem, indexed=("credit_memo_id",))
        self.credit_taxation_items = Table(CreditTaxationItem, indexed=("credit_memo_item_id",))
        self.credit_memo_applications = Table(
            CreditMemoApplication, indexed=("credit_memo_id", "invoice_id", "account_id")
        )
        self.credit_memo_parts = Table(CreditMemoPart, indexed=("credit_memo_id", "invoice_id"))
        self.debit_memos = Table(DebitMemo, number="memo_number", indexed=("account_id", "invoice_id"))
        self.debit_memo_items = Table(DebitMemoItem, indexed=("debit_memo_id",))
        self.debit_taxation_items = Table(DebitTaxationItem, indexed=("debit_memo_item_id",))
        self.payments = Table(Payment, number="payment_number", indexed=("account_id",))
        self.payment_applications = Table(PaymentApplication, indexed=("payment_id", "invoice_id", "account_id"))
        self.payment_parts = Table(PaymentPart, indexed=("payment_id", "invoice_id"))
        self.refunds = Table(Refund, number="refund_number", indexed=("account_id",))
        self.refund_applications = Table(RefundApplication, indexed=("refund_id", "payment_id", "credit_memo_id"))
        self.invoice_payments = Table(InvoicePayment, indexed=("payment_id", "invoice_id"))
        self.invoice_adjustments = Table(InvoiceAdjustment, number="adjustment_number", indexed=("invoice_id",))
        self.invoice_item_adjustments = Table(
            InvoiceItemAdjustment, number="adjustment_number", indexed=("invoice_id", "source_id")
        )
        self.credit_balance_adjustments = Table(
            CreditBalanceAdjustment, number="number", indexed=("account_id", "source_transaction_id")
        )
        self.accounting_codes = Table(AccountingCode, number="name")
        self.accounting_periods = Table(AccountingPeriod, number="name")
        self.tables: dict[type[Record], Table[Any]] = {
            table.kind: table for table in vars(self).values() if isinstance(table, Table)
        }
        self._tables_by_name = {kind.__name__: table for kind, table in self.tables.items()}
        self.chronicle: list[Deed] = []
        self.listeners: list[Listener] = []
        self.commit_delay_s: Callable[[str], float] = lambda _act: 0.0
        self.custom_fields: dict[str, dict[str, bool]] = {}
        self.entities: dict[str, str] = {}
        self.planned_invoices: dict[str, list[Any]] = {}
        self._last_numbers: dict[str, int] = {}
        self._open: _Transaction | None = None
        self._withheld: list[tuple[float, int, list[tuple[type[Record], str, Record | None]]]] = []
        self._withheld_count = 0
        self.use(settings)

    def use(self, settings: Settings) -> None:
        """Let these switches be in force from now on."""
        zone = TenantZone(settings.time_zone)
        self.settings, self.zone = settings, zone

    def today(self) -> date:
        """Return the day that it is in the tenant's zone."""
        return self.zone.day(self.clock.stamp())

    # Ids, numbers and custom fields.

    def new_id(self) -> str:
        """Return the next id of the seed's sequence: 32 hexadecimal digits, beginning as Zuora's do."""
        return f"8a{self._random.getrandbits(120):030x}"

    def next_number(self, prefix: str) -> str:
        """Return the next number of a sequence, for example INV00000001 or P-00000001."""
        self._last_numbers[prefix] = self._last_numbers.get(prefix, 0) + 1
        return f"{prefix}{self._last_numbers[prefix]:08d}"

    def define_custom_field(self, object_name: str, name: str, *, indexed: bool = True) -> None:
        """Give an object a custom field; only indexed ones can be filtered on."""
        self.custom_fields.setdefault(object_name, {}).setdefault(name, indexed)

    # Rows.

    def table_named(self, name: str) -> Table[Any]:
        """Return the table of an object by its name, for example CreditMemo."""
        return self._tables_by_name[name]

    def get(self, kind: type[R], key: str) -> R:
        """Return the newest version under an id or number, or refuse as Zuora does."""
        row: R | None = self.tables[kind].find(key)
        if row is None:
            raise not_found(key)
        return row

    def number_of(self, row: Record) -> str:
        """Return the number under which a row is known beside its id."""
        return str(getattr(row, self.tables[type(row)].number or "id"))

    def create(self, kind: type[R], **fields: Any) -> R:
        """Add a row of this kind with a new id, made now."""
        stamp = self.clock.stamp()
        row = kind(
            id=self.new_id(),
            created_by_id=self.user_id,
            created_date=stamp,
            updated_by_id=self.user_id,
            updated_date=stamp,
            **self._as_shown(fields),
        )
        self._write(kind, row.id, row)
        return row

    def change(self, row: R, *, balance_only: bool = False, silently: bool = False, **fields: Any) -> R:
        """Change the newest version of a row, which moves its update stamp unless silently, and return the new one."""
        kind = type(row)
        newest: R = self.tables[kind].latest[row.id]
        stamp = newest.updated_date if silently else self.clock.stamp()
        changed = msgspec.structs.replace(
            newest, updated_by_id=self.user_id, updated_date=stamp, **self._as_shown(fields)
        )
        self._write(kind, row.id, changed, balance_only=balance_only)
        return changed

    def remove(self, row: Record) -> None:
        """Delete a row."""
        self._write(type(row), row.id, None)

    def _as_shown(self, fields: dict[str, Any]) -> dict[str, Any]:
        if self.settings.amounts == "as_given":
            return fields
        return {name: trimmed(value) if isinstance(value, Decimal) else value for name, value in fields.items()}

    def _write(self, kind: type[Record], key: str, row: Record | None, *, balance_only: bool = False) -> None:
        if self._open is None:
            raise RuntimeError("Rows change only inside an act")
        before = self.tables[kind].write(key, row)
        first = (kind, key) not in self._open.before
        self._open.before.setdefault((kind, key), before)
        if not balance_only:
            self._open.balance_only.discard(key)
        elif first:
            self._open.balance_only.add(key)

    # Acts.

    @contextmanager
    def act(self, name: str) -> Iterator[None]:
        """Run the body as one act: wholly done at its end, or not at all; an inner act joins the outer one."""
        if self._open is not None:
            yield
            return
        self._open = transaction = _Transaction()
        try:
            yield
        except BaseException:
            for (kind, key), before in reversed(transaction.before.items()):
                self.tables[kind].write(key, before)
            raise
        finally:
            self._open = None
        self._publish(transaction, delay_s=self.commit_delay_s(name))

    def tell(self, verb: str, row: Record, **details: Any) -> None:
        """Note a deed of the act that is running."""
        if self._open is None:
            raise RuntimeError("Deeds are told only inside an act")
        deed = Deed(
            sequence=len(self.chronicle) + len(self._open.deeds) + 1,
            at=self.clock.stamp(),
            verb=verb,
            kind=type(row).__name__,
            id=row.id,
            **details,
        )
        self._open.deeds.append(deed)

    def _publish(self, transaction: _Transaction, *, delay_s: float) -> None:
        if delay_s > 0:
            self._withheld_count += 1
            versions = [(kind, key, self.tables[kind].latest.get(key)) for kind, key in transaction.before]
            due_s = self.clock.now_s() + delay_s
            heapq.heappush(self._withheld, (due_s, self._withheld_count, versions))
        else:
            for kind, key in transaction.before:
                self.tables[kind].show(key)
        self.chronicle.extend(transaction.deeds)
        changes = [
            Change(before, self.tables[kind].latest.get(key), key in transaction.balance_only)
            for (kind, key), before in transaction.before.items()
            if before is not None or key in self.tables[kind].latest
        ]
        for listener in self.listeners:
            listener(changes, transaction.deeds)

    def reveal(self) -> None:
        """Show readers the late commits that are due; every read begins with this."""
        while self._withheld and self._withheld[0][0] <= self.clock.now_s():
            for kind, key, version in heapq.heappop(self._withheld)[2]:
                # A version that was changed again meanwhile is shown, or withheld, with that change.
                if self.tables[kind].latest.get(key) is version:
                    self.tables[kind].show(key)
