"""What tests of the marking stand on: a log as match and the sink leave it, a real tenant, the worker between them."""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from adapters.kafka.administration import end_offsets
from adapters.kafka.cluster import Cluster, started
from adapters.kafka.log_worker import LogWorker, topics_of
from adapters.kafka.mark_lane import MarkLane
from adapters.kafka.publishing import Publisher
from adapters.kafka.reader import read_whole
from adapters.zuora.asking import posts
from adapters.zuora.marks import ZuoraMarks
from sandbox.process import Child, spawn
from sandbox.zuora.objects import Account, Invoice
from schemas.codec import Event, encode
from schemas.decisions import DocumentReleased
from schemas.events import read_outcome
from schemas.ids import document_key
from schemas.matching import Matched, MatchRule
from schemas.outcomes import AnyOutcome, Document, Posted
from schemas.postings import Act, GlLine, InvoiceContent, Posting, PostingSet
from schemas.records import RecordKind
from schemas.topics import Topic
from streams.mark.marks import WriteBack
from streams.mark.spec import SPEC, STAGE
from tests.adapters.zuora_tenant import ZuoraTenant

TOPICS = topics_of(SPEC)
ROOT = Path(__file__).resolve().parents[2]
CONNECTION = "acme"
ALL = WriteBack(customer_code="QADCode__c", transferred=True, document_number="QADDocument__c")
KINDS = {"Invoice": RecordKind.INVOICE, "Payment": RecordKind.PAYMENT, "CreditMemo": RecordKind.CREDIT_MEMO}


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What a process that marks is started with."""

    bootstrap: str
    namespace: str
    url: str
    client_id: str
    client_secret: str
    write_back: WriteBack


@dataclass
class Marking:
    """One connection, on a partition of its own."""

    cluster: Cluster
    zuora: ZuoraTenant
    partition: int = 0
    connection: str = CONNECTION
    vouchers: int = 0

    async def write(self, *events: tuple[Topic, Event], stage: str = "sink", commit: bool = True) -> list[int]:
        """Write events, outcomes as the sink does: in a transaction."""
        offsets = []
        for topic, event in events:
            transactional = (
                {"transactional_id": f"{self.cluster.namespace}test.{self.partition}"}
                if topic is Topic.OUTCOMES
                else {}
            )
            async with started(self.cluster.producer(**transactional), self.cluster) as producer:
                if transactional:
                    await producer.begin_transaction()
                name, headers = self.cluster.name(topic), [("stage", stage.encode())]
                told = await producer.send_and_wait(
                    name, encode(event), key=b"k", partition=self.partition, headers=headers
                )
                if transactional:
                    await (producer.commit_transaction() if commit else producer.abort_transaction())
                offsets.append(told.offset)
        return offsets

    async def posted(self, *rows: Any, commit: bool = True, **more: Any) -> list[str]:
        """Say of documents that they are in QAD; return the numbers that QAD gave them."""
        numbers = []
        for row in rows:
            self.vouchers += 1
            kind = KINDS[type(row).__name__]
            numbers.append(f"2026/SINV/{self.vouchers}")
            content = posting_of(document_key(kind, row.id), **more)
            (origin,) = await self.write((Topic.POSTINGS, content), stage="ledger")
            outcome = Posted(
                connection=self.connection,
                stage="sink",
                subject=content.postings[0].id,
                document=content.postings[0].document,
                number=f"{kind}-{self.vouchers}",
                origin=origin,
                qad=Document(year=2026, daybook="SINV", voucher=self.vouchers),
                attempt=1,
                customer="C1",
                currency="EUR",
                total=Decimal(10),
                how="answer",
            )
            await self.write((Topic.OUTCOMES, outcome), commit=commit)
        return numbers

    async def matched(self, account: str, customer: str, **more: Any) -> None:
        """Say to which customer an account goes."""
        event = Matched(
            connection=self.connection,
            kind="invoice",
            id="8a02",
            number="INV1",
            origin=0,
            record_id="r",
            stamp="",
            account_id=account,
            account_number="A-1",
            customer=customer,
            rule=MatchRule.LINK,
            **more,
        )
        await self.write((Topic.MATCHED, event), stage="match")

    async def release(self, document: str) -> None:
        """Release a document, as a person does."""
        at = datetime(2026, 3, 10, tzinfo=UTC)
        event = DocumentReleased(connection=self.connection, by="p", at=at, why="mended", document=document, number="x")
        await self.write((Topic.DECISIONS, event), stage="")

    async def said(self, tag: str = "") -> list[AnyOutcome]:
        """Return what the marking has said, oldest first."""
        records = await read_whole(self.cluster, self.partition, [Topic.OUTCOMES])
        outcomes = [read_outcome(record.value) for record in records]
        return [one for one in outcomes if one.stage == STAGE and tag in ("", str(one.__struct_config__.tag))]

    async def all_is_acknowledged(self) -> None:
        """Hold that the group is at the end of all its topics."""
        ends = await end_offsets(self.cluster, TOPICS, [self.partition])
        committed = await self.committed()
        assert {topic: committed.get(topic, 0) for topic in TOPICS} == {
            topic: ends[topic, self.partition] for topic in TOPICS
        }

    async def committed(self) -> dict[Topic, int]:
        """Return how far the group is, by topic."""
        consumer = self.cluster.consumer(group_id=self.cluster.group(STAGE))
        async with started(consumer, self.cluster):
            found = {topic: await consumer.committed(self.cluster.partition(topic, self.partition)) for topic in TOPICS}
        return {topic: place for topic, place in found.items() if place is not None}

    def invoice(self, invoice: Invoice) -> Invoice:
        """Return an invoice as it stands in Zuora."""
        return self.zuora.tenant.tables[Invoice].latest[invoice.id]

    def account(self, key: str) -> Account:
        """Return an account as it stands in Zuora."""
        return self.zuora.tenant.tables[Account].latest[key]

    def stands(self, invoice: Invoice) -> tuple[str | None, str]:
        """Return the mark and the number that stand on an invoice."""
        row = self.invoice(invoice)
        return row.transferred_to_accounting, (row.custom or {}).get("QADDocument__c", "")

    @property
    def calls(self) -> list[str]:
        """The idempotency keys of all updates that came, oldest first."""
        return [str(one.idempotency_key) for one in self.zuora.requests(posts.UPDATE)]

    @asynccontextmanager
    async def running(self, settings: WriteBack = ALL, slot: str = "0") -> AsyncIterator[LogWorker]:
        """Run the worker meanwhile."""
        async with Publisher(self.cluster) as publisher:
            marks = ZuoraMarks(await self.zuora.client())
            async with at_work(worker_of(self.cluster, settings, {0: marks}, publisher, slot=slot)) as worker:
                yield worker

    def process(self, log: Path, settings: WriteBack = ALL) -> Child:
        """Start the worker as a process of its own."""
        known = self.zuora.sandbox.world.clients[0]
        job = Job(
            bootstrap=self.cluster.bootstrap,
            namespace=self.cluster.namespace,
            url=self.zuora.url,
            client_id=known.client_id,
            client_secret=known.client_secret,
            write_back=settings,
        )
        command = [sys.executable, "-m", "tests.broker.marking_process", msgspec.json.encode(job).decode()]
        return spawn(command, log=log, env=dict(os.environ), cwd=ROOT)


def worker_of(
    cluster: Cluster, settings: WriteBack, marks: Mapping[int, ZuoraMarks], publisher: Publisher, *, slot: str = "0"
) -> LogWorker:
    """Return a worker with a connection on each of these partitions; the others are nobody's."""

    def make_lane(partition: int) -> MarkLane | None:
        if partition not in marks:
            return None
        return MarkLane(
            cluster=cluster,
            connection=CONNECTION,
            partition=partition,
            settings=settings,
            marks=marks[partition],
            publisher=publisher,
        )

    return LogWorker(cluster, SPEC, slot=slot, make_lane=make_lane)


