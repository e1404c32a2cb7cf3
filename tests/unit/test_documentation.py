"""Every path of this repository that a document names exists: a module that moves takes its mentions with it.

A path counts from the root, from the folder of the document, or, in ARCHITECTURE.md's table, from the room of its row.
A bare name counts where any file has it; in a row of a room, where a file of that room has.
"""

import re
import subprocess
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# What a site or a run makes; no part of the repository.
MADE = {"data", "credentials.json", "credentials.key", "ml-connector.toml", ".venv"}
QUOTED = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
ENDINGS = ("py", "md", "toml", "lock", "json", "yml")
FILE = re.compile(rf"[\w./*-]*\w\.(?:{'|'.join(ENDINGS)})")


def tracked() -> list[str]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    return listed.stdout.split()


FILES = tracked()
FOLDERS = {str(folder) for file in FILES for folder in Path(file).parents} - {"."}
ROOMS = {folder.split("/")[0] for folder in FOLDERS}
DOCUMENTS = [file for file in FILES if file.endswith(".md")]


def exists(path: str) -> bool:
    if "*" in path:
        return any(fnmatch(file, path) for file in FILES)
    return path in FOLDERS or path in FILES


def lost(document: str, text: str) -> list[str]:
    """Return what a text of this document names and is not there."""
    beside, found = Path(document).parent, list[str]()
    names = {Path(file).name for file in FILES}
    for line in text.splitlines():
        # The row of ARCHITECTURE.md's table begins with its room.
        rooms = [word.rstrip("/") for word in QUOTED.findall(line.split("|")[1])] if line.startswith("| `") else []
        for word in " ".join(QUOTED.findall(line)).split():
            path = word.rstrip(",;:").rstrip("/")
            top = path.split("/")[0]
            ours = (top in ROOMS and "/" in word) or FILE.fullmatch(path) is not None
            if not ours or path.startswith("/") or top in MADE:
                continue
            places = [path, str(beside / path), *(f"{room}/{path}" for room in rooms)]
            places += [f"{Path(room).parent}/{path}" for room in rooms]
            # In a row of a room a bare name is one of that room; elsewhere, of any.
            named = not any(map(exists, rooms)) and "/" not in path and path in names
            if not any(map(exists, places)) and not named:
                found.append(path)
        found += [
            target for target in LINK.findall(line) if "://" not in target and not (ROOT / beside / target).exists()
        ]
    return found


def test_there_are_documents():
    assert {"README.md", "ARCHITECTURE.md", "docs/runbook.md", "docs/zuora.md"} <= set(DOCUMENTS)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_what_a_document_names_exists(document):
    assert lost(document, (ROOT / document).read_text()) == []


@pytest.mark.parametrize(
    "text",
    [
        "see `adapters/zuora/posts.py`",
        "| `streams/sink/` | x | `no_such_module.py` |",
        "| `adapters/zuora/asking/` | x | what is polled: `poller.py` |",
        "`no_such.md`",
        "[there](docs/no_such.md)",
        "`streams/nowhere/`",
        "`streams/*/no_such.py`",
    ],
)
def test_what_has_gone_is_named(text):
    assert len(lost("README.md", text)) == 1


def test_what_the_runbook_says_a_log_shows_is_what_the_code_writes():
    code = "".join(
        (ROOT / file).read_text() for file in FILES if re.match(r"(adapters|console|schemas|streams)/.*py$", file)
    )
    rows = (ROOT / "docs/runbook.md").read_text().split("| you see |")[1].split("\n## ")[0].splitlines()[2:]
    shown = [
        part
        for row in rows
        if row.startswith("| ")
        for word in QUOTED.findall(row.split("|")[1])
        for part in word.split(" ... ")
    ]
    assert len(shown) > 40
    assert [part for part in shown if part not in code] == []


def test_each_decision_has_a_number_of_its_own():
    numbers = sorted(path.name[:4] for path in (ROOT / "docs" / "decisions").glob("[0-9]*.md"))
    assert len(numbers) > 30
    assert numbers == sorted(set(numbers))
