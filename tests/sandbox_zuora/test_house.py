"""What holds for the code of the stand-in: it imports nothing of the product, and every module says what it is for."""

import sys
from pathlib import Path

import sandbox.zuora
from tests.source import imports_of

FOLDER = Path(sandbox.zuora.__file__).parent
MODULES = sorted(FOLDER.rglob("*.py"))
ALLOWED = {"aiohttp", "msgspec", "sandbox"}


def test_it_imports_nothing_of_the_product():
    assert len(MODULES) > 40
    for path in MODULES:
        for name in imports_of(path):
            top = name.split(".")[0]
            assert top in ALLOWED or top in sys.stdlib_module_names, f"{path.name} imports {name}"
            assert top != "sandbox" or name.startswith("sandbox.zuora"), f"{path.name} imports {name}"


def test_the_state_asks_no_clock_but_its_own():
    pure = [
        *(FOLDER / "acts").glob("*.py"),
        *(FOLDER / "query").glob("*.py"),
        FOLDER / "tenant.py",
        FOLDER / "table.py",
    ]
    for path in pure:
        assert not {"time", "uuid", "os", "asyncio", "aiohttp"} & set(imports_of(path)), path.name
