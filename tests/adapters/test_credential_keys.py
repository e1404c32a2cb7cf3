"""The key of the store: private, whole, never made up; whatever is wrong with it is one sentence at start."""

import base64
import copy
import os
import pickle
import stat
import threading
from pathlib import Path

import msgspec
import pytest

from adapters.credentials.keys import KEY_BYTES, KEY_VARIABLE, Key, make_key_file, read_ring
from schemas.errors import Misconfigured

GOOD = base64.b64encode(bytes(range(32)))


@pytest.fixture(autouse=True)
def no_key_in_the_environment(monkeypatch):
    monkeypatch.delenv(KEY_VARIABLE, raising=False)


@pytest.fixture
def key_file(tmp_path):
    def written(content=GOOD, mode=0o400):
        path = tmp_path / "store.key"
        path.write_bytes(content)
        path.chmod(mode)
        return path

    return written


def test_a_key_that_is_made_is_read_again(tmp_path):
    path = tmp_path / "deep" / "store.key"
    made = make_key_file(path)
    assert (read_ring(path).active.id, read_ring(path).active.material) == (made.id, made.material)
    assert stat.S_IMODE(path.stat().st_mode) == 0o400
    assert len(made.material) == KEY_BYTES


def test_no_two_keys_are_the_same(tmp_path):
    keys = [make_key_file(tmp_path / f"{number}.key") for number in range(50)]
    assert len({key.material for key in keys}) == len({key.id for key in keys}) == 50


def test_a_key_is_private_whatever_the_mask(tmp_path):
    before = os.umask(0)
    try:
        make_key_file(tmp_path / "store.key")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "store.key").stat().st_mode) == 0o400


def test_a_key_is_never_written_over(tmp_path):
    path = tmp_path / "store.key"
    first = make_key_file(path)
    with pytest.raises(Misconfigured, match="never written over"):
        make_key_file(path)
    assert read_ring(path).active.material == first.material


def test_a_link_is_never_written_through(tmp_path):
    target = tmp_path / "elsewhere"
    (tmp_path / "store.key").symlink_to(target)
    with pytest.raises(Misconfigured):
        make_key_file(tmp_path / "store.key")
    assert not target.exists()


def test_the_id_tells_nothing_of_the_key(key_file):
    key = read_ring(key_file()).active
    assert GOOD.decode()[:8] not in key.id
    assert bytes(range(32)).hex()[:8] not in key.id


@pytest.mark.parametrize("mode", [0o440, 0o404, 0o604, 0o660, 0o640, 0o777, 0o401, 0o410, 0o420])
def test_a_key_that_others_can_touch_is_refused(key_file, mode):
    with pytest.raises(Misconfigured, match="chmod 400"):
        read_ring(key_file(mode=mode))


@pytest.mark.parametrize("mode", [0o400, 0o600, 0o500])
def test_a_key_of_ones_own_is_taken(key_file, mode):
    assert read_ring(key_file(mode=mode)).active.material == bytes(range(32))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n",
        GOOD[:-1],
        GOOD[4:],
        GOOD + GOOD,
        b"not base64 at all!",
        base64.b64encode(b"x" * 31),
        base64.b64encode(b"x" * 33),
        b"correct horse battery staple",
        "schlüssel".encode(),
        base64.urlsafe_b64encode(b"\xff" * 32),
    ],
)
def test_a_key_that_is_none_is_refused_and_not_shown(key_file, content):
    with pytest.raises(Misconfigured) as refused:
        read_ring(key_file(content))
    if content.strip():
        assert content.decode() not in str(refused.value)


@pytest.mark.parametrize("content", [GOOD + b"\n", b"  " + GOOD + b"  \r\n"])
def test_blanks_round_a_key_do_no_harm(key_file, content):
    assert read_ring(key_file(content)).active.material == bytes(range(32))


def test_raw_bytes_are_no_key(key_file):
    with pytest.raises(Misconfigured):
        read_ring(key_file(b"\xff" * 32))


