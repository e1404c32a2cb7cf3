"""The judge on a site of files: what it reads of the directory by itself, and what it names there."""

import csv
from decimal import Decimal

import pytest
from msgspec.structs import replace

from console.verification.files import read_files
from console.verification.judging import judge
from console.verification.report import Findings
from schemas.errors import Misconfigured
from schemas.postings import AllocationContent, CreditNoteContent, InvoiceContent, ReceiptContent
from tests.adapters.qad_company import post
from tests.console.court import CONNECTION, in_order
from tests.ports.files import Site as Directory

COLUMNS = (
    *("row", "reference", "customer", "currency", "total", "posting_date", "year", "daybook", "voucher", "account"),
    *("debit", "credit", "item_year", "item_daybook", "item_voucher"),
)
KINDS = {InvoiceContent: "invoice", CreditNoteContent: "credit_note", ReceiptContent: "receipt"}


class Site:
    """A court whose documents stand in files as docs/files.md has them, written here by hand."""

    def __init__(self, directory):
        self.court = in_order()
        self.path = directory / "site"
        for part in ("done", "refused", "lists"):
            (self.path / part).mkdir(parents=True)
        for posting in self.court.made.values():
            self.write(posting)

    def key(self, posting):
        return self.court.qad.documents[posting.reference].key

    def posting(self, number):
        return next(one for one in self.court.made.values() if one.number == number)

    def write(self, posting, *, total="", where="done", voucher=0, rows=None):
        key, content = self.key(posting), posting.content
        amount = str(getattr(content, "amount", None) or content.total)
        head = {
            "row": "head",
            "reference": posting.reference,
            "customer": "C1",
            "currency": "EUR",
            "total": total or amount,
            "posting_date": "2026-03-10",
            **self.own(key, voucher=voucher),
        }
        path = self.path / where / self.name(posting, voucher)
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS, lineterminator="\r\n")
            writer.writeheader()
            writer.writerows([head, *(self.rows(posting, amount) if rows is None else rows)])
        return path

    def own(self, key, *, prefix="", voucher=0):
        values = (key.year, key.daybook, voucher or key.voucher)
        return {f"{prefix}{word}": value for word, value in zip(("year", "daybook", "voucher"), values, strict=True)}

    def name(self, posting, voucher=0):
        key = self.key(posting)
        kind = KINDS.get(type(posting.content), "adjustment")
        number = voucher or key.voucher
        return f"{kind}.{posting.number}.{posting.reference}.{key.year}-{key.daybook}-{number:09d}.csv"

    def rows(self, posting, amount):
        content = posting.content
        if isinstance(content, AllocationContent):
            payer, item = (self.key(self.court.made[name]) for name in (content.payer, content.item))
            return [
                {"row": "item", "debit": amount, **self.own(payer, prefix="item_")},
                {"row": "item", "credit": amount, **self.own(item, prefix="item_")},
            ]
        sides = ("debit", "credit") if isinstance(content, InvoiceContent) else ("credit", "debit")
        return [{"row": "opens", sides[0]: amount}, {"row": "gl", "account": "4000", sides[1]: amount}]

    def file(self, number):
        return self.file_of(self.posting(number))

    def file_of(self, posting):
        return next(self.path.rglob(self.name(posting)))

    def verdict(self):
        side, findings = read_files(self.path), Findings(CONNECTION)
        return judge(self.court.zuora, side, self.court.log(findings), findings)

    def broken(self):
        named = {}
        for one in self.verdict().violations:
            named.setdefault(one.invariant, []).append((one.number, one.what))
        return named


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path)


def test_a_directory_in_order_holds_and_says_what_was_read(site):
    site.file("INV1").rename(site.path / site.file("INV1").name)
    verdict = site.verdict()
    assert verdict.violations == ()
    assert {"files": 6, "files that are not taken yet": 1}.items() <= verdict.read.items()
    assert [(line.kind, line.missing, line.in_qad == line.zuora) for line in verdict.sums] == [
        ("credit_memo", Decimal(0), True),
        ("invoice", Decimal(0), True),
        ("payment", Decimal(0), True),
    ]


def test_what_is_open_is_what_the_files_make_of_it(site):
    side = read_files(site.path).shown
    numbers = ("INV0", "INV1", "CM2", "P-3")
    found = {number: side.open[site.key(site.posting(number))] for number in numbers}
    assert found == dict(zip(numbers, map(Decimal, ("10.00", "250.50", "10.00", "20.00")), strict=True))
    site.file("INV0").unlink()
    [told] = [what for number, what in site.broken()["I1"]]
    assert told == "document was posted as QAD 2026/ZINV/1 and is not in QAD"


def test_a_cent_more_in_a_file(site):
    posting = site.posting("INV1")
    site.write(posting, total="250.51", rows=site.rows(posting, "250.51"))
    broken = site.broken()
    assert [number for number, _ in broken["I2"]] == ["INV1"]
    assert "total 250.51 instead of 250.50" in broken["I2"][0][1]
    assert {what for _, what in broken["I4"]} == {
        "Zuora has 250.50 EUR of it, QAD 250.51",
        "250.51 EUR is open of it in QAD, 250.50 should be",
    }


