"""What Object Query knows of each object: its rows, the fields it can be filtered on, its relations, its cursor.

To add an object is to add an entry. Filterable fields are those of the API reference; where it was not read (marked),
they are the ones that Zuora's own ERP guide filters on and the keys of the parent. A relation that the stand-in does
not carry is accepted in expand[] and adds nothing.
"""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, get_args

import msgspec

from sandbox.zuora import objects
from sandbox.zuora.objects import Record


@dataclass(frozen=True)
class One:
    """A relation to one object, whose id stands in a field of this one."""

    name: str
    path: str
    field: str


@dataclass(frozen=True)
class Many:
    """A relation to many objects, which carry the id of this one in an indexed field."""

    name: str
    path: str
    field: str


@dataclass(frozen=True)
class QueryField:
    """A field as Object Query names it, and how a row holds it."""

    name: str
    attribute: str
    type: type


@dataclass(frozen=True)
class ObjectKind:
    """One object of Object Query.

    Attributes:
        path: Last part of the URL.
        record: Class of its rows.
        singular: Name that may stand before `.fields[]` for the object itself.
        filters: Fields, in lower case, that filter[] and sort[] take beside id and updateddate.
        relations: What expand[] can add, by the name it is asked by.
        expands: Paths of expand[], as the API reference lists them.
        cursor: Kind of cursor that this object is seen to use.
        filter_required: Whether a list without filter[] is refused.
        settlement: Whether the object exists only with Invoice Settlement.
    """

    path: str
    record: type[Record]
    singular: str
    filters: str
    relations: dict[str, One | Many] = field(default_factory=dict)
    expands: str = ""
    cursor: Literal["keyset", "offset"] = "keyset"
    filter_required: bool = False
    settlement: bool = False

    @cached_property
    def fields(self) -> dict[str, QueryField]:
        """Return the fields of the object by their names in lower case, custom ones left out."""
        return {
            column.encode_name.lower(): QueryField(column.encode_name, column.name, _plain(column.type))
            for column in msgspec.structs.fields(self.record)
            if column.name != "custom"
        }

    @cached_property
    def filterable(self) -> frozenset[str]:
        """Return the names, in lower case, that filter[] and sort[] take."""
        return frozenset(("id", "updateddate", *self.filters.split()))

    @cached_property
    def expandable(self) -> frozenset[str]:
        """Return the paths, in lower case, that expand[] takes."""
        return frozenset(self.expands.split())


def _plain(annotation: Any) -> type:
    options = [option for option in get_args(annotation) if option is not type(None)] or [annotation]
    plain: type = options[0]
    return plain


_BILL_TO = One("billTo", "contacts", "bill_to_id")
_ACCOUNT = One("account", "accounts", "account_id")
_PAYMENT_METHOD = One("paymentMethod", "payment-methods", "payment_method_id")
_BILL_TO_CONTACT = One("billToContact", "contacts", "bill_to_contact_id")

