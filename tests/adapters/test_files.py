"""What the file sink does beyond the contract of its port: vouchers, names, the site's moves, a disk that fails."""

import asyncio
import errno
import fcntl
import os
from decimal import Decimal

import pytest
from msgspec.structs import replace

from adapters.files.port import FileErp
from schemas.errors import Conflict, Misconfigured, NotSent, Refused, Rejected, Transient
from schemas.postings import GlLine
from tests.adapters.qad_company import post
from tests.ports.files import Site, rows_of


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path)


@pytest.fixture
async def erp(site):
    return await site.port()


def move(site, path, to):
    """Move a file as the site's import does."""
    return path.rename(site.path / to / path.name)


async def test_a_file_is_named_for_its_kind_its_number_its_reference_and_its_voucher(site, erp):
    command = site.commands.invoice()
    odd = site.commands.command(command.payload, number="../INV 7/ü.csv")
    await post(erp, command)
    await post(erp, odd)
    assert {path.name for path in site.files()} == {
        f"invoice.INV00000001.{command.reference}.2026-ZINV-000000001.csv",
        f"invoice.___INV_7___csv.{odd.reference}.2026-ZINV-000000002.csv",
    }
    assert (await erp.find("invoice", odd.reference)).document.voucher == 2


async def test_nothing_else_is_seen_by_who_takes_csv_files(site, erp):
    await post(erp, site.commands.invoice())
    with pytest.raises(NotSent):
        await post(erp, site.commands.invoice(), age_s=-1)
    others = {path.name for path in site.path.iterdir() if path.is_file() and not path.name.endswith(".csv")}
    assert others == {".lock", ".last.2026-ZINV"}
    # What was too old from the beginning took no voucher.
    assert (await post(erp, site.commands.invoice())).document.voucher == 2


async def test_a_text_that_a_spreadsheet_would_reckon_is_a_text(site, erp):
    line = GlLine(account="4100", credit=Decimal("5.00"), text="+1+1")
    command = site.commands.invoice("5.00", description='=HYPERLINK("x")', lines=(line,))
    await post(erp, command)
    head, opens, gl = rows_of(site.files()[0])
    assert (head["description"], gl["text"]) == ('\'=HYPERLINK("x")', "'+1+1")
    assert (opens["debit"], gl["credit"], gl["account"]) == ("5.00", "5.00", "4100")


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r"])
async def test_whatever_a_spreadsheet_takes_for_the_beginning_of_a_formula_is_marked(site, erp, first):
    await post(erp, site.commands.invoice(description=f"{first}1"))
    assert rows_of(site.files()[0])[0]["description"] == f"'{first}1"


# -- vouchers --------------------------------------------------------------------------------------------------------


async def test_vouchers_are_counted_within_a_year_and_daybook(site, erp):
    first, second = await post(erp, site.commands.invoice()), await post(erp, site.commands.invoice())
    other = await post(erp, site.commands.credit_note())
    assert [one.document.voucher for one in (first, second, other)] == [1, 2, 1]
    move(site, site.files()[0], "done")
    move(site, site.files()[1], "refused")
    later = await post(await site.port(), site.commands.invoice())
    assert later.document.voucher == 3


async def test_a_voucher_is_not_used_again_when_the_archive_is_cleared_away(site, erp):
    await post(erp, site.commands.invoice())
    site.files()[0].unlink()
    assert (await post(erp, site.commands.invoice())).document.voucher == 2


async def test_without_its_note_the_last_voucher_is_known_by_the_files(site, erp):
    for _ in range(3):
        await post(erp, site.commands.invoice())
    (site.path / "done" / "2026-03").mkdir()
    move(site, site.files()[-1], "done/2026-03")
    (site.path / ".last.2026-ZINV").unlink()
    assert (await post(erp, site.commands.invoice())).document.voucher == 4


async def test_a_note_that_somebody_wrote_into_is_said(site, erp):
    (site.path / ".last.2026-ZINV").write_text("many")
    with pytest.raises(Misconfigured, match="write the last one"):
        await post(erp, site.commands.invoice())
    assert site.files() == []


async def test_two_that_write_at_once_never_share_a_voucher(site):
    """As with a worker that was shut out and goes on: each has its own port."""
    erps = [await site.port() for _ in range(4)]
    commands = [site.commands.invoice() for _ in range(24)]
    await asyncio.gather(*(post(erps[n % 4], command, age_s=20) for n, command in enumerate(commands)))
    assert (len(site.files()), site.contradictions()) == (24, [])


async def test_of_two_that_write_the_same_at_once_one_is_told(site):
    command = site.commands.invoice()
    answers = await asyncio.gather(
        *[post(await site.port(), command, age_s=20) for _ in range(5)], return_exceptions=True
    )
    assert sorted(type(answer).__name__ for answer in answers) == ["Accepted", *["Rejected"] * 4]
    assert len(site.files()) == 1


