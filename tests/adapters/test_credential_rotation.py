"""Another key while everything runs: nothing is lost wherever it is killed, and an old key goes only when it may."""

import base64
import json
import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest

from adapters.credentials.keys import KEY_VARIABLE, KeyRing, add_key, make_key_file, read_ring
from adapters.credentials.store import CredentialStore
from schemas.errors import Misconfigured

SECRETS = {
    ("zuora/acme", "client_id"): "one",
    ("zuora/acme", "client_secret"): "two",
    ("qad/main", "password"): "three",
}
ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def no_key_in_the_environment(monkeypatch):
    monkeypatch.delenv(KEY_VARIABLE, raising=False)


@pytest.fixture
def place(tmp_path):
    return filled(tmp_path)


def filled(folder):
    folder.mkdir(exist_ok=True)
    make_key_file(folder / "store.key")
    store = opened(folder)
    for (owner, field), text in SECRETS.items():
        store.set(owner, field, text)
    return folder


def opened(folder, key="store.key"):
    return CredentialStore(folder / "store.json", folder / key)


def told(store):
    """Return every secret in the clear."""
    return {(owner, field): store.get(owner, field).reveal() for owner, field, _ in store.names()}


def ids(folder):
    return read_ring(folder / "store.key").ids


def written(folder):
    return json.loads((folder / "store.json").read_text())


def seals(folder):
    return {record["key_id"] for record in written(folder)["records"]}


# -- rotating ----------------------------------------------------------------------------------------------------------


def test_every_secret_is_under_the_new_key_and_says_what_it_said(place):
    [old] = ids(place)
    before = written(place)
    new = opened(place).rotate()
    assert ids(place) == (new, old)
    assert seals(place) == {new}
    assert told(opened(place)) == SECRETS
    assert written(place)["generation"] == before["generation"] + 1
    assert [record["version"] for record in written(place)["records"]] == [1, 1, 1]
    # No data key, nonce or byte of a secret stands there again.
    again = json.dumps(written(place))
    for record in before["records"]:
        assert not any(record[part] in again for part in ("wrapped_key", "wrapped_nonce", "nonce", "sealed"))


def test_the_files_stay_private(place):
    before = os.umask(0)
    try:
        opened(place).rotate()
    finally:
        os.umask(before)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in place.iterdir()}
    assert modes == {"store.key": 0o400, "store.json": 0o600}


def test_what_runs_goes_on_reading_and_what_is_started_reads_too(place):
    running = opened(place)
    running.rotate()
    first = opened(place)
    opened(place).rotate()
    for old in ids(place)[1:]:
        opened(place).drop(old)
    assert told(running) == told(first) == told(opened(place)) == SECRETS


def test_readers_never_fail_while_keys_come_and_go(place):
    done = Event()

    def read():
        looks = 0
        while not done.is_set():
            assert told(opened(place)) == SECRETS
            looks += 1
        return looks

    with ThreadPoolExecutor(2) as pool:
        readers = [pool.submit(read) for _ in range(2)]
        try:
            for _ in range(15):
                opened(place).rotate()
                for old in ids(place)[2:]:
                    opened(place).drop(old)
        finally:
            done.set()
        assert min(reader.result(20) for reader in readers) > 0


def test_who_was_started_before_sets_under_the_new_key(place):
    running = opened(place)
    new = opened(place).rotate()
    running.set("qad/main", "username", "four")
    assert seals(place) == {new}
    assert told(opened(place)) == {**SECRETS, ("qad/main", "username"): "four"}


def test_a_rotation_that_was_cut_off_goes_on_with_its_key(place):
    """The new key was written, and nothing after it."""
    new = add_key(place / "store.key").active.id
    assert told(opened(place)) == SECRETS
    assert opened(place).rotate() == new
    assert len(ids(place)) == 2
    assert seals(place) == {new}


