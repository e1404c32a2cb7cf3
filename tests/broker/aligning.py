"""What tests of aligning stand on: a log as match leaves it, a real QAD, the worker between, or a process of it."""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from adapters.kafka.administration import end_offsets
from adapters.kafka.align_lane import AlignLane
from adapters.kafka.cluster import Cluster, started
from adapters.kafka.log_worker import LogWorker, topics_of
from adapters.kafka.publishing import Publisher
from adapters.kafka.reader import read_whole
from adapters.qad.rest.customers import RestCustomers
from sandbox.process import Child, spawn
from schemas.codec import Event, encode
from schemas.events import read_outcome
from schemas.mapping import CustomerRules
from schemas.matching import AccountSeen
from schemas.outcomes import Aligned, AnyOutcome
from schemas.references import Customer
from schemas.topics import Topic
from streams.customers.spec import ALIGN, ALIGN_SPEC
from tests.adapters.qad_company import QadCompany
from tests.unit import builders

ROOT = Path(__file__).resolve().parents[2]
TOPICS = topics_of(ALIGN_SPEC)
EVERYTHING = ("name", "search_name", "address", "terms", "status")
CONTACT = {"id": "c1", "address1": "Kai 1", "city": "Kiel", "postalCode": "24103", "country": "Germany"}
CODE, RELATION, NAME = "CALIGN", "BRALIGN", "Nordlicht GmbH"


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What a process that aligns is started with."""

    bootstrap: str
    namespace: str
    profile: str


@dataclass
class World:
    """One connection, its QAD, and the log before the lane. Accounts are a1, a2 ...; their numbers are A-a1 ..."""

    cluster: Cluster
    qad: QadCompany
    books: RestCustomers
    versions: int = 0

    # -- the log -------------------------------------------------------------------------------------------------------

    async def write(self, topic: Topic, event: Event) -> int:
        async with started(self.cluster.producer(), self.cluster) as producer:
            told = await producer.send_and_wait(self.cluster.name(topic), encode(event), key=b"k", partition=0)
        return told.offset

    async def publish(self, *fields: str, version: int = 1) -> None:
        rules = CustomerRules(account_field="", qad_field=True, align=fields)
        await self.write(Topic.DECISIONS, builders.published(version, customers=rules))

    async def account(
        self, name: str = "a1", *, contact: dict[str, Any] | None = None, called: str = NAME, **more: Any
    ) -> None:
        """Write a version of an account, as match leaves it."""
        self.versions += 1
        number = f"A-{name}"
        said = {**CONTACT, **(contact or {})}
        record = builders.account(name, number=number, name_=called, billTo=said, **more)
        parent = bytes(record.parent).replace(b'"name_"', b'"name"')
        origin = await self.write(Topic.RECORDS, msgspec.structs.replace(record, parent=msgspec.Raw(parent)))
        seen = AccountSeen(
            connection=builders.CONNECTION,
            id=name,
            number=number,
            origin=origin,
            record_id=f"r{self.versions}",
            stamp="",
            currency="EUR",
            claimed_by=(builders.CONNECTION,),
        )
        await self.write(Topic.MATCHED, seen)

    async def shown(self, code: str = CODE, account: str = "a1", **more: Any) -> None:
        """Write what the reference data show of a customer."""
        customer = Customer(code=code, active=True, currency="EUR", terms="NET30", zuora_account=f"A-{account}")
        await self.write(Topic.QAD_REFERENCE, msgspec.structs.replace(customer, **more))

    async def said(self) -> list[AnyOutcome]:
        records = await read_whole(self.cluster, 0, [Topic.OUTCOMES])
        return [one for one in (read_outcome(record.value) for record in records) if one.stage == ALIGN]

    async def aligned(self) -> list[Aligned]:
        return [one for one in await self.said() if isinstance(one, Aligned)]

    async def all_is_done(self) -> None:
        """Hold that all that is in the log was looked at."""
        ends = await end_offsets(self.cluster, list(TOPICS), [0])
        consumer = self.cluster.consumer(group_id=self.cluster.group(ALIGN))
        async with started(consumer, self.cluster):
            for topic in TOPICS:
                reached = await consumer.committed(self.cluster.partition(topic, 0)) or 0
                assert reached == ends[topic, 0], (topic, reached, ends[topic, 0])

    # -- QAD -----------------------------------------------------------------------------------------------------------

    async def make(self, code: str = CODE, relation: str = RELATION, account: str = "a1") -> None:
        """Make a customer in QAD that says what the account says at first, and show it."""
        if relation not in self.relations:
            said = {"name": NAME, "search_name": NAME, "street": "Kai 1", "city": "Kiel", "postal_code": "24103"}
            await self.books.make("relation", relation, {**said, "country": "DE"})
        values = {"relation": relation, "currency": "EUR", "terms": "NET30", "zuora_account": f"A-{account}"}
        await self.books.make("customer", code, {**values, "active": True})
        await self.shown(code, account)

    @property
    def relations(self) -> Any:
        return self.qad.server.installation.books.master.business_relations

    @property
    def relation(self) -> Any:
        return self.relations[RELATION]

    @property
    def customer(self) -> Any:
        return self.qad.server.installation.books.master.catalogues["CORP"].customers[CODE]

    def writes(self) -> list[Any]:
        """Return the calls that changed or made a record of master data."""
        kinds = ("customer", "business_relation")
        return [call for call in self.qad.requests() if call.is_write and call.kind in kinds]

    # -- the worker ----------------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with Publisher(self.cluster) as publisher:
            task = asyncio.create_task(worker_of(self.cluster, self.books, self.qad.profile(), publisher).run())
            try:
                yield
            finally:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task

    @contextmanager
    def process(self, log: Path) -> Iterator[Child]:
        """Run the worker as a process of its own; what still runs at the end is killed."""
        self.qad.profile()
        job = Job(
            bootstrap=self.cluster.bootstrap,
            namespace=self.cluster.namespace,
            profile=str(self.qad.directory / "profile.toml"),
        )
        command = [sys.executable, "-m", "tests.broker.aligning_process", msgspec.json.encode(job).decode()]
        child = spawn(command, log=log, env=dict(os.environ), cwd=ROOT)
        try:
            yield child
        finally:
            if child.poll() is None:
                child.kill()
                child.wait()


def worker_of(cluster: Cluster, books: RestCustomers, profile: Any, publisher: Publisher) -> LogWorker:
    """Return a worker with one connection, on the first partition."""
    masters = profile.customers

    def make_lane(partition: int) -> AlignLane | None:
        if partition:
            return None
        return AlignLane(
            cluster=cluster,
            connection=builders.CONNECTION,
            partition=0,
            books=books,
            countries=masters.countries,
            lengths=masters.lengths,
            publisher=publisher,
        )

    return LogWorker(cluster, ALIGN_SPEC, slot="0", make_lane=make_lane)
