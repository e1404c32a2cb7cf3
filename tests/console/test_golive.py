"""What is looked at before a connection goes live, each by itself: amounts, classes of refusals, what stays open."""

from decimal import Decimal

import pytest

from console.golive.checklist import walk
from console.golive.probing import probe
from console.golive.rehearsing import left_open
from console.reconciliation.facts import QadOpenItem
from schemas.outcomes import Document
from tests.adapters.qad_company import DIALECTS, post, qad_company
from tests.console.test_rehearsing import RULES

# A column of each table that shows an amount, by our word, and one of the same browse that shows a text.
AMOUNTS = [
    ("documents.invoice.find", "total", "reference"),
    ("documents.invoice.find", "tax", "customerCode"),
    ("documents.receipt.find", "total", "paymentReference"),
    ("documents.receipt.find", "allocated", "currencyCode"),
    ("documents.adjustment.find", "total", "description"),
    ("open_items.find", "total", "reference"),
    ("open_items.find", "open_amount", "currencyCode"),
    ("balances", "debit", "currencyCode"),
    ("balances", "credit", "currencyCode"),
    ("gl_transactions", "debit", "currencyCode"),
    ("gl_transactions", "credit", "currencyCode"),
    ("gl_transactions", "base_debit", "currencyCode"),
    ("gl_transactions", "base_credit", "currencyCode"),
]


@pytest.fixture
async def qad(tmp_path):
    async with qad_company(tmp_path) as company:
        erp = await company.erp()
        invoice = await post(erp, company.invoice())
        await post(erp, company.receipt("60.00", (invoice.document, "50.00")))
        note = await post(erp, company.credit_note())
        await post(erp, company.adjustment(invoice.document, note.document, "10.00"))
        yield company


def place_of(part, word):
    """Return where a profile says the column: those of a list stand under `columns`, of open items beside the rest."""
    if part in ("balances", "gl_transactions"):
        return f"{part}.columns.{word}"
    return "open_items.open_amount" if word == "open_amount" else f"{part}.{word}"


async def probed(qad, profile):
    return {(one.part, one.word): one async for one in probe(await qad.client(profile), profile)}


async def test_amounts_read_as_amounts(qad):
    found = await probed(qad, qad.profile())
    assert {(part, word): found[part, word].found for part, word, _ in AMOUNTS} == {
        (part, word): "an amount" for part, word, _ in AMOUNTS
    }
    # All words that are amounts are held here.
    assert {word for part, word in found if found[part, word].found == "an amount"} == {word for _, word, _ in AMOUNTS}


@pytest.mark.parametrize(("part", "word", "text"), AMOUNTS)
async def test_a_text_is_no_amount(qad, part, word, text):
    profile = qad.changed({place_of(part, word): text})
    wrong = {where: one for where, one in (await probed(qad, profile)).items() if not one.ok and one.column == text}
    assert (part, word) in wrong
    assert wrong[part, word].found == "reads otherwise"
    assert wrong[part, word].next_step.startswith("It does not read as an amount: ")


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_profile_that_names_no_refusal_is_open(tmp_path, dialect):
    async with qad_company(tmp_path, dialect) as company:
        said = {item.number: item for item in walk(company.profile(), None)}
        none = {item.number: item for item in walk(company.changed({"errors": []}), None)}
    assert (said[4].state, said[4].title) == ("confirm", "What refusals look like")
    assert {known.means for known in company.profile().errors} <= set(said[4].found.split(": ")[1].split(", "))
    assert (none[4].state, none[4].found) == ("open", "[[errors]] is empty: every refusal would be unclassified")
    assert {number for number in said if said[number] != none[number]} == {4}


def item(voucher, amount, *, daybook="ZINV", year=2026):
    return QadOpenItem(
        key=Document(year=year, daybook=daybook, voucher=voucher),
        number="N",
        open=Decimal(amount),
        owed=1,
        account="1200",
    )


def test_what_a_rehearsal_leaves_open_is_named_by_its_step():
    made = {
        "invoice": Document(year=2026, daybook="ZINV", voucher=1),
        "note": Document(year=2026, daybook="ZCRN", voucher=1),
        "closed": Document(year=2026, daybook="ZINV", voucher=2),
        "journal": Document(year=2026, daybook="ZJRN", voucher=9),
    }
    others = [item(3, "9.00"), item(1, "9.00", year=2025)]
    shown = [item(1, "5.00"), item(1, "-2.00", daybook="ZCRN"), item(2, "0.00"), *others]
    assert left_open(made, shown) == {"invoice": Decimal("5.00"), "note": Decimal("-2.00")}
    assert left_open(made, [item(2, "0.00"), *others]) == {}


async def test_when_a_receipt_counts_and_whether_amounts_are_compared_is_said(tmp_path):
    async with qad_company(tmp_path) as company:
        found = {item.title: item.found for item in walk(company.profile(), RULES)}
        silent = dict.fromkeys(("posted_when", "refused_when", "key.status", "find.status"), None)
        changes = {f"documents.receipt.{place}": none for place, none in silent.items()}
        changes |= {"documents.invoice.read_back": True, "documents.credit_note.key.total": "originalAmount"}
        changed = {item.title: item.found for item in walk(company.changed(changes), RULES)}
    told = {title: (found[title], changed[title]) for title in found if found[title] != changed[title]}
    (counts, always), (trusted, compared) = told.values()
    assert counts.endswith("; a receipt counts when it is Paid")
    assert always.endswith("; a receipt counts once it is there: no posted_when")
    assert compared == f"{trusted}; after each yes it is compared for invoice, credit_note"
