"""A log of outcomes is whole only if it ends as the bookmark says; whatever is cut off it or put in its place shows."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from adapters.kafka.bookmark import Bookmark, Mark, Witness
from adapters.kafka.reader import LogRecord
from schemas.topics import Topic

GROUPS = ((b"intended 1", b"intended 2"), (b"posted 1",), (b"posted 2", b"intended 3"))


def records(*values: bytes, first: int = 0) -> list[LogRecord]:
    return [LogRecord(Topic.OUTCOMES, first + index, 0, b"", value) for index, value in enumerate(values)]


def is_whole(mark: Mark | None, log: list[LogRecord]) -> bool:
    witness = Witness(mark)
    for record in log:
        witness.see(record)
    return witness.whole


def written(path: Path | None, *groups: tuple[bytes, ...]) -> list[LogRecord]:
    """Write groups as the lane does, and return the log."""
    bookmark, log = Bookmark(path), []
    bookmark.set(Mark())
    for group in groups:
        bookmark.begins(group)
        log.extend(records(*group, first=len(log)))
        bookmark.committed(group, log[-1].offset)
    return log


@given(st.integers(0, 5))
def test_a_log_that_lost_records_at_its_end_is_not_whole(tmp_path_factory, cut):
    path = tmp_path_factory.mktemp("mark") / "mark"
    log = written(path, *GROUPS)
    assert is_whole(Bookmark(path).read(), log[: len(log) - cut]) is (cut == 0)


def test_a_log_that_lost_its_end_and_grew_again_is_not_whole(tmp_path):
    log = written(tmp_path / "mark", *GROUPS)
    for other in (b"posted 9", b"posted 2"):
        assert not is_whole(Bookmark(tmp_path / "mark").read(), [*log[:-1], *records(other, first=log[-1].offset)])


def test_without_a_bookmark_nothing_is_shown_to_be_whole(tmp_path):
    assert not is_whole(Bookmark(tmp_path / "none").read(), [])
    assert not is_whole(Bookmark(None).read(), written(None, *GROUPS))


def test_the_group_that_was_being_written_may_be_there_or_not(tmp_path):
    log = written(tmp_path / "mark", *GROUPS)
    bookmark = Bookmark(tmp_path / "mark")
    bookmark.read()
    bookmark.begins((b"posted 3", b"intended 4"))
    mark = Bookmark(tmp_path / "mark").read()
    assert is_whole(mark, log)
    assert is_whole(mark, [*log, *records(b"posted 3", b"intended 4", first=len(log))])
    assert not is_whole(mark, [*log, *records(b"posted 3", first=len(log))])
    assert not is_whole(mark, [*log, *records(b"posted 3", b"intended 5", first=len(log))])


def test_what_another_owner_wrote_on_another_machine_shows(tmp_path):
    log = written(tmp_path / "mark", *GROUPS)
    assert not is_whole(Bookmark(tmp_path / "mark").read(), [*log, *records(b"posted 3", first=len(log))])


@pytest.mark.parametrize("damage", [b"", b"x", b"0" * 64 + b"\n{}", b"\xff\n"])
def test_a_damaged_bookmark_is_none(tmp_path, damage):
    written(tmp_path / "mark", *GROUPS)
    whole = (tmp_path / "mark").read_bytes()
    (tmp_path / "mark").write_bytes(damage or whole[:-300])
    assert Bookmark(tmp_path / "mark").read() is None


def test_a_bookmark_that_cannot_be_written_is_behind_and_shows(tmp_path):
    log = written(tmp_path / "mark", GROUPS[0])
    bookmark = Bookmark(tmp_path / "mark")
    bookmark.read()
    before = (tmp_path / "mark").read_bytes()
    (tmp_path / "mark").unlink()
    (tmp_path / "mark").mkdir()
    with capture_logs() as logs:
        for _ in range(3):
            bookmark.committed(GROUPS[1], len(log))
    assert [one["log_level"] for one in logs] == ["error"]
    assert bookmark.known.offset == len(log)
    (tmp_path / "mark").rmdir()
    (tmp_path / "mark").write_bytes(before)
    assert not is_whole(Bookmark(tmp_path / "mark").read(), [*log, *records(*GROUPS[1], first=len(log))])


def test_qad_is_asked_until_all_that_was_there_is_accounted_for(tmp_path):
    bookmark = Bookmark(tmp_path / "mark")
    bookmark.set(Mark(look_below=10))
    for accounted, must_look in ((9, True), (10, False), (3, False)):
        bookmark.account(accounted)
        found = Bookmark(tmp_path / "mark").read()
        assert found is not None
        assert found.must_look is must_look


@pytest.mark.parametrize(
    ("ends_well", "boot", "may_have_gone_back"),
    [(False, "first", False), (False, "second", True), (True, "first", False), (True, "second", False)],
)
def test_only_an_owner_that_ended_well_outlives_a_start_of_the_machine(tmp_path, ends_well, boot, may_have_gone_back):
    owner = Bookmark(tmp_path / "mark", boot="first")
    owner.set(Mark(offset=3))
    if ends_well:
        owner.close()
    bookmark = Bookmark(tmp_path / "mark", boot=boot)
    mark = bookmark.read()
    assert mark is not None
    assert (mark.offset, bookmark.may_have_gone_back(mark)) == (3, may_have_gone_back)


def test_the_next_owner_opens_what_was_closed(tmp_path):
    owner = Bookmark(tmp_path / "mark", boot="first")
    owner.set(Mark(offset=3))
    owner.close()
    following = Bookmark(tmp_path / "mark", boot="first")
    following.set(following.read() or Mark())
    assert Bookmark(tmp_path / "mark").read() == Mark(offset=3, boot="first")


def test_an_owner_that_comes_late_leaves_the_mark_of_the_next_alone(tmp_path):
    zombie, owner = (Bookmark(tmp_path / "mark", boot="first") for _ in range(2))
    zombie.set(Mark(offset=3))
    owner.set(Mark(offset=5))
    zombie.close()
    assert Bookmark(tmp_path / "mark").read() == Mark(offset=5, boot="first")


def test_the_longest_mark_has_room_in_the_file(tmp_path):
    most = 2**63 - 1
    longest = Mark(offset=most, digest="f" * 64, pending="f" * 64, look_below=most, accounted=most, first_start=True)
    bookmark = Bookmark(tmp_path / "mark", boot="0" * 36)
    bookmark.set(longest)
    bookmark.close()
    size = (tmp_path / "mark").stat().st_size
    Bookmark(tmp_path / "mark", boot="0" * 36).set(Mark())
    assert (tmp_path / "mark").stat().st_size == size
