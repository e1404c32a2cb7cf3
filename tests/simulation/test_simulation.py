"""2,000 histories, in two processes of their own; every fault must have fired, and nothing may be wrong."""

import asyncio
import json
import os
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.simulation.faults import never_fired
from tests.simulation.running import HISTORIES, SEEDS

ROOT = Path(__file__).resolve().parents[2]


async def report_of(seed: int) -> dict:
    """Run the histories of a seed as a person would, and return what came of it."""
    arguments = ("-m", "tests.simulation", "--seed", str(seed), "--histories", str(HISTORIES), "--json")
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, complaint = await process.communicate()
    assert said, complaint.decode()
    return json.loads(said)


@pytest.mark.timeout(600)
async def test_whatever_happens_each_posting_is_in_qad_once_and_the_books_agree():
    reports = await asyncio.gather(*map(report_of, SEEDS))
    assert "\n\n".join(report["failure"] for report in reports if report["failure"]) == ""
    fired = sum((Counter(report["tally"]) for report in reports), Counter())
    assert never_fired(fired) == []


async def test_a_seed_gives_the_same_histories_in_every_process():
    """Python shuffles the hashes of texts anew in each process: a failure must come again all the same."""
    small = ("-m", "tests.simulation", "--seed", "3", "--histories", "15", "--json")
    said = set()
    for shuffle in ("1", "2"):
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *small,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": shuffle},
            stdout=asyncio.subprocess.PIPE,
        )
        report = json.loads((await process.communicate())[0])
        said.add(json.dumps([report["tally"], report["failure"]]))
    assert len(said) == 1