# -- what the site does ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("folder", ["done/2026/03", "processed", "done/refused"])
async def test_what_the_site_has_taken_is_found_where_it_lies(site, erp, folder):
    command = site.commands.invoice()
    accepted = await post(erp, command)
    (site.path / folder).mkdir(parents=True)
    move(site, site.files()[0], folder)
    found = await erp.find("invoice", command.reference)
    assert (found.document.year, found.document.voucher) == (accepted.document.year, accepted.document.voucher)
    assert [one.reference async for page in erp.find_all("invoice") for one in page] == [command.reference]


async def test_what_the_site_has_refused_is_for_a_person_and_never_made_anew(site, erp):
    command = site.commands.invoice()
    await post(erp, command)
    refused = move(site, site.files()[0], "refused")
    refused.with_name(f"{refused.name}.reason.txt").write_text("customer C0001\n is   closed")
    with pytest.raises(Conflict, match="customer C0001 is closed") as told:
        await erp.find("invoice", command.reference)
    assert told.value.actual == "refused by the site's import: customer C0001 is closed"
    with pytest.raises(Rejected) as again:
        await post(erp, command)
    assert (again.value.reason_class, site.files()) == ("duplicate", [])
    assert [page async for page in erp.find_all("invoice")] == []
    move(site, refused, "")
    assert (await erp.find("invoice", command.reference)).reference == command.reference


async def test_a_refusal_without_a_reason_says_that(site, erp):
    command = site.commands.invoice()
    await post(erp, command)
    move(site, site.files()[0], "refused")
    with pytest.raises(Conflict, match="no reason given"):
        await erp.find("invoice", command.reference)


async def test_a_file_in_two_places_is_one_document_that_is_being_moved(site, erp):
    command = site.commands.invoice()
    await post(erp, command)
    [path] = site.files()
    (site.path / "done" / path.name).write_bytes(path.read_bytes()[:40])
    assert (await erp.find("invoice", command.reference)).document.total == command.payload.total


async def test_a_file_that_is_being_moved_to_what_is_refused_is_refused(site, erp):
    command = site.commands.invoice()
    await post(erp, command)
    [path] = site.files()
    (site.path / "refused" / path.name).write_bytes(path.read_bytes())
    with pytest.raises(Conflict, match="refused by the site's import"):
        await erp.find("invoice", command.reference)


async def test_a_folder_that_may_not_be_read_is_not_an_empty_one(site, erp, monkeypatch):
    command = site.commands.invoice()
    await post(erp, command)
    move(site, site.files()[0], "done")
    real = os.scandir

    def forbidden(path):
        if str(path).endswith("done"):
            raise PermissionError(errno.EACCES, "denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", forbidden)
    with pytest.raises(Refused):
        await erp.find("invoice", command.reference)


async def test_two_files_of_one_reference_are_for_a_person(site, erp):
    command = site.commands.invoice()
    await post(erp, command)
    [path] = site.files()
    (site.path / path.name.replace("000000001.csv", "000000009.csv")).write_bytes(path.read_bytes())
    with pytest.raises(Conflict, match="2 files"):
        await erp.find("invoice", command.reference)


@pytest.mark.parametrize("content", [b"", b"row,kind\r\nhead,invoice\r\n", b"\xff\xfe", b'a,"b'])
async def test_a_file_that_somebody_changed_is_for_a_person_and_never_absent(site, erp, content):
    command = site.commands.invoice()
    await post(erp, command)
    site.files()[0].write_bytes(content)
    with pytest.raises(Conflict, match="not as it was written"):
        await erp.find("invoice", command.reference)
    with pytest.raises(Misconfigured, match="put it right"):
        [page async for page in erp.find_all("invoice")]


# -- what the machine does -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("part", ["", "done", "refused", "lists"])
async def test_a_directory_that_is_not_mounted_is_said_and_nothing_is_absent_there(site, erp, part):
    command = site.commands.invoice()
    await post(erp, command)
    away = site.path.parent / "elsewhere"
    (site.path / part).rename(away)
    if not part:
        # A mount point without its mount.
        site.path.mkdir()
    for call in (post(erp, site.commands.invoice()), erp.find("invoice", command.reference)):
        with pytest.raises(Misconfigured, match="mount or make it"):
            await call


