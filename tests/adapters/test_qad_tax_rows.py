"""Tax rows over REST, in another dialect and through QXtend: QAD books the tax that was sent, reports and shows it."""

import re
from datetime import date
from decimal import Decimal

import msgspec
import pytest

from console.golive.rehearsing import differences
from schemas.errors import Rejected
from schemas.postings import GlLine, TaxLine
from tests.adapters.qad_company import QadCompany, post, qad_company, qxtend_template

NO_PLACE = {"documents.invoice.tax_rows": None, "documents.credit_note.tax_rows": None}
# A table of tax rows in [qxtend.documents.*], with its fields.
TAX_TABLE = re.compile(r'(?ms)^\[\[qxtend\.documents\.\w+\.tables\]\]\ntable = "tApiPostingVatDIJE"\n.*?\n\n.*?\n\n')
STANDARD = TaxLine(
    account="2310", code="V19", base=Decimal("100.00"), tax=Decimal("19.00"), tax_type="VAT", tax_class="STD"
)
EXEMPT = TaxLine(account="2310", code="V00", base=Decimal("40.00"), tax=Decimal("0.00"), tax_usage="EX")
CREDITS = (GlLine(account="4100", credit=Decimal("140.00")),)
DEBITS = (GlLine(account="4100", debit=Decimal("140.00")),)


@pytest.fixture
async def company(tmp_path):
    async with qad_company(tmp_path) as one:
        yield one


# How a port speaks to the company, and in which dialect the company answers.
WAYS = {
    "rest": ("house", QadCompany.erp),
    "elsewhere": ("elsewhere", QadCompany.erp),
    "qxtend": ("house", QadCompany.qxtend),
}


@pytest.fixture(params=WAYS)
async def spoken(request, tmp_path):
    """Return a company and the port to it, in each way that there is."""
    dialect, speak = WAYS[request.param]
    async with qad_company(tmp_path, dialect) as one:
        yield one, await speak(one)


def documents(company):
    """Return an invoice and a credit note over a taxed line and an exempt one."""
    rows = {"tax_rows": (STANDARD, EXEMPT), "posting_date": date(2026, 1, 12)}
    return [
        company.invoice("159.00", lines=CREDITS, **rows),
        company.credit_note("159.00", lines=DEBITS, **rows),
    ]


@pytest.mark.parametrize("index", [0, 1], ids=["invoice", "credit note"])
async def test_rows_stand_in_qads_tax_report_and_the_tax_is_booked_and_shown(spoken, index):
    company, erp = spoken
    command = documents(company)[index]
    accepted = await post(erp, command)
    document = company.document(command)
    content = document["content"]
    assert (content["is_taxable"], content["original_amount"]) == (True, Decimal("159.00"))
    assert [(row.tax_code, row.base_amount, row.tax_amount, row.sequence) for row in content["tax_lines"]] == [
        ("V19", 100, 19, 1),
        ("V00", 40, 0, 2),
    ]
    assert (content["tax_lines"][0].tax_type, content["tax_lines"][0].tax_class) == ("VAT", "STD")
    assert content["tax_lines"][1].tax_usage == "EX"
    side = ("debit_amount", "credit_amount")[1 - index]
    assert [line[side] for line in document["entry"] if line["gl_account_code"] == "2310"] == [19]
    found = await erp.find(["invoice", "credit_note"][index], command.reference)
    assert (found.tax, found.document.total) == (19, 159)
    assert differences(command, accepted.document, found) == []


async def test_a_document_without_tax_rows_is_not_taxable_and_shows_none(spoken):
    company, erp = spoken
    command = company.invoice()
    accepted = await post(erp, command)
    found = await erp.find("invoice", command.reference)
    assert (company.document(command)["content"]["is_taxable"], found.tax) == (False, 0)
    assert differences(command, accepted.document, found) == []


async def test_a_profile_that_has_no_place_for_tax_rows_sends_nothing(company):
    erp = await company.erp(company.changed(NO_PLACE))
    for command in documents(company):
        with pytest.raises(Rejected, match="no place for them"):
            await post(erp, command)
    assert company.documents() == []


async def test_over_qxtend_without_a_table_for_them_nothing_is_sent_either(company):
    template = TAX_TABLE.sub("", qxtend_template())
    erp = await company.qxtend(template)
    assert company.profile(template).without_tax_rows == ["qxtend.documents.invoice", "qxtend.documents.credit_note"]
    for command in documents(company):
        with pytest.raises(Rejected, match="no place for them"):
            await post(erp, command)
    assert company.documents() == []


async def test_tax_that_qad_reckons_itself_is_named_by_the_rehearsal(spoken):
    company, erp = spoken
    company.server.installation.books.policy.own_tax_rate = Decimal("0.07")
    command = documents(company)[0]
    accepted = await post(erp, command)
    found = await erp.find("invoice", command.reference)
    assert any(said.startswith("tax: 19.00 was sent") for said in differences(command, accepted.document, found))


async def test_a_tax_account_that_qad_does_not_have_is_refused_by_its_name(spoken):
    company, erp = spoken
    unknown = msgspec.structs.replace(STANDARD, account="9999")
    command = company.invoice("119.00", lines=(GlLine(account="4100", credit=Decimal("100.00")),), tax_rows=(unknown,))
    with pytest.raises(Rejected) as refused:
        await post(erp, command)
    assert (refused.value.reason_class, company.documents()) == ("gl_account", [])
