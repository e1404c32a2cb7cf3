"""`reconcile` over all connections: one that has no mapping yet is named, and keeps no other from being compared."""

import asyncio
import json

from click.testing import CliRunner

from adapters.credentials.keys import make_key_file
from adapters.credentials.store import CredentialStore
from adapters.kafka.assignments import assign
from console.cli import main
from console.output import EXIT_FINDINGS
from sandbox.zuora import Sandbox, running
from schemas.codec import encode
from schemas.topics import Topic, key
from tests.broker.erps import CONNECTION
from tests.broker.lanes import OwnedPartition
from tests.conftest import PARTITIONS
from tests.unit import builders

# The first has no mapping, and no profile of QAD either: it is being set up.
TEXT = """
[kafka]
bootstrap = "{bootstrap}"
namespace = "{namespace}"
partitions = {partitions}

[tenants.acme]
base_url = "{url}"
private_hosts = ["127.0.0.1"]

[tenants.acme.poll]
interval_s = 300
start = 2026-01-01T00:00:00Z

[connections.acme-later]
tenant = "acme"
profile = "later.toml"
private_hosts = ["127.0.0.1"]
accounts = {{ field = "Entity__c", values = ["later"] }}

[connections.acme-main]
tenant = "acme"
profile = "profile.toml"
private_hosts = ["127.0.0.1"]
accounts = {{ field = "Entity__c", values = ["main"] }}
"""


async def test_a_connection_without_a_mapping_is_a_finding_and_the_others_are_reconciled(cluster, qad, tmp_path):
    sandbox = Sandbox(seed=1)
    async with running(sandbox) as url:
        config = tmp_path / "ml-connector.toml"
        config.write_text(
            TEXT.format(bootstrap=cluster.bootstrap, namespace=cluster.namespace, partitions=PARTITIONS, url=url),
            encoding="utf-8",
        )
        make_key_file(tmp_path / "credentials.key")
        store = CredentialStore(tmp_path / "credentials.json", tmp_path / "credentials.key")
        known = sandbox.world.clients[0]
        for owner, fields in {
            "zuora/acme": {"client_id": known.client_id, "client_secret": known.client_secret},
            f"qad/{CONNECTION}": {"client_id": "ml-connector", "username": "connector", "password": "connector-word"},
        }.items():
            for field, text in fields.items():
                store.set(owner, field, text)
        owners = await assign(cluster, ["acme-later", CONNECTION], partitions=PARTITIONS, by="ada")
        async with OwnedPartition(cluster, owners[CONNECTION]) as worker:
            event = encode(builders.published())
            await (await worker.send(Topic.DECISIONS, key=key(CONNECTION), value=event, stage="test"))

        async def ran(*words):
            command = ["--config", str(config), "reconcile", *words]
            return await asyncio.to_thread(CliRunner().invoke, main, command)

        said, as_json = await ran(), await ran("--json")
        alone = await ran("--connection", CONNECTION)
        period = await ran("--connection", CONNECTION, "--period", "2026-02", "--json")
        earlier = await ran("--connection", CONNECTION, "--period", "2026-02", "--as-of", "2026-02-14", "--json")
        unknown = await ran("--connection", CONNECTION, "--period", "2026-13")
        both = await ran("--period", "2026-02", "--from", "2026-02-01")
    assert (said.exit_code, as_json.exit_code, alone.exit_code) == (EXIT_FINDINGS, EXIT_FINDINGS, 0), said.output
    assert "acme-later: no mapping is published" in said.output
    assert "ml-connector mapping publish FILE --connection acme-later" in " ".join(said.output.split())
    assert "unexplained 0 in every currency" in said.output
    later, main_one = json.loads(as_json.stdout)
    assert [one["part"] for one in later["differences"]] == ["no_mapping"]
    assert (later["at"], later["checks"]) == ("", {})
    assert (main_one["connection"], main_one["at"] > "", main_one["differences"]) == (CONNECTION, True, [])
    assert [path.name for path in tmp_path.glob("**/reconciliations/*.json")] == [f"{CONNECTION}.json"]
    [told], [of_a_day] = json.loads(period.stdout), json.loads(earlier.stdout)
    days = ("period", "from_date", "as_of", "balances_on")
    assert [told[one] for one in days] == ["2026-02", "2026-02-01", "2026-02-28", "2026-02-28"]
    assert (of_a_day["as_of"], of_a_day["balances_on"]) == ("2026-02-28", "2026-02-14")
    assert (unknown.exit_code, both.exit_code) == (2, 2)
    assert "QAD has no period 2026-13: name one that it has" in " ".join(unknown.output.split())
    assert "leave out --from or --period" in " ".join(both.output.split())
