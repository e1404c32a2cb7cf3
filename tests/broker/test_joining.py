"""`ml-connector topics create` where a connection joins a tenant that others have read: it says what that needs."""

import asyncio
import json
from pathlib import Path
from types import SimpleNamespace

from click.testing import CliRunner

from adapters.kafka.cluster import Cluster
from console.commands.setup import topics
from console.context import Context
from tests.conftest import PARTITIONS


async def created(cluster: Cluster, tenants: dict[str, str], *words: str) -> str:
    """Run the command for a site with these connections; return what it says."""
    context = Context(Path("none.toml"))
    kafka = SimpleNamespace(partitions=PARTITIONS, replicas=1)
    connections = {name: SimpleNamespace(tenant=tenant) for name, tenant in tenants.items()}
    config = SimpleNamespace(kafka=kafka, connections=connections)
    context.__dict__["site"] = SimpleNamespace(config=config, cluster=cluster)
    runner = CliRunner()
    ended = await asyncio.to_thread(runner.invoke, topics, ["create", *words], obj=context, catch_exceptions=False)
    assert ended.exit_code == 0
    return ended.output


async def test_a_connection_that_joins_its_tenant_later_is_told_to_be_backfilled_again(cluster):
    began = {"acme-main": "acme"}
    assert "--again" not in await created(cluster, began)
    other = json.loads(await created(cluster, {**began, "other": "other"}, "--json"))
    assert (other["joined_later"], set(other["partitions"])) == ({}, {"acme-main", "other"})
    joined = await created(cluster, {**began, "acme-us": "acme"})
    assert "acme-us joins tenant acme" in joined
    assert joined.count("backfill --tenant acme --from CUT-OVER --again") == 1
    assert "--again" not in await created(cluster, {**began, "acme-us": "acme"})
