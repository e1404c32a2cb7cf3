"""The kinds of object that are read: each is one declaration here, and one function that reads what belongs to it."""

from collections.abc import Awaitable, Callable

import msgspec

from adapters.zuora.children.invoices import of_invoice
from adapters.zuora.children.memos import of_credit_memo, of_debit_memo
from adapters.zuora.children.payments import of_payment
from adapters.zuora.client import ZuoraClient
from schemas.records import RecordKind

BILL_RUN = "bill_run"

Children = Callable[[ZuoraClient, msgspec.Raw], Awaitable[dict[str, list[msgspec.Raw]]]]


async def _none(_client: ZuoraClient, _parent: msgspec.Raw) -> dict[str, list[msgspec.Raw]]:
    return {}


class ObjectKind(msgspec.Struct, frozen=True, kw_only=True):
    """How a kind is read.

    Attributes:
        objects: Name of its list in Object Query.
        expand: What is asked for together with it.
        dated: Field of its document date that a list can be filtered by, "" where Zuora documents none.
        children: Reads what belongs to a parent, as answered with `expand`.
    """

    objects: str
    expand: str = ""
    dated: str = ""
    children: Children = _none


KINDS: dict[str, ObjectKind] = {
    RecordKind.ACCOUNT: ObjectKind(objects="accounts"),
    RecordKind.INVOICE: ObjectKind(objects="invoices", dated="invoicedate", children=of_invoice),
    RecordKind.CREDIT_MEMO: ObjectKind(
        objects="credit-memos", expand="creditmemoapplications", dated="memodate", children=of_credit_memo
    ),
    RecordKind.DEBIT_MEMO: ObjectKind(objects="debit-memos", children=of_debit_memo),
    RecordKind.PAYMENT: ObjectKind(
        objects="payments", expand="paymentapplications", dated="effectivedate", children=of_payment
    ),
    BILL_RUN: ObjectKind(objects="billing-runs"),
}
