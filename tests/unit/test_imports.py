"""The one arrow of the house: schemas <- streams <- adapters <- console; sandbox imports nothing of ours.

The imports are read from the source, so that one inside a function counts as well.
"""

import ast
import graphlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.source import imports_of, nodes_of

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
# What ranks for people may ask for more: no stage imports it.
RANKS = "streams/match/proposals.py"
# Whatever tells the time, draws lots or leaves the process: a decision may not.
IMPURE = {"asyncio", "os", "random", "secrets", "socket", "subprocess", "sys", "threading", "time", "uuid", "aiohttp"}
# The judge (`ml-connector verify`): of streams/ it shares the shapes of both systems alone, of adapters/ what reads.
JUDGE_SHARES = {"streams.ports"}
READ_CALLS = {
    *(f"adapters.kafka.{name}" for name in ("administration", "cluster")),
    *(
        f"adapters.qad.{name}"
        for name in ("asking.client", "profiles.profile", "reading.browse", "reading.look_ups", "values")
    ),
    "adapters.xml",
    *(f"adapters.zuora.{name}" for name in ("asking.client", "reading.objects", "reading.settlement")),
}
# What a room of a house may import of its others. In the ledger, cash knows nothing of billing, nor of tenants without
# Invoice Settlement. Zuora's marks are one module, its receiver never asks; how QAD writes values is one module.
ROOMS_MAY_IMPORT = {
    "streams/ledger": {
        "stopping": (),
        "known": ("stopping",),
        "building": ("known", "stopping"),
        "applying": ("building", "known", "stopping"),
        "billing": ("applying", "building", "known", "stopping"),
        "cash": ("applying", "building", "known", "stopping"),
        "unsettled": ("applying", "billing", "building", "known", "stopping"),
        "reading": ("applying", "billing", "building", "cash", "known", "stopping", "unsettled"),
        "deletions": ("billing", "building", "cash", "known", "stopping"),
        "spec": (),
        "agent": ("spec",),
        "decide": (
            *("applying", "billing", "building", "cash", "deletions", "known", "reading"),
            *("spec", "stopping", "unsettled"),
        ),
    },
    "adapters/zuora": {
        "asking": (),
        "reading": ("asking",),
        "finding": ("asking", "reading"),
        "receiving": ("asking.headers",),
        "notifications": ("asking", "receiving"),
        "marks": ("asking",),
    },
    "adapters/qad": {
        "values": (),
        "words": (),
        "places": (),
        "profiles": ("values", "words", "places"),
        "asking": ("profiles", "places", "values"),
        "reading": ("asking", "profiles", "values", "places"),
        "rest": ("asking", "profiles", "reading", "words", "places", "values"),
        "qxtend": ("asking", "profiles", "reading", "values", "words"),
    },
}
# They read the configuration and build the clients for every command, so they import all there is.
COMPOSITION = {"console.context", "console.wiring"}


def files_of(room: str) -> list[Path]:
    found = sorted((ROOT / room).rglob("*.py"))
    assert found, f"{room} has no files: this test would hold nothing"
    return found


def modules_of(path: Path) -> Iterator[str]:
    """Yield the modules of ours that a file imports, also where `from package import module` names one."""
    for node in nodes_of(path):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if file_of(alias.name))
        elif isinstance(node, ast.ImportFrom) and node.module:
            submodules = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from [name for name in submodules if file_of(name)] or [node.module]


def file_of(module: str) -> Path | None:
    path = ROOT / module.replace(".", "/")
    return next((one for one in (path.with_suffix(".py"), path / "__init__.py") if one.is_file()), None)


@pytest.mark.parametrize("room", ROOMS)
def test_the_arrow(room: str):
    for path in files_of(room):
        ours = {name.split(".")[0] for name in imports_of(path)} & {*ROOMS, "tests", "benchmarks"}
        assert ours <= MAY_IMPORT[room], f"{path.relative_to(ROOT)} imports {sorted(ours - MAY_IMPORT[room])}"


