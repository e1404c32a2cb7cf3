"""The credential store: written whole or not at all, tampering noticed wherever it is, secrets shown to nobody."""

import base64
import copy
import json
import os
import pickle
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest
import structlog

from adapters.credentials.keys import KEY_VARIABLE, make_key_file
from adapters.credentials.secret import Secret
from adapters.credentials.store import CredentialStore
from schemas.errors import ConnectorError, Misconfigured

WORD, OTHER = "canary-store-word-77", "canary-store-other-78"
OWNER, FIELD = "zuora/acme", "client_secret"


@pytest.fixture(autouse=True)
def no_key_in_the_environment(monkeypatch):
    monkeypatch.delenv(KEY_VARIABLE, raising=False)


@pytest.fixture
def place(tmp_path):
    make_key_file(tmp_path / "store.key")
    return tmp_path


def opened(place, key="store.key"):
    return CredentialStore(place / "store.json", place / key)


def written(place):
    return json.loads((place / "store.json").read_text())


def rewrite(place, content):
    (place / "store.json").write_text(content if isinstance(content, str) else json.dumps(content))


# -- round trip ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", [WORD, "a", "ü漢字🔑", "line\nbreak\r\n", " blanks ", "\x00", '"\\', "x" * 10_000])
def test_what_is_set_is_read_by_another_process(place, text):
    assert opened(place).set(OWNER, FIELD, text) == 1
    assert opened(place).get(OWNER, FIELD).reveal() == text


def test_versions_count_and_the_last_one_stands(place):
    store = opened(place)
    assert [store.set(OWNER, FIELD, text) for text in ("one", "two", "three")] == [1, 2, 3]
    assert opened(place).get(OWNER, FIELD).reveal() == "three"
    assert opened(place).names() == [(OWNER, FIELD, 3)]
    assert written(place)["generation"] == 3


def test_secrets_of_several_owners_stand_side_by_side(place):
    store = opened(place)
    for owner in ("zuora/acme", "qad/acme-main"):
        for field in ("client_id", "password"):
            store.set(owner, field, f"{owner} {field}")
    again = opened(place)
    assert again.check() == []
    assert again.get("qad/acme-main", "password").reveal() == "qad/acme-main password"
    assert len(again.names()) == 4


def test_what_was_never_set_says_how_to_set_it(place):
    with pytest.raises(Misconfigured, match="ml-connector credentials set zuora/acme client_secret"):
        opened(place).get(OWNER, FIELD)
    assert opened(place).get_optional(OWNER, FIELD) is None


def test_nothing_is_written_by_looking(place):
    opened(place).check()
    assert not (place / "store.json").exists()


def test_a_store_without_its_key_does_not_open(place):
    opened(place).set(OWNER, FIELD, WORD)
    (place / "store.key").unlink()
    with pytest.raises(Misconfigured, match="Nothing starts without it"):
        opened(place)
    assert not (place / "store.key").exists()


def test_a_store_under_another_key_says_which(place):
    opened(place).set(OWNER, FIELD, WORD)
    key = make_key_file(place / "other.key")
    other = opened(place, "other.key")
    with pytest.raises(Misconfigured, match=key.id):
        other.get(OWNER, FIELD)
    [problem] = other.check()
    assert OWNER in problem


# -- tampering -------------------------------------------------------------------------------------------------------


def test_a_byte_that_changes_anywhere_in_the_file_never_gives_another_secret(place):
    """Each byte of the file in turn: refused, or without any effect on what is read; nothing else, and no traceback."""
    store = opened(place)
    store.set(OWNER, FIELD, WORD)
    good = (place / "store.json").read_bytes()
    harmless, escaped = [], []
    for position in range(len(good)):
        bad = bytearray(good)
        bad[position] ^= 1
        (place / "store.json").write_bytes(bad)
        try:
            secret = opened(place).get(OWNER, FIELD).reveal()
        except Misconfigured:
            continue
        except Exception as error:  # noqa: BLE001 - what must not be is counted
            escaped.append((position, error))
        else:
            assert secret == WORD
            harmless.append(position)
    assert escaped == []
    # Blanks between the parts, which say nothing: all that says something is under the code.
    assert len(harmless) < len(good) / 20


def test_bytes_that_are_no_text_are_said(place):
    opened(place).set(OWNER, FIELD, WORD)
    content = (place / "store.json").read_bytes().replace(b"zuora/acme", b"zuora/\xff\xfe\xfdm")
    (place / "store.json").write_bytes(content)
    with pytest.raises(Misconfigured):
        opened(place)


def test_a_record_that_was_taken_out_is_noticed_in_all_others(place):
    store = opened(place)
    store.set(OWNER, FIELD, WORD)
    store.set(OWNER, "client_id", OTHER)
    content = written(place)
    del content["records"][0]
    rewrite(place, content)
    with pytest.raises(Misconfigured, match="taken out"):
        opened(place).get(OWNER, "client_id")


