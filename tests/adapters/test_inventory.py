"""The inventory says what the log holds: the newest of each object, whatever came twice, late or garbled."""

import shutil
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from adapters.kafka.cluster import Cluster
from adapters.store.inventory import Inventory, Seen
from adapters.store.inventory_log import InventoryLog
from schemas.errors import Transient
from schemas.records import Found, ZuoraRecord, record_of_deletion

AT = datetime(2026, 3, 15, tzinfo=UTC)
FOUND = Found(by="poll", at=AT)


def record(name: str, stamp: str, status: str = "Posted", **fields: object) -> ZuoraRecord:
    parent = msgspec.json.encode({"id": name, "updatedDate": stamp, "status": status, **fields})
    return ZuoraRecord(connection="c", tenant="t", kind="invoice", id=name, found=FOUND, parent=msgspec.Raw(parent))


def seen(*records: ZuoraRecord | None, first: int = 0) -> list[Seen]:
    return [Seen(first + place, f"m{first + place}".encode(), one) for place, one in enumerate(records)]


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


@pytest.fixture
def inventory():
    return Inventory()


NOON, LATER = "2026-03-15T12:00:00Z", "2026-03-15T05:00:01-07:00"


def test_the_newest_stamp_counts_whatever_comes_last(inventory):
    inventory.take(seen(record("a", LATER), record("a", NOON)))
    assert inventory.held("invoice", ["a", "b"])["a"].stamp_s == at(LATER)
    assert inventory.between("invoice", at(NOON), at(NOON) + 1) == {}


def test_of_one_second_the_last_one_counts(inventory):
    inventory.take(seen(record("a", NOON, balance=1), record("a", NOON, "Draft", balance=2)))
    other = Inventory()
    other.take(seen(record("a", NOON, "Draft", balance=2)))
    assert inventory.held("invoice", ["a"]) == other.held("invoice", ["a"])


def test_the_order_of_fields_is_no_content(inventory):
    inventory.take(seen(record("a", NOON, x=1, y=2.50)))
    other = Inventory()
    other.take(seen(record("a", NOON, y=2.50, x=1)))
    assert inventory.held("invoice", ["a"]) == other.held("invoice", ["a"])


def test_what_was_deleted_is_not_held(inventory):
    inventory.take(seen(record("a", NOON), record_of_deletion("t", "invoice", "a", FOUND)))
    assert inventory.held("invoice", ["a"]) == {}
    inventory.take(seen(record("a", NOON), first=2))
    assert "a" in inventory.held("invoice", ["a"])


def test_what_cannot_be_read_or_has_no_stamp_is_passed_over(inventory):
    garbled = msgspec.structs.replace(record("a", NOON), parent=msgspec.Raw(b"[1]"))
    inventory.take(seen(None, garbled, record("b", "yesterday"), record("c", NOON)))
    assert set(inventory.held("invoice", ["a", "b", "c"])) == {"c"}
    assert inventory.last == (3, b"m3")


def test_what_was_taken_up_is_passed_over(inventory):
    inventory.take(seen(record("a", NOON), record_of_deletion("t", "invoice", "a", FOUND)))
    inventory.take(seen(record("a", NOON)))
    assert inventory.held("invoice", ["a"]) == {}
    assert inventory.last == (1, b"m1")


def test_rows_are_counted_and_found_by_their_place(inventory):
    inventory.take(seen(*(record(f"i{second}", f"2026-03-15T12:00:{second:02}Z") for second in range(30))))
    since = at(NOON)
    assert inventory.count("invoice", since + 10, since + 20) == 10
    assert inventory.stamp_at("invoice", since, since + 100, 7) == since + 7
    assert inventory.stamp_at("invoice", since, since + 7, 7) is None
    assert set(inventory.between("invoice", since + 28, since + 99)) == {"i28", "i29"}
    assert inventory.count("payment", since, since + 100) == 0


def test_what_lies_beside_is_the_nearest_on_either_side_of_these_statuses(inventory):
    inventory.take(seen(*(record(f"i{second}", f"2026-03-15T12:00:{second:02}Z") for second in range(10))))
    since = at(NOON)
    assert inventory.beside("invoice", since + 4, since + 6, statuses=("Posted",), most=2) == ["i3", "i2", "i6", "i7"]
    assert inventory.beside("invoice", since, since + 9, statuses=("Posted",), most=2) == ["i9"]
    assert inventory.beside("invoice", since + 4, since + 6, statuses=("Processed",), most=2) == []
    assert inventory.beside("payment", since + 4, since + 6, statuses=("Posted",), most=2) == []


def test_many_ids_are_asked_for_at_once(inventory):
    names = [f"i{place}" for place in range(2000)]
    inventory.take(seen(*(record(name, NOON) for name in names)))
    assert set(inventory.held("invoice", names)) == set(names)


def test_the_file_is_opened_again_where_it_was(tmp_path):
    path = tmp_path / "deep" / "acme.sqlite"
    first = Inventory(path)
    first.take(seen(record("a", NOON)))
    first.close()
    assert Inventory(path).last == (0, b"m0")
    assert set(Inventory(path).held("invoice", ["a"])) == {"a"}


@pytest.mark.parametrize("content", [b"no database at all, whoever wrote it" * 200, b""])
def test_a_file_that_is_none_is_made_anew(tmp_path, content):
    path = tmp_path / "acme.sqlite"
    path.write_bytes(content)
    inventory = Inventory(path)
    assert inventory.last == (-1, b"")
    inventory.take(seen(record("a", NOON)))
    assert set(inventory.held("invoice", ["a"])) == {"a"}