def test_no_import_circle():
    """What imports each other is one module in several files: none can be read, or moved, without the others."""
    graph = {
        path: {file_of(module) for module in modules_of(path)} - {None} for room in ROOMS for path in files_of(room)
    }
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        pytest.fail(" imports ".join(str(path.relative_to(ROOT)) for path in reversed(error.args[1])))


@pytest.mark.parametrize("house", ROOMS_MAY_IMPORT)
def test_the_arrow_between_the_rooms_of_a_house(house: str):
    rooms, package = ROOMS_MAY_IMPORT[house], house.replace("/", ".")
    for path in files_of(house):
        room, *_ = path.relative_to(ROOT / house).with_suffix("").parts
        if room == "__init__":
            continue
        assert room in rooms, f"{path.relative_to(ROOT)} stands in no room"
        allowed = (room, *rooms[room])
        for module in modules_of(path):
            inside = module.removeprefix(f"{package}.")
            assert inside == module or f"{inside}.".startswith(tuple(f"{one}." for one in allowed)), (
                f"{path.relative_to(ROOT)} imports {module}"
            )


def test_the_file_sink_takes_of_qad_its_words_and_its_lists_alone():
    """What reads rows of a list and names what is sent; nothing that calls."""
    taken = {
        module
        for path in files_of("adapters/files")
        for module in modules_of(path)
        if module.startswith("adapters.qad.")
    }
    rooms = {module.split(".")[2] for module in taken}
    assert rooms == {"profiles", "reading", "values", "words"}
    assert {module for module in taken if ".reading." in module} == {"adapters.qad.reading.reference"}


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
            if path == ROOT / RANKS:
                foreign -= {"rapidfuzz"}
            assert foreign <= allowed, f"{path.relative_to(ROOT)} imports {sorted(foreign - allowed)}"


def test_no_stage_ranks():
    """A score only ranks what people look at: what decides, writes or posts never sees one."""
    module = RANKS.removesuffix(".py").replace("/", ".")
    users = {path for room in ROOMS for path in files_of(room) if module in modules_of(path)}
    assert users == {ROOT / "console/customers/reviewing.py"}


def test_decisions_never_ask_for_the_time():
    for room in ("schemas", "streams"):
        for path in files_of(room):
            for node in nodes_of(path):
                if isinstance(node, ast.Attribute):
                    assert node.attr not in {"now", "today", "utcnow"}, f"{path.relative_to(ROOT)}:{node.lineno}"


def test_money_is_never_a_float():
    """`float(`, `round(` and untyped JSON have no place where amounts pass."""
    for room in ("schemas", "streams"):
        for path in files_of(room):
            for node in nodes_of(path):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                    assert node.func.id not in {"float", "round"}, f"{path.relative_to(ROOT)}:{node.lineno}"


def test_no_pickle_anywhere():
    for room in ROOMS:
        for path in files_of(room):
            roots = {name.split(".")[0] for name in imports_of(path)}
            assert not roots & {"pickle", "shelve", "marshal", "dill"}, path.relative_to(ROOT)


def test_the_judge_shares_nothing_with_what_it_judges_but_the_ports():
    """Itself, and by way of all that it imports of the console.

    Not by way of the adapters: their QAD profile sorts refusals by the sink's classes, Zuora's objects name accounts as
    match does. What they read is raw; the judge compares it by a reading of its own.
    """
    todo = [ROOT / "console/commands/verify.py", *sorted((ROOT / "console/verification").glob("*.py"))]
    seen: set[Path] = set()
    used: set[str] = set()
    while todo:
        path = todo.pop()
        if path in seen:
            continue
        seen.add(path)
        for module in modules_of(path):
            room = module.partition(".")[0]
            if room == "streams":
                assert module in JUDGE_SHARES, f"{path.relative_to(ROOT)} imports {module}"
            elif room == "adapters":
                assert module in READ_CALLS, f"{path.relative_to(ROOT)} imports {module}"
            elif room == "console" and module not in COMPOSITION and (found := file_of(module)):
                todo.append(found)
            used.add(module)
    assert used >= JUDGE_SHARES | READ_CALLS, "what nobody uses any more is not to be allowed"
