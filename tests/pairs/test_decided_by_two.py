"""What two people decide of a posted document, over HTTP: moved, moved again, voided, corrected; both judges agree.

Each account ends with what the decisions say, in QAD's own books, and `reconcile` counts it by account and period.
"""

from collections import defaultdict
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from schemas.decisions import DocumentCorrected, DocumentReclassified, MappingPublished
from schemas.ids import document_key
from schemas.mapping import Analysis
from schemas.postings import GlLine
from tests.pairs.house import ACCOUNTS, House, house, money
from tests.pairs.judges import broken, reconciled
from tests.unit import builders

DAY = date(2026, 2, 10)
DEFERRED, REVENUE = ACCOUNTS["deferred"], ACCOUNTS["revenue"]
MODES: list[dict[str, Any]] = [{}, {"gl": "journal", "clearing": Analysis(account=ACCOUNTS["clearing"])}]


def lines_on(one: House, document: str, account: str, *, n: int = 1) -> tuple[GlLine, ...]:
    """Return the lines that the ledger last put on an account for post n of a document, those of a reclass too."""
    found = [posting for posting in one.world.postings if posting.document == document and posting.n == n]
    lines = [line for posting in found for line in getattr(posting.content, "lines", ())]
    on_account = [line for line in lines if line.account == account]
    return tuple(dict.fromkeys(line for line in on_account if line.credit))


def decide(one: House, document: str, to: str, lines: tuple[GlLine, ...], *, m: int = 1, n: int = 1) -> None:
    assert lines
    made = builders.replayed(document)
    for person in ("ada", "bob"):
        decision = DocumentReclassified(
            connection=made.connection,
            at=made.at,
            by=person,
            why="wrong account",
            document=document,
            number=document,
            n=n,
            m=m,
            lines=lines,
            to=Analysis(account=to),
            day=DAY,
        )
        one.world.put(decision)


def correct(one: House, document: str) -> None:
    made = builders.replayed(document)
    fields = {"connection": made.connection, "at": made.at, "document": document, "number": document}
    for person in ("ada", "bob"):
        one.world.put(DocumentCorrected(by=person, why="wrong account", n=1, day=DAY, **fields))


def publish_other(one: House, account: str) -> None:
    """Publish a mapping that books revenue elsewhere, and let all be decided again."""
    [first] = one.world.ledger.core._books.versions
    assert isinstance(first, MappingPublished)
    rows = tuple(
        msgspec.structs.replace(row, account=account) if row.account == REVENUE else row for row in first.mapping.lines
    )
    mapping = msgspec.structs.replace(first.mapping, lines=rows)
    one.world.put(msgspec.structs.replace(first, version=2, mapping=mapping))


async def agree(one: House) -> dict[str, Decimal]:
    """Hold that both judges find nothing; return what we sent by account, over all periods."""
    found = await reconciled(one)
    assert [difference for difference in found.differences if difference.part != "timing"] == []
    assert await broken(one) == []
    assert all(line.qad == line.sent for line in found.movements if line.sent is not None)
    sums: defaultdict[str, Decimal] = defaultdict(Decimal)
    for line in found.movements:
        sums[line.account] += line.sent or 0
    return {account: amount for account, amount in sums.items() if amount}


@pytest.mark.parametrize("policy", MODES)
async def test_what_is_moved_and_moved_again_and_voided_leaves_the_accounts_that_were_decided(tmp_path, policy):
    async with house(tmp_path, policy=policy) as one:
        invoice = await one.invoice("100.00", tax="19.00", invoice_date="2026-01-20")
        await one.settle()
        document = document_key("invoice", invoice["id"])
        decide(one, document, DEFERRED, lines_on(one, document, REVENUE))
        await one.settle()
        assert one.books() == money(receivable="119", deferred="-100", tax="-19")
        assert await agree(one) == {DEFERRED: -100, ACCOUNTS["tax"]: -19}

        decide(one, document, ACCOUNTS["unassigned"], lines_on(one, document, DEFERRED), m=2)
        await one.settle()
        assert one.books() == money(receivable="119", unassigned="-100", tax="-19")
        await agree(one)

        await one.act("unpost_invoice", invoice=invoice["id"])
        await one.settle()
        assert (one.books(), one.owed(), one.standing()) == ({}, {}, [])
        await agree(one)
        periods = {(line.period, line.account): line.sent for line in (await reconciled(one)).movements}
        assert {"2026-01", "2026-02"} == {period for period, _ in periods}
        assert not any(periods.values())


@pytest.mark.parametrize("policy", MODES)
async def test_what_is_corrected_after_it_was_moved_stands_by_the_newest_mapping_alone(tmp_path, policy):
    async with house(tmp_path, policy=policy) as one:
        invoice = await one.invoice("100.00")
        await one.settle()
        document = document_key("invoice", invoice["id"])
        decide(one, document, ACCOUNTS["unassigned"], lines_on(one, document, REVENUE))
        await one.settle()
        publish_other(one, DEFERRED)
        correct(one, document)
        await one.settle()
        assert (one.books(), one.standing()) == (money(receivable="100", deferred="-100"), [])
        await agree(one)
        decide(one, document, REVENUE, lines_on(one, document, DEFERRED, n=2), n=2)
        await one.settle()
        assert one.books() == money(receivable="100", revenue="-100")
        await agree(one)


async def test_what_was_sent_counts_where_the_log_has_newer_content(tmp_path):
    async with house(tmp_path) as one:
        invoice = await one.invoice("100.00")
        await one.settle()
        document = document_key("invoice", invoice["id"])
        sent = lines_on(one, document, REVENUE)
        publish_other(one, DEFERRED)
        one.world.put(builders.replayed(document))
        assert one.world.postings[-1].content.lines[0].account == DEFERRED
        await one.settle()
        assert await agree(one) == {REVENUE: -100}
        decide(one, document, DEFERRED, sent)
        await one.settle()
        assert one.books() == money(receivable="100", deferred="-100")
        assert await agree(one) == {DEFERRED: -100}


async def test_a_journal_that_qad_does_not_take_is_named_until_it_does(tmp_path):
    async with house(tmp_path) as one:
        invoice = await one.invoice("100.00")
        await one.settle()
        document = document_key("invoice", invoice["id"])
        one.qad.control.set_account("CORP", DEFERRED, is_active=False)
        decide(one, document, DEFERRED, lines_on(one, document, REVENUE))
        await one.settle()
        assert one.books() == money(receivable="100", revenue="-100")
        [named] = (await reconciled(one)).differences
        assert (named.part, named.rule, named.number) == ("parked", "gl_account", invoice["invoiceNumber"])
        assert "its lines stand where they stood before journal:1" in named.what
        one.qad.control.set_account("CORP", DEFERRED, is_active=True)
        one.sink._held.clear()
        await one.settle()
        assert one.books() == money(receivable="100", deferred="-100")
        await agree(one)