def test_a_store_that_was_changed_by_others_is_not_made_good_by_the_next_set(place):
    store = opened(place)
    store.set(OWNER, FIELD, "old and leaked")
    old = written(place)["records"]
    store.set(OWNER, FIELD, WORD)
    rewrite(place, {**written(place), "records": old})
    before = (place / "store.json").read_bytes()
    for someone in (store, opened(place)):
        with pytest.raises(Misconfigured, match="put back"):
            someone.set("qad/acme-main", "password", OTHER)
    assert (place / "store.json").read_bytes() == before


def test_a_secret_is_not_set_under_another_key_than_the_others(place):
    opened(place).set(OWNER, FIELD, WORD)
    make_key_file(place / "other.key")
    with pytest.raises(Misconfigured, match="bring back the right key"):
        opened(place, "other.key").set(OWNER, FIELD, OTHER)
    assert opened(place).get(OWNER, FIELD).reveal() == WORD


@pytest.mark.parametrize("change", [{"code": ""}, {"code": "00" * 32}, {"generation": 7}, {"store": "other"}])
def test_what_stands_round_the_records_is_bound_to_them(place, change):
    opened(place).set(OWNER, FIELD, WORD)
    rewrite(place, {**written(place), **change})
    with pytest.raises(Misconfigured, match="does not open"):
        opened(place).get(OWNER, FIELD)


def test_swapped_records_do_not_open(place):
    store = opened(place)
    store.set("zuora/acme", "client_secret", WORD)
    store.set("zuora/other", "client_secret", OTHER)
    content = written(place)
    first, second = content["records"]
    for field in ("wrapped_key", "wrapped_nonce", "nonce", "sealed"):
        first[field], second[field] = second[field], first[field]
    rewrite(place, content)
    assert len(opened(place).check()) == 2
    with pytest.raises(Misconfigured, match="does not open"):
        opened(place).get("zuora/acme", "client_secret")


def test_a_record_that_is_moved_to_another_owner_does_not_open(place):
    opened(place).set("zuora/test", "client_secret", WORD)
    content = written(place)
    content["records"][0]["owner"] = "zuora/live"
    rewrite(place, content)
    with pytest.raises(Misconfigured, match="does not open"):
        opened(place).get("zuora/live", "client_secret")


def test_a_record_from_another_store_does_not_open(place, tmp_path):
    opened(place).set(OWNER, FIELD, WORD)
    other = CredentialStore(tmp_path / "other.json", place / "store.key")
    other.set(OWNER, FIELD, OTHER)
    content = written(place)
    content["records"] = json.loads((tmp_path / "other.json").read_text())["records"]
    rewrite(place, content)
    with pytest.raises(Misconfigured, match="does not open"):
        opened(place).get(OWNER, FIELD)


@pytest.mark.parametrize("beside", [False, True])
def test_an_old_version_put_back_does_not_open(place, beside):
    store = opened(place)
    store.set(OWNER, FIELD, "old and leaked")
    old = written(place)["records"]
    store.set(OWNER, FIELD, WORD)
    content = written(place)
    content["records"] = [*old, *content["records"]] if beside else old
    rewrite(place, content)
    with pytest.raises(Misconfigured):
        opened(place).get(OWNER, FIELD)


def test_a_file_of_a_newer_format_is_refused(place):
    opened(place).set(OWNER, FIELD, WORD)
    rewrite(place, {**written(place), "v": 2})
    with pytest.raises(Misconfigured):
        opened(place)


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "null", "{}", '{"store": "s", "records": [{}]}', '{"store": "s", "record": []}', '{"store": 5}'],
)
def test_a_file_that_is_cut_or_something_else_is_said(place, content):
    rewrite(place, content)
    with pytest.raises(Misconfigured, match="damaged"):
        opened(place)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_a_file_that_was_cut_is_said(place, share):
    opened(place).set(OWNER, FIELD, WORD)
    content = (place / "store.json").read_bytes()
    (place / "store.json").write_bytes(content[: int(len(content) * share)])
    with pytest.raises(Misconfigured, match="damaged"):
        opened(place)


def test_a_folder_in_its_place_is_said(place):
    (place / "store.json").mkdir()
    with pytest.raises(Misconfigured, match="cannot be read"):
        opened(place)


# -- writing ---------------------------------------------------------------------------------------------------------


def test_only_its_owner_can_read_it(place):
    before = os.umask(0)
    try:
        opened(place).set(OWNER, FIELD, WORD)
    finally:
        os.umask(before)
    assert stat.S_IMODE((place / "store.json").stat().st_mode) == 0o600
    assert {path.name for path in place.iterdir()} == {"store.json", "store.key"}


