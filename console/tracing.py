"""Every event of one document, from the callout's bytes to QAD's answer: found in the read model, read from the log."""

import base64
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec

from adapters.kafka.reader import ByOffset
from adapters.store.readmodel import ReadModel
from console.wiring import Wiring
from streams.mending import who_mends


class TracedEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One event with its content as it stands in the log."""

    at_ms: int
    topic: str
    partition: int
    offset: int
    type: str
    subject: str
    content: Any


async def trace(wiring: Wiring, model: ReadModel, connection: str, document: str) -> list[TracedEvent]:
    """Return all events of a document, oldest first."""
    events = model.events_of(connection, document)
    contents: dict[tuple[str, int, int], bytes] = {}
    for topic, partition in {(event.topic, event.partition) for event in events}:
        offsets = [event.offset for event in events if (event.topic, event.partition) == (topic, partition)]
        async with ByOffset(wiring.site.cluster, topic, partition) as log:
            for offset, record in (await log.get(offsets)).items():
                contents[topic, partition, offset] = record.value
    return [
        TracedEvent(
            at_ms=event.at_ms,
            topic=event.topic.value,
            partition=event.partition,
            offset=event.offset,
            type=event.type,
            subject=event.subject,
            content=_content(contents[event.topic, event.partition, event.offset]),
        )
        for event in events
    ]


def in_words(event: TracedEvent) -> str:
    """Return the part of an event that a person asks for first."""
    content = event.content
    if not isinstance(content, dict):
        return ""
    say = _WORDS.get(str(content.get("type")))
    return say(content) if say else str(content.get("why", ""))


def _still(content: dict[str, Any]) -> str:
    reason = content["reason"]
    who = who_mends(str(reason["rule"])) if content["type"] == "parked" else None
    return f"{reason['message']}{f' (for the {who})' if who else ''}"


def _posted(event: dict[str, Any]) -> str:
    qad = event["qad"]
    said = f"; QAD said: {'; '.join(event['warnings'])}" if event.get("warnings") else ""
    return f"QAD {qad['year']}/{qad['daybook']}/{qad['voucher']} by {event['how']}{said}"


def _unknown(event: dict[str, Any]) -> str:
    return f"{event['what']}; what came: {event['answer']}" if event.get("answer") else str(event["what"])


def _postings(event: dict[str, Any]) -> str:
    told = ", ".join(f"{posting['act']} {posting['step']}" for posting in event["postings"])
    closed = sorted(set(event.get("closed_in_zuora", {}).values()))
    return f"{told}; Zuora had closed {', '.join(closed)}" if closed else told


def _reclassified(event: dict[str, Any]) -> str:
    to = event["to"]
    place = " / ".join(str(to[part]) for part in ("account", "sub_account", "cost_centre", "project") if to.get(part))
    lines = ", ".join(f"{line.get('debit') or line.get('credit')} of {line['account']}" for line in event["lines"])
    return f"{event['by']}: {lines} to {place}: {event.get('why', '')}"


_WORDS: dict[str, Callable[[dict[str, Any]], str]] = {
    "callout": lambda event: base64.b64decode(event["body"]).decode(errors="replace"),
    "record": lambda event: (
        f"{'gone from Zuora, said' if event.get('deleted') else 'found'} by {event['found']['by']} "
        f"{event['found'].get('evidence', '')}"
    ),
    "matched": lambda event: f"customer {event['customer']} by {event['rule']}",
    "postings": _postings,
    "document_corrected": lambda event: (
        f"{event['by']}: posting {event['n']} taken back and posted anew on {event['day']}: {event.get('why', '')}"
    ),
    "document_reclassified": _reclassified,
    "intended": lambda event: (
        f"attempt {event['attempt']}, {event['total']} {event['currency']} for {event['customer']}"
    ),
    "posted": _posted,
    "marked": lambda event: (
        f"{', '.join(f'{name} = {value}' for name, value in event['fields'].items())} in Zuora by {event['how']}"
    ),
    "written": lambda event: (
        f"{event['part']} {event['code']} {event['how']} in QAD"
        + (f": {', '.join(event['values'])}" if event["values"] else "")
        + (f"; left as QAD has it: {', '.join(event['left'])}" if event["left"] else "")
    ),
    "aligning": lambda event: f"{event['part']} {event['code']} is to be changed in QAD: {', '.join(event['words'])}",
    "aligned": lambda event: (
        (f"customer {event['customer']}" if event["customer"] else "no customer any more: nothing")
        + (f", changed in QAD: {', '.join(event['written'])}" if event["written"] else " compared")
        + "".join(f"; {name} left as QAD has it ({why})" for name, why in event["left"].items())
    ),
    "waiting": _still,
    "parked": _still,
    "ignored": _still,
    "superseded": _still,
    "rejected": lambda event: "; ".join(event["messages"]),
    "unknown": _unknown,
}


def _content(value: bytes) -> Any:
    """Return an event as JSON, numbers as they were written; bytes that are none, as base64."""
    try:
        return _without_contact(_decode(value))
    except msgspec.DecodeError:
        return base64.b64encode(value).decode()


def _without_contact(content: Any) -> Any:
    """Leave out where the customer is at home: it explains no posting. The log has it, at the offset that is named."""
    parent = content.get("parent") if isinstance(content, dict) else None
    if not isinstance(parent, dict) or "billTo" not in parent:
        return content
    return {**content, "parent": {**parent, "billTo": "personal data, not shown"}}


_decode = msgspec.json.Decoder(float_hook=Decimal).decode
