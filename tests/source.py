"""What our source consists of, for tests that hold rules over it."""

import ast
import functools
import gc
from collections.abc import Iterator
from pathlib import Path


@functools.cache
def nodes_of(path: Path) -> tuple[ast.AST, ...]:
    """Return all nodes of a file; the collector stays out of the reading.

    What it ends may format a traceback, which parses as well: Python up to 3.11.7 fails then (python/cpython#106905).
    """
    gc.disable()
    try:
        return tuple(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    finally:
        gc.enable()


def imports_of(path: Path) -> Iterator[str]:
    """Yield the modules that a file imports, also inside its functions."""
    for node in nodes_of(path):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide which room is meant"
            yield node.module or ""
