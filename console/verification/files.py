"""What a directory of files shows to the judge: each file opened and added up here, by docs/files.md alone.

The sink's own reader has no part in it. What stands in the directory or in `done` counts as booked once; what the site
has refused is in no book. What is open of an item is what the files make of it. Nothing is written, and nothing locked.
"""

import csv
import io
import os
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import msgspec

from adapters.xml import read_xml
from console.verification.facts import Log, PostingFacts
from console.verification.report import Findings
from console.verification.systems import Qad, QadDocument
from console.verification.views import QadKey
from schemas.errors import Misconfigured
from schemas.money import ZERO

_NAME = re.compile(r"[a-z_]+\.[^.]*\.(?P<reference>[A-Z2-7]{20})\.[^.]*\.(csv|xml)")
# The site moves files while they are read: what was moved is looked for again.
_ROUNDS = 3
_REASON_MAX = 200


class Read(NamedTuple):
    """One file.

    Attributes:
        document: What its head says; None where it is not what docs/files.md says, or was refused.
        moves: What its rows do to open items, debit above zero; what it opens stands under its own key.
        opens: What it opens, debit above zero.
        off: Debit less credit of all its rows.
        wrong: Why it is in no book, or no document.
    """

    name: str
    reference: str
    document: QadDocument | None = None
    moves: tuple[tuple[QadKey, Decimal], ...] = ()
    opens: Decimal = ZERO
    off: Decimal = ZERO
    wrong: str = ""


class Files(msgspec.Struct, kw_only=True):
    """What stands in a directory.

    Attributes:
        shown: The same as QAD would show it.
        read: File by file.
        waiting: How many the site's import has still to take.
    """

    shown: Qad
    read: list[Read]
    waiting: int

    @property
    def counted(self) -> dict[str, int]:
        """How many files stand where."""
        return {"files": len(self.read), "files that are not taken yet": self.waiting}


def read_files(directory: Path) -> Files:
    """Return what stands in a directory.

    Raises:
        Misconfigured: It is not there, or cannot be read.
    """
    found: dict[Path, Read] = {}
    try:
        for part in (directory, directory / "done", directory / "refused", directory / "lists"):
            if not part.is_dir():
                raise Misconfigured(f"{part} is no directory: mount it, or mend the profile")
        for _ in range(_ROUNDS):
            paths = set(_paths(directory))
            found = {path: read for path, read in found.items() if path in paths}
            for path in paths - found.keys():
                read = _read(path, refused=path.relative_to(directory).parts[0] == "refused")
                if read is not None:
                    found[path] = read
    except OSError as error:
        raise Misconfigured(f"{error.filename or directory} cannot be read: {error.strerror}") from error
    read_all = [read for _, read in sorted(found.items())]
    waiting = sum(path.parent == directory for path in found)
    return Files(shown=_shown(read_all), read=read_all, waiting=waiting)


def compare_files(files: Files, log: Log, findings: Findings) -> None:
    """Name what is wrong with files, where the log says what they should be.

    I2: one file for each reference. I3: its rows balance, and it opens what its head says. I5: what it moves was
    opened, and no file was numbered before one that it refers to.

    Args:
        files: What stands there.
        log: The connection's log, read to its end.
        findings: Where it is named.
    """
    postings = {posting.reference: posting for posting in log.postings.values()}
    opened = {posting.qad for posting in log.postings.values() if posting.qad is not None}
    opened |= {read.document.key for read in files.read if read.document is not None and read.opens}
    names: defaultdict[str, list[str]] = defaultdict(list)
    for read in files.read:
        posting = postings.get(read.reference)
        if posting is not None:
            names[read.reference].append(read.name)
            _compare_one(read, posting, opened, findings)
    for reference, standing in names.items():
        if len(standing) > 1:
            posting = postings[reference]
            what = f"{posting.step} stands in {len(standing)} files: the import may book each"
            _name(findings, "I2", what, posting, *standing)
    _compare_order(files.shown, log, findings)


def _compare_one(read: Read, posting: PostingFacts, opened: set[QadKey], findings: Findings) -> None:
    if read.document is None:
        if posting.status != "posted" or not posting.is_call:
            _name(findings, "I2", f"its file is in no book: {read.wrong}", posting, read.name)
        return
    if read.off:
        _name(findings, "I3", f"the rows of its file are {read.off} out of balance", posting, read.name)
    if read.opens and abs(read.opens) != read.document.total:
        what = f"its file opens {abs(read.opens)}, and its head says {read.document.total}"
        _name(findings, "I3", what, posting, read.name)
    for key, _ in read.moves:
        if key not in opened:
            what = f"its file moves the item {key.year}/{key.daybook}/{key.voucher}, which nothing has opened"
            _name(findings, "I5", what, posting, read.name)