@asynccontextmanager
async def at_work(worker: LogWorker) -> AsyncIterator[LogWorker]:
    """Run a worker meanwhile."""
    task = asyncio.create_task(worker.run())
    try:
        yield worker
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@asynccontextmanager
async def running_both(one: Marking, other: Marking) -> AsyncIterator[LogWorker]:
    """Run one worker for two connections meanwhile."""
    async with Publisher(one.cluster) as publisher:
        marks = {side.partition: ZuoraMarks(await side.zuora.client()) for side in (one, other)}
        async with at_work(worker_of(one.cluster, ALL, marks, publisher)) as worker:
            yield worker


def posting_of(document: str, *, act: Act = Act.POST, step: str = "document") -> PostingSet:
    """Return a set of one posting of a document."""
    kind, _, key = document.partition(":")
    day = date(2026, 3, 10)
    content = InvoiceContent(
        customer="C1",
        currency="EUR",
        total=Decimal(10),
        document_date=day,
        posting_date=day,
        due_date=day,
        daybook="SINV",
        description="x",
        lines=(GlLine(account="4000", credit=Decimal(10)),),
    )
    posting = Posting(
        id=f"p-{key}-{step}",
        reference="R",
        number="x",
        document=document,
        act=act,
        n=1,
        step=step,
        content=content,
        source_hash="s",
        content_hash="c",
    )
    return PostingSet(
        connection=CONNECTION,
        kind=kind,
        id=key,
        number="x",
        origin=0,
        record=0,
        record_id="r",
        stamp="",
        customer="C1",
        mapping_version=1,
        currency="EUR",
        value=Decimal(10),
        postings=(posting,),
    )
