"""A site without an API reconciled: what its lists show is compared as QAD is, what they do not show is said."""

import csv
import os
import time
from datetime import date
from decimal import Decimal

import pytest
from msgspec.structs import replace

from adapters.files.document import HEADER
from console.reconciliation.comparing import compare
from console.reconciliation.site import SiteBooks
from console.reports import Report
from schemas.errors import Misconfigured
from tests.console.sides import DAY, FIRST, LAST
from tests.ports.files import Site

D = Decimal
NEEDED = {
    "documents": ("currency", "customer", "daybook", "posting_date", "total", "voucher", "year"),
    "open_items": ("number", "type", "year", "daybook", "voucher", "customer", "currency", "total", "open"),
}
OPTIONAL = ("adjustment_lines", "balances", "gl_transactions", "periods")
KEY = ("year", "daybook", "voucher", "customer", "currency", "total")


class Books:
    """A directory whose lists say what `sides.qad` does, and whose files are those of the log."""

    def __init__(self, directory, sides):
        self.sides = sides
        self.site = Site(directory)
        (self.site.path / "lists" / "open_items.csv").unlink()
        sides.log.daybooks = {kind: {key.daybook for key in self._keys()} for kind in ("invoice",)}
        for posting in sides.log.postings.values():
            standing = sides.log.standings.get(posting.id)
            if standing is not None and standing.qad is not None:
                self.file(posting, standing.qad)

    def _keys(self):
        return [one.key for one in self.sides.qad.documents]

    def file(self, posting, key, *, where="done"):
        name = f"invoice.{posting.number}.{posting.reference}.{key.year}-{key.daybook}-{key.voucher:09d}.csv"
        path = self.site.path / where / name
        head = {"row": "head", "kind": "invoice", "reference": posting.reference, "posting_date": str(DAY)}
        head |= {word: str(getattr(key, word)) for word in KEY}
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, HEADER, lineterminator="\r\n")
            writer.writeheader()
            writer.writerow(head)
        return path

    def path_of(self, number):
        return next(path for path in self.site.path.rglob("*.csv") if f".{number}." in path.name)

    def documents(self, *, left_out=(), without=(), age_s=-60.0):
        words = [word for word in (*KEY, "posting_date", "reference", "number", "kind") if word not in without]
        rows = [
            [getattr(one.key, word) if word in KEY else self._of(one, word) for word in words]
            for one in self.sides.qad.documents
            if one.number not in left_out
        ]
        return self.site.write_list("documents", words, *rows, age_s=age_s)

    def _of(self, document, word):
        return document.day if word == "posting_date" else getattr(document, word)

    def open_items(self, *, without=(), age_s=-60.0):
        words = [word for word in ("number", "type", *KEY, "open", "account") if word not in without]
        rows = []
        for item in self.sides.qad.open_items:
            of = {"number": item.number, "type": "invoice" if item.owed > 0 else "credit_memo"}
            of |= {"open": item.open, "account": item.account}
            rows.append([of[word] if word in of else getattr(item.key, word) for word in words])
        return self.site.write_list("open_items", words, *rows, age_s=age_s)

    def balances(self):
        rows = [(account, currency, max(D(0), sum_), max(D(0), -sum_)) for (account, currency), sum_ in self._sums()]
        return self.site.write_list("balances", ("account", "currency", "debit", "credit"), *rows, age_s=-60)

    def _sums(self):
        return self.sides.qad.balances.items()

    async def compared(self, *, on=None):
        books = SiteBooks(self.site.path, self.site.profile)
        shown = await books.read(self.sides.log)
        result = compare(self.sides.zuora, shown, self.sides.log, from_date=FIRST, as_of=LAST, balances_on=on)
        return Report(
            connection="acme",
            at="now",
            from_date="",
            as_of="",
            sums=result.sums,
            checks=result.checks,
            differences=result.differences,
            balances=result.balances,
            roll_forward=result.roll_forward,
            movements=result.movements,
            not_compared=books.not_compared,
        )