@pytest.mark.parametrize(
    ("number", "family", "words"),
    [
        (errno.ENOSPC, Refused, "the disk is full"),
        (errno.EDQUOT, Refused, "the disk is full"),
        (errno.EROFS, Refused, "may not write"),
        (errno.EIO, Transient, "cannot be used now"),
    ],
)
async def test_a_disk_that_takes_nothing_is_said_and_nothing_is_there(site, erp, monkeypatch, number, family, words):
    real, fired = os.fsync, []

    def failing(descriptor):
        fired.append(descriptor)
        raise OSError(number, os.strerror(number))

    command = site.commands.invoice()
    monkeypatch.setattr(os, "fsync", failing)
    with pytest.raises(family, match=words):
        await post(erp, command)
    monkeypatch.setattr(os, "fsync", real)
    assert (len(fired), [*site.path.glob("*.csv"), *site.path.glob(".*.part")]) == (1, [])
    assert await erp.find("invoice", command.reference) is None
    # No voucher went with it.
    assert (await post(erp, command)).document.voucher == 1


async def test_a_directory_that_may_not_be_read_or_written_is_refused(site, erp, monkeypatch):
    def forbidden(*_args, **_more):
        raise PermissionError(errno.EACCES, "denied")

    monkeypatch.setattr(os, "open", forbidden)
    for call in (post(erp, site.commands.invoice()), erp.find("invoice", "A" * 20)):
        with pytest.raises(Refused, match="give it the right"):
            await call


async def test_nothing_is_looked_up_or_written_past_one_that_was_stopped_while_it_wrote(site, erp, monkeypatch):
    """It holds the directory still, and may go on at any time: what is not there now is not absent."""
    monkeypatch.setattr("adapters.files.directory.LOCK_S", 0.1)
    command = site.commands.invoice()
    with (site.path / ".lock").open("w") as stopped:
        fcntl.flock(stopped, fcntl.LOCK_EX)
        for call in (post(erp, command), erp.find("invoice", command.reference)):
            with pytest.raises(Transient, match="another process holds"):
                await call
    assert site.files() == []
    await post(erp, command)


async def test_an_intent_that_ages_while_its_file_is_written_leaves_none(site, erp, monkeypatch):
    real = os.fsync

    def slow(descriptor):
        monkeypatch.setattr("adapters.files.directory.boot_time_s", lambda: float("inf"))
        real(descriptor)

    command = site.commands.invoice()
    monkeypatch.setattr(os, "fsync", slow)
    with pytest.raises(NotSent, match="too old when its file was written"):
        await post(erp, command)
    assert [*site.path.glob("*.csv"), *site.path.glob(".*.part")] == []


async def test_what_a_killed_process_left_half_written_is_no_document(site, erp):
    command = site.commands.invoice()
    (site.path / f".{command.reference}.part").write_text("row,kind")
    assert await erp.find("invoice", command.reference) is None
    await post(erp, command)
    assert (await FileErp(site.path, site.profile).find("invoice", command.reference)).document.voucher == 1
    assert list(site.path.glob(".*.part")) == []


# -- XML --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def as_xml(tmp_path):
    return Site(tmp_path, layout="xml")


async def test_any_text_stands_in_xml_as_it_was(as_xml):
    erp = await as_xml.port()
    odd = "<&>\"' ]]> \r\n\u00e4\U0001f9fe"
    await post(erp, as_xml.commands.invoice(description=odd))
    [path] = as_xml.files()
    assert path.suffix == ".xml"
    assert rows_of(path)[0]["description"] == odd


async def test_what_xml_cannot_carry_is_refused_and_uses_no_voucher(as_xml):
    erp = await as_xml.port()
    with pytest.raises(Rejected, match="a character that XML cannot carry") as refused:
        await post(erp, as_xml.commands.invoice(description="a\x0bb"))
    assert (refused.value.reason_class, as_xml.files()) == ("field", [])
    assert (await post(erp, as_xml.commands.invoice())).document.voucher == 1


async def test_files_of_either_layout_are_found_whatever_the_profile_says_today(as_xml):
    before, after = as_xml.commands.invoice(), as_xml.commands.invoice()
    await post(FileErp(as_xml.path, replace(as_xml.profile, layout="csv")), before)
    erp = await as_xml.port()
    await post(erp, after)
    found = [await erp.find("invoice", command.reference) for command in (before, after)]
    assert [one.document.voucher for one in found] == [1, 2]
    assert [path.suffix for path in as_xml.files()] == [".csv", ".xml"]


@pytest.mark.parametrize("content", [b"", b"<document>", b"<document/>", b"<!DOCTYPE x><document><head/></document>"])
async def test_xml_that_somebody_changed_is_a_conflict(as_xml, content):
    erp, command = await as_xml.port(), as_xml.commands.invoice()
    await post(erp, command)
    as_xml.files()[0].write_bytes(content)
    with pytest.raises(Conflict, match="not as it was written"):
        await erp.find("invoice", command.reference)