def test_a_link_to_a_key_is_refused(key_file, tmp_path):
    link = tmp_path / "link.key"
    link.symlink_to(key_file())
    with pytest.raises(Misconfigured):
        read_ring(link)


@pytest.mark.parametrize("path", [None, Path("none.key")])
def test_a_key_that_is_not_there_stops_the_start(tmp_path, path):
    with pytest.raises(Misconfigured) as refused:
        read_ring(path and tmp_path / path)
    assert KEY_VARIABLE in str(refused.value)
    assert "ml-connector init" in str(refused.value)
    assert not list(tmp_path.iterdir())


def test_a_folder_is_no_key(tmp_path):
    (tmp_path / "store.key").mkdir(mode=0o700)
    with pytest.raises(Misconfigured):
        read_ring(tmp_path / "store.key")


def test_a_pipe_is_no_key_and_holds_nobody(tmp_path):
    path = tmp_path / "store.key"
    os.mkfifo(path, 0o400)
    ended = threading.Event()

    def start():
        try:
            read_ring(path)
        except Misconfigured:
            ended.set()

    thread = threading.Thread(target=start, daemon=True)
    thread.start()
    try:
        assert ended.wait(0.5)
    finally:
        # Whoever waits on the pipe is let go.
        pipe = os.open(path, os.O_RDWR | os.O_NONBLOCK)
        os.write(pipe, b"x")
        os.close(pipe)
        thread.join(5)


def test_a_key_in_a_folder_that_others_can_write_to_is_refused(tmp_path):
    folder = tmp_path / "open"
    folder.mkdir()
    make_key_file(folder / "store.key")
    folder.chmod(0o777)
    with pytest.raises(Misconfigured):
        read_ring(folder / "store.key")


def test_no_key_is_made_where_others_could_replace_it(tmp_path):
    folder = tmp_path / "open"
    folder.mkdir()
    folder.chmod(0o777)
    with pytest.raises(Misconfigured, match="chmod go-w"):
        make_key_file(folder / "store.key")
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("mode", [0o700, 0o755, 0o1777, 0o775])
def test_a_folder_where_nobody_else_can_replace_the_key_is_taken(tmp_path, mode):
    """0o775 is what a mask of 002 makes: its group is our own."""
    folder = tmp_path / "ours"
    folder.mkdir()
    os.chown(folder, -1, os.getegid())
    folder.chmod(mode)
    assert make_key_file(folder / "store.key").id == read_ring(folder / "store.key").active.id


def test_a_key_from_the_environment_goes_first_and_is_told(key_file, monkeypatch, heard):
    other = base64.b64encode(b"\x07" * 32).decode()
    monkeypatch.setenv(KEY_VARIABLE, other)
    assert read_ring(key_file()).active.material == b"\x07" * 32
    assert "environment" in heard()
    assert other not in heard()


@pytest.mark.parametrize("text", ["short", GOOD.decode()[:-4], "!"])
def test_a_wrong_key_in_the_environment_is_never_replaced_by_the_file(key_file, monkeypatch, text):
    monkeypatch.setenv(KEY_VARIABLE, text)
    with pytest.raises(Misconfigured, match=KEY_VARIABLE):
        read_ring(key_file())


def test_a_key_shows_its_name_alone(key_file):
    key = read_ring(key_file()).active
    for shown in (repr(key), str(key), f"{key}", repr([key]), repr({"key": key}), "%s" % key):  # noqa: UP031 - a way to show
        assert GOOD.decode() not in shown
        assert repr(bytes(range(32)))[2:20] not in shown


def rich_repr(key):
    """Return what rich shows of an object that it prints: its own words, else its attributes."""
    return list(getattr(key, "__rich_repr__", lambda: [repr(key), getattr(key, "__dict__", {})])())


@pytest.mark.parametrize("show", [msgspec.json.encode, msgspec.to_builtins, pickle.dumps, copy.copy, rich_repr])
def test_a_key_is_written_nowhere(show):
    key = Key("k1", b"canary-material-canary-material!")
    try:
        written = str(show(key))
    except TypeError:
        written = ""
    assert "canary" not in written
    assert base64.b64encode(key.material).decode() not in written
