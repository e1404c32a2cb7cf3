"""A credit note that QAD nets by its link: sent with it, read back with what was netted, over each way of speaking."""

from collections.abc import AsyncIterator
from decimal import Decimal

import msgspec
import pytest

from schemas.errors import Misconfigured
from streams.ports import Erp
from tests.adapters.netting import netting, netting_qxtend
from tests.adapters.qad_company import ENTITY, QadCompany, post, qad_company

D = Decimal


@pytest.fixture(params=["house", "elsewhere", "qxtend"])
async def site(request, tmp_path) -> AsyncIterator[tuple[QadCompany, Erp]]:
    dialect = "house" if request.param == "qxtend" else request.param
    async with qad_company(tmp_path, dialect) as company:
        company.control.change_settings({"books": {"nets_linked": True}})
        if request.param == "qxtend":
            yield company, await company.qxtend(netting_qxtend())
        else:
            yield company, await company.erp(netting(company, dialect))


def open_amounts(company: QadCompany) -> list[Decimal]:
    return [item["open_amount"] for item in company.control.items(ENTITY)]


@pytest.mark.parametrize(("owed", "left", "netted"), [("100.00", "60.00", "40.00"), ("30.00", "0.00", "30.00")])
async def test_a_linked_credit_note_is_netted_and_shows_by_how_much(site, owed, left, netted):
    company, erp = site
    assert (erp.nets("credit_note"), erp.nets("invoice"), erp.nets("inverse")) == (True, False, False)
    invoice = (await post(erp, company.invoice(owed))).document
    command = msgspec.structs.replace(company.credit_note("40.00"), linked=invoice)
    answer = await post(erp, command)
    assert answer.read_back
    found = await erp.find("credit_note", command.reference)
    assert (found.document.total, found.allocated) == (40, D(netted))
    assert open_amounts(company) == [D(left), D(40) - D(netted)]
    assert company.control.audit()[ENTITY] == []


async def test_one_that_is_not_linked_stands_open(site):
    company, erp = site
    await post(erp, company.invoice("100.00"))
    command = company.credit_note("40.00")
    assert not (await post(erp, command)).read_back
    found = await erp.find("credit_note", command.reference)
    assert found.allocated == 0
    assert open_amounts(company) == [100, 40]


async def test_what_was_netted_is_opened_again_by_an_adjustment(site):
    company, erp = site
    invoice = (await post(erp, company.invoice("100.00"))).document
    note = (await post(erp, msgspec.structs.replace(company.credit_note("40.00"), linked=invoice))).document
    await post(erp, company.adjustment(invoice, note, "40.00", reopens=True))
    assert open_amounts(company) == [100, 40]
    assert company.control.audit()[ENTITY] == []


WRONG = [
    ('allocated = "nettedAmount"\n', "names no column for allocated"),
    ('item_voucher = "tiLinkedDInvoiceVoucher"\n', "no field is named for item_voucher"),
    ("nets = true\n", "allocated is a column of receipts alone"),
]


@pytest.mark.parametrize(("missing", "told"), WRONG)
async def test_a_profile_that_nets_says_all_that_it_takes(missing, told, tmp_path):
    async with qad_company(tmp_path) as company:
        assert company.profile(netting_qxtend()).posted["credit_note"].nets
        with pytest.raises(Misconfigured, match=told):
            company.profile(netting_qxtend().replace(missing, "", 1))


async def test_nothing_else_is_netted(tmp_path):
    async with qad_company(tmp_path) as company:
        head = "[documents.invoice]\n"
        with pytest.raises(Misconfigured, match="nets is a matter of credit notes alone"):
            company.profile(company.profile_text().replace(head, f"{head}nets = true\n"))