def test_rows_that_do_not_balance(site):
    posting = site.posting("INV1")
    rows = site.rows(posting, "250.50")
    rows[1]["credit"] = "250.49"
    site.write(posting, rows=rows)
    assert site.broken() == {"I3": [("INV1", "the rows of its file are 0.01 out of balance")]}


def test_a_file_that_opens_something_else_than_its_head_says(site):
    posting = site.posting("INV1")
    site.write(posting, rows=site.rows(posting, "200.00"))
    assert ("INV1", "its file opens 200.00, and its head says 250.50") in site.broken()["I3"]


def test_the_same_file_in_two_places(site):
    path = site.file("CM2")
    (site.path / path.name).write_bytes(path.read_bytes())
    assert site.broken() == {"I2": [("CM2", "document stands in 2 files: the import may book each")]}


def test_a_reference_under_two_vouchers(site):
    site.write(site.posting("CM2"), voucher=77)
    told = [what for _, what in site.broken()["I2"]]
    assert "document stands in 2 files: the import may book each" in told
    assert "document is in QAD more than once" in told


def test_what_the_site_has_refused_is_in_no_book_and_its_reason_is_told(site):
    path = site.file("INV1")
    moved = path.rename(site.path / "refused" / path.name)
    moved.with_name(f"{path.name}.reason.txt").write_text("account 4000\nis closed\n")
    [(number, told)] = site.broken()["I1"]
    assert number == "INV1"
    assert told.endswith(
        f"is not in QAD: the site's import refused {path.name}: account 4000 is closed; mend that and move the same "
        "file back"
    )
    moved.rename(site.path / path.name)
    assert site.verdict().holds


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"row,reference\r\nhead,x\r\n", b'row\r\n"', b"gone"])
def test_a_file_that_somebody_changed_is_no_document(site, content):
    site.file("INV1").write_bytes(content)
    [(number, told)] = site.broken()["I1"]
    assert (number, "somebody changed it" in told) == ("INV1", True)


def test_a_file_of_nobody_in_our_daybook(site):
    path = site.file("INV1")
    other = "A" * 20
    text = path.read_bytes().decode().replace(site.posting("INV1").reference, other)
    (
        site.path / "done" / path.name.replace(site.posting("INV1").reference, other).replace("002.csv", "009.csv")
    ).write_text(text.replace(",ZINV,2,", ",ZINV,9,"))
    [(_, told)] = site.broken()["I6"]
    assert told == f"a document with the reference {other} is in our daybook, and no posting has it"


def test_an_item_that_nothing_has_opened(site):
    posting = next(one for one in site.court.made.values() if one.step == "allocate:r1")
    rows = site.rows(posting, "30.00")
    rows[1]["item_voucher"] = 404
    site.write(posting, rows=rows)
    assert ("CM2", "its file moves the item 2026/ZINV/404, which nothing has opened") in site.broken()["I5"]


def test_a_file_numbered_before_one_that_it_refers_to(site):
    posting = next(one for one in site.court.made.values() if one.step == "allocate:r1")
    first = site.posting("CM2")
    before, after = site.key(first), site.key(posting)
    assert before.voucher < after.voucher
    for one, key in ((first, after), (posting, before)):
        site.file_of(one).unlink()
        shown = site.court.qad.documents[one.reference]
        site.court.qad.documents[one.reference] = replace(shown, key=replace(key, daybook="ZADJ"))
    for one in (first, posting):
        site.write(one)
    told = [what for _, what in site.broken()["I5"]]
    assert "allocate:r1 was written before document of CM2, by its voucher" in told


@pytest.mark.parametrize("part", ["done", "refused", "lists"])
def test_a_directory_that_is_not_whole_is_said(site, part):
    (site.path / part).rename(site.path.with_name("elsewhere"))
    with pytest.raises(Misconfigured, match=part):
        read_files(site.path)


def test_a_directory_that_is_away_is_said_and_not_taken_for_an_empty_one(site):
    with pytest.raises(Misconfigured, match="away"):
        read_files(site.path.with_name("away"))


def test_a_file_that_moves_while_it_is_read_is_read_once(site, monkeypatch):
    path = site.file("INV1")
    real, moved = type(path).read_bytes, []

    def moving(self):
        if self == path and not moved:
            moved.append(path.rename(site.path / path.name))
        return real(self)

    monkeypatch.setattr(type(path), "read_bytes", moving)
    side = read_files(site.path)
    assert (len(moved), len(side.read), side.waiting) == (1, 6, 1)


async def test_files_of_the_sink_are_read_alike_in_either_layout(tmp_path):
    shown = []
    for layout in ("csv", "xml"):
        directory = Directory(tmp_path / layout, layout=layout)
        erp = await directory.port()
        invoice = (await post(erp, directory.commands.invoice())).document
        await post(erp, directory.commands.receipt("80.00", (replace(invoice, customer="C0001"), "30.00")))
        shown.append(read_files(directory.path))
    first, second = shown
    assert [one.wrong for one in (*first.read, *second.read)] == [""] * 4
    assert (first.shown.documents, first.shown.open) == (second.shown.documents, second.shown.open)
    assert len(first.shown.open) == 2
