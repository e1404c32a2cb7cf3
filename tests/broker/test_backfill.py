"""`ml-connector backfill`, the command itself: a real broker, a real server, stopped by a signal and run again."""

import asyncio
import json
import signal
import sys
from asyncio.subprocess import PIPE
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from adapters.credentials.keys import make_key_file
from adapters.credentials.store import CredentialStore
from adapters.kafka.reader import read_whole
from console.output import EXIT_FAILED, EXIT_OK, EXIT_USAGE
from schemas.cursors import Backfill
from schemas.events import read_cursor, read_record
from schemas.records import RecordKind
from schemas.topics import Topic
from tests.adapters.ground import given
from tests.adapters.zuora_tenant import NOON, zuora_tenant

ROOT = Path(__file__).parents[2]
CONFIGURATION = """
[kafka]
bootstrap = "{kafka}"
namespace = "{namespace}"
partitions = 3
replicas = 1

[tenants.acme]
base_url = "{zuora}"
private_hosts = ["127.0.0.1"]

[tenants.acme.poll]
interval_s = 300
start = 2026-03-01T00:00:00Z

[connections.one]
tenant = "acme"
profile = "profile.toml"

[connections.two]
tenant = "acme"
profile = "profile.toml"
"""


class Installation:
    """A configuration, a tenant and the command line."""

    def __init__(self, directory, zuora, cluster):
        self.zuora, self.cluster = zuora, cluster
        self.path = directory / "ml-connector.toml"
        self.path.write_text(
            CONFIGURATION.format(kafka=cluster.bootstrap, namespace=cluster.namespace, zuora=zuora.url),
            encoding="utf-8",
        )
        make_key_file(directory / "credentials.key")
        known = zuora.sandbox.world.clients[0]
        store = CredentialStore(directory / "credentials.json", directory / "credentials.key")
        store.set("zuora/acme", "client_id", known.client_id)
        store.set("zuora/acme", "client_secret", known.client_secret)

    async def start(self, *words):
        command = (sys.executable, "-m", "console", "--config", str(self.path), *words)
        return await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=PIPE, cwd=ROOT)

    async def run(self, *words):
        process = await self.start(*words)
        out, err = await process.communicate()
        return process.returncode, out.decode(), err.decode()

    async def records(self, partition):
        log = await read_whole(self.cluster, partition, [Topic.RECORDS])
        return [read_record(one.value) for one in log]

    async def positions(self):
        log = await read_whole(self.cluster, 0, [Topic.CURSORS])
        return {event.kind: event for one in log if isinstance(event := read_cursor(one.value), Backfill)}


@pytest.fixture
async def installation(tmp_path, cluster):
    async with zuora_tenant() as zuora:
        for day in range(60):
            zuora.sandbox.clock.set(datetime(2026, 1, 2, 9, tzinfo=UTC) + timedelta(days=day), running=False)
            zuora.payment(zuora.invoice())
        zuora.sandbox.clock.set(NOON, running=False)
        found = Installation(tmp_path, zuora, cluster)
        code, _out, err = await found.run("topics", "create")
        assert code == EXIT_OK, err
        yield found


BACKFILL = ("backfill", "--from", "2026-01-01", "--yes", "--json")


async def test_everything_is_written_to_every_connection_and_a_second_run_writes_nothing(installation):
    code, out, err = await installation.run(*BACKFILL)
    assert code == EXIT_OK, err
    told = json.loads(out)
    assert (told["tenant"], told["progress"]["records"], told["progress"]["finished"]) == ("acme", 121, True)
    for partition in (0, 1):
        records = await installation.records(partition)
        counted = Counter((record.kind, record.found.by) for record in records)
        assert counted == {("account", "backfill"): 1, ("invoice", "backfill"): 60, ("payment", "backfill"): 60}
    code, out, err = await installation.run(*BACKFILL)
    assert (code, json.loads(out)["progress"]["records_now"]) == (EXIT_OK, 0), err
    assert len(await installation.records(0)) == 121


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
async def test_what_a_signal_stopped_goes_on_and_leaves_nothing_out(installation, eventually, how):
    installation.zuora.arm("slow", "^/object-query/invoices$", seconds=0.1)
    process = await installation.start(*BACKFILL)

    async def in_the_middle():
        position = (await installation.positions()).get(RecordKind.INVOICE)
        assert position is not None
        assert position.records >= 5

    await eventually(in_the_middle, within_s=60)
    process.send_signal(how)
    _out, err = await process.communicate()
    if how is signal.SIGINT:
        assert "somebody interrupted it. The same command goes on from there." in err.decode()
        assert "Traceback" not in err.decode()
    installation.zuora.sandbox.faults.disarm()
    stopped = (await installation.positions())[RecordKind.INVOICE]
    given(5 <= stopped.records < 60 and not stopped.finished, "it was stopped in the middle")
    code, out, err = await installation.run(*BACKFILL)
    assert code == EXIT_OK, err
    progress = json.loads(out)["progress"]
    assert progress["finished"]
    assert progress["records_now"] < 121
    ids = {(record.kind, record.id) for record in await installation.records(0)}
    assert {name for kind, name in ids if kind == "invoice"} == set(installation.zuora.tenant.invoices.latest)
    assert {name for kind, name in ids if kind == "payment"} == set(installation.zuora.tenant.payments.latest)


async def test_what_is_wrong_is_one_sentence(installation):
    code, _out, err = await installation.run("backfill", "--from", "2026-01-01", "--yes", "--kinds", "invoices")
    assert (code, "Traceback" in err) == (EXIT_USAGE, False)
    assert "--kinds: there is no 'invoices'; there are account, invoice" in err
    code, _out, err = await installation.run("backfill", "--tenant", "other", "--from", "2026-01-01", "--yes")
    assert (code, "name a tenant with --tenant: acme" in err) == (EXIT_USAGE, True)
    installation.zuora.arm("html_page", "^/object-query/invoices$", status=403)
    code, out, err = await installation.run(*BACKFILL)
    assert (code, "Traceback" in err) == (EXIT_FAILED, False)
    assert "backfill of acme stopped" in err
    assert "The same command goes on from there." in err
    assert json.loads(out)["stopped"]
