"""A log in memory for the read model: what `observe` would be handed, and a little of everything in it."""

import sqlite3
from datetime import UTC, datetime
from decimal import Decimal

import msgspec

from adapters.kafka.reader import LogRecord
from schemas.callouts import Callout
from schemas.codec import encode
from schemas.cursors import Cursor, Reread
from schemas.deadletters import DeadLetter
from schemas.decisions import DocumentReleased
from schemas.matching import Matched, MatchRule
from schemas.outcomes import Document, Intended, Parked, Posted
from schemas.reasons import Reason
from schemas.records import Found, ZuoraRecord
from schemas.references import AccountingCode, Customer
from schemas.topics import Topic

AT = datetime(2026, 3, 15, 12, tzinfo=UTC)
INVOICE, ID = "invoice:8a01", "8a01"
_STAND = {"connection": "acme", "stage": "sink", "subject": "p1", "document": INVOICE, "number": "INV1"}


class Log:
    """A log in memory: what `observe` would be handed, topic by topic."""

    def __init__(self):
        self.records: list[tuple[int, LogRecord]] = []
        self._ends: dict[tuple[Topic, int], int] = {}

    def add(self, topic, event, *, partition=0, at_ms=None, gap=0):
        value = event if isinstance(event, bytes) else encode(event)
        offset = self._ends.get((topic, partition), 0) + gap
        self._ends[topic, partition] = offset + 1
        moment = 1_000 + len(self.records) if at_ms is None else at_ms
        self.records.append((partition, LogRecord(topic, offset, moment, b"key", value)))
        return offset

    def by_topic(self):
        """Return the records of each topic and partition, in order."""
        lanes = {}
        for partition, record in self.records:
            lanes.setdefault((record.topic, partition), []).append((partition, record))
        return lanes


def invoice(zuora_id=ID, *, number="INV1", amount="119.00", currency="EUR", status="Posted", connection="acme"):
    parent = {
        "id": zuora_id,
        "invoiceNumber": number,
        "accountId": "a1",
        "status": status,
        "amount": amount,
        "currency": currency,
        "invoiceDate": "2026-03-10",
    }
    raw = msgspec.json.encode(parent).replace(f'"{amount}"'.encode(), amount.encode())
    found = Found(by="poll", at=AT)
    return ZuoraRecord(
        connection=connection, tenant="t", kind="invoice", id=zuora_id, found=found, parent=msgspec.Raw(raw)
    )


def reason(rule="unmapped_code", **more):
    return Reason(rule=rule, message="a message", next_step="a next step", **more)


def posted(**changes):
    known = {
        **_STAND,
        "origin": 0,
        "qad": Document(year=2026, daybook="ZINV", voucher=1),
        "attempt": 1,
        "customer": "C1",
        "currency": "EUR",
        "total": Decimal("119.00"),
        "how": "answer",
    }
    return Posted(**{**known, **changes})


def intended(**changes):
    known = {
        **_STAND,
        "origin": 0,
        "reference": "R" * 20,
        "attempt": 1,
        "customer": "C1",
        "mapping_version": 1,
        "source_hash": "s",
        "content_hash": "c",
        "currency": "EUR",
        "total": Decimal("119.00"),
        "day": AT.date(),
    }
    return Intended(**{**known, **changes})


def parked(**changes):
    known = {"connection": "acme", "stage": "ledger", "subject": INVOICE, "document": INVOICE, "number": "INV1"}
    return Parked(
        **{**known, "origin": 0, "reason": reason(), "currency": "EUR", "value": Decimal("119.00"), **changes}
    )


def little_log() -> Log:
    """A little of everything, over two partitions."""
    found = Log()
    body = b'{"object": "Invoice", "id": "8a01"}'
    callout = Callout(
        connection="acme",
        tenant="t",
        received_at=AT,
        notification_id="n-1",
        headers={},
        content_type="application/json",
        body=body,
    )
    found.add(Topic.CALLOUTS, callout)
    found.add(Topic.CALLOUTS, msgspec.structs.replace(callout, body=b"no json"))
    found.add(Topic.RECORDS, invoice())
    found.add(Topic.RECORDS, invoice("8a02", number="INV2", amount="50", currency="USD"))
    found.add(Topic.RECORDS, invoice("8a03", number="INV3", amount="7", connection="other"), partition=1)
    found.add(Topic.RECORDS, b"not json at all")
    found.add(Topic.ZUORA_REFERENCE, AccountingCode(id="c1", name="Revenue"))
    found.add(Topic.QAD_REFERENCE, Customer(code="C1", active=True, currency="EUR"))
    found.add(Topic.DECISIONS, DocumentReleased(connection="acme", by="eva", at=AT, document=INVOICE, number="INV1"))
    matched = Matched(
        connection="acme",
        kind="invoice",
        id=ID,
        number="INV1",
        origin=0,
        record_id="r",
        stamp="",
        account_id="a1",
        account_number="A-1",
        customer="C1",
        rule=MatchRule.LINK,
    )
    found.add(Topic.MATCHED, matched)
    found.add(Topic.OUTCOMES, parked())
    found.add(Topic.OUTCOMES, intended(), gap=2)
    found.add(Topic.OUTCOMES, posted())
    found.add(Topic.OUTCOMES, parked(subject="invoice:8a02", document="invoice:8a02", number="INV2"))
    letter = DeadLetter(
        connection="acme",
        topic="zuora.records",
        offset=2,
        at_ms=5,
        stage="match",
        reason="r",
        next_step="n",
        key=b"",
        value=b"",
    )
    found.add(Topic.DEAD_LETTERS, letter)
    found.add(Topic.CURSORS, Cursor(connection="acme", kind="invoice", read_to=AT))
    for rows in (100, 200):
        found.add(Topic.CURSORS, reread(rows=rows))
    return found


def reread(**fields):
    """Return what a re-read of invoices has proved and found."""
    told = {"proved_s": 50, "turn_s": 200, "turns": 3, "late": 1, "deleted": 2, **fields}
    return Reread(connection="acme", kind="invoice", at=AT, since=AT, until=AT, **told)


def dump(path):
    """Return everything in the file but when somebody last looked."""
    with sqlite3.connect(path) as database:
        tables = ("positions", "events", "documents", "standings", "dead_letters", "rereads")
        found = {table: database.execute(f"select * from {table} order by 1, 2, 3").fetchall() for table in tables}
    database.close()
    return {table: sorted(rows) for table, rows in found.items()}
