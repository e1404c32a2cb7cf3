"""Postings and outcomes of the sink, small and plain, for the tests of its pure parts."""

from datetime import date
from decimal import Decimal
from typing import Any

from schemas.ids import PostingId, machine_reference, posting_id
from schemas.outcomes import (
    Document,
    Ignored,
    Intended,
    Parked,
    Posted,
    RejectedByQad,
    Released,
    Superseded,
    Unknown,
    Waiting,
)
from schemas.postings import (
    Act,
    AllocationContent,
    Content,
    GlLine,
    InverseContent,
    InvoiceContent,
    Offer,
    OpeningContent,
    Posting,
    ReceiptContent,
    content_hash,
)
from schemas.reasons import Reason
from streams.sink.state import SinkState

DAY = date(2026, 3, 10)
REASON = Reason(rule="r", message="m")


def name(text: str) -> PostingId:
    """Return the id of a posting that a test calls by a word."""
    return posting_id("c", kind="test", zuora_id=text, act="post", n=1, step="document")


def qad(voucher: int, customer: str = "C1") -> Document:
    return Document(year=2026, daybook="ZINV", voucher=voucher, customer=customer, currency="EUR")


def posting(text: str, content: Content, *after: str, number: str = "") -> Posting:
    return Posting(
        id=name(text),
        reference=machine_reference(name(text)),
        number=number or text,
        document=f"test:{text}",
        act=Act.POST,
        n=1,
        step="document",
        content=content,
        source_hash="s",
        content_hash=content_hash(content),
        after=tuple(name(one) for one in after),
    )


def invoice(total: str = "100.00", customer: str = "C1", **more: Any) -> InvoiceContent:
    return InvoiceContent(
        customer=customer,
        currency="EUR",
        total=Decimal(total),
        document_date=DAY,
        posting_date=DAY,
        due_date=DAY,
        daybook="ZINV",
        description="Zuora INV1",
        lines=(
            GlLine(account="4000", credit=Decimal(total) + 5, cost_centre="CC", text="a"),
            GlLine(account="4090", debit=Decimal("5.00"), sub_account="S", project="P", text="b"),
        ),
        **more,
    )


def receipt(*offers: tuple[str, str, str], total: str = "100.00", customer: str = "C1") -> ReceiptContent:
    """Return a receipt that offers (allocation, item, amount)."""
    return ReceiptContent(
        customer=customer,
        currency="EUR",
        total=Decimal(total),
        document_date=DAY,
        posting_date=DAY,
        daybook="ZPAY",
        bank_account="1010",
        description="Zuora PAY1",
        offers=tuple(
            Offer(allocation=name(allocation), item=name(item), amount=Decimal(amount))
            for allocation, item, amount in offers
        ),
    )


def allocation(
    payer: str = "pay", item: str = "inv", amount: str = "40.00", *, reopens: bool = False
) -> AllocationContent:
    return AllocationContent(
        payer=name(payer),
        item=name(item),
        payer_document=f"payment:{payer}",
        item_document=f"invoice:{item}",
        amount=Decimal(amount),
        currency="EUR",
        document_date=DAY,
        posting_date=DAY,
        daybook="ZADJ",
        description="PAY1 applied",
        reopens=reopens,
        row="r1",
    )


def inverse(of: str = "inv", total: str = "100.00") -> InverseContent:
    return InverseContent(
        of=name(of), currency="EUR", total=Decimal(total), posting_date=DAY, daybook="ZCRN", description="unposted"
    )


def opening(number: str = "INV0") -> OpeningContent:
    return OpeningContent(number=number, currency="EUR", item_kind="invoice")


def _base(text: str, **more: Any) -> dict[str, Any]:
    fields = {"connection": "c", "stage": "sink", "subject": name(text), "document": f"test:{text}", "number": text}
    return {**fields, "origin": 7, "index": 1, **more}


def intended(text: str, *, carried: tuple[str, ...] = (), **more: Any) -> Intended:
    return Intended(
        **{
            **_base(text),
            "reference": machine_reference(name(text)),
            "attempt": 1,
            "customer": "C1",
            "mapping_version": 1,
            "source_hash": "s",
            "content_hash": "h",
            "currency": "EUR",
            "total": Decimal("100.00"),
            "day": DAY,
            "carried": tuple(name(one) for one in carried),
            **more,
        }
    )


def posted(
    text: str, voucher: int = 1, *, customer: str = "C1", carried: tuple[str, ...] = (), untold: tuple[str, ...] = ()
) -> Posted:
    return Posted(
        **_base(text),
        qad=qad(voucher, customer),
        attempt=1,
        customer=customer,
        currency="EUR",
        total=Decimal("100.00"),
        how="answer",
        source_hash="s",
        carried=tuple(name(one) for one in carried),
        untold=tuple(name(one) for one in untold),
    )


def waiting(text: str, *keys: str, **more: Any) -> Waiting:
    return Waiting(**_base(text, **more), reason=Reason(rule="r", message="m", waits_for=keys))


def parked(text: str, *keys: str, **more: Any) -> Parked:
    return Parked(**_base(text, **more), reason=Reason(rule="r", message="m", waits_for=keys))


def disputed(text: str, rule: str = "conflict", **more: Any) -> Parked:
    """Return what gives a posting that may be in QAD to a person."""
    return Parked(**_base(text, **more), reason=Reason(rule=rule, message="m"))


def superseded(text: str) -> Superseded:
    return Superseded(**_base(text), reason=REASON)


def ignored(text: str) -> Ignored:
    return Ignored(**_base(text), reason=REASON)


def released(text: str) -> Released:
    return Released(**_base(text))


def rejected(text: str) -> RejectedByQad:
    return RejectedByQad(**_base(text), attempt=1, reason_class="period_closed", messages=("no",))


def unknown(text: str) -> Unknown:
    return Unknown(**_base(text), attempt=1, what="no answer")


def state(*outcomes: Any) -> SinkState:
    found = SinkState()
    for outcome in outcomes:
        found.take(outcome)
    return found
