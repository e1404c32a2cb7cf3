"""The read model's file: events and offsets in one transaction, and the same file again from the same log."""

import random
import sqlite3
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from adapters.store.readmodel import VERSION, ReadModel
from schemas.errors import Misconfigured, Transient
from schemas.references import Customer
from schemas.topics import Topic
from tests.adapters.logbook import (
    INVOICE,
    Log,
    dump,
    little_log,
    reread,
)

ROOT = Path(__file__).parents[2]


@pytest.fixture
def log():
    return little_log()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "deep" / "readmodel.sqlite"


@pytest.fixture
def model(path, log):
    with ReadModel(path, write=True) as writing:
        writing.take(log.records)
        yield writing


# -- no room -----------------------------------------------------------------------------------------------------------


def test_a_full_volume_is_said_and_what_was_written_stays(model, path, log):
    before = dump(path)
    model._database.execute(f"pragma max_page_count={model._database.execute('pragma page_count').fetchone()[0]}")
    more = [
        (partition, msgspec.structs.replace(record, offset=record.offset + 10_000 * turn))
        for turn in range(1, 200)
        for partition, record in log.records
    ]
    with pytest.raises(Transient, match=r"readmodel\.sqlite cannot be written \(database or disk is full\)"):
        model.take(more)
    assert dump(path) == before


# -- one transaction -------------------------------------------------------------------------------------------------


def test_the_next_offset_of_each_topic_and_partition_is_known(model, log):
    positions = model.positions()
    assert positions["zuora.records", 0] == 3
    assert positions["zuora.records", 1] == 1
    # Offsets have gaps where transactions ended.
    assert positions["outcomes", 0] == 6
    assert set(positions) == {(topic.value, partition) for topic, partition in log.by_topic()}


def test_of_a_customer_of_qad_the_read_model_keeps_code_and_flags_alone(path):
    log = Log()
    personal = {"name": "canary Erika", "search_name": "canary-E", "city": "canary City", "postal_code": "canary-99"}
    more = {
        "email_domain": "canary.example",
        "tax_id": "canary-DE1",
        "zuora_account": "canary-A1",
        "terms": "canary-30",
    }
    flags = {"code": "C1", "active": False, "held": True, "currency": "EUR", "gone": True}
    log.add(Topic.QAD_REFERENCE, Customer(**flags, **personal, **more))
    with ReadModel(path, write=True) as model:
        model.take(log.records)
        assert model.shown(0) == [Customer(**flags)]
    kept = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert b"canary" not in kept


class Fails(Exception):
    pass


class CutOff(list):
    """Records that break off in the middle."""

    def __iter__(self):
        yield from self[:-1]
        raise Fails


def test_a_batch_that_breaks_off_leaves_nothing(path, log):
    with ReadModel(path, write=True) as model:
        model.take(log.records[:3])
        before = dump(path)
        with pytest.raises(Fails):
            model.take(CutOff(log.records[3:]))
        assert dump(path) == before
        model.take(log.records[3:])
        assert len(model.events_of("acme", INVOICE)) == 7


def test_a_process_that_is_killed_in_a_batch_leaves_nothing(path, log, tmp_path):
    """The file holds events and offsets of the batches before, and neither of this one."""
    with ReadModel(path, write=True) as model:
        model.take(log.records[:3])
    before = dump(path)
    script = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from adapters.store.readmodel import ReadModel\n"
        "class Killed(list):\n"
        "    def __iter__(self):\n"
        "        yield from self[:]\n"
        "        os._exit(9)\n"
        "import tests.adapters.logbook as here\n"
        "log = here.Log()\n"
        "[log.add(here.Topic.RECORDS, here.invoice(f'8b{n:02}')) for n in range(9)]\n"
        "ReadModel(Path(sys.argv[1]), write=True).take(Killed(log.records))\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script, str(path)], cwd=ROOT, capture_output=True, check=False, timeout=30
    )
    assert ended.returncode == 9, ended.stderr.decode()
    assert dump(path) == before
    with ReadModel(path, write=True) as model:
        assert model.positions()["zuora.records", 0] == 1


