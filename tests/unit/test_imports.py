"""The one arrow of the house: schemas <- streams <- adapters <- console; sandbox imports nothing of ours.

The imports are read from the source, so that one inside a function counts as well.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("schemas", "streams", "adapters", "console", "sandbox")
# What a room may import of the others. The console starts the sandbox; nothing else knows of it.
MAY_IMPORT = {
    "schemas": {"schemas"},
    "streams": {"schemas", "streams"},
    "adapters": {"schemas", "streams", "adapters"},
    "console": {"schemas", "streams", "adapters", "console", "sandbox"},
    "sandbox": {"sandbox"},
}
# Foreign packages that belong to one room only, with the files outside it that may use them.
SCHEMAS_FOREIGN = {"msgspec", "iso4217"}
STREAMS_FOREIGN = {"msgspec"}
# Whatever tells the time, draws lots or leaves the process: a decision may not.
IMPURE = {"asyncio", "os", "random", "secrets", "socket", "subprocess", "sys", "threading", "time", "uuid", "aiohttp"}


def imports_of(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide which room is meant"
            yield node.module or ""


def files_of(room: str) -> list[Path]:
    found = sorted((ROOT / room).rglob("*.py"))
    assert found, f"{room} has no files: this test would hold nothing"
    return found


@pytest.mark.parametrize("room", ROOMS)
def test_the_arrow(room: str):
    for path in files_of(room):
        ours = {name.split(".")[0] for name in imports_of(path)} & {*ROOMS, "tests", "benchmarks"}
        assert ours <= MAY_IMPORT[room], f"{path.relative_to(ROOT)} imports {sorted(ours - MAY_IMPORT[room])}"


def test_faust_is_imported_by_agents_and_the_kafka_adapter_alone():
    for room in ROOMS:
        for path in files_of(room):
            relative = path.relative_to(ROOT)
            roots = {name.split(".")[0] for name in imports_of(path)}
            in_kafka = relative.parts[:2] == ("adapters", "kafka")
            agent = relative.parts[0] == "streams" and relative.name == "agent.py"
            assert "faust" not in roots or in_kafka or agent, relative
            assert "aiokafka" not in roots or in_kafka, relative


def test_schemas_and_streams_are_pure():
    stdlib_and = __import__("sys").stdlib_module_names
    for room, allowed in (("schemas", SCHEMAS_FOREIGN), ("streams", STREAMS_FOREIGN)):
        for path in files_of(room):
            if path.name == "agent.py":
                continue
            roots = {name.split(".")[0] for name in imports_of(path)} - set(ROOMS)
            assert not roots & IMPURE, f"{path.relative_to(ROOT)} imports {sorted(roots & IMPURE)}"
            foreign = {name for name in roots if name not in stdlib_and}
            assert foreign <= allowed, f"{path.relative_to(ROOT)} imports {sorted(foreign - allowed)}"


def test_decisions_never_ask_for_the_time():
    for room in ("schemas", "streams"):
        for path in files_of(room):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Attribute):
                    assert node.attr not in {"now", "today", "utcnow"}, f"{path.relative_to(ROOT)}:{node.lineno}"


def test_money_is_never_a_float():
    """`float(`, `round(` and untyped JSON have no place where amounts pass."""
    for room in ("schemas", "streams"):
        for path in files_of(room):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                    assert node.func.id not in {"float", "round"}, f"{path.relative_to(ROOT)}:{node.lineno}"


def test_no_pickle_anywhere():
    for room in ROOMS:
        for path in files_of(room):
            roots = {name.split(".")[0] for name in imports_of(path)}
            assert not roots & {"pickle", "shelve", "marshal", "dill"}, path.relative_to(ROOT)
