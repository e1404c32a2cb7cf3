"""The command line's own manners: one sentence and an exit code, never a traceback, never a secret."""

import subprocess
import sys
from pathlib import Path

import pytest

from console.commands.backfill import how_on

ROOT = Path(__file__).parents[2]


def run(*words: str, answer: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "console", *words],
        cwd=ROOT,
        input=answer,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize(
    "words",
    [
        ("init", "/proc/x"),
        ("topics", "describe", "/proc/x"),
        ("sandbox", "demo", "--directory", "/proc/x"),
        ("sandbox", "kafka", "--port", "99999"),
    ],
    ids=" ".join,
)
def test_a_place_that_cannot_be_is_one_sentence(words):
    ended = run(*words)
    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr
    assert ended.stderr.strip()


def test_a_secret_that_was_given_as_an_argument_is_not_repeated():
    ended = run("credentials", "set", "zuora/acme", "client_secret", "in-the-clear-4711")
    assert ended.returncode == 2
    assert "never an argument" in ended.stderr
    assert "4711" not in ended.stdout + ended.stderr


def test_a_question_stands_beside_the_json_not_before_it(tmp_path):
    assert run("init", str(tmp_path)).returncode == 0
    config = str(tmp_path / "ml-connector.toml")
    ended = run("--config", config, "backfill", "--from", "2026-10-01", "--json", answer="n\n")
    assert ended.returncode == 1
    assert "What is not in QAD yet will be posted" in ended.stderr
    # The library that asks leaves a blank there, which JSON may begin with.
    assert not ended.stdout.strip()


def test_what_was_to_be_read_again_and_was_stopped_goes_on_without_again_once_it_was_begun():
    assert how_on(again=True, begun=True) == "Run it without --again: it goes on from there."
    assert how_on(again=True, begun=False) == how_on(again=False, begun=True) == "The same command goes on from there."