@pytest.fixture(autouse=True)
def quiet(monkeypatch):
    # Lists of this test are newer than the files beside them, and whole.
    monkeypatch.setattr("adapters.files.lists._QUIET_S", -3600.0)


@pytest.fixture
def books(tmp_path, settled):
    return Books(tmp_path, settled)


@pytest.fixture
def shown(books):
    books.documents()
    books.open_items()
    books.balances()
    return books


def left_out(report):
    return {one.list.removeprefix("lists/").removesuffix(".csv"): one for one in report.not_compared}


async def test_lists_that_agree_are_compared_as_qad_is(shown, settled):
    expected = settled.compared()
    report = await shown.compared()
    assert (report.sums, report.checks, report.differences) == (expected.sums, expected.checks, ())
    assert report.clean
    assert {name: one.needed for name, one in left_out(report).items()} == dict.fromkeys(
        ("adjustment_lines", "gl_transactions", "periods"), False
    )


async def test_without_lists_our_files_are_held_against_zuora_and_each_list_is_asked_for(books):
    report = await books.compared(on=LAST)
    assert not report.clean
    assert [one.part for one in report.differences] == []
    assert all(line.unexplained == 0 and line.in_qad == line.zuora for line in report.sums)
    assert (report.balances, report.roll_forward) == ((), ())
    missing = left_out(report)
    assert missing.keys() == {*NEEDED, *OPTIONAL} - {"balances"}
    assert {name for name, one in missing.items() if one.needed} == NEEDED.keys()
    for name, columns in NEEDED.items():
        assert missing[name].columns == columns
        assert f"{name}.csv is not there: let the site export it" in missing[name].what
        assert ", ".join(columns) in missing[name].what


async def test_a_document_that_the_import_did_not_book(shown):
    shown.documents(left_out=("INV1",))
    report = await shown.compared()
    [lost] = [one for one in report.differences if one.part == "lost"]
    assert (lost.number, lost.what) == ("INV1", "document was posted as 2026/ZINV/1 and is not in QAD")


async def test_what_was_taken_after_a_list_was_exported_is_on_its_way(shown):
    shown.documents(left_out=("INV1",))
    shown.open_items(age_s=60.0)
    report = await shown.compared()
    assert {one.part for one in report.differences} == {"in_flight"}
    assert "was taken by the site's import after a list was exported" in report.differences[0].what


async def test_what_was_not_taken_yet_is_on_its_way(shown):
    path = shown.path_of("INV1")
    path.rename(shown.site.path / path.name)
    shown.documents(left_out=("INV1",))
    report = await shown.compared()
    assert {(one.part, one.number) for one in report.differences} == {("in_flight", "INV1")}
    assert "was not taken by the site's import yet" in report.differences[0].what


@pytest.mark.parametrize("listed", [False, True])
async def test_what_the_import_refused_is_lost_with_its_reason_and_parked(books, listed):
    path = books.path_of("INV1")
    path = path.rename(books.site.path / "refused" / path.name)
    path.with_name(f"{path.name}.reason.txt").write_text("no such account\n")
    if listed:
        books.documents(left_out=("INV1",))
        books.open_items()
    report = await books.compared()
    found = {(one.part, one.rule): one.what for one in report.differences if one.number == "INV1"}
    assert "the site's import refused" in found["lost", ""]
    assert "(no such account)" in found["parked", "refused_by_import"]
    assert not any(line.unexplained for line in report.sums)
    assert not report.clean


async def test_a_directory_that_is_not_whole_is_said_whatever_the_lists_show(shown):
    (shown.site.path / "refused").rmdir()
    with pytest.raises(Misconfigured, match="refused is no directory"):
        await shown.compared()


async def test_books_that_keep_no_reference_are_read_by_the_key(shown, settled):
    shown.documents(without=("reference",))
    settled.qad.documents.clear()
    report = await shown.compared()
    assert report.differences == ()


