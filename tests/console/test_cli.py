"""The command line's own manners: one sentence and an exit code, never a traceback, never a secret."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "console", *words], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
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