def test_a_disk_that_is_full_leaves_the_old_store_whole(place):
    """The process may write no file larger than the old store: the new one, which is larger, cannot be written."""
    opened(place).set(OWNER, FIELD, WORD)
    before = (place / "store.json").read_bytes()
    script = (
        "import resource, sys; from pathlib import Path\n"
        "from adapters.credentials.store import CredentialStore\n"
        "store = CredentialStore(Path(sys.argv[1]), Path(sys.argv[2]))\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({len(before)}, {len(before)}))\n"
        "store.set('qad/acme-main', 'password', 'x' * 500)\n"
    )
    asked = [sys.executable, "-c", script, str(place / "store.json"), str(place / "store.key")]
    ended = subprocess.run(asked, cwd=Path(__file__).parents[2], capture_output=True, check=False, timeout=30)
    assert ended.returncode != 0
    assert (place / "store.json").read_bytes() == before
    assert opened(place).get(OWNER, FIELD).reveal() == WORD


def test_what_a_crash_left_beside_is_written_over(place):
    (place / "store.part").write_text("half a store")
    opened(place).set(OWNER, FIELD, WORD)
    assert opened(place).get(OWNER, FIELD).reveal() == WORD
    assert not (place / "store.part").exists()


def test_a_link_beside_is_not_written_through(place):
    target = place / "elsewhere"
    target.write_text("somebody's file")
    (place / "store.part").symlink_to(target)
    with suppress(ConnectorError):
        opened(place).set(OWNER, FIELD, WORD)
    assert target.exists()
    assert target.read_text() == "somebody's file"


def test_a_file_beside_that_others_can_read_makes_no_open_store(place):
    (place / "store.part").write_text("")
    (place / "store.part").chmod(0o666)
    opened(place).set(OWNER, FIELD, WORD)
    assert stat.S_IMODE((place / "store.json").stat().st_mode) == 0o600


def test_two_who_write_at_the_same_time_lose_nothing(place):
    one, other = opened(place), opened(place)
    one.set(OWNER, FIELD, WORD)
    try:
        other.set("qad/acme-main", "password", OTHER)
    except Misconfigured:
        other = opened(place)
        other.set("qad/acme-main", "password", OTHER)
    assert opened(place).get("qad/acme-main", "password").reveal() == OTHER
    assert opened(place).get_optional(OWNER, FIELD) is not None


def test_many_who_write_at_the_same_time_lose_nothing(place):
    stores = [opened(place) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: stores[number].set(OWNER, f"field{number}", WORD), range(8)))
    again = opened(place)
    assert len(again.names()) == 8
    assert again.check() == []
    assert written(place)["generation"] == 8


def test_a_folder_that_is_not_there_is_made(place):
    CredentialStore(place / "deep" / "er" / "store.json", place / "store.key").set(OWNER, FIELD, WORD)
    assert (place / "deep" / "er" / "store.json").is_file()


# -- shown to nobody -------------------------------------------------------------------------------------------------


def test_a_secret_shows_itself_to_nobody(capsys):
    secret = Secret(WORD)
    shown = [repr(secret), str(secret), f"{secret}", f"{secret!r}", "%s" % secret, "{}".format(secret)]  # noqa: UP031, UP032
    shown += [repr([secret]), repr({"a": secret}), repr((secret,)), json.dumps({"a": secret}, default=str)]
    shown.append(repr(dir(secret)))
    structlog.get_logger().warning("said", secret=secret)
    print(secret)  # noqa: T201 - one more way to show it
    shown.append("".join(capsys.readouterr()))
    assert [text for text in shown if WORD in text] == []
    assert shown[0] == "***"


@pytest.mark.parametrize(
    "write", [msgspec.json.encode, msgspec.msgpack.encode, msgspec.to_builtins, pickle.dumps, copy.copy]
)
def test_a_secret_is_written_nowhere(write):
    with pytest.raises(TypeError) as refused:
        write(Secret(WORD))
    assert WORD not in str(refused.value)


def test_a_struct_with_a_secret_shows_and_writes_none():
    holder = msgspec.defstruct("Holder", [("secret", Secret)])(Secret(WORD))
    assert WORD not in repr(holder)
    assert WORD not in str(list(holder.__rich_repr__()))
    with pytest.raises(TypeError):
        msgspec.json.encode(holder)


def test_the_store_shows_no_secret_and_no_key(place):
    store = opened(place)
    store.set(OWNER, FIELD, WORD)
    store.get(OWNER, FIELD)
    key = (place / "store.key").read_text().strip()
    text = repr(store) + repr(vars(store)) + (place / "store.json").read_text()
    for canary in (WORD, base64.b64encode(WORD.encode()).decode(), key):
        assert canary not in text
