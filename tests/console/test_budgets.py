"""What a process uses of a tenant's budget is told to the other processes: `lag` and the metrics show it."""

import asyncio
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from adapters.credentials.keys import make_key_file
from adapters.credentials.store import CredentialStore
from console.commands.operating import _use
from console.config import load_site
from console.watching.budgets import BudgetUse, budget_uses, told
from console.watching.metrics import Metrics
from console.wiring import Wiring
from tests.adapters.zuora_tenant import zuora_tenant

CODES = "/v1/accounting-codes"
SITE = """
[kafka]
bootstrap = "localhost:9092"

[tenants.acme]
base_url = "{url}"
private_hosts = ["127.0.0.1"]
budget = {{ per_minute = 600, concurrency = 10, object_query = 20 }}

[tenants.acme.poll]
interval_s = 300
start = 2026-01-01T00:00:00Z

[connections.main]
tenant = "acme"
profile = "profile.toml"
"""


@pytest.fixture
async def zuora():
    async with zuora_tenant() as tenant:
        yield tenant


@pytest.fixture
def wiring(zuora, tmp_path):
    tmp_path.chmod(0o700)
    make_key_file(tmp_path / "credentials.key")
    client = zuora.sandbox.world.clients[0]
    store = CredentialStore(tmp_path / "credentials.json", tmp_path / "credentials.key")
    store.set("zuora/acme", "client_id", client.client_id)
    store.set("zuora/acme", "client_secret", client.client_secret)
    config = tmp_path / "ml-connector.toml"
    config.write_text(SITE.format(url=zuora.url))
    return Wiring(load_site(config))


async def test_what_is_used_is_told_while_it_is_used_and_not_after(wiring, zuora, eventually, monkeypatch):
    monkeypatch.setattr("console.watching.budgets._EVERY_S", 0.02)
    async with told(wiring, "poll", slot="0"):
        async with wiring.zuora("acme", process="poll") as one, wiring.zuora("acme", process="poll") as two:
            await asyncio.gather(*(client.get(CODES) for client in (one, two) for _ in range(3)))

        async def shown() -> None:
            [use] = budget_uses(wiring.data)
            assert (use.tenant, use.process, use.usage.used, use.tokens) == ("acme", "poll", 6, 1)
            # Four tenths of 600 a minute, as its share says, and what is left of the tenant's own limit.
            assert (use.usage.per_minute, use.usage.limit) == (240, 50_000)
            assert use.usage.remaining == 50_000 - 6
            assert use.usage.places == {"Default": 4, "Object Query": 8}

        await eventually(shown, within_s=10, every_s=0.02)
        metrics = Metrics()
        metrics.update_budgets(budget_uses(wiring.data))
        text = metrics.text().decode()
        for line in (
            'ml_connector_zuora_calls{process="poll",slot="0",tenant="acme"} 6.0',
            'ml_connector_zuora_calls_allowed{process="poll",slot="0",tenant="acme"} 240.0',
            'ml_connector_zuora_calls_left{process="poll",slot="0",tenant="acme"} 49994.0',
            'ml_connector_zuora_refused{process="poll",slot="0",tenant="acme"} 0.0',
            'ml_connector_zuora_tokens{process="poll",slot="0",tenant="acme"} 1.0',
            'ml_connector_zuora_in_flight{kind="Object Query",process="poll",slot="0",tenant="acme"} 0.0',
            'ml_connector_zuora_waiting{priority="backfill",process="poll",slot="0",tenant="acme"} 0.0',
        ):
            assert line in text
        [use] = budget_uses(wiring.data)
        assert _use(use)[:5] == ("acme", "poll", 6, 240, "49994 of 50000")
        assert use.tokens == zuora.token_calls
    assert budget_uses(wiring.data) == []
    metrics.update_budgets([])
    assert "acme" not in metrics.text().decode()


async def test_each_process_and_slot_tells_for_itself(wiring):
    async with told(wiring, "poll", slot="0"), told(wiring, "read", slot="a"), told(wiring, "read", slot="b"):
        await asyncio.sleep(0)
        assert {path.name for path in (wiring.data / "budgets").glob("*.json")} == {
            "poll.0.json",
            "read.a.json",
            "read.b.json",
        }


async def test_what_is_old_or_broken_is_passed_over(wiring):
    async with told(wiring, "poll", slot="0"):
        client = wiring.zuora("acme", process="poll")
        await client.__aexit__(None, None, None)
    use = BudgetUse(
        tenant="acme",
        process="read",
        slot="0",
        at=datetime.now(UTC) - timedelta(seconds=31),
        usage=client.budget.usage(),
        tokens=0,
    )
    directory = wiring.data / "budgets"
    (directory / "read.0.json").write_bytes(msgspec.json.encode([use]))
    (directory / "read.1.json").write_bytes(b'[{"tenant": "ac')
    assert budget_uses(wiring.data) == []
    (directory / "read.0.json").write_bytes(msgspec.json.encode([msgspec.structs.replace(use, at=datetime.now(UTC))]))
    assert [one.process for one in budget_uses(wiring.data)] == ["read"]


async def test_processes_of_a_site_share_the_budget_and_a_process_shares_its_part(wiring):
    clients = [wiring.zuora("acme", process="backfill") for _ in range(2)]
    try:
        assert clients[0].budget is clients[1].budget
        assert clients[0].token is clients[1].token
        assert clients[0].budget.allowance.per_minute == 150
    finally:
        for client in clients:
            await client.__aexit__(None, None, None)