_KINDS = (
    ObjectKind(
        path="accounts",
        record=objects.Account,
        singular="account",
        filters="accountnumber balance batch billcycleday billtoid communicationprofileid crmid currency "
        "defaultpaymentmethodid invoicetemplateid lastinvoicedate name parentid shiptoid soldtoid status",
        relations={
            "billto": _BILL_TO,
            "soldto": One("soldTo", "contacts", "sold_to_id"),
            "shipto": One("shipTo", "contacts", "ship_to_id"),
            "defaultpaymentmethod": One("defaultPaymentMethod", "payment-methods", "default_payment_method_id"),
            "payments": Many("payments", "payments", "account_id"),
            "refunds": Many("refunds", "refunds", "account_id"),
            "creditmemos": Many("creditMemos", "credit-memos", "account_id"),
            "debitmemos": Many("debitMemos", "debit-memos", "account_id"),
            "invoices": Many("invoices", "invoices", "account_id"),
            "paymentmethods": Many("paymentMethods", "payment-methods", "account_id"),
        },
        expands="billto soldto shipto defaultpaymentmethod subscriptions payments refunds creditmemos debitmemos "
        "invoices usages paymentmethods subscriptions.rateplans subscriptions.rateplans.rateplancharges",
    ),
    ObjectKind(  # Filters not read in the reference.
        path="contacts",
        record=objects.Contact,
        singular="contact",
        filters="accountid firstname lastname country state city postalcode workemail personalemail",
    ),
    ObjectKind(  # Filters not read in the reference.
        path="payment-methods",
        record=objects.PaymentMethod,
        singular="paymentmethod",
        filters="accountid type paymentmethodstatus active",
        relations={"account": _ACCOUNT},
        expands="account",
    ),
    ObjectKind(  # Filters not read in the reference.
        path="billing-runs",
        record=objects.BillingRun,
        singular="billingrun",
        filters="billingrunnumber status posteddate executeddate invoicedate targetdate createddate",
    ),
    ObjectKind(
        path="invoices",
        record=objects.Invoice,
        singular="invoice",
        filters="accountid amount balance duedate invoicedate invoicenumber reversed sourceid sourcetype status "
        "einvoicestatus",
        relations={
            "account": _ACCOUNT,
            "billtocontact": _BILL_TO_CONTACT,
            "invoiceitems": Many("invoiceItems", "invoice-items", "invoice_id"),
            "paymentapplications": Many("paymentApplications", "payment-applications", "invoice_id"),
            "creditmemoapplications": Many("creditMemoApplications", "credit-memo-applications", "invoice_id"),
            "paymentparts": Many("paymentParts", "payment-parts", "invoice_id"),
            "creditmemoparts": Many("creditMemoParts", "credit-memo-parts", "invoice_id"),
        },
        expands="account account.billto account.soldto account.shipto billtocontact billtocontactsnapshot "
        "soldtocontactsnapshot shiptocontactsnapshot invoiceitems invoiceitems.subscription "
        "invoiceitems.subscription.account paymentapplications paymentapplications.payment creditmemoapplications "
        "creditmemoapplications.creditmemo paymentparts paymentparts.payment "
        "creditmemoparts creditmemoparts.creditmemo",
        cursor="offset",
    ),
    ObjectKind(
        path="invoice-items",
        record=objects.InvoiceItem,
        singular="invoiceitem",
        filters="rateplanchargeid invoiceid accountingcode chargedate chargenumber "
        "excludeitembillingfromrevenueaccounting fulfillmentid servicestartdate serviceenddate sourceitemtype "
        "subscriptionid subscriptionnumber productrateplanchargeid bookingreference",
        relations={
            "invoice": One("invoice", "invoices", "invoice_id"),
            "subscriptionowner": One("subscriptionOwner", "accounts", "subscription_owner_id"),
            "taxationitems": Many("taxationItems", "taxation-items", "invoice_item_id"),
        },
        expands="invoice subscription subscriptionowner taxationitems rateplancharge orderlineitem",
        cursor="offset",
        filter_required=True,
    ),
    ObjectKind(  # Filters not read in the reference.
        path="taxation-items",
        record=objects.TaxationItem,
        singular="taxationitem",
        filters="invoiceitemid taxcode taxdate",
    ),
    ObjectKind(
        path="payments",
        record=objects.Payment,
        singular="payment",
        filters="accountid amount effectivedate gatewayorderid gatewaystate paymentmethodid paymentmethodsnapshotid "
        "paymentnumber referenceid source sourcename status unappliedamount createddate",
        relations={
            "account": _ACCOUNT,
            "paymentmethod": _PAYMENT_METHOD,
            "paymentapplications": Many("paymentApplications", "payment-applications", "payment_id"),
        },
        expands="account account.billto account.soldto paymentmethod paymentapplications paymentscheduleitempayments "
        "paymentscheduleitempayments.paymentscheduleitem",
    ),
    ObjectKind(
        path="payment-applications",
        record=objects.PaymentApplication,
        singular="paymentapplication",
        filters="effectivedate accountid paymentid applicationgroupid",
        relations={"payment": One("payment", "payments", "payment_id")},
        expands="payment",
        settlement=True,
    ),
    ObjectKind(  # Filters not read in the reference.
        path="payment-parts",
        record=objects.PaymentPart,
        singular="paymentpart",
        filters="paymentid invoiceid",
        relations={"payment": One("payment", "payments", "payment_id")},
        expands="payment",
        settlement=True,
    ),
    ObjectKind(
        path="credit-memos",
        record=objects.CreditMemo,
        singular="creditmemo",
        filters="balance einvoicestatus memodate memonumber sourcetype status totalamount invoiceid accountid",
        relations={
            "account": _ACCOUNT,
            "billtocontact": _BILL_TO_CONTACT,
            "creditmemoitems": Many("creditMemoItems", "credit-memo-items", "credit_memo_id"),
            "creditmemoapplications": Many("creditMemoApplications", "credit-memo-applications", "credit_memo_id"),
        },
        expands="account billtocontact billtocontactsnapshot soldtocontactsnapshot shiptocontactsnapshot "
        "creditmemoitems creditmemoitems.subscription creditmemoitems.subscription.account creditmemoapplications",
        settlement=True,
    ),
    ObjectKind(  # Filters not read in the reference.
        path="credit-memo-items",
        record=objects.CreditMemoItem,
        singular="creditmemoitem",
        filters="creditmemoid invoiceitemid subscriptionid servicestartdate serviceenddate",
        relations={
            "subscriptionowner": One("subscriptionOwner", "accounts", "subscription_owner_id"),
            "credittaxationitems": Many("creditTaxationItems", "credit-taxation-items", "credit_memo_item_id"),
        },
        expands="subscription rateplancharge subscriptionowner credittaxationitems invoiceschedule invoicescheduleitem",
        settlement=True,
    ),
    ObjectKind(
        path="credit-memo-applications",
        record=objects.CreditMemoApplication,
        singular="creditmemoapplication",
        filters="effectivedate accountid applicationgroupid debitmemoid invoiceid",
        relations={"creditmemo": One("creditMemo", "credit-memos", "credit_memo_id")},
        expands="creditmemo",
        settlement=True,
    ),
    ObjectKind(  # Filters not read in the reference.
        path="credit-memo-parts",
        record=objects.CreditMemoPart,
        singular="creditmemopart",
        filters="creditmemoid invoiceid",
        relations={"creditmemo": One("creditMemo", "credit-memos", "credit_memo_id")},
        expands="creditmemo",
        settlement=True,
    ),
    ObjectKind(  # Filters not read in the reference.
        path="debit-memos",
        record=objects.DebitMemo,
        singular="debitmemo",
        filters="balance duedate einvoicestatus memodate memonumber sourcetype status totalamount invoiceid accountid",
        relations={
            "account": _ACCOUNT,
            "billtocontact": _BILL_TO_CONTACT,
            "debitmemoitems": Many("debitMemoItems", "debit-memo-items", "debit_memo_id"),
        },
        expands="account billtocontact billtocontactsnapshot soldtocontactsnapshot shiptocontactsnapshot "
        "debitmemoitems debitmemoitems.subscription debitmemoitems.subscription.account",
        settlement=True,
    ),
    ObjectKind(  # Filters not read in the reference.
        path="debit-memo-items",
        record=objects.DebitMemoItem,
        singular="debitmemoitem",
        filters="debitmemoid invoiceitemid subscriptionid servicestartdate serviceenddate",
        expands="subscription rateplancharge subscriptionowner debittaxationitems",
        settlement=True,
    ),
    ObjectKind(  # Filters not read in the reference.
        path="refunds",
        record=objects.Refund,
        singular="refund",
        filters="accountid amount refunddate refundnumber status createddate",
        relations={
            "account": _ACCOUNT,
            "paymentmethod": _PAYMENT_METHOD,
            "refundapplications": Many("refundApplications", "refund-applications", "refund_id"),
        },
        expands="account account.billto account.soldto paymentmethod refundapplications refundapplications.payment "
        "refundapplications.refundapplicationitems",
        settlement=True,
    ),
    ObjectKind(  # Filters not read in the reference.
        path="refund-applications",
        record=objects.RefundApplication,
        singular="refundapplication",
        filters="effectivedate accountid refundid paymentid creditmemoid",
        relations={
            "refund": One("refund", "refunds", "refund_id"),
            "payment": One("payment", "payments", "payment_id"),
        },
        expands="refund payment refundapplicationitems",
        settlement=True,
    ),
)

KINDS: dict[str, ObjectKind] = {kind.path: kind for kind in _KINDS}

# Object Query does not list these: they are read as children, or, without Invoice Settlement, by ZOQL.
CHILD_KINDS: dict[str, ObjectKind] = {
    **KINDS,
    "credit-taxation-items": ObjectKind(
        path="credit-taxation-items",
        record=objects.CreditTaxationItem,
        singular="credittaxationitem",
        filters="",
    ),
    "debit-taxation-items": ObjectKind(
        path="debit-taxation-items",
        record=objects.DebitTaxationItem,
        singular="debittaxationitem",
        filters="",
    ),
    **{
        path: ObjectKind(path=path, record=record, singular=path.replace("-", "").removesuffix("s"), filters="")
        for path, record in (
            ("invoice-payments", objects.InvoicePayment),
            ("invoice-adjustments", objects.InvoiceAdjustment),
            ("invoice-item-adjustments", objects.InvoiceItemAdjustment),
            ("credit-balance-adjustments", objects.CreditBalanceAdjustment),
        )
    },
}