def test_a_full_volume_is_said_and_nothing_of_the_batch_stays(tmp_path):
    inventory = Inventory(tmp_path / "t.sqlite")
    inventory._database.execute("pragma max_page_count=8")
    with pytest.raises(Transient, match="cannot be used now"):
        inventory.take(seen(*(record(f"{place:032x}", NOON) for place in range(20_000))))
    assert inventory.last == (-1, b"")
    assert inventory.count("invoice", 0, 10**10) == 0


def test_a_file_that_breaks_is_said_and_made_anew(tmp_path):
    path = tmp_path / "t.sqlite"
    first = Inventory(path)
    first.take(seen(*(record(f"{place:032x}", NOON) for place in range(5000))))
    first.close()
    content = bytearray(path.read_bytes())
    content[8192:] = b"\xff" * (len(content) - 8192)
    path.write_bytes(content)
    inventory = Inventory(path)
    with pytest.raises(Transient, match="was broken"):
        inventory.held("invoice", [f"{place:032x}" for place in range(5000)])
    assert inventory.last == (-1, b"")
    inventory.take(seen(record("a", NOON)))
    assert set(inventory.held("invoice", ["a"])) == {"a"}


def test_a_file_that_somebody_else_writes_is_said(tmp_path):
    path = tmp_path / "t.sqlite"
    one, other = Inventory(path), Inventory(path)
    one._database.execute("begin immediate")
    with pytest.raises(Transient, match="cannot be used now: database is locked"):
        other.take(seen(record("a", NOON)))
    one._database.execute("rollback")
    other.take(seen(record("a", NOON)))
    one.take(seen(record("b", NOON)))
    assert set(one.held("invoice", ["a", "b"])) == {"a"}


async def test_a_file_that_cannot_be_opened_is_said_and_ends_nothing_else(tmp_path):
    """It is a matter of the re-read alone: polls stand in the same process."""
    (tmp_path / "inventory").write_bytes(b"")
    following = InventoryLog(Cluster("127.0.0.1:1"), 0, tmp_path / "inventory" / "t.sqlite")
    for _ in range(2):
        with pytest.raises(Transient, match="cannot be used now"):
            await following.refresh()
    (tmp_path / "inventory").unlink()
    assert following.inventory.last == (-1, b"")


def test_a_file_that_somebody_else_makes_is_not_taken_from_them(tmp_path):
    path = tmp_path / "t.sqlite"
    one = Inventory(path)
    one.take(seen(record("a", NOON)))
    one._database.execute("pragma user_version=0")
    one._database.execute("begin immediate")
    with pytest.raises(Transient, match="cannot be used now: database is locked"):
        Inventory(path)
    one._database.execute("rollback")
    assert set(Inventory(path).held("invoice", ["a"])) == {"a"}


def test_a_file_that_breaks_and_cannot_be_made_anew_is_said(tmp_path):
    path = tmp_path / "deep" / "t.sqlite"
    inventory = Inventory(path)
    inventory.take(seen(*(record(f"{place:032x}", NOON) for place in range(5000))))
    inventory.close()
    content = bytearray(path.read_bytes())
    content[8192:] = b"\xff" * (len(content) - 8192)
    path.write_bytes(content)
    inventory = Inventory(path)
    shutil.rmtree(tmp_path / "deep")
    (tmp_path / "deep").write_bytes(b"")
    for _ in range(2):
        with pytest.raises(Transient, match="cannot be used now"):
            inventory.held("invoice", [f"{place:032x}" for place in range(5000)])
    (tmp_path / "deep").unlink()
    with pytest.raises(Transient, match="was broken"):
        inventory.held("invoice", ["a"])
    assert inventory.last == (-1, b"")


def test_what_was_deleted_is_counted_with_the_status_that_it_had(inventory):
    def gone(name, at):
        return record_of_deletion("t", "invoice", name, Found(by="reread", at=at))

    day = timedelta(days=1)
    inventory.take(seen(record("a", NOON), record("b", NOON, "Draft"), record("c", NOON)))
    inventory.take(seen(gone("a", AT), gone("b", AT), gone("c", AT - day), gone("never seen", AT), first=3))
    assert inventory.deleted_since(AT, {"Posted"}) == 1
    assert inventory.deleted_since(AT - day, {"Posted", "Draft"}) == 3
    inventory.take(seen(record("a", LATER), first=7))
    assert inventory.deleted_since(AT, {"Posted"}) == 1, "that it is there again takes nothing back"
    inventory.forget()
    assert inventory.deleted_since(AT - day, {"Posted"}) == 0


def test_what_is_set_aside_is_held_until_the_log_has_it_newer(inventory):
    aside, bare = record("a", NOON, x=1), msgspec.Raw(b'{"id": "b"}')
    inventory.set_aside("invoice", [("a", aside.parent), ("b", bare)])
    held = inventory.held("invoice", ["a", "b"])
    assert held["a"].stamp_s == at(NOON)
    assert set(held) == {"a", "b"}
    assert set(inventory.between("invoice", 0, at(LATER))) == {"a"}
    inventory.take(seen(record("a", LATER)))
    assert inventory.held("invoice", ["a"])["a"].stamp_s == at(LATER)
