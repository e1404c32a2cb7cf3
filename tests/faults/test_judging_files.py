"""The judge of a connection into files bites: it reads what an import would, and names what is wrong there."""

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from adapters.files.port import FileErp
from adapters.files.profile import load_file_profile
from streams.ports import Command
from tests.adapters.qad_company import post
from tests.faults.filed import (
    PROFILE,
    FilePlace,
    contradictions_in_files,
    doubled_in_files,
    lost_in_files,
    uncalled_for_in_files,
    unequal_in_files,
)
from tests.faults.places import standing_file_place
from tests.faults.work import DAY, Work


class Filing:
    """One invoice of Zuora's, and who writes files."""

    def __init__(self, place: FilePlace, directory: Path, work: Work) -> None:
        place.set_up(directory)
        profile = directory / "profile.toml"
        profile.write_text(PROFILE, encoding="utf-8")
        self.place = place
        self.made = work.made[place.name]
        self._erp = FileErp(place.path, load_file_profile(profile))

    def invoice(self) -> Command:
        _, shown, total = self.made.open_invoices[0]
        command = self.place.strangers.invoice(str(total), posting_date=DAY)
        return msgspec.structs.replace(command, number=shown["invoiceNumber"])

    async def write(self, command: Command) -> None:
        await post(self._erp, command)

    def findings(self) -> list[str]:
        found = self.place.ours()
        every = (doubled_in_files, unequal_in_files, contradictions_in_files)
        return [*lost_in_files(self.place, self.made), *(one for look in every for one in look(self.place, found))]


@pytest.fixture
async def filing(tmp_path: Path) -> AsyncIterator[Filing]:
    async with standing_file_place(seed=1, receiver="http://127.0.0.1:9") as place:
        work = Work([place], seed=1)
        await work.make(1)
        yield Filing(place, tmp_path, work)


async def test_what_is_lost_doubled_or_unequal_is_named(filing: Filing) -> None:
    [number] = filing.made.numbers
    assert filing.findings() == [f"{filing.place.name}: {number} is in no file"]
    await filing.write(filing.invoice())
    assert filing.findings() == []
    # The import takes it, and it stands there still.
    assert (filing.place.take(), filing.findings()) == (1, [])
    await filing.write(filing.invoice())
    assert next(iter(filing.findings())).endswith(f"{number} is in files 2 times")
    assert any("is over" in one for one in filing.findings())


async def test_a_file_that_stands_there_twice_is_named(filing: Filing) -> None:
    command = filing.invoice()
    await filing.write(command)
    [path] = filing.place.waiting()
    again = path.read_bytes()
    filing.place.take()
    path.write_bytes(again)
    said = filing.findings()
    assert any(one.endswith(f"{command.reference} stands in 2 files") for one in said)
    assert any("was allotted 2 times" in one for one in said)


async def test_half_a_file_is_named(filing: Filing) -> None:
    await filing.write(filing.invoice())
    [path] = filing.place.waiting()
    content = path.read_bytes()
    for cut in (len(content) // 3, len(content) // 2, len(content) - 20):
        path.write_bytes(content[:cut])
        assert said_of_half(filing), cut
    path.write_bytes(content)
    assert filing.findings() == []


def said_of_half(filing: Filing) -> bool:
    """Return whether half a file is said to be one, or its amounts to be off."""
    try:
        return any("is off by" in one or "is over" in one for one in filing.findings())
    except ValueError as error:
        return "is not whole" in str(error)


async def test_an_item_that_no_file_before_opens_is_named(filing: Filing) -> None:
    command = filing.invoice()
    await filing.write(command)
    [path] = filing.place.waiting()
    head, opens = path.read_bytes().splitlines()[1:3]
    assert opens.startswith(b"opens,")
    # The same amount on an item of another year.
    item = b"item," + opens.removeprefix(b"opens,")[:-2] + b"2025,ZINV,7"
    path.write_bytes(path.read_bytes().replace(opens, item))
    assert head in path.read_bytes()
    assert any("moves Key(year=2025" in one for one in filing.findings())


async def test_a_file_without_an_intent_before_it_is_named(filing: Filing) -> None:
    command = filing.invoice()
    await filing.write(command)
    [one] = filing.place.ours()
    before, after = {command.reference: one.at_ms}, {command.reference: one.at_ms + 1_000}
    assert list(uncalled_for_in_files(filing.place, [one], before)) == []
    for intended in (after, {}):
        assert "before an intent" in next(uncalled_for_in_files(filing.place, [one], intended))


async def test_what_strangers_wrote_is_not_ours(filing: Filing) -> None:
    await filing.write(filing.invoice())
    stranger = filing.place.strangers.invoice("70.00", posting_date=DAY)
    filing.place.strange.add(stranger.reference)
    await filing.write(stranger)
    assert filing.findings() == []
    assert len(filing.place.standing()) == 2
