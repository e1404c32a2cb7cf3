"""The kinds of object that are read: each is one declaration here, and one function that reads what belongs to it.

Which of them a tenant has depends on its Invoice Settlement.
"""

from collections.abc import Awaitable, Callable

import msgspec

from adapters.zuora.asking.client import ZuoraClient
from adapters.zuora.reading.children.applied import of_payment, of_refund
from adapters.zuora.reading.children.invoices import of_invoice
from adapters.zuora.reading.children.memos import of_credit_memo, of_debit_memo
from adapters.zuora.reading.children.unsettled import (
    of_adjustment,
    of_applied_payment,
    of_applied_refund,
    of_credit_balance,
)
from adapters.zuora.reading.contacts import BILL_TO, FIELDS, kept
from adapters.zuora.reading.zoql import (
    CREDIT_BALANCE_ADJUSTMENTS,
    INVOICE_ADJUSTMENTS,
    INVOICE_ITEM_ADJUSTMENTS,
    INVOICE_PAYMENTS,
    REFUNDS,
    Zoql,
)
from schemas.records import RecordKind

BILL_RUN = "bill_run"
# What was applied of a payment, where it belongs to the payment's record: a change of it is a change of its payment.
INVOICE_PAYMENT = "invoice_payment"

Children = Callable[[ZuoraClient, msgspec.Raw], Awaitable[dict[str, list[msgspec.Raw]]]]


async def _none(_client: ZuoraClient, _parent: msgspec.Raw) -> dict[str, list[msgspec.Raw]]:
    return {}


def _all(row: msgspec.Raw) -> msgspec.Raw:
    return row


class ObjectKind(msgspec.Struct, frozen=True, kw_only=True):
    """How a kind is read.

    Attributes:
        objects: Name of its list in Object Query, "" where that has none.
        expand: What is asked for together with it.
        only: Fields of that which are asked for, where these are not all. Of use, not needed: where Zuora refuses it,
            the object is read without.
        kept: What of an answer goes any further.
        dated: Field of its document date that a list can be filtered by, "" where Zuora documents none.
        children: Reads what belongs to a parent, as answered with `expand`.
        zoql: By what its changes are found, where that is not its list.
        makes: The kind of record that is made of it, where that is another.
    """

    objects: str = ""
    expand: str = ""
    only: tuple[str, ...] = ()
    kept: Callable[[msgspec.Raw], msgspec.Raw] = _all
    dated: str = ""
    children: Children = _none
    zoql: Zoql | None = None
    makes: str = ""

    @property
    def expansion(self) -> list[tuple[str, str]]:
        """The parameters that ask for what is asked for together with it."""
        fields = [(f"{self.expand}.fields[]", ",".join(self.only))] if self.only else []
        return [("expand[]", self.expand), *fields] if self.expand else []


# A tenant with Invoice Settlement.
KINDS: dict[str, ObjectKind] = {
    RecordKind.ACCOUNT: ObjectKind(objects="accounts", expand=BILL_TO, only=FIELDS, kept=kept),
    RecordKind.INVOICE: ObjectKind(objects="invoices", dated="invoicedate", children=of_invoice),
    RecordKind.CREDIT_MEMO: ObjectKind(
        objects="credit-memos", expand="creditmemoapplications", dated="memodate", children=of_credit_memo
    ),
    RecordKind.DEBIT_MEMO: ObjectKind(objects="debit-memos", children=of_debit_memo),
    RecordKind.PAYMENT: ObjectKind(
        objects="payments", expand="paymentapplications", dated="effectivedate", children=of_payment
    ),
    RecordKind.REFUND: ObjectKind(objects="refunds", expand="refundapplications", children=of_refund),
    BILL_RUN: ObjectKind(objects="billing-runs"),
}

# A tenant without Invoice Settlement.
_UNSETTLED: dict[str, ObjectKind] = {
    RecordKind.ACCOUNT: KINDS[RecordKind.ACCOUNT],
    RecordKind.INVOICE: KINDS[RecordKind.INVOICE],
    RecordKind.INVOICE_ADJUSTMENT: ObjectKind(children=of_adjustment, zoql=INVOICE_ADJUSTMENTS),
    RecordKind.INVOICE_ITEM_ADJUSTMENT: ObjectKind(children=of_adjustment, zoql=INVOICE_ITEM_ADJUSTMENTS),
    RecordKind.PAYMENT: ObjectKind(objects="payments", dated="effectivedate", children=of_applied_payment),
    INVOICE_PAYMENT: ObjectKind(
        objects="payments", children=of_applied_payment, zoql=INVOICE_PAYMENTS, makes=RecordKind.PAYMENT
    ),
    RecordKind.CREDIT_BALANCE: ObjectKind(
        objects="accounts", children=of_credit_balance, zoql=CREDIT_BALANCE_ADJUSTMENTS
    ),
    RecordKind.APPLIED_REFUND: ObjectKind(children=of_applied_refund, zoql=REFUNDS, makes=RecordKind.APPLIED_REFUND),
    BILL_RUN: KINDS[BILL_RUN],
}

# What such a tenant has no more once Invoice Settlement is switched on; payments and refunds have other shapes then.
ENDED = (RecordKind.INVOICE_ADJUSTMENT, RecordKind.INVOICE_ITEM_ADJUSTMENT, RecordKind.CREDIT_BALANCE)

# All of them, in the order of what waits for what.
ORDER = tuple(dict.fromkeys([RecordKind.ACCOUNT, *KINDS, *_UNSETTLED]))

# Kinds that are the same either way.
ALWAYS = frozenset(kind for kind, read in KINDS.items() if _UNSETTLED.get(kind) is read)


def without(kind: ObjectKind) -> ObjectKind:
    """Return how a kind is read without what it does not need."""
    return msgspec.structs.replace(kind, expand="", only=()) if kind.only else kind


def kinds_of(*, settled: bool) -> dict[str, ObjectKind]:
    """Return the kinds of a tenant with Invoice Settlement, or without."""
    return KINDS if settled else _UNSETTLED
