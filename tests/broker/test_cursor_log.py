"""What was read of a tenant before, as another process finds it in the log: whether it had Invoice Settlement."""

from datetime import timedelta

import pytest

from adapters.kafka.cluster import Cluster
from adapters.kafka.feed import CursorLog, TenantFeed
from adapters.kafka.publishing import Publisher
from adapters.zuora.reading.settlement import Settlement
from schemas.errors import Transient
from schemas.records import RecordKind
from tests.adapters.zuora_tenant import NOON, zuora_tenant


async def first_partition():
    return 1


async def test_whoever_asks_finds_that_credit_memos_were_read_before(cluster):
    log = CursorLog(cluster, first_partition)
    async with zuora_tenant() as zuora:
        zuora.use(invoice_settlement=False)
        client = await zuora.client()
        asked = Settlement(client, "acme")
        asked.remember(log)
        assert await log.read_to(RecordKind.CREDIT_MEMO) is None
        assert (await asked.look()).on is False
        async with Publisher(cluster) as publisher:
            feed = TenantFeed(cluster, publisher, {"acme-main": 1, "acme-asia": 2})
            for moment in (NOON, NOON + timedelta(hours=1)):
                await feed.moved_to(RecordKind.CREDIT_MEMO, moment)
                await feed.moved_to(RecordKind.INVOICE_ADJUSTMENT, moment - timedelta(days=1))
        assert await log.read_to(RecordKind.CREDIT_MEMO) == NOON + timedelta(hours=1)
        found = await asked.look()
        assert (found.on, found.lost) == (True, True)
        assert await asked.ended() == {RecordKind.INVOICE_ADJUSTMENT: NOON - timedelta(hours=23)}


async def test_a_log_that_cannot_be_read_tells_nothing():
    async with zuora_tenant() as zuora:
        zuora.use(invoice_settlement=False)
        asked = Settlement(await zuora.client(), "acme")
        asked.remember(CursorLog(Cluster(bootstrap="127.0.0.1:1", namespace="none."), first_partition))
        with pytest.raises(Transient, match="no Kafka answers"):
            await asked.is_on()
