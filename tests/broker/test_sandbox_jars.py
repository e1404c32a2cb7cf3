"""The broker's jars from a real Maven repository on loopback, through jgo."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from sandbox.kafka import jars


class Repository(BaseHTTPRequestHandler):
    """Serves this machine's jars at the paths of a Maven repository. Some break on their first way, or for good."""

    found: dict[str, Path]
    cut_once: set[str]
    falsified: set[str]

    def do_GET(self):
        jar = self.found.get(self.path.lstrip("/"))
        if jar is None:
            self.send_error(404)
            return
        content = jar.read_bytes()
        if jar.name in self.falsified:
            content = content[:-1] + b"x"
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if jar.name in self.cut_once:
            self.cut_once.discard(jar.name)
            content = content[: len(content) // 2]
        self.wfile.write(content)

    def log_message(self, *_):
        """Say nothing."""


@contextmanager
def repository(*, cut_once: frozenset[str] = frozenset(), falsified: frozenset[str] = frozenset()) -> Iterator[str]:
    here = {jar.path.as_posix(): path for jar, path in zip(jars.read_lock(), jars.class_path(), strict=True)}
    handler = type("Handler", (Repository,), {"found": here, "cut_once": set(cut_once), "falsified": falsified})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def nothing_here(tmp_path, monkeypatch):
    """Let Maven have nothing on this machine, from when it is called."""
    return lambda: monkeypatch.setenv("M2_REPO", str(tmp_path / "empty"))


@pytest.fixture
def cache(tmp_path) -> Path:
    return tmp_path / "cache"


def files(directory: Path) -> list[Path]:
    return [path for path in directory.rglob("*") if path.is_file()]


def test_the_lock_names_the_broker_and_its_logger_first():
    kafka, logger, *rest = jars.read_lock()

    assert f"{kafka.group}:{kafka.artifact}:{kafka.version}+{logger.group}:{logger.artifact}:{logger.version}" == (
        jars.ENDPOINT
    )
    assert len(rest) == len(set(rest)) > 40


def test_what_is_missing_is_fetched_once_and_then_needs_no_network(cache, nothing_here, capsys):
    with repository() as address:
        nothing_here()
        fetched = jars.class_path(cache=cache, repository=address)
        assert "Fetching Kafka's 47 jars" in capsys.readouterr().err

    assert jars.class_path(cache=cache, repository=address) == fetched
    assert sorted(files(cache)) == sorted(fetched)
    assert capsys.readouterr().err == ""


def test_a_mirror_can_be_named(cache, nothing_here, monkeypatch):
    with repository() as address:
        nothing_here()
        monkeypatch.setenv("ML_CONNECTOR_MAVEN", address)

        assert len(jars.class_path(cache=cache)) == 47


def test_what_maven_has_already_is_used_where_it_is(cache, monkeypatch):
    maven = cache.with_name("maven")
    for jar, path in zip(jars.read_lock(), jars.class_path(), strict=True):
        (maven / jar.path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, maven / jar.path)
    monkeypatch.setenv("M2_REPO", str(maven))

    assert all(path.is_relative_to(maven) for path in jars.class_path(cache=cache))
    assert not cache.exists()


def test_a_changed_jar_in_the_cache_is_fetched_anew(cache, nothing_here):
    with repository() as address:
        nothing_here()
        first = jars.class_path(cache=cache, repository=address)[0]
        good = first.read_bytes()
        first.write_bytes(good[:1000])

        assert jars.class_path(cache=cache, repository=address)[0] == first

    assert first.read_bytes() == good


def test_half_a_jar_is_fetched_again(cache, nothing_here):
    with repository(cut_once=frozenset({"kafka-clients-4.3.1.jar"})) as address:
        nothing_here()
        paths = jars.class_path(cache=cache, repository=address)

    assert all(jar.is_at(path) for jar, path in zip(jars.read_lock(), paths, strict=True))


def test_other_bytes_than_the_locked_ones_are_refused(cache, nothing_here):
    with repository(falsified=frozenset({"kafka-clients-4.3.1.jar"})) as address:
        nothing_here()
        with pytest.raises(jars.JarsNotFoundError, match=r"kafka-clients-4\.3\.1\.jar .*SHA-256 is not the locked one"):
            jars.class_path(cache=cache, repository=address)

    assert not [path for path in files(cache) if path.name.startswith("kafka-clients")]


def test_without_cache_and_network_one_sentence_says_what_to_do(cache, nothing_here):
    with repository() as address:
        nothing_here()

    with pytest.raises(jars.JarsNotFoundError) as missing:
        jars.class_path(cache=cache, repository=address)

    sentence = str(missing.value)
    assert "kafka_2.13-4.3.1.jar could not be fetched" in sentence
    assert "connect to the network once" in sentence
    assert "\n" not in sentence
