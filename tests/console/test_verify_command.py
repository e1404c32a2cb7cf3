"""`ml-connector verify`: what it says of a verdict, and what it ends with; not how a verdict comes about."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from console.commands import verify as command
from console.context import Context
from console.verification.report import INVARIANTS
from schemas.errors import Misconfigured
from tests.console.court import in_order


@pytest.fixture
def court():
    return in_order()


def asked(court, monkeypatch, *words, files=""):
    """Run the command where the sides are those of a court; return how it ended and what the judge was asked."""
    calls = []

    async def judge(wiring, connections, *, progress, restored):
        calls.append((list(connections), restored))
        progress("a topic: 1 events")
        return [court.verdict()]

    monkeypatch.setattr(command, "judge", judge)
    context = Context(Path("none.toml"))
    site = SimpleNamespace(config=SimpleNamespace(connections={"acme": None, "other": None}))
    wiring = SimpleNamespace(files=lambda name: "a directory" if name == files else None, profile=lambda _name: None)
    context.__dict__ |= {"site": site, "wiring": wiring}
    return CliRunner().invoke(command.verify, words, obj=context, catch_exceptions=False), calls


def test_nothing_broken_is_exit_code_0_and_every_promise_is_told(court, monkeypatch):
    ended, calls = asked(court, monkeypatch)
    assert ended.exit_code == 0
    assert "all promises hold" in ended.output
    assert all(name in ended.output for name in INVARIANTS)
    assert calls == [(["acme", "other"], False)]


def test_what_is_broken_is_named_with_its_place_and_exit_code_3(court, monkeypatch):
    lost = next(iter(court.qad.documents))
    del court.qad.documents[lost]
    ended, _ = asked(court, monkeypatch)
    assert ended.exit_code == 3
    assert "INV0" in ended.output
    assert "outcomes 3:1" in ended.output
    told = json.loads(asked(court, monkeypatch, "--json")[0].output)
    [verdict] = told
    assert verdict["broken"]["I1"] == 1
    assert {one["number"] for one in verdict["violations"]} == {"INV0"}
    assert all(one["what"] and one["connection"] == "acme" for one in verdict["violations"])
    assert verdict["on_its_way"] == []


def test_one_connection_and_a_restored_topic_are_passed_on(court, monkeypatch):
    assert asked(court, monkeypatch, "-c", "other", "--outcomes-restored")[1] == [(["other"], True)]
    with pytest.raises(Misconfigured, match="acme, other"):
        asked(court, monkeypatch, "-c", "nobody")


def test_a_connection_whose_documents_go_into_files_is_judged_like_the_others(court, monkeypatch):
    ended, calls = asked(court, monkeypatch, files="other")
    assert calls == [(["acme", "other"], False)]
    assert ended.exit_code == 0


def test_what_is_on_its_way_is_told_and_breaks_nothing(court, monkeypatch):
    court.document("invoice", "70.00", stamp="2026-04-02T08:00:00Z")
    ended, _ = asked(court, monkeypatch)
    assert ended.exit_code == 0
    assert "1 on their way" in ended.output


def test_thousands_of_violations_are_counted_and_some_are_shown(court, monkeypatch):
    for number in range(1200):
        court.document("invoice", f"{number + 1}.00")
    ended, _ = asked(court, monkeypatch)
    assert "1150 more" in ended.output
    [verdict] = json.loads(asked(court, monkeypatch, "--json")[0].output)
    assert verdict["broken"] == {"I1": 1200}
    assert len(verdict["violations"]) == 1000