def test_a_set_between_leaves_two_keys_needed_and_the_rotation_goes_on(place):
    [old] = ids(place)
    new = add_key(place / "store.key").active.id
    opened(place).set("qad/main", "username", "four")
    uses = {use.id: use.secrets for use in opened(place).key_uses()}
    assert uses == {new: 1, old: 3}
    assert opened(place).check() == []
    assert opened(place).rotate() == new
    assert seals(place) == {new}


def test_an_empty_store_gets_a_new_key(tmp_path):
    make_key_file(tmp_path / "store.key")
    new = opened(tmp_path).rotate()
    assert ids(tmp_path)[0] == new
    assert opened(tmp_path).names() == []


# -- killed ------------------------------------------------------------------------------------------------------------

# Copies a folder again and again, and ends an act on the copy by SIGKILL, as a power cut would, when it is about to do
# its nth thing to a file there: n from 1 on, until the act comes to its end.
_KILLED = """
import os, shutil, signal, sys
from itertools import count
from pathlib import Path
from adapters.credentials.store import CredentialStore

def act(folder, n):
    def hook(event, args):
        nonlocal n
        if event in ("open", "os.rename", "os.remove") and str(args[0]).startswith(folder):
            n -= 1
            if n == 0:
                os.kill(os.getpid(), signal.SIGKILL)
    store = CredentialStore(Path(folder, "store.json"), Path(folder, "store.key"))
    sys.addaudithook(hook)
    store.drop(sys.argv[2]) if len(sys.argv) > 2 else store.rotate()

for n in count(1):
    folder = shutil.copytree(sys.argv[1], f"{sys.argv[1]}.{n}")
    child = os.fork()
    if not child:
        act(folder, n)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    if status == 0:
        break
    assert os.WTERMSIG(status) == signal.SIGKILL, status
"""


def killed(folder, *act):
    """Return copies of a folder in which a rotation, or the drop of a key, was killed: one for each point."""
    asked = [sys.executable, "-c", _KILLED, str(folder), *act]
    subprocess.run(asked, cwd=ROOT, check=True, timeout=60)
    copies = sorted(folder.parent.glob(f"{folder.name}.*"), key=lambda copy: int(copy.suffix[1:]))
    return copies[:-1]


def test_killed_anywhere_nothing_is_lost_and_the_next_rotation_ends_it(tmp_path):
    base = filled(tmp_path / "base")
    [old] = ids(base)
    copies = killed(base)
    # Reading both, writing both beside, renaming both, syncing the folder, reading again: fewer would prove little.
    assert len(copies) >= 10
    assert {len(ids(copy)) for copy in copies} == {1, 2}
    assert {frozenset(seals(copy)) == {old} for copy in copies} == {True, False}
    for copy in copies:
        assert old in ids(copy)
        assert told(opened(copy)) == SECRETS
        assert opened(copy).check() == []
        new = opened(copy).rotate()
        assert seals(copy) == {new}
        for other in ids(copy)[1:]:
            opened(copy).drop(other)
        assert told(opened(copy)) == SECRETS
        assert {path.name for path in copy.iterdir()} == {"store.key", "store.json"}


def test_a_drop_that_is_killed_anywhere_leaves_what_opens_everything(tmp_path):
    base = filled(tmp_path / "base")
    opened(base).rotate()
    new, old = ids(base)
    copies = killed(base, old)
    assert len(copies) >= 5
    assert {ids(copy) for copy in copies} == {(new, old), (new,)}
    for copy in copies:
        assert told(opened(copy)) == SECRETS


# -- before an old key goes --------------------------------------------------------------------------------------------


def test_an_old_key_goes_once_nothing_needs_it_and_opens_nothing_then(place):
    (place / "old.key").write_bytes((place / "store.key").read_bytes())
    (place / "old.key").chmod(0o400)
    [old] = ids(place)
    new = opened(place).rotate()
    opened(place).drop(old)
    assert ids(place) == (new,)
    assert told(opened(place)) == SECRETS
    with pytest.raises(Misconfigured, match=new):
        told(opened(place, "old.key"))