async def test_what_people_keyed_in_our_daybooks_is_foreign_and_other_daybooks_are_other_business(shown, settled):
    settled.qad.documents.extend(
        [_replaced(settled.qad.documents[0], daybook=daybook, voucher=900) for daybook in ("ZINV", "SHOP")]
    )
    shown.documents()
    report = await shown.compared()
    assert [(one.part, one.number) for one in report.differences] == [("foreign", "2026/ZINV/900")]


def _replaced(document, **changes):
    return replace(document, key=replace(document.key, **changes), reference="", number="HAND")


async def test_an_open_amount_that_differs(shown, settled):
    settled.change_item("INV2", open=D("1.00"))
    shown.open_items()
    shown.balances()
    report = await shown.compared()
    assert [(one.part, one.number) for one in report.differences] == [("open_items", "INV2")]


async def test_control_accounts_need_the_account_of_each_item(shown):
    shown.open_items(without=("account",))
    report = await shown.compared()
    assert left_out(report)["open_items"].columns == ("account",)
    assert "control accounts" not in report.checks
    assert report.clean


async def test_balances_without_a_row_compare_nothing_and_that_is_said(shown):
    shown.site.write_list("balances", ("account", "currency", "debit", "credit"), age_s=-60)
    [left_out] = [one for one in (await shown.compared()).not_compared if one.list == "lists/balances.csv"]
    assert "it shows no account" in left_out.what


async def test_general_ledger_lines_and_allocations_are_compared_where_the_site_lists_them(shown, settled):
    key = settled.qad.documents[0].key
    gl = ("year", "daybook", "voucher", "posting_date", "account", "currency", "debit", "credit")
    shown.site.write_list(
        "gl_transactions", gl, (key.year, key.daybook, key.voucher, DAY, "4000", "EUR", "0", "99.99"), age_s=-60
    )
    lines = (*(word for word in gl if word != "account"), "item_year", "item_daybook", "item_voucher")
    by_hand = (key.year, "HAND", 7, DAY, "EUR", "0", "5.00", key.year, key.daybook, key.voucher)
    shown.site.write_list("adjustment_lines", lines, by_hand, age_s=-60)
    report = await shown.compared()
    missing = left_out(report)
    assert missing.keys() == {"periods"}
    told = [one.what for one in report.differences if one.part == "movements"]
    assert f"2026/ZINV/{key.voucher} moved -99.99 on account 4000 in QAD, -100 was sent" in " ".join(told)
    assert [one.number for one in report.differences if "HAND/7" in one.what] == ["INV1"]


async def test_a_list_that_is_old_or_cut_off_is_left_out_with_its_reason(shown):
    path = shown.open_items()
    os.utime(path, (time.time() - 40 * 3600,) * 2)
    report = await shown.compared()
    assert "is 40 hours old" in left_out(report)["open_items"].what
    shown.open_items()
    path.write_text(path.read_text()[:-20] + '"')
    assert not (await shown.compared()).clean


async def test_amounts_that_a_site_shows_below_zero(shown, settled, monkeypatch):
    settled.qad.open_items[:] = [replace(item, open=item.open * item.owed) for item in settled.qad.open_items]
    shown.open_items()
    profile = shown.site.profile
    negative = replace(profile, open_items=replace(profile.open_items, negative=("credit_memo", "payment")))
    monkeypatch.setattr(type(shown.site), "profile", negative)
    report = await shown.compared()
    assert report.differences == ()


async def test_balances_as_of_a_day_and_their_roll_forward(shown, settled):
    expected = settled.compared(on=date(2026, 3, 31))
    report = await shown.compared(on=date(2026, 3, 31))
    assert {(one.customer, one.currency): one for one in report.balances} == expected.balances
    assert {(one.currency, one.side): one for one in report.roll_forward} == expected.roll_forward
    assert len(report.roll_forward) > 1
