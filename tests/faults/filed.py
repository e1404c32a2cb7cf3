"""The company whose documents go into files: its directory, its lists, the import that takes them, and what it holds.

The directory is read as a site's import would, file by file; the product is not asked.
"""

import csv
import os
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from adapters.files.document import read_name
from sandbox.qad.books.master import PeriodStatus
from sandbox.world import Scene, SiteWorld
from sandbox.zuora import Sandbox
from tests.adapters.commands import Commands
from tests.faults.companies import Company
from tests.faults.work import Made
from tests.ports.books import Booked, Key
from tests.ports.files import booked_of, moved_by, rows_of

NAME = "files-1"
# The settle time is above age_s and the five seconds for which the directory is waited for.
PROFILE = """surface = "file"
directory = "site"

[limits]
age_s = 1.0
settle_s = 6.5
"""
# A list counts once nothing was written to it for a moment.
_WRITTEN_S_AGO = 60
_TICK_MS = 10
ZERO = Decimal(0)


class Standing(NamedTuple):
    """A document as it stands in a file.

    Attributes:
        path: Where it lies.
        at_ms: When it was written.
        booked: What it says.
        moved: Which open items it moves, and by how much.
    """

    path: Path
    at_ms: int
    booked: Booked
    moved: Sequence[tuple[Key, Decimal]]