def test_a_key_that_is_needed_does_not_go(place):
    [old] = ids(place)
    new = add_key(place / "store.key").active.id
    for key_id, why in ((old, "3 secrets"), (new, "is needed"), ("k000", "no key k000")):
        with pytest.raises(Misconfigured, match=why):
            opened(place).drop(key_id)
    assert ids(place) == (new, old)


def damaged(folder):
    content = written(folder)
    content["records"][1]["sealed"] = base64.b64encode(b"x" * 40).decode()
    (folder / "store.json").write_text(json.dumps(content))


def test_no_key_goes_while_a_secret_does_not_open(place):
    [old] = ids(place)
    opened(place).rotate()
    damaged(place)
    with pytest.raises(Misconfigured, match="does not open"):
        opened(place).drop(old)
    assert old in ids(place)


def test_nothing_is_rotated_while_a_secret_does_not_open(place):
    damaged(place)
    before = {path.name: path.read_bytes() for path in place.iterdir()}
    with pytest.raises(Misconfigured, match="does not open"):
        opened(place).rotate()
    assert {path.name: path.read_bytes() for path in place.iterdir()} == before


# -- a wrong key, and keys from elsewhere ------------------------------------------------------------------------------


def test_a_wrong_key_is_named_before_it_is_used(place):
    [old] = ids(place)
    wrong = make_key_file(place / "wrong.key").id
    store = opened(place, "wrong.key")
    uses = {use.id: (use.active, use.at_hand, use.secrets) for use in store.key_uses()}
    assert uses == {wrong: (True, True, 0), old: (False, False, 3)}
    assert len(store.check()) == 3
    for act in (store.rotate, lambda: store.drop(old)):
        with pytest.raises(Misconfigured, match=old):
            act()
    assert told(opened(place)) == SECRETS


def test_keys_of_the_environment_are_changed_where_they_come_from(place, monkeypatch):
    old = (place / "store.key").read_text().strip()
    monkeypatch.setenv(KEY_VARIABLE, old)
    with pytest.raises(Misconfigured, match="put the new key first"):
        opened(place).rotate()
    new = base64.b64encode(b"\x07" * 32).decode()
    monkeypatch.setenv(KEY_VARIABLE, f"{new} {old}")
    assert told(opened(place)) == SECRETS
    active = opened(place).rotate()
    assert seals(place) == {active}
    with pytest.raises(Misconfigured, match=KEY_VARIABLE):
        opened(place).drop(next(use.id for use in opened(place).key_uses() if not use.active))
    monkeypatch.setenv(KEY_VARIABLE, new)
    assert told(opened(place)) == SECRETS
    assert (place / "store.key").read_text().strip() == old


def test_a_key_file_that_cannot_be_written_says_what_to_do_and_changes_nothing(place, tmp_path_factory):
    """A folder stands where the new file is to be written."""
    before = written(place)
    (place / "store.part").mkdir()
    with pytest.raises(Misconfigured, match="cannot be written"):
        opened(place).rotate()
    assert written(place) == before
    assert len(ids(place)) == 1


def test_a_key_that_stands_there_twice_is_one(place):
    text = (place / "store.key").read_bytes()
    (place / "store.key").chmod(0o600)
    (place / "store.key").write_bytes(text + text)
    assert len(ids(place)) == 1


def test_a_ring_with_one_key_that_is_none_is_refused(place):
    (place / "store.key").chmod(0o600)
    with (place / "store.key").open("ab") as file:
        file.write(b"c2hvcnQ=\n")
    with pytest.raises(Misconfigured, match="5 bytes"):
        opened(place)


def test_a_ring_shows_no_key(place):
    ring = read_ring(place / "store.key")
    text = (place / "store.key").read_text().strip()
    assert text not in repr(ring) + repr(list(ring)) + repr(ring.ids)
    assert isinstance(ring, KeyRing)
