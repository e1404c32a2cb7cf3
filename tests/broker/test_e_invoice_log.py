"""What waits for its e-invoice is told by the log of a real broker, also where that becomes another log."""

from datetime import UTC, datetime

from adapters.kafka.administration import create_topics
from adapters.kafka.cluster import started
from adapters.kafka.e_invoices import EInvoiceLog
from adapters.kafka.publishing import Publication, Publisher
from schemas.outcomes import Ignored, Parked, Released, Waiting
from schemas.reasons import Reason
from schemas.topics import Topic, key
from streams import waits
from tests.conftest import PARTITIONS
from tests.topics import delete_topic
from tests.unit import builders as zuora

AT = datetime(2026, 3, 15, tzinfo=UTC)


def mapping(version=1, **policy):
    return Topic.DECISIONS, zuora.published(version, policy=policy)


def outcome(kind, document, status=None, *, stage="ledger"):
    fields = {"connection": zuora.CONNECTION, "stage": stage, "subject": document, "document": document, "origin": 1}
    if kind is not Released:
        keys = () if status is None else (waits.e_invoice(status), waits.MAPPING)
        fields["reason"] = Reason(rule="r", message="m", waits_for=keys)
    return Topic.OUTCOMES, kind(**fields)


async def write(cluster, *events, partition=0):
    async with Publisher(cluster) as publisher:
        await publisher.publish(
            [
                Publication(topic=topic, partition=partition, key=key("c", str(number)), event=event)
                for number, (topic, event) in enumerate(events)
            ]
        )


async def test_it_follows_what_waits_with_which_status(cluster):
    following = EInvoiceLog(cluster, [0, 1])
    assert await following.refresh() == {}
    await write(cluster, outcome(Waiting, "invoice:a", "Processing"))
    assert await following.refresh() == {}, "no mapping asks: outcomes are not read"
    await write(cluster, mapping(post_when="e_invoice_cleared"))
    assert await following.refresh() == {"invoice:a": "Processing"}
    producer = cluster.producer()
    async with started(producer, cluster):
        await producer.send_and_wait(cluster.name(Topic.OUTCOMES), b"garbled", partition=0)
    await write(
        cluster,
        outcome(Waiting, "invoice:b", ""),
        outcome(Parked, "credit_memo:c", "Failed"),
        outcome(Waiting, "invoice:d"),
        outcome(Waiting, "invoice:e", "Processing", stage="sink"),
    )
    await write(cluster, mapping(post_when="e_invoice_cleared"), outcome(Parked, "invoice:f", "Odd"), partition=1)
    assert await following.refresh() == {
        "invoice:a": "Processing",
        "invoice:b": "",
        "credit_memo:c": "Failed",
        "invoice:f": "Odd",
    }
    await write(
        cluster,
        outcome(Released, "invoice:a"),
        outcome(Ignored, "invoice:b", ""),
        outcome(Parked, "credit_memo:c"),
        # A mapping that does not ask any more may count for later documents alone.
        mapping(2),
    )
    assert await following.refresh() == {"invoice:f": "Odd"}
    assert await EInvoiceLog(cluster, [0, 1]).refresh() == {"invoice:f": "Odd"}, "as after a start"


async def test_of_a_log_that_was_made_anew_nothing_is_kept(cluster):
    following = EInvoiceLog(cluster, [0])
    await write(cluster, mapping(post_when="e_invoice_cleared"), outcome(Waiting, "invoice:a", "Processing"))
    assert await following.refresh() == {"invoice:a": "Processing"}
    await delete_topic(cluster, Topic.OUTCOMES)
    await create_topics(cluster, partitions=PARTITIONS, replicas=1)
    assert await following.refresh() == {}
