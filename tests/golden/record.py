"""Writes the golden files: `log.jsonl`, what a connection was told, and what match and ledger made of it.

    python -m tests.golden.record log       makes the log anew from the documents below, and all that follows from it
    python -m tests.golden.record outputs   keeps the log, and writes what today's rules make of it

A log that was recorded once stays: new documents are added at its end.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from schemas.codec import Event
from schemas.mapping import Analysis
from schemas.topics import Topic
from tests.unit import builders as zuora
from tests.unit.world import World

HERE = Path(__file__).parent
LOG = HERE / "log.jsonl"
OUTPUTS = {
    Topic.MATCHED: HERE / "matched.jsonl",
    Topic.POSTINGS: HERE / "postings.jsonl",
    Topic.OUTCOMES: HERE / "outcomes.jsonl",
}


class Line(msgspec.Struct):
    """One line of the log: an event, byte for byte, and the topic where it stands."""

    topic: Topic
    event: msgspec.Raw


def on(day: int) -> str:
    return f"2026-03-{day:02}T10:00:00Z"


def documents() -> Iterator[Event]:
    """Yield what the connection is told, in order; each document is there for one rule."""
    yield zuora.published()
    yield from zuora.references()
    yield from zuora.codes()
    yield zuora.account()
    yield zuora.account("acc2", number="A-2", paymentTerm=None)

    # Two lines, one deferred, a discount, tax by rows, a tax row of zero, a line of zero.
    yield zuora.invoice(
        zuora.item("100.00", "a1", taxes=[zuora.tax("19.00", "a1-t"), zuora.tax("0.00", "a1-z", taxCode="EXEMPT")]),
        zuora.item(
            "1200.00",
            "a2",
            deferredRevenueAccountingCodeId="c-def",
            serviceEndDate="2027-02-28",
            taxes=[zuora.tax("228.00", "a2-t")],
        ),
        zuora.item("-50.00", "a3", processingType="1", chargeName="Loyalty", taxes=[zuora.tax("-9.50", "a3-t")]),
        zuora.item("0.00", "a4"),
        name="inv-a",
    )
    # The same record again: nothing.
    yield zuora.simple_invoice("5.00", "inv-b")
    yield zuora.simple_invoice("5.00", "inv-b", updated=on(11), balance=0)
    # Currencies without and with three decimals; a negative invoice.
    yield zuora.invoice(zuora.item("120000", "c1"), name="inv-c", currency="JPY")
    yield zuora.invoice(zuora.item("7.125", "d1"), zuora.item("0.005", "d2"), name="inv-d", currency="KWD")
    yield zuora.invoice(zuora.item("-40.00", "e1", taxes=[zuora.tax("-7.60", "e1-t")]), name="inv-e")

    # A credit memo of an invoice with tax, and a write-off that revenue does not see.
    yield zuora.memo(
        zuora.memo_item("10.00", "ma", taxes=[zuora.tax("1.90", "ma-t")]),
        name="cm-a",
        invoiceId="inv-a",
        rows=[zuora.row("11.90", "cm-a-1", to="inv-a")],
    )
    finance = {
        "nonRevenueWriteOffAccountingCode": "Bad Debt",
        "recognizedRevenueAccountingCode": "Subscription Revenue",
    }
    yield zuora.memo(
        zuora.memo_item("5.00", "mb", revenueImpacting="No", financeInformation=finance),
        name="cm-b",
        invoiceId="inv-b",
        rows=[zuora.row("5.00", "cm-b-1", to="inv-b", effectiveDate="2026-03-12")],
    )

    # A payment over two invoices with a rest; one application is later than the payment, one is taken back.
    first = zuora.row("1000.00", "p-1", to="inv-a")
    later = zuora.row("100.00", "p-2", to="inv-f", effectiveDate="2026-03-12", created=on(12))
    back = zuora.row("-30.00", "p-3", to="inv-f", effectiveDate="2026-03-13", created=on(13))
    yield zuora.simple_invoice("100.00", "inv-f")
    yield zuora.payment("1500.00", first, name="pay-a")
    yield zuora.payment("1500.00", first, later, name="pay-a", updated=on(12))
    yield zuora.payment("1500.00", first, later, back, name="pay-a", updated=on(13))

    # Unposted; posted again with other content where the draft was never seen; another content without a posting.
    yield zuora.simple_invoice("60.00", "inv-g")
    yield zuora.draft("inv-g", updated=on(12))
    yield zuora.simple_invoice("70.00", "inv-h")
    yield zuora.simple_invoice("75.00", "inv-h", updated=on(12), postedDate=on(12))
    yield zuora.simple_invoice("80.00", "inv-i")
    yield zuora.simple_invoice("81.00", "inv-i", updated=on(12))

    # Of nothing, never posted, from before the cut-over and paid after it.
    yield zuora.simple_invoice("0.00", "inv-j")
    yield zuora.simple_invoice("9.00", "inv-k", status="Draft")
    yield zuora.simple_invoice("90.00", "inv-l", invoiceDate="2025-12-15", postedDate="2025-12-15T10:00:00Z")
    yield zuora.payment("90.00", zuora.row("90.00", "p-4", to="inv-l"), name="pay-b")

    # Without a row until the mapping is mended; without a customer until a person links it; in a closed period.
    yield zuora.invoice(zuora.item("15.00", "m1", accountingCode="Consulting"), name="inv-m")
    extra = zuora.LineRow(code="Consulting", account="4100", cost_centre="CC1")
    yield zuora.published(2, lines=(*zuora.lines(), extra))
    yield zuora.simple_invoice("16.00", "inv-n", accountId="acc2")
    yield zuora.customer("C2", zuora_account="")
    yield zuora.linked("C2", "acc2")
    yield zuora.period(4, is_open=False)
    yield zuora.invoice(zuora.item("17.00", "o1", serviceEndDate=None), name="inv-o", invoiceDate="2026-04-05")
    yield zuora.period(4)

    # Money that goes back, changes hands, or is nobody's yet; a document over nothing.
    cash = Analysis(account="1999")
    yield zuora.Daybook(code="ZBNK", active=True)
    yield zuora.Daybook(code="ZJRN", active=True)
    policy = {"unassigned_cash": cash, "zero_total": "journal"}
    yield zuora.published(3, lines=(*zuora.lines(), extra), daybooks=zuora.ALL_DAYBOOKS, policy=policy)
    yield zuora.payment("50.00", name="pay-c")
    yield zuora.refund("20.00", name="ref-a", closes="payment:pay-c")
    yield zuora.refund("20.00", name="ref-a", closes="payment:pay-c", status="Canceled", updated=on(12))
    yield zuora.memo(zuora.memo_item("30.00", "mc"), name="cm-c")
    yield zuora.refund("30.00", name="ref-b", closes="credit_memo:cm-c", type="Electronic")
    applied = zuora.row("40.00", "p-5", to="inv-f", accountId="acc1")
    yield zuora.payment("40.00", applied, name="pay-d", type="Electronic")
    yield zuora.payment("40.00", applied, name="pay-d", type="Electronic", status="Error", updated=on(12))
    yield zuora.payment("60.00", name="pay-e")
    yield zuora.payment("60.00", name="pay-e", accountId="acc2", updated=on(12))
    yield zuora.payment("70.00", name="pay-f", accountId=None)
    yield zuora.payment("70.00", name="pay-f", updated=on(12))
    yield zuora.invoice(zuora.item("5.00", "q1"), zuora.item("-5.00", "q2"), name="inv-q")


def read_log() -> list[Line]:
    return [msgspec.json.decode(line, type=Line) for line in LOG.read_bytes().splitlines()]


def told(lines: list[Line], *, restarting: bool = False) -> World:
    """Return a world that was told the log; begun anew from its own log after each line, if asked."""
    found = World(bare=True)
    for line in lines:
        found.log.write(line.topic, bytes(line.event))
        found.settle()
        if restarting:
            found.restart()
    return found


def main(arguments: list[str]) -> int:
    if arguments not in (["log"], ["outputs"]):
        sys.stderr.write(f"{__doc__}\n")
        return 2
    if arguments == ["log"]:
        found = World(bare=True)
        for event in documents():
            found.append(event)
        inputs: list[Any] = [Line(topic, msgspec.Raw(found.log[topic][offset])) for topic, offset in found.log.written]
        LOG.write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in inputs))
    made = told(read_log())
    for topic, path in OUTPUTS.items():
        path.write_bytes(b"".join(value + b"\n" for value in made.log[topic]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
