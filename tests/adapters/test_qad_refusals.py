"""What QAD refuses for a business reason: its class, all its complaints, and nothing in the books."""

from datetime import date
from decimal import Decimal

import pytest

from adapters.qad.asking.complaints import Complaint, refusal
from adapters.qad.profiles.wording import DEFAULTS
from sandbox.qad.books.master import PeriodStatus
from schemas.errors import OutcomeUnknown, Overloaded, Refused, Rejected
from schemas.outcomes import Document
from schemas.postings import GlLine
from tests.adapters.qad_company import ENTITY, post, qad_company

# -- refused for a business reason -----------------------------------------------------------------------------------


def lock_january(qad):
    qad.control.set_period(ENTITY, 2026, 1, status=PeriodStatus.LOCKED)


@pytest.mark.parametrize(
    ("prepare", "changes", "reason_class"),
    [
        (lock_january, {}, "period_closed"),
        (lambda qad: qad.control.set_period(ENTITY, 2026, 1, is_open_for_sales=False), {}, "period_closed"),
        (None, {"posting_date": date(2031, 1, 1)}, "period_closed"),
        (lambda qad: qad.control.set_account("CORP", "4100", is_active=False), {}, "gl_account"),
        (lambda qad: qad.control.set_customer("CORP", "C0001", is_active=False), {}, "customer"),
        (lambda qad: qad.control.set_customer("CORP", "C0001", is_locked_credit_limit=True), {}, "customer"),
        (lambda qad: qad.control.set_daybook("CORP", "ZINV", is_active=False), {}, "daybook"),
        (None, {"customer": "C9999"}, "customer"),
        (None, {"daybook": "NONE"}, "daybook"),
        (None, {"daybook": "ZCRN"}, "daybook"),
        (None, {"currency": "CHF"}, "currency"),
        (None, {"currency": "GBP", "posting_date": date(2026, 1, 12)}, "exchange_rate"),
        (None, {"description": "x" * 41}, "field"),
        (None, {"lines": (GlLine(account="9999", credit=Decimal(119)),)}, "gl_account"),
        (None, {"lines": (GlLine(account="1200", credit=Decimal(119)),)}, "gl_account"),
        (None, {"lines": (GlLine(account="4000", credit=Decimal(119)),)}, "gl_account"),
    ],
)
async def test_a_business_refusal_has_its_class(qad, prepare, changes, reason_class):
    if prepare is not None:
        prepare(qad)
    with pytest.raises(Rejected) as rejected:
        await post(await qad.erp(), qad.invoice(**changes))
    assert rejected.value.reason_class == reason_class
    assert rejected.value.messages
    assert rejected.value.fields
    assert qad.documents() == []


async def test_an_open_item_that_does_not_allow_it_has_its_class(qad):
    erp = await qad.erp()
    invoice, note = await post(erp, qad.invoice()), await post(erp, qad.credit_note("40.00"))
    nowhere = Document(year=2026, daybook="ZINV", voucher=99)
    for command in (
        qad.adjustment(invoice.document, note.document, "40.01"),
        qad.adjustment(nowhere, note.document, "1.00"),
        qad.adjustment(invoice.document, note.document, "1.00", reopens=True),
        qad.receipt("200.00", (invoice.document, "119.01")),
        qad.receipt("200.00", (nowhere, "1.00")),
    ):
        with pytest.raises(Rejected) as rejected:
            await post(erp, command)
        assert rejected.value.reason_class == "open_item"
    assert len(qad.documents()) == 2


async def test_several_complaints_come_back_together(qad):
    lock_january(qad)
    with pytest.raises(Rejected) as rejected:
        await post(await qad.erp(), qad.invoice(customer="C9999", daybook="NONE"))
    assert len(rejected.value.messages) >= 3
    assert len(rejected.value.fields) >= 3
    assert rejected.value.reason_class in ("customer", "daybook", "period_closed")


async def test_one_complaint_that_nobody_knows_makes_the_whole_unclassified(qad):
    classes = tuple(known for known in qad.profile().errors if known.means != "daybook")
    with pytest.raises(Rejected) as rejected:
        await post(await qad.erp(errors=classes), qad.invoice(customer="C9999", daybook="NONE"))
    assert rejected.value.reason_class == "unclassified"
    assert len(rejected.value.messages) == 2


@pytest.mark.parametrize("code", ["SOMETHING_NEW", "", "0"])
async def test_a_code_that_the_profile_does_not_know_is_unclassified(qad, code):
    armed = qad.arm("business_error", count=1, code=code, field="customer_code", message="Nobody knows.")
    with pytest.raises(Rejected) as rejected:
        await post(await qad.erp(), qad.invoice())
    assert (rejected.value.reason_class, armed.fired, qad.documents()) == ("unclassified", 1, [])
    assert "Nobody knows." in rejected.value.messages[0]
    [field] = rejected.value.fields
    assert qad.profile().documents["invoice"].fields["customer"].endswith(field)


@pytest.mark.parametrize(
    ("code", "reason_class"), [("RECORD_LOCKED", "locked"), ("OPTIMISTIC_LOCK", "changed_meanwhile")]
)
async def test_a_lock_has_a_class_of_its_own(qad, code, reason_class):
    armed = qad.arm("business_error", count=1, code=code)
    with pytest.raises(Rejected) as rejected:
        await post(await qad.erp(), qad.invoice())
    assert (rejected.value.reason_class, armed.fired, qad.documents()) == (reason_class, 1, [])


