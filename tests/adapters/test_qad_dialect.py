"""What a profile says of a tenant is what is sent and read: steps, signs, numbers, lengths, pages, words.

That every other test of the adapter runs over both dialects is the proof that no tenant needs code; here stands what
one dialect cannot show, or both show alike.
"""

import re
from datetime import date
from decimal import Decimal

import msgspec
import pytest

from sandbox.qad.dialects import DIALECTS
from sandbox.qad.elsewhere import ELSEWHERE
from sandbox.qad.house import HOUSE
from schemas.errors import Misconfigured, NotSent, Refused, Rejected, Transient
from tests.adapters.qad_company import ENTITY, post, qad_company


def names_of(dialect):
    parts = [resource.fields for resource in dialect.resources] + [browse.columns for browse in dialect.browses]
    return {name for part in parts for wire in part.values() for name in wire.split(".")}


@pytest.fixture
async def elsewhere(tmp_path):
    async with qad_company(tmp_path, "elsewhere") as company:
        yield company


def test_the_two_dialects_share_no_name(elsewhere):
    assert names_of(HOUSE) & names_of(ELSEWHERE) == set()
    assert {one.path for one in HOUSE.resources} & {one.path for one in ELSEWHERE.resources} == set()
    assert {one.browse_id for one in HOUSE.browses} & {one.browse_id for one in ELSEWHERE.browses} == set()
    said = set(re.findall(r'"([^"]+)"', msgspec.json.encode(elsewhere.profile()).decode()))
    # Names of one word are ours as well.
    assert said & {name for name in names_of(HOUSE) if not name.islower()} == set()


def test_every_setting_of_a_dialect_differs_between_the_two():
    same = {"qxtend", "moment_format", "page_size_default", "reverse_suffix"}
    for name in set(HOUSE.__struct_fields__) - same:
        assert getattr(HOUSE, name) != getattr(ELSEWHERE, name), name
    assert set(DIALECTS) == {"house", "elsewhere"}


async def test_headers_are_filled_in(elsewhere):
    profile = elsewhere.profile()
    assert (profile.workspace, profile.headers) == (f"{ENTITY}@10USA", {"x-caller": f"ml-connector {ENTITY}"})


@pytest.mark.parametrize("date_format", ["%d.%m.%Y", "%m/%d/%y", "%Y-%d-%m", "%Y%m%d"])
async def test_dates_are_read_as_they_are_written(tmp_path, date_format):
    dialect = msgspec.structs.replace(HOUSE, date_format=date_format, date_formats_read=(date_format,))
    async with qad_company(tmp_path, dialect=dialect) as company:
        erp, command = await company.erp(date_format=date_format), company.invoice()
        await post(erp, command)
        found = await erp.find("invoice", command.reference)
    assert found is not None
    assert found.day == command.payload.posting_date


# -- steps -----------------------------------------------------------------------------------------------------------


async def test_a_read_and_a_validation_come_before_the_commit(elsewhere):
    erp, command = await elsewhere.erp(), elsewhere.credit_note("40.00")
    before = len(elsewhere.requests())
    await post(erp, command)
    calls = elsewhere.requests()[before:]
    assert [call.kind for call in calls] == ["read", "validate", "invoice"]
    assert [bool(call.committed) for call in calls] == [False, False, True]
    # What was read of the customer stands in the document.
    assert elsewhere.document(command)["content"]["credit_terms_code"] == "NET30"


async def test_a_validation_that_refuses_is_a_refusal_and_nothing_is_sent_to_be_posted(elsewhere):
    erp = await elsewhere.erp()
    with pytest.raises(Rejected) as rejected:
        await post(erp, elsewhere.credit_note("40.00", daybook="ZINV"))
    assert rejected.value.reason_class == "daybook"
    # The whole of it is kept, in this tenant's words.
    assert '"nbr":' in rejected.value.answer
    assert "daybook" in rejected.value.answer.casefold()
    assert [call.kind for call in elsewhere.requests()][-1] == "validate"
    assert elsewhere.documents() == []


@pytest.mark.parametrize("kind", ["read", "validate"])
@pytest.mark.parametrize(
    ("fault", "family"),
    [
        ("too_many_requests", Transient),
        ("html_login", Transient),
        ("empty_body", Transient),
        ("truncated_json", Transient),
        ("forbidden", Refused),
    ],
)
async def test_a_step_that_fails_changed_nothing_and_is_never_unknown(elsewhere, kind, fault, family):
    erp, command = await elsewhere.erp(), elsewhere.credit_note("40.00")
    armed = elsewhere.arm(fault, kind=kind, count=1)
    with pytest.raises(family):
        await post(erp, command)
    assert (armed.fired, elsewhere.documents()) == (1, [])
    await post(erp, command)
    assert len(elsewhere.documents()) == 1


async def test_a_validation_that_hangs_is_transient(elsewhere):
    erp = await elsewhere.erp(limits={"timeout_s": 0.3})
    armed = elsewhere.arm("slow", kind="validate", count=1, ms=600)
    with pytest.raises(Transient) as passing:
        await post(erp, elsewhere.credit_note("40.00"))
    assert not isinstance(passing.value, NotSent)
    assert (armed.fired, elsewhere.documents()) == (1, [])


async def test_a_read_that_shows_nothing_to_take_is_a_refusal(elsewhere):
    with pytest.raises(Rejected, match="shows no value") as rejected:
        await post(await elsewhere.erp(), elsewhere.credit_note("40.00", customer="C9999"))
    assert rejected.value.fields == ("party.tcCreditTermsCode",)
    assert elsewhere.documents() == []


