"""`zuora callouts`: what it says to configure stands in docs/zuora.md as well, and what it checks is really asked."""

import asyncio
import json
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from adapters.credentials.keys import make_key_file
from adapters.credentials.store import CredentialStore
from adapters.zuora.asking.regions import _HOSTS
from adapters.zuora.notifications.wanted import Target, template_of
from adapters.zuora.receiving.doors import HmacRule
from console.cli import main
from console.commands.zuora import custom_rows, standard_rows
from console.output import EXIT_FINDINGS, EXIT_USAGE
from sandbox.zuora import BasicAuthentication, CalloutConfiguration, EventTrigger, Sandbox, Signature, running
from streams.read.events import WANTED

DOCS = Path(__file__).parents[2] / "docs" / "zuora.md"
PATH = "/callouts/mV8b2T0xQkz5nR4wY7cJ1d"
URL = f"https://callouts.example{PATH}"
WORD, SIGNING = "canary-callout-word-71", "canary-signing-secret-83"


def table_after(heading):
    lines = iter(DOCS.read_text(encoding="utf-8").splitlines())
    next(line for line in lines if line.startswith(f"| {heading} |"))
    next(lines)
    rows = []
    for line in lines:
        if not line.startswith("|"):
            return rows
        cells = line.replace("\\|", "\0").strip("| ").split(" | ")
        rows.append(tuple(cell.strip().strip("`").replace("\0", "|") for cell in cells))
    raise AssertionError(heading)


def test_the_documentation_says_the_same():
    assert table_after("standard event") == standard_rows(WANTED)
    assert table_after("custom event") == custom_rows(WANTED)
    assert table_after("host") == [(host, *named) for host, named in _HOSTS.items()]


@pytest.fixture
async def sandbox():
    return Sandbox(seed=1)


@pytest.fixture
async def run(sandbox, tmp_path):
    """Run the command beside the stand-in; return its exit code, and what it wrote."""
    async with running(sandbox) as base_url:
        client = sandbox.world.clients[0]
        (tmp_path / "ml-connector.toml").write_text(
            f"""
[kafka]
bootstrap = "localhost:9"

[receiver]
url = "https://callouts.example"

[tenants.acme]
base_url = "{base_url}"
private_hosts = ["127.0.0.1"]

[tenants.acme.poll]
interval_s = 300
start = 2026-01-01T00:00:00Z

[tenants.acme.callouts]
path = "{PATH}"
hmac = {{ header = "X-Signed" }}

[connections.acme-main]
tenant = "acme"
profile = "profile.toml"
""",
            encoding="utf-8",
        )
        make_key_file(tmp_path / "credentials.key")
        store = CredentialStore(tmp_path / "credentials.json", tmp_path / "credentials.key")
        secrets = {"client_id": client.client_id, "client_secret": client.client_secret}
        secrets |= {"callout_user": "zuora", "callout_password": WORD, "hmac_secret": SIGNING}
        for field, text in secrets.items():
            store.set("zuora/acme", field, text)

        async def ran(*words):
            command = ["--config", str(tmp_path / "ml-connector.toml"), "zuora", "callouts", *words]
            result = await asyncio.to_thread(CliRunner().invoke, main, command)
            assert WORD not in result.output
            assert SIGNING not in result.output
            return result.exit_code, result.output

        yield ran


async def test_it_prints_what_to_configure_and_asks_nobody(run, sandbox):
    code, text = await run("--tenant", "acme")
    assert code == 0
    for wanted in (URL, "X-Signed", "{{Request.Body}}", "SHA-256", "1110", "PaymentApplication", "profile"):
        assert wanted in text, wanted
    assert sandbox.journal.entries == type(sandbox.journal.entries)()


async def test_as_json_each_template_is_as_the_api_takes_it(run):
    code, text = await run("--json")
    events = json.loads(text)["events"]
    target = Target(url=URL, users=("zuora",), hmac=HmacRule(header="X-Signed"))
    assert code == 0
    assert [one["template"] for one in events] == [template_of(one, target) for one in WANTED]
    assert [bool(one["trigger"]) for one in events] == [not one.code for one in WANTED]


async def test_the_check_ends_with_3_where_something_is_missing(run):
    code, text = await run("--check", "--json")
    findings = json.loads(text)["findings"]
    assert code == EXIT_FINDINGS
    assert {one["status"] for one in findings if one["what"] == "template"} == {"missing"}


async def test_a_tenant_that_is_configured_as_printed_passes_the_check(run, sandbox):
    """What is printed is taken as it stands: by the stand-in here, by a person there."""
    _, text = await run("--json")
    events = json.loads(text)["events"]
    for event in events:
        template, trigger = event["template"], event["trigger"]
        name = template.get("eventTypeName") or event["event"]["name"].replace(" ", "")
        sandbox.callouts.configurations.append(
            CalloutConfiguration(
                name=template["name"],
                event=name,
                url=template["calloutBaseurl"],
                body=template["customRequestBody"],
                basic=BasicAuthentication(username=template["calloutAuth"]["username"], password=WORD),
                signature=Signature(
                    header=template["hmacKey"],
                    secret=SIGNING,
                    algorithm=template["hmacAlgorithm"],
                    output=template["hmacOutputFormat"],
                    data=template["hmacData"],
                    value=template["hmacValue"],
                ),
            )
        )
        if trigger:
            custom = EventTrigger(name=name, base_object=trigger["baseObject"], change_types=["INSERT"])
            triggers = [one for one in sandbox.callouts.triggers if one.name != name]
            sandbox.callouts.triggers = [*triggers, msgspec.structs.replace(custom, condition=trigger["condition"])]
    code, text = await run("--check")
    assert code == 0, text
    assert "cannot be told" in text
    methods = {entry.method for entry in sandbox.journal.entries if entry.path != "/oauth/token"}
    assert methods == {"GET"}


async def test_another_tenant_is_refused_by_name(run):
    code, text = await run("--tenant", "other")
    assert (code, "acme" in text) == (EXIT_USAGE, True)