class FilePlace(Company):
    """A company without a QAD that could be called.

    Attributes:
        path: Its directory.
        strangers: Makes documents that no Zuora knows of.
        strange: References of those that were written.
    """

    def __init__(self, world: SiteWorld, *, zuora: Sandbox, zuora_url: str, scene: Scene) -> None:
        super().__init__(NAME, world, zuora=zuora, zuora_url=zuora_url)
        self.scene = scene
        self.path = Path()
        self.strangers = Commands()
        self.strange: set[str] = set()

    def secrets(self) -> dict[str, dict[str, str]]:
        """Return what goes into the credential store: nobody signs in to a directory."""
        return {owner: fields for owner, fields in super().secrets().items() if not owner.startswith("qad/")}

    def set_up(self, directory: Path) -> None:
        """Make the directory below another one, and export the lists into it."""
        self.path = directory / "site"
        for part in ("done", "refused", "lists"):
            (self.path / part).mkdir(parents=True)
        for name, rows in self._lists().items():
            path = self.path / "lists" / f"{name}.csv"
            with path.open("w", encoding="utf-8", newline="") as file:
                csv.writer(file).writerows(rows)
            os.utime(path, (time.time() - _WRITTEN_S_AGO,) * 2)

    def _lists(self) -> dict[str, list[Sequence[object]]]:
        qad = self.world.qad()
        [shared], [entity] = qad.shared_sets, qad.entities
        return {
            "customers": [
                ("code", "active", "held", "currency", "terms", "zuora_account"),
                *(
                    (
                        one.customer_code,
                        _yes(one.is_active),
                        _yes(one.is_locked_credit_limit),
                        one.currency_code,
                        one.credit_terms_code,
                        one.custom_short_0,
                    )
                    for one in shared.customers
                ),
            ],
            "gl_accounts": [
                ("code", "active", "sub_account_required", "cost_centre_required", "project_required"),
                *(
                    (
                        one.gl_account_code,
                        _yes(one.is_active),
                        _yes(one.has_sub_account),
                        _yes(one.has_cost_centre),
                        _yes(one.has_project),
                    )
                    for one in shared.gl_accounts
                ),
            ],
            "daybooks": [("code", "active"), *((one.daybook_code, _yes(one.is_active)) for one in shared.daybooks)],
            "periods": [
                ("year", "period", "first_day", "last_day", "status", "open_for_sales"),
                *(
                    (
                        one.year,
                        one.period,
                        one.first_day,
                        one.last_day,
                        "open" if one.status is PeriodStatus.OPEN else "locked",
                        _yes(one.is_open_for_sales),
                    )
                    for one in entity.periods
                ),
            ],
            "currencies": [
                ("code", "decimals"),
                *((one.currency_code, one.decimals) for one in qad.currencies),
            ],
        }

    # -- the site's import ---------------------------------------------------------------------------------------------

    def waiting(self) -> list[Path]:
        """Return the files that the import has not looked at."""
        return sorted(self.path.glob("*.csv"))

    def take(self) -> int:
        """Take what is there, as the import does; return how many files that was."""
        found = self.waiting()
        for path in found:
            path.rename(self.path / "done" / path.name)
        return len(found)

    def refuse(self, path: Path, why: str) -> None:
        """Refuse a file, as the import does."""
        refused = self.path / "refused" / path.name
        path.rename(refused)
        refused.with_name(f"{path.name}.reason.txt").write_text(why, encoding="utf-8")

    def mend(self) -> int:
        """Put what was refused back, as a person does who has mended the reason; return how many files that was."""
        found = list((self.path / "refused").glob("*.csv"))
        for path in found:
            path.with_name(f"{path.name}.reason.txt").unlink(missing_ok=True)
            path.rename(self.path / path.name)
        return len(found)

    def files(self) -> list[Path]:
        """Return all documents, taken, refused or neither, as they were written."""
        found = (path for path in self.path.rglob("*.csv") if read_name(path.name) is not None)
        return sorted(found, key=lambda path: path.stat().st_mtime_ns)

    def numbers(self) -> set[str]:
        """Return the numbers of all documents, by what their files are called."""
        return {path.name.split(".")[1] for path in self.files()}

    def standing(self) -> list[Standing]:
        """Return all documents as they stand there.

        Raises:
            ValueError: A file is not whole.
        """
        found = []
        for path in self.files():
            rows = rows_of(path)
            try:
                one = Standing(path, path.stat().st_mtime_ns // 1_000_000, booked_of(rows), moved_by(rows))
            except (ValueError, LookupError, ArithmeticError, TypeError) as error:
                raise ValueError(f"{path.name} is not whole: {error}") from error
            found.append(one)
        return found

    def clear_of_strangers(self) -> None:
        """Take out what no Zuora knows of, as its writer would: the product's judge names it, as long as it stands."""
        for one in self.standing():
            if one.booked.reference in self.strange:
                one.path.unlink()

    def ours(self) -> list[Standing]:
        """Return the documents that a Zuora knows of."""
        return [one for one in self.standing() if one.booked.reference not in self.strange]


def _yes(is_so: bool) -> str:
    return "yes" if is_so else "no"


# -- the judge ---------------------------------------------------------------------------------------------------------


def lost_in_files(place: FilePlace, made: Made) -> Iterator[str]:
    """Yield documents that are in no file."""
    there = place.numbers()
    yield from (f"{place.name}: {number} is in no file" for number in made.numbers if number not in there)


def doubled_in_files(place: FilePlace, found: Sequence[Standing]) -> Iterator[str]:
    """Yield machine references and Zuora's numbers that stand in more than one file."""
    references = Counter(one.booked.reference for one in found)
    yield from (f"{place.name}: {name} stands in {count} files" for name, count in references.items() if count > 1)
    counts, invoices = Counter[str](), _invoices(place)
    for one in found:
        if sign := _stands_for(one.booked, invoices):
            counts[str(one.booked.number)] += sign
    yield from (f"{place.name}: {number} is in files {count} times" for number, count in counts.items() if count > 1)


def unequal_in_files(place: FilePlace, found: Sequence[Standing]) -> Iterator[str]:
    """Yield documents with another total, or another open amount, in files than in Zuora."""
    totals, rests = defaultdict[str, Decimal](Decimal), defaultdict[str, Decimal](Decimal)
    invoices, by_key = _invoices(place), defaultdict[Key, Decimal](Decimal)
    for one in found:
        for key, amount in one.moved:
            by_key[key] += amount
    for one in found:
        number = str(one.booked.number)
        if sign := _stands_for(one.booked, invoices):
            totals[number] += sign * one.booked.total
            # What a customer owes is a debit; what is owed to them, a memo's or a payment's rest, a credit.
            rests[number] += by_key[one.booked.key] * (1 if number in invoices else -1)
    tenant = place.zuora.tenant
    sides = [
        *((row.invoice_number, row.amount, row.balance) for row in tenant.invoices.latest.values()),
        *((row.memo_number, row.total_amount, row.balance) for row in tenant.credit_memos.latest.values()),
        *((row.payment_number, row.amount, row.unapplied_amount) for row in tenant.payments.latest.values()),
    ]
    for number, total, rest in sides:
        if number in totals and totals[number] != total:
            yield f"{place.name}: {number} is over {total} in Zuora and {totals[number]} in files"
        elif number in totals and rests[number] != rest:
            yield f"{place.name}: of {number} {rest} is open in Zuora and {rests[number]} by the files"


def contradictions_in_files(place: FilePlace, found: Sequence[Standing]) -> Iterator[str]:
    """Yield files that do not balance, vouchers that were allotted twice, and items that no file before opens."""
    keys = Counter(one.booked.key for one in found)
    yield from (f"{place.name}: {key} was allotted {count} times" for key, count in keys.items() if count > 1)
    opened: set[Key] = set()
    for one in found:
        if one.booked.off:
            yield f"{place.name}: {one.path.name} is off by {one.booked.off}"
        opened.add(one.booked.key)
        for key, _ in one.moved:
            if key not in opened:
                yield f"{place.name}: {one.path.name} moves {key}, which stands in no file before it"


def uncalled_for_in_files(place: FilePlace, found: Sequence[Standing], intended: Mapping[str, int]) -> Iterator[str]:
    """Yield files that no intent stands before in the log."""
    for one in found:
        # A file's time goes by the tick of the kernel's clock, which may be some milliseconds behind the broker's.
        at_ms = one.at_ms + _TICK_MS
        if not intended.get(one.booked.reference, at_ms + 1) <= at_ms:
            yield f"{place.name}: {one.path.name} was written before an intent stood in the log"


def _invoices(place: FilePlace) -> set[str]:
    return {row.invoice_number for row in place.zuora.tenant.invoices.latest.values()}


def _stands_for(booked: Booked, invoices: set[str]) -> int:
    """Return 1 for a document of Zuora's, -1 for the credit note that takes an invoice back, 0 for what moves items."""
    if booked.kind not in ("invoice", "credit_note", "receipt"):
        return 0
    return -1 if booked.kind == "credit_note" and booked.number in invoices else 1