@pytest.mark.parametrize(
    ("message", "family", "told"),
    [
        ("All sessions are in use.", Overloaded, "sessions are in use"),
        ("The workspace is not yours.", Refused, "shared sets of the service user"),
    ],
)
async def test_what_is_of_no_single_document_says_so(qad, message, family, told):
    armed = qad.arm("business_error", count=1, code="X", message=message)
    with pytest.raises(family, match=told):
        await post(await qad.erp(), qad.invoice())
    assert (armed.fired, qad.documents()) == (1, [])


async def test_a_refusal_tells_the_value_of_each_field_beside_its_words(qad):
    with pytest.raises(Rejected) as rejected:
        await post(await qad.erp(), qad.invoice(customer="C9999"))
    field = qad.profile().documents["invoice"].fields["customer"].rpartition(".")[2]
    assert rejected.value.values[rejected.value.fields.index(field)] == "C9999"


# -- a site that has not told its codes yet --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("prepare", "changes", "reason_class"),
    [
        (lock_january, {}, "period_closed"),
        (None, {"posting_date": date(2031, 1, 1)}, "period_closed"),
        (lambda qad: qad.control.set_account("CORP", "4100", is_active=False), {}, "gl_account"),
        (lambda qad: qad.control.set_customer("CORP", "C0001", is_locked_credit_limit=True), {}, "customer"),
        (lambda qad: qad.control.set_daybook("CORP", "ZINV", is_active=False), {}, "daybook"),
        (None, {"customer": "C9999"}, "customer"),
        (None, {"daybook": "ZCRN"}, "daybook"),
        (None, {"currency": "CHF"}, "currency"),
        (None, {"currency": "GBP", "posting_date": date(2026, 1, 12)}, "exchange_rate"),
        (None, {"description": "x" * 41}, "field"),
        (None, {"lines": (GlLine(account="9999", credit=Decimal(119)),)}, "gl_account"),
    ],
)
async def test_fields_and_english_words_sort_what_no_code_tells(qad, prepare, changes, reason_class):
    """What a new profile begins with, on a QAD whose codes are nobody's but its own."""
    if prepare is not None:
        prepare(qad)
    with pytest.raises(Rejected) as rejected:
        await post(await qad.erp(errors=DEFAULTS), qad.invoice(**changes))
    assert rejected.value.reason_class == reason_class


@pytest.mark.parametrize(
    ("field", "message", "reason_class"),
    [
        ("tcGLCode", "Invalid entry.", "gl_account"),
        ("tcDivisionCode", "Invalid entry.", "gl_account"),
        ("", "Combination is not allowed by the COA mask.", "gl_account"),
        ("tcDebtorCode", "Invalid entry.", "customer"),
        ("", "Customer is on credit hold.", "customer"),
        ("PostingDate", "Invalid entry.", "period_closed"),
        ("", "The GL period is locked for this entity.", "period_closed"),
        ("", "The posting is out of balance by 0.01.", "unbalanced"),
        ("customerCode", "Customer C1 already exists.", "duplicate"),
        ("customerCode", "The record is locked by another user.", "locked"),
        ("", "The concurrencyHash is not that of the record.", "changed_meanwhile"),
        ("AddressSearchName", "Field length should be less than 29.", "field"),
        ("", "Something that nobody has written down.", "unclassified"),
    ],
)
async def test_the_table_of_the_reference_is_what_a_new_profile_begins_with(field, message, reason_class):
    found = refusal([Complaint(code="4711", field=field, message=message)], DEFAULTS)
    assert isinstance(found, Rejected)
    assert found.reason_class == reason_class


@pytest.mark.parametrize(
    ("message", "family"),
    [("No agent is available.", Overloaded), ("Access is denied", Refused), ("Wrong workspace.", Refused)],
)
async def test_what_stops_or_slows_a_connection_is_known_from_the_first_day(message, family):
    assert type(refusal([Complaint(code="", field="", message=message)], DEFAULTS)) is family


@pytest.mark.parametrize("unique", ["custom_short_0", "reference"])
async def test_a_site_that_refuses_a_repeated_reference_says_duplicate(tmp_path, unique):
    async with qad_company(tmp_path) as qad:
        qad.control.change_settings({"books": {"unique_reference": [unique]}})
        erp, command = await qad.erp(), qad.invoice()
        await post(erp, command)
        with pytest.raises(Rejected) as rejected:
            await post(erp, command)
        assert rejected.value.reason_class == "duplicate"
        assert len(qad.documents()) == 1


async def test_the_plain_erp_takes_a_repeated_reference(qad):
    """Why a look-up comes before every second attempt: the stand-in is as careless as the real one."""
    erp, command = await qad.erp(), qad.invoice()
    await post(erp, command)
    await post(erp, command)
    assert len(qad.control.duplicates()) == 1


@pytest.mark.parametrize("status", [200, 400, 409, 422])
async def test_a_refusal_is_one_whatever_its_status(qad, status):
    qad.control.change_settings({"calls": {"business_failure_status": status}})
    with pytest.raises(Rejected) as rejected:
        await post(await qad.erp(), qad.invoice(customer="C9999"))
    assert rejected.value.reason_class == "customer"


async def test_a_refusal_with_a_servers_error_is_not_trusted(qad):
    qad.control.change_settings({"calls": {"business_failure_status": 500}})
    with pytest.raises(OutcomeUnknown):
        await post(await qad.erp(), qad.invoice(customer="C9999"))