async def test_steps_that_outlast_the_intent_send_no_commit(elsewhere):
    erp = await elsewhere.erp()
    armed = elsewhere.arm("slow", kind="validate", count=1, ms=300)
    with pytest.raises(NotSent):
        await post(erp, elsewhere.credit_note("40.00"), age_s=0.2)
    assert (armed.fired, elsewhere.documents()) == (1, [])


# -- what would not fit ----------------------------------------------------------------------------------------------


async def test_what_is_longer_than_the_profile_allows_is_refused_before_any_call(qad):
    erp = await qad.erp(lengths={"description": 40, "text": 5, "customer": 8})
    before = len(qad.requests())
    lines = tuple(msgspec.structs.replace(line, text="longer") for line in qad.invoice().payload.lines)
    with pytest.raises(Rejected, match="description has 41 characters, and QAD takes 40") as rejected:
        await post(erp, qad.invoice(description="x" * 41, lines=lines))
    fields = qad.profile().documents["invoice"]
    assert rejected.value.reason_class == "field"
    # Once for all lines that are alike.
    assert rejected.value.fields == (fields.fields["description"], fields.lines.fields["text"])
    assert (len(qad.requests()), qad.documents()) == (before, [])


async def test_a_document_may_take_longer_texts_than_the_others(qad):
    profile = qad.changed({"lengths": {"description": 5}, "documents.credit_note.lengths": {"description": 10}})
    erp = await qad.erp(profile)
    await post(erp, qad.credit_note(description="x" * 10))
    with pytest.raises(Rejected, match="QAD takes 10"):
        await post(erp, qad.credit_note(description="x" * 11))
    with pytest.raises(Rejected, match="QAD takes 5"):
        await post(erp, qad.invoice(description="x" * 6))


async def test_amounts_have_the_decimals_that_the_tenant_wants_and_are_never_cut(qad):
    numbers = msgspec.structs.replace(qad.profile().numbers, decimals=4)
    erp, command = await qad.erp(numbers=numbers), qad.invoice("119.00")
    await post(erp, command)
    assert str(qad.document(command)["content"]["original_amount"]) == "119.0000"
    whole = await qad.erp(numbers=msgspec.structs.replace(numbers, decimals=1))
    before = len(qad.requests("invoice"))
    with pytest.raises(Rejected, match="more than the 1 decimals") as rejected:
        await post(whole, qad.invoice("119.05"))
    assert (rejected.value.reason_class, len(qad.requests("invoice"))) == ("field", before)


# -- signs, nesting, words -------------------------------------------------------------------------------------------


async def test_a_line_is_signed_as_the_profile_says(elsewhere):
    erp = await elsewhere.erp()
    record = erp.record(elsewhere.invoice("119.00"))
    assert [line["money"]["tcSigned"] for line in record["detail"]["ttPostingLines"]] == ["110.00", "-10", "19.00"]
    debits = await elsewhere.erp(elsewhere.changed({"documents.invoice.lines.positive": "debit"}))
    record = debits.record(elsewhere.invoice("119.00"))
    assert [line["money"]["tcSigned"] for line in record["detail"]["ttPostingLines"]] == ["-110.00", "10", "-19.00"]


async def test_a_total_has_the_tenants_sign_there_and_ours_here(elsewhere):
    erp, command = await elsewhere.erp(), elsewhere.credit_note("40.00")
    assert erp.record(command)["money"]["tcOriginalAmount"] == "-40.00"
    await post(erp, command)
    assert elsewhere.document(command)["content"]["original_amount"] == Decimal("40.00")
    found = await erp.find("credit_note", command.reference)
    assert found is not None
    assert found.document.total == Decimal("40.00")


async def test_one_value_may_go_to_several_places(elsewhere):
    dates = (await elsewhere.erp()).record(elsewhere.invoice(document_date=date(2026, 1, 10)))["dates"]
    assert dates["tcInvoiceDate"] == dates["tcTaxPointDate"] == "10.01.2026"


@pytest.mark.parametrize("speaks", DIALECTS)
async def test_pages_that_are_cut_shorter_than_asked_are_read_to_the_end(tmp_path, speaks):
    dialect = msgspec.structs.replace(DIALECTS[speaks], page_size_max=2)
    async with qad_company(tmp_path, speaks, dialect=dialect) as company:
        erp = await company.erp()
        commands = [company.receipt("5.00") for _ in range(5)]
        for command in commands:
            await post(erp, command)
        found = [one.reference async for page in erp.find_all("receipt") for one in page]
    assert found == [command.reference for command in commands]


async def test_pages_of_a_tenant_that_never_says_whether_there_are_more_are_read_to_an_empty_one(qad):
    browsing = msgspec.structs.replace(qad.profile().browsing, more="")
    references = await qad.references(browsing=browsing, limits={"page_size": 3})
    shown = [one async for page in references.read("gl_accounts") for one in page]
    assert len(shown) == len(qad.server.installation.books.master.catalogues["CORP"].gl_accounts)


async def test_a_filter_that_is_written_in_another_way_is_said(qad):
    browsing = msgspec.structs.replace(qad.profile().browsing, condition="{column} is {value} {operator}")
    with pytest.raises(Misconfigured):
        await (await qad.erp(browsing=browsing)).find("invoice", "A" * 20)