def test_the_same_records_again_change_nothing(path, model, log):
    before = dump(path)
    model.take(log.records)
    for one in log.records[-4:]:
        model.take([one])
    assert dump(path) == before


def test_what_re_reads_found_is_what_they_last_said(model):
    assert model.rereads() == [reread(rows=200)]


# -- the same file from the same log ---------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(8))
def test_it_is_the_same_however_the_topics_come_together(tmp_path, log, seed):
    """Order holds within a partition of a topic alone; batches are cut anywhere."""
    with ReadModel(tmp_path / "straight.sqlite", write=True) as model:
        model.take(log.records)
    draw = random.Random(seed)
    lanes = [list(lane) for lane in log.by_topic().values()]
    with ReadModel(tmp_path / "mixed.sqlite", write=True) as model:
        while lanes:
            batch = []
            for _ in range(draw.randint(1, 4)):
                lane = draw.choice(lanes)
                batch.append(lane.pop(0))
                lanes = [one for one in lanes if one]
                if not lanes:
                    break
            model.take(batch)
    assert dump(tmp_path / "mixed.sqlite") == dump(tmp_path / "straight.sqlite")


def test_it_is_rebuilt_equal_after_it_was_deleted(path, log):
    with ReadModel(path, write=True) as model:
        model.take(log.records)
    before = dump(path)
    for one in path.parent.iterdir():
        one.unlink()
    with ReadModel(path, write=True) as model:
        assert model.positions() == {}
        model.take(log.records)
    assert dump(path) == before


def test_it_goes_on_after_a_restart(path, log):
    with ReadModel(path, write=True) as model:
        model.take(log.records[:5])
    with ReadModel(path, write=True) as model:
        positions = model.positions()
        left = [(p, r) for p, r in log.records if r.offset >= positions.get((r.topic.value, p), 0)]
        assert len(left) == len(log.records) - 5
        model.take(left)
        assert len(model.events_of("acme", INVOICE)) == 7


@pytest.mark.parametrize("version", [0, VERSION + 1, 99])
def test_a_file_of_another_version_is_made_anew(path, log, version):
    with ReadModel(path, write=True) as model:
        model.take(log.records)
    database = sqlite3.connect(path)
    database.execute(f"pragma user_version={version}")
    database.close()
    with pytest.raises(Misconfigured, match="another version"):
        ReadModel(path)
    with ReadModel(path, write=True) as model:
        assert model.positions() == {}
        assert model.find("INV1") == []


@pytest.mark.parametrize("content", [b"", b"not a database" * 1000, b"SQLite format 3\x00" + b"\x00" * 5000])
def test_a_file_that_is_no_database_is_made_anew(path, log, content):
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    with ReadModel(path, write=True) as model:
        model.take(log.records)
        assert len(model.events_of("acme", INVOICE)) == 7


def test_a_file_that_is_no_database_is_said_to_who_reads(path):
    path.parent.mkdir(parents=True)
    path.write_bytes(b"not a database" * 1000)
    with pytest.raises(Misconfigured):
        ReadModel(path)


@pytest.mark.parametrize("write", [False, True])
def test_a_folder_in_its_place_is_said(path, write):
    path.mkdir(parents=True)
    with pytest.raises(Misconfigured, match="cannot be opened"):
        ReadModel(path, write=write)


def test_no_file_is_said_to_who_reads_and_none_is_made(path):
    with pytest.raises(Misconfigured, match="ml-connector observe"):
        ReadModel(path)
    assert not path.parent.exists()


def test_who_reads_sees_whole_batches_while_another_writes(path, log):
    with ReadModel(path, write=True) as writing, ReadModel(path) as reading:
        writing.take(log.records[:3])
        assert len(reading.positions()) == 2
        writing.take(log.records[3:])
        assert reading.positions() == writing.positions()
