"""`make bench` still does what it says: the same work in each way, or no numbers at all."""

from unittest.mock import Mock

import msgspec
import pytest
from click.testing import CliRunner

from benchmarks.__main__ import main
from benchmarks.comparing import Comparison, Measured, machine, measure
from benchmarks.erp import Pace
from benchmarks.goals import callout_goals, slow_account_goals, speed_goals
from benchmarks.latency import figure
from benchmarks.receiving import BARE, BESIDE_SLOW, RECEIVER, Received, _Caller, _slow_clients, receiving
from benchmarks.sink import sending_to, share_of_limit
from benchmarks.slow_account import Beside, beside
from benchmarks.state import loading


def test_each_work_is_measured_in_every_way(tmp_path):
    page = tmp_path / "performance.md"
    asked = ["decisions", "--documents", "5", "--runs", "3", "--json", "--write", str(page)]
    [found] = msgspec.json.decode(CliRunner().invoke(main, asked, catch_exceptions=False).stdout).values()
    assert found["machine"].keys() == {"cores", "python", "system", "load", "commit"}
    rows = found["measured"]
    assert [row["comparison"] for row in rows] == ["record to posting"] * 3 + ["bytes to amounts"] * 3
    assert all(len(row["seconds"]) == 3 and row["median_s"] > 0 for row in rows)
    assert [row["ratio"] for row in rows[::3]] == [1, 1]
    for row in rows:
        assert f"| {row['comparison']} | {row['way']} | 5 |" in page.read_text()


def test_a_part_that_is_measured_anew_leaves_the_others_as_they_were(tmp_path):
    page = tmp_path / "performance.md"
    kept = "Machine: another one; commit 4242c1ea5011.\n\n| state of | documents |\n|---|---|\n| match | 10000 |"
    page.write_text(f"# Performance\n\nOlder words.\n\n## State\n\n{kept}\n\n## Left\n\nNothing is called so.\n")
    asked = ["decisions", "--documents", "5", "--runs", "1", "--write", str(page)]
    for _ in range(2):
        CliRunner().invoke(main, asked, catch_exceptions=False)
        told = page.read_text()
        assert told.endswith(f"\n## State\n\n{kept}\n")
        assert [line for line in told.splitlines() if line.startswith("## ")] == ["## Decisions", "## State"]
        assert told.count("| record to posting | match, ledger | 5 |") == told.count(f"commit {machine().commit}") == 1


def test_what_is_called_as_no_part_is_said():
    said = CliRunner().invoke(main, ["sinks"])
    assert said.exit_code == 2
    assert "'sinks' is not one of" in said.output


def test_a_goal_is_met_or_missed_by_what_was_measured():
    def row(way, ratio):
        return Measured(
            comparison=sending_to(Pace(), 1), way=way, documents=10, seconds=(1.0,), median_s=1.0, spread=0.0,
            per_second=170.0, ratio=ratio,
        )  # fmt: skip

    for ratio, met in ((0.95, True), (0.94, False)):
        rows = [row("sink", 1.0), row("bare loop", ratio)]
        [goal] = speed_goals(rows)
        assert (goal.measured, goal.met) == (str(ratio), met)
        assert share_of_limit(rows[0]) == "0.85"


def test_ways_that_come_to_different_answers_are_not_compared():
    comparison = Comparison(name="sum", count=1, ways={"right": lambda: lambda: 2, "wrong": lambda: lambda: 3})
    with pytest.raises(ValueError, match="not the same work"):
        measure(comparison, runs=1)


def test_what_makes_ready_is_not_measured():
    prepared = []

    def way():
        prepared.append("ready")
        return lambda: prepared.append("worked")

    (row,) = measure(Comparison(name="order", count=10, ways={"only": way}), runs=2)
    assert prepared == ["ready", "worked"] * 3
    assert len(row.seconds) == 2
    assert row.per_second == 10 / row.median_s