def _compare_order(shown: Qad, log: Log, findings: Findings) -> None:
    """Hold that within a year and daybook nothing has a lower voucher than what it refers to."""
    for posting in log.postings.values():
        own = shown.documents.get(posting.reference)
        for needed in (log.postings.get(name) for name in posting.needs):
            other = shown.documents.get(needed.reference) if needed is not None else None
            if own is None or other is None or needed is None or own.key.voucher > other.key.voucher:
                continue
            if (own.key.year, own.key.daybook) == (other.key.year, other.key.daybook):
                what = f"{posting.step} was written before {needed.step} of {needed.number}, by its voucher"
                _name(findings, "I5", what, posting)


def _paths(directory: Path) -> Iterator[Path]:
    for folder, _, names in os.walk(directory, onerror=_stop):
        yield from (Path(folder, name) for name in names if _NAME.fullmatch(name))


def _stop(error: OSError) -> None:
    raise error


def _read(path: Path, *, refused: bool) -> Read | None:
    """Return what a file says, None where it is no longer there."""
    named = _NAME.fullmatch(path.name)
    reference = named["reference"] if named is not None else ""
    if refused:
        wrong = f"the site's import refused {path.name}: {_reason(path)}; mend that and move the same file back"
        return Read(path.name, reference, wrong=wrong)
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    try:
        head, *rows = _rows_of_xml(content) if path.suffix == ".xml" else _rows_of_csv(content)
        return _added_up(path.name, reference, head, rows)
    except (ValueError, ArithmeticError, LookupError, TypeError, csv.Error):
        return Read(path.name, reference, wrong=f"{path.name} is not as docs/files.md says: somebody changed it")


def _rows_of_csv(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode(), newline=""), strict=True))


def _rows_of_xml(content: bytes) -> list[dict[str, str]]:
    document, rows = read_xml(content), list[dict[str, str]]()
    for element in document if document is not None else ():
        # What is left out is empty.
        row = defaultdict[str, str](str, row=element.tag)
        row.update({field.tag: field.text or "" for field in element})
        rows.append(row)
    return rows


def _added_up(name: str, reference: str, head: Mapping[str, str], rows: list[dict[str, str]]) -> Read:
    own = _key(head, "")
    if (head["row"], head["reference"]) != ("head", reference):
        raise ValueError(name)
    moves, opens, off = list[tuple[QadKey, Decimal]](), ZERO, ZERO
    for row in rows:
        moved = _amount(row["debit"]) - _amount(row["credit"])
        off += moved
        if row["row"] == "opens":
            opens += moved
            moves.append((own, moved))
        elif row["row"] == "item":
            moves.append((_key(row, "item_"), moved))
        elif row["row"] != "gl":
            raise ValueError(name)
    document = QadDocument(
        key=own,
        reference=reference,
        customer=head["customer"],
        currency=head["currency"],
        total=_amount(head["total"]),
        day=head["posting_date"],
    )
    return Read(name, reference, document, tuple(moves), opens, off)


def _shown(read_all: list[Read]) -> Qad:
    """Return what QAD would show if it had booked each file once, and nothing else."""
    qad, moved, sides = Qad(), defaultdict[QadKey, Decimal](Decimal), dict[QadKey, int]()
    for read in read_all:
        if read.document is None:
            qad.absent[read.reference] = read.wrong
        elif read.reference not in qad.documents:
            for key, amount in read.moves:
                moved[key] += amount
            if read.opens:
                sides[read.document.key] = 1 if read.opens > 0 else -1
            qad.add(read.document)
        else:
            qad.add(read.document)
    qad.open = {key: sides[key] * moved[key] for key in sides}
    return qad


def _reason(path: Path) -> str:
    try:
        told = path.with_name(f"{path.name}.reason.txt").read_text(encoding="utf-8", errors="replace")
    except OSError:
        told = ""
    return " ".join(told.split())[:_REASON_MAX] or "no reason given"


def _key(row: Mapping[str, str], prefix: str) -> QadKey:
    return QadKey(int(row[f"{prefix}year"]), row[f"{prefix}daybook"], int(row[f"{prefix}voucher"]))


def _amount(text: str) -> Decimal:
    amount = Decimal(text or 0)
    if not amount.is_finite():
        raise ValueError(text)
    return amount


def _name(findings: Findings, invariant: str, what: str, posting: PostingFacts, *evidence: str) -> None:
    findings.name(invariant, what, document=posting.document, number=posting.number, evidence=evidence)
