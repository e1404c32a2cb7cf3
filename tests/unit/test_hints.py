"""A callout is a hint: an object and an id, matched whole; nothing else in it is used."""

from datetime import UTC, datetime

import msgspec
import pytest

from schemas.callouts import Callout
from schemas.errors import Unreadable
from schemas.records import RecordKind
from streams.read.events import WANTED
from streams.read.hints import Hint, hints_of_context, read_hint

ID = "8ad0823f" * 4


def callout(body: bytes, content_type: str = "application/json") -> Callout:
    return Callout(
        connection="c",
        tenant="t",
        received_at=datetime(2026, 3, 1, tzinfo=UTC),
        notification_id="n",
        headers={},
        content_type=content_type,
        body=body,
    )


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Invoice", RecordKind.INVOICE),
        ("invoice", RecordKind.INVOICE),
        ("Credit Memo", RecordKind.CREDIT_MEMO),
        ("CreditMemo", RecordKind.CREDIT_MEMO),
        ("Payment", RecordKind.PAYMENT),
        ("Account", RecordKind.ACCOUNT),
        ("InvoiceAdjustment", RecordKind.INVOICE_ADJUSTMENT),
        ("InvoiceItemAdjustment", RecordKind.INVOICE_ITEM_ADJUSTMENT),
        ("CreditBalance", RecordKind.CREDIT_BALANCE),
    ],
)
def test_an_object_is_named_in_every_spelling_of_zuora(name, kind):
    hint = Hint(kind=kind, id=ID)
    assert read_hint(callout(f'{{"object":"{name}","id":"{ID}","amount":-1}}'.encode())) == hint
    form = f"id={ID}&object={name.replace(' ', '+')}".encode()
    assert read_hint(callout(form, "application/x-www-form-urlencoded; charset=UTF-8")) == hint


def test_an_object_that_is_not_read_is_no_hint():
    assert read_hint(callout(b'{"object":"Subscription","id":"x"}')) is None


@pytest.mark.parametrize(
    "zuora_id", ["", "../accounts", "a/b", "a?x=1", "a b", "-a", "a" * 65, "é", f"{ID}\n", "a%2Fb"]
)
def test_an_id_that_is_none_never_becomes_a_hint(zuora_id):
    text = zuora_id.replace("\n", "\\n")
    with pytest.raises(Unreadable):
        read_hint(callout(f'{{"object":"Invoice","id":"{text}"}}'.encode()))


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", "application/json"),
        (b"[]", "application/json"),
        (b'{"object":1,"id":"a"}', "application/json"),
        (b'{"id":"a"}', "application/json"),
        (b"[" * 100_000, "application/json"),
        (b"\xff", "application/x-www-form-urlencoded"),
        (b"object=Invoice&id", "application/x-www-form-urlencoded"),
        (b"&".join([b"a=1"] * 51), "application/x-www-form-urlencoded"),
    ],
)
def test_a_body_that_is_not_as_agreed_is_unreadable(body, content_type):
    with pytest.raises(Unreadable):
        read_hint(callout(body, content_type))


# -- what Zuora keeps of a callout that failed -------------------------------------------------------------------------

OTHER = "9be1934a" * 4
IN_CONTEXT = [
    ({"<Object.ID>": ID, "<Invoice.ID>": ID, "<Account.ID>": OTHER}, [(RecordKind.INVOICE, ID)]),
    ({"<Account.ID>": OTHER, "<Event.Category>": "x"}, [(RecordKind.ACCOUNT, OTHER)]),
    ({"<PaymentApplication.ID>": OTHER, "<PaymentApplication.PaymentId>": ID}, [(RecordKind.PAYMENT, ID)]),
    ({"<Subscription.ID>": ID, "<Subscription.DetailTable>": {"QTY": 5}}, []),
    ({"<Invoice.ID>": "../../v1/accounts"}, []),
    ({"<Invoice.ID>": 7}, []),
    ({"object": "Credit Memo", "id": ID}, [(RecordKind.CREDIT_MEMO, ID)]),
    ({"object": "Subscription", "id": ID}, []),
    ({"object": "Invoice"}, []),
    ([1, 2], []),
    (None, []),
    ("<callout/>", []),
]


@pytest.mark.parametrize(("context", "told"), IN_CONTEXT)
def test_a_context_tells_of_what_its_merge_fields_name(context, told):
    hints = [Hint(kind=kind, id=name) for kind, name in told]
    assert hints_of_context(msgspec.json.encode(context)) == hints
    assert hints_of_context(msgspec.json.encode(msgspec.json.encode(context).decode())) == hints


@pytest.mark.parametrize("event", WANTED, ids=lambda event: event.name)
def test_a_failed_callout_of_every_event_that_is_asked_for_tells_what_the_callout_would_have(event):
    body = event.body.replace(f"{{{{DataSource.{event.id_field}}}}}", ID)
    would_have = read_hint(callout(body.encode()))
    assert hints_of_context(msgspec.json.encode({f"<{event.id_field}>": ID, "<Account.Id>": ID[::-1]})) == [
        would_have if event.object != "Account" else Hint(kind=RecordKind.ACCOUNT, id=ID[::-1])
    ]
    assert hints_of_context(msgspec.json.encode(body)) == [would_have]


@pytest.mark.parametrize("context", [b"", b"{", b'"{"', b"[" * 5000, b'"' + b"[" * 5000 + b'"', b"\xff"])
def test_a_context_that_is_none_tells_of_nothing(context):
    assert hints_of_context(context) == []