def test_a_state_is_loaded_from_the_log_and_from_its_checkpoint(kafka, monkeypatch):
    """Each load says how much it read of the log, so that a checkpoint that is not used makes no row."""
    monkeypatch.setenv("ML_CONNECTOR_KAFKA", kafka)
    rows = list(loading([200], runs=1, stages=["sink"]))
    assert [(row.stage, row.source) for row in rows] == [("sink", "log"), ("sink", "checkpoint")]
    assert all(row.median_s > 0 and row.file_mb > 0 and row.one_more_us > 0 for row in rows)


async def test_slow_clients_that_are_not_there_are_not_measured_beside(monkeypatch):
    """Else the figure beside them would be the one without them, under another name."""
    monkeypatch.setattr("benchmarks.receiving._SOMEBODY_ELSE", ("192.0.2.1", 0))
    caller = _Caller(Mock(), "http://127.0.0.1:9/callouts/x", {})
    with pytest.raises(ExceptionGroup):
        async with _slow_clients(caller):
            pass


def test_callouts_are_taken_in_and_read_back(kafka, monkeypatch):
    monkeypatch.setenv("ML_CONNECTOR_KAFKA", kafka)
    monkeypatch.setattr("benchmarks.receiving._FIRST_S", 0.1)
    received, read_back = receiving(runs=1, seconds=0.5, read_seconds=0.5)
    assert [(row.way, row.refused) for row in received] == [(RECEIVER, 0), (BARE, 0), (BESIDE_SLOW, 0)]
    assert all(0 < row.p50.median <= row.p99.median for row in received)
    assert [row.percentile for row in read_back] == [50, 99]
    assert all(row.record.median > 0 and row.zuora.median > 0 for row in read_back)


@pytest.mark.parametrize(
    ("quick", "slow", "refused", "met"),
    [
        (10.0, 12.0, 0, [True, True]),
        (10.0, 20.0, 0, [True, False]),
        (251.0, 252.0, 0, [False, True]),
        # A refusal is quick.
        (10.0, 1.0, 1, [True, False]),
    ],
)
def test_callouts_are_held_against_their_goals(quick, slow, refused, met):
    rows = [
        Received(way=way, p50=figure([1.0]), p99=figure([p99, p99]), refused=count)
        for way, p99, count in ((RECEIVER, quick, 0), (BESIDE_SLOW, slow, refused))
    ]
    assert [goal.met for goal in callout_goals(rows)] == met


def test_customers_are_read_matched_and_changed_beside_a_bare_loop(kafka, monkeypatch):
    monkeypatch.setenv("ML_CONNECTOR_KAFKA", kafka)
    asked = ["customers", "--customers", "40", "--runs", "1", "--json"]
    said = CliRunner().invoke(main, asked, catch_exceptions=False).stdout
    rows = msgspec.json.decode(said)["customers"]["measured"]
    assert [(row["comparison"].split()[0], row["way"]) for row in rows[:2]] == [("40", "product"), ("40", "bare loop")]
    assert [(row["documents"], row["way"]) for row in rows if row["comparison"].startswith("one of 40")] == [
        (1, "reading")
    ]


def test_others_are_measured_beside_a_slow_account(kafka, monkeypatch):
    monkeypatch.setenv("ML_CONNECTOR_KAFKA", kafka)
    monkeypatch.setattr("benchmarks.slow_account._FIRST_S", 0.1)
    alone, with_one = beside(Pace(), runs=1, seconds=1.0)
    assert (alone.slow, with_one.slow) == (0, 1)
    assert all(0 < row.p50.median <= row.p99.median for row in (alone, with_one))


def test_what_others_make_beside_a_slow_account_is_held_against_its_goal():
    one = figure([1.0])
    for per_second, met in ((95.0, True), (94.0, False)):
        alone, with_one = (
            Beside(into="x", slow=slow, per_second=figure([made]), p50=one, p99=one)
            for slow, made in ((0, 100.0), (1, per_second))
        )
        [goal] = slow_account_goals([alone, with_one])
        assert goal.met == met
