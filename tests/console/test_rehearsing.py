"""A rehearsal against the stand-in: what QAD nets by a link, and what it has without its GL entry, is read back."""

from datetime import date

import msgspec
import pytest

from console.golive.rehearsing import Rehearsal, Rehearsed
from console.golive.script import Stage, script
from schemas.mapping import BankRow, Daybooks, LineRow, Mapping, Policy
from tests.adapters.netting import netting
from tests.adapters.qad_company import ENTITY, QadCompany, qad_company

RULES = Mapping(
    first_document_date=date(2026, 1, 1),
    cut_over=date(2026, 1, 1),
    policy=Policy(deferral_system="none"),
    daybooks=Daybooks(invoice="ZINV", credit_note="ZCRN", receipt="ZPAY", adjustment="ZADJ"),
    lines=(LineRow(code="Revenue", account="4100"),),
    banks=(BankRow(currency="USD", account="1010"),),
)
STAGE = Stage(customer="C0001", other="", day=date(2026, 2, 12), rules=RULES)
NETTED = ("invoice to net", "netted credit note")


async def rehearsed(company: QadCompany, *, nets: bool) -> dict[str, Rehearsed]:
    stage = msgspec.structs.replace(STAGE, nets=nets)
    erp = await company.erp(netting(company))
    rehearsal = Rehearsal(erp, connection="c", run="1", age_s=2.0, settle_s=0.2, say=lambda line: None)
    return {one.step: one for one in await rehearsal.play(script(stage))}


@pytest.fixture
async def company(tmp_path):
    async with qad_company(tmp_path) as one:
        one.control.change_settings({"books": {"nets_linked": True, "prepayment_holds_whole_payment": True}})
        yield one


async def test_what_is_netted_by_its_link_is_rehearsed_where_the_profile_says_so(company):
    found = await rehearsed(company, nets=True)
    assert {name: one.differences for name, one in found.items() if not one.ok} == {}
    assert set(NETTED) <= found.keys()
    assert [item for item in company.control.items(ENTITY) if item["open_amount"]] == []
    assert not set(NETTED) & {step.name for step in script(STAGE)}


async def test_a_qad_that_nets_nothing_fails_that_step(company):
    company.control.change_settings({"books": {"nets_linked": False}})
    found = await rehearsed(company, nets=True)
    assert {name for name, one in found.items() if not one.ok} == {"netted credit note"}
    assert found["netted credit note"].differences == ("netted: 100.00 was sent, 0 is shown",)


async def test_a_receipt_without_its_gl_entry_fails_its_step_by_its_status(company):
    company.control.change_settings({"books": {"payments_wait": True}})
    found = await rehearsed(company, nets=False)
    assert "status: Initial, which is not in posted_when: its GL entry is not made" in found["receipt"].differences
