"""The receiver's ways in follow the credential store while it runs: a secret changes, and no callout is refused."""

import asyncio

import pytest

from adapters.credentials.keys import make_key_file
from adapters.credentials.store import CredentialStore
from adapters.zuora.receiving.doors import HmacRule
from console.config import load_site
from console.running import processes
from console.wiring import Wiring
from schemas.errors import Misconfigured

PATH = "/callouts/mV8b2T0xQkz5nR4wY7cJ1d"
TEXT = f"""
[kafka]
bootstrap = "localhost:9092"

[tenants.acme]
base_url = "https://rest.eu.zuora.com"

[tenants.acme.poll]
interval_s = 300
start = 2026-01-01T00:00:00Z

[tenants.acme.callouts]
path = "{PATH}"

[tenants.acme.callouts.hmac]
header = "X-S"

[connections.acme-main]
tenant = "acme"
profile = "profile.toml"
"""


@pytest.fixture
def store(tmp_path):
    (tmp_path / "ml-connector.toml").write_text(TEXT, encoding="utf-8")
    make_key_file(tmp_path / "credentials.key")
    store = CredentialStore(tmp_path / "credentials.json", tmp_path / "credentials.key")
    for field, text in {"callout_user": "zuora", "callout_password": "one", "hmac_secret": "signed one"}.items():
        store.set("zuora/acme", field, text)
    return store


@pytest.fixture
def wiring(store, tmp_path):
    return Wiring(load_site(tmp_path / "ml-connector.toml"))


def shown(door):
    logins = [(login.user.reveal(), login.password.reveal()) for login in door.logins]
    return logins, [secret.reveal() for secret in door.hmac_secrets]


def test_a_door_has_its_secret_and_the_next_one(wiring, store):
    door = wiring.doors()[PATH]
    assert (door.tenant, door.connection, door.hmac_rule) == ("acme", "acme-main", HmacRule(header="X-S"))
    assert shown(door) == ([("zuora", "one")], ["signed one"])
    store.set("zuora/acme", "callout_password_next", "two")
    store.set("zuora/acme", "hmac_secret_next", "signed two")
    assert shown(wiring.doors()[PATH]) == ([("zuora", "one"), ("zuora", "two")], ["signed one", "signed two"])
    store.set("zuora/acme", "callout_user_next", "zuora2")
    assert shown(wiring.doors()[PATH])[0] == [("zuora", "one"), ("zuora2", "two")]


@pytest.fixture
async def doors(wiring, monkeypatch):
    monkeypatch.setattr(processes, "_DOORS_EVERY_S", 0.01)
    doors = processes.Doors(wiring)
    keeping = asyncio.create_task(doors.keep())
    yield doors
    keeping.cancel()


async def test_what_is_set_counts_without_a_restart(doors, store, eventually):
    store.set("zuora/acme", "callout_password_next", "two")

    async def taken_up():
        assert shown(doors.open[PATH])[0] == [("zuora", "one"), ("zuora", "two")]

    await eventually(taken_up)


async def test_a_store_that_cannot_be_read_changes_nothing(doors, store, tmp_path, eventually, caplog):
    kept = (tmp_path / "credentials.json").read_bytes()
    (tmp_path / "credentials.json").write_bytes(kept[:-20])
    with pytest.raises(Misconfigured):
        doors._wiring.doors()
    await asyncio.sleep(0.1)
    assert shown(doors.open[PATH])[0] == [("zuora", "one")]
    (tmp_path / "credentials.json").write_bytes(kept)
    await test_what_is_set_counts_without_a_restart(doors, store, eventually)
