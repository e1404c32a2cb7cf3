"""`ml-connector keys`: what it asks, says and ends with."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from adapters.credentials.keys import KEY_VARIABLE, add_key, make_key_file, read_ring
from adapters.credentials.store import CredentialStore
from console.commands.keys import keys
from console.context import Context


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    make_key_file(tmp_path / "store.key")
    for field in ("client_id", "client_secret"):
        CredentialStore(tmp_path / "store.json", tmp_path / "store.key").set("zuora/acme", field, "canary-word")
    return tmp_path


def asked(place, *words, answer=None, key="store.key"):
    context = Context(Path("none.toml"))
    context.__dict__["wiring"] = SimpleNamespace(credentials=CredentialStore(place / "store.json", place / key))
    ended = CliRunner().invoke(keys, words, obj=context, input=answer, catch_exceptions=False)
    assert "canary" not in ended.output
    return ended


def ids(place):
    return read_ring(place / "store.key").ids


def test_a_key_is_changed_checked_and_dropped(place):
    [old] = ids(place)
    rotated = json.loads(asked(place, "rotate", "--yes", "--json").output)
    new = rotated["active"]
    assert rotated == {"active": new, "secrets": 2, "not_needed": [old]}
    checked = json.loads(asked(place, "check", "--json").output)
    assert checked["problems"] == []
    assert [(use["id"], use["active"], use["secrets"]) for use in checked["keys"]] == [(new, True, 2), (old, False, 0)]
    assert json.loads(asked(place, "drop", old, "--yes", "--json").output) == {"dropped": old, "keys": [new]}
    assert ids(place) == (new,)


@pytest.mark.parametrize("words", [("rotate",), ("drop", "k1")])
def test_nothing_is_changed_before_it_is_asked(place, words):
    before = ids(place)
    ended = asked(place, *words, answer="n\n")
    assert ended.exit_code == 1
    assert ids(place) == before


def test_a_rotation_that_was_cut_off_is_told(place):
    new = add_key(place / "store.key").active.id
    ended = asked(place, "rotate", answer="y\n")
    assert f"2 of 2 secrets that are left under the key {new}" in ended.output
    assert len(ids(place)) == 2


def test_a_wrong_key_is_named_and_found(place, capsys):
    [right] = ids(place)
    make_key_file(place / "wrong.key")
    ended = asked(place, "check", "--json", key="wrong.key")
    assert ended.exit_code == 3
    told = json.loads(ended.output)
    assert [(use["id"], use["secrets"]) for use in told["keys"] if not use["at_hand"]] == [(right, 2)]
    assert len(told["problems"]) == 2
