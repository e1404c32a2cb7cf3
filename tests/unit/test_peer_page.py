"""The benchmark beside the peer: the kit finds our target in the place of its own, the page says what was measured."""

from benchmarks.comparing import Machine
from benchmarks.peer import TARGET, with_our_target
from benchmarks.peer_page import page

NAMES = {"ours": "our sink", "connect": "Kafka Connect"}
MACHINE = Machine(cores=2, python="CPython 3.11", system="Linux", load=0.5, commit="abc")


def test_the_kit_is_used_as_it_stands_but_for_its_target(tmp_path):
    (tmp_path / "bench.py").write_text("import pathlib\nKIT = pathlib.Path(__file__).parent\n")
    (tmp_path / "target.py").write_text("")
    (tmp_path / "connector.json").write_text("{}")
    with with_our_target(tmp_path) as bench:
        found = {file.name: file.resolve() for file in bench.KIT.iterdir()}
    assert found == {
        "bench.py": tmp_path / "bench.py",
        "connector.json": tmp_path / "connector.json",
        "target.py": TARGET,
    }
    assert (tmp_path / "target.py").read_text() == ""


def row(text, start):
    (line,) = (line for line in text.splitlines() if line.startswith(f"| {start} |"))
    return [cell.strip() for cell in line.strip("|").split("|")][1:]


def test_the_page_shows_the_median_and_the_spread_of_each_sink():
    found = [
        {"sink": "ours", "scenario": "plain", "docs_per_s": rate, "doubled": 0} for rate in (180.0, 170.0, 175.0)
    ] + [{"sink": "connect", "scenario": "kill", "docs_per_s": 120.5, "doubled": 134, "posting_again_s": None}]
    text = page(found, machine=MACHINE, runs=3, names=NAMES)
    assert row(text, "documents/s") == ["175 (170 to 180)", "-", "-", "120.5", "-", "-"]
    assert row(text, "doubled") == ["0", "-", "-", "134", "-", "-"]
    assert row(text, "SIGKILL to posting again, s") == ["-"] * 6
    assert "SIGKILL midway: Kafka Connect" in text
