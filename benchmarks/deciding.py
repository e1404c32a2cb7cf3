"""What deciding costs without a broker: from a record's bytes to a posting's, and from bytes to exact amounts alone."""

import json
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from benchmarks.comparing import Comparison, Way
from schemas.codec import Event, encode
from schemas.events import read_record
from schemas.topics import Topic
from schemas.zuora import InvoiceItem, children_of
from streams.ledger.decide import LedgerCore
from streams.ledger.spec import SPEC as LEDGER
from streams.ledger.spec import record_offset
from streams.match.claims import Claim
from streams.match.decide import MatchCore
from streams.match.spec import SPEC as MATCH
from streams.stage import Core, Input, Output, StageSpec
from tests.unit import builders as zuora

_untyped = msgspec.json.Decoder(float_hook=Decimal).decode


def known() -> list[tuple[Topic, Event]]:
    """Return what stages know before the first document: a mapping, what QAD shows, Zuora's codes."""
    return [
        (Topic.DECISIONS, zuora.published()),
        *((Topic.QAD_REFERENCE, reference) for reference in zuora.references()),
        *((Topic.ZUORA_REFERENCE, code) for code in zuora.codes()),
    ]


def documents(count: int, *, series: str = "") -> list[bytes]:
    """Return invoices as they stand in `zuora.records`: three lines, one of them deferred, two of them taxed."""
    return [encode(_invoice(f"inv{series}-{number}")) for number in range(count)]


def deciding(count: int) -> Comparison:
    """Compare both deciding stages with loops that only decode the same records and encode them again."""
    values = documents(count)
    return Comparison(
        name="record to posting",
        count=count,
        ways={
            "match, ledger": lambda: _stages(values),
            "msgspec decode, encode": _each(values, lambda value: bool(msgspec.json.encode(_untyped(value)))),
            "json loads, dumps": _each(values, _copied_by_json),
        },
    )


def decoding(count: int) -> Comparison:
    """Compare ways from a record's bytes to the exact sum of its lines."""
    values = documents(count)
    return Comparison(
        name="bytes to amounts",
        count=count,
        ways={
            "typed msgspec": _each(values, _typed_sum),
            "untyped msgspec, Decimal": _each(values, lambda value: _sum(_untyped(value))),
            "json, parse_float=Decimal": _each(values, lambda value: _sum(json.loads(value, parse_float=Decimal))),
        },
    )


def _invoice(name: str) -> Event:
    deferred = {"deferredRevenueAccountingCodeId": "c-def", "serviceEndDate": "2027-02-28"}
    return zuora.invoice(
        zuora.item("100.00", f"{name}-a", taxes=[zuora.tax("19.00", f"{name}-at")]),
        zuora.item("1200.00", f"{name}-b", taxes=[zuora.tax("228.00", f"{name}-bt")], **deferred),
        zuora.item("49.90", f"{name}-c"),
        name=name,
    )


def _each(values: Sequence[bytes], act: Callable[[bytes], int | Decimal]) -> Way:
    """Return the way that does the same with each record, and adds up what comes of it."""
    return lambda: lambda: sum(map(act, values))


def _stages(values: Sequence[bytes]) -> Callable[[], int]:
    """Return the work of match and ledger on records: how many of postings they make."""
    match = _told(MATCH, MatchCore(connection=zuora.CONNECTION, claims=(Claim(connection=zuora.CONNECTION),)))
    ledger = _told(LEDGER, LedgerCore(connection=zuora.CONNECTION))
    _decide(match, Input(0, 0, b"", encode(zuora.account())), Topic.MATCHED)

    def work() -> int:
        made = 0
        for offset, record in enumerate(values, start=1):
            for matched in _decide(match, Input(offset, 0, b"", record), Topic.MATCHED):
                # As the lane does: the record is read by the offset that the input refers to.
                material = None if record_offset(matched) is None else record
                made += len(_decide(ledger, Input(offset, 0, b"", matched, material), Topic.POSTINGS))
        return made

    return work


def _told(spec: StageSpec, core: Core) -> Core:
    """Return a core that has learnt the side topics of its stage."""
    for offset, (topic, event) in enumerate(known()):
        if topic in spec.sides:
            core.learn(topic, offset, encode(event))
    return core


def _decide(core: Core, item: Input, product: Topic) -> list[bytes]:
    """Decide one input, encode all that becomes of it, and return what goes into one topic."""

    def written(output: Output) -> tuple[Topic, bytes]:
        return output.topic, encode(output.event)

    return [value for topic, value in map(written, core.decide(item)) if topic is product]


def _copied_by_json(value: bytes) -> bool:
    return bool(json.dumps(json.loads(value, parse_float=Decimal), default=str))


def _typed_sum(value: bytes) -> Decimal:
    items: list[InvoiceItem] = children_of(read_record(value), "items")
    return sum((item.charge_amount for item in items), Decimal(0))


def _sum(record: Any) -> Decimal:
    return sum((item["chargeAmount"] for item in record["children"]["items"]), Decimal(0))
