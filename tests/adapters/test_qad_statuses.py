"""A document that QAD has without its GL entry, or has made otherwise than it was sent: what each port says of it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from adapters.qad.asking.answers import judge_post
from adapters.qad.profiles.profile import Profile
from sandbox.qad.books.documents import DocumentKey
from schemas.errors import Misconfigured, OutcomeUnknown
from streams.ports import Erp, NoEntry
from tests.adapters.qad_company import QadCompany, post, qad_company, qxtend_template

WAYS = ("house", "elsewhere", "qxtend")
INITIAL = {"house": "Initial", "elsewhere": "1-Neu", "qxtend": "Initial"}
CANCELLED = {"house": "Cancelled", "elsewhere": "8-Storno", "qxtend": "Cancelled"}


@asynccontextmanager
async def speaking(way: str, directory: Path) -> AsyncIterator[tuple[QadCompany, Callable[[], Awaitable[Erp]]]]:
    async with qad_company(directory, "house" if way == "qxtend" else way) as company:
        yield company, (company.qxtend if way == "qxtend" else company.erp)


@pytest.fixture(params=WAYS)
def way(request) -> str:
    return request.param


def wait(company: QadCompany) -> None:
    company.control.change_settings({"books": {"payments_wait": True}})


async def test_a_receipt_that_waits_in_qad_has_made_no_entry_until_somebody_pays_it(way, tmp_path):
    async with speaking(way, tmp_path) as (company, speak):
        wait(company)
        erp, command = await speak(), company.receipt("50.00")
        answer = await post(erp, command)
        assert answer.no_entry == NoEntry(status=INITIAL[way])
        assert not answer.read_back
        assert not company.document(command)["is_posted"]
        found = await erp.find("receipt", command.reference)
        assert found is not None
        assert found.no_entry == NoEntry(status=INITIAL[way])
        company.control.pay_by_hand(_key(company, command), user="clerk")
        found = await erp.find("receipt", command.reference)
        assert found is not None
        assert found.no_entry is None
        [[shown]] = [page async for page in erp.find_all("receipt") if page]
        assert shown == found


async def test_a_receipt_that_was_cancelled_there_never_makes_it(way, tmp_path):
    async with speaking(way, tmp_path) as (company, speak):
        wait(company)
        erp, command = await speak(), company.receipt("50.00")
        await post(erp, command)
        company.control.cancel_by_hand(_key(company, command), user="clerk")
        found = await erp.find("receipt", command.reference)
        assert found is not None
        assert found.no_entry == NoEntry(status=CANCELLED[way], never=True)


async def test_a_receipt_that_is_paid_at_once_counts_at_once(way, tmp_path):
    async with speaking(way, tmp_path) as (company, speak):
        erp, command = await speak(), company.receipt("50.00")
        answer = await post(erp, command)
        assert (answer.no_entry, answer.read_back) == (None, False)
        assert company.document(command)["is_posted"]


async def test_a_profile_that_says_nothing_of_statuses_takes_each_document_as_posted(tmp_path):
    async with qad_company(tmp_path) as company:
        wait(company)
        silent = dict.fromkeys(("posted_when", "refused_when", "key.status", "find.status"), None)
        erp = await company.erp(company.changed({f"documents.receipt.{place}": none for place, none in silent.items()}))
        command = company.receipt("50.00")
        assert (await post(erp, command)).no_entry is None


async def test_where_the_answer_does_not_say_the_status_the_document_is_to_be_read_back(way, tmp_path):
    async with speaking(way, tmp_path) as (company, _):
        command = company.receipt("50.00")
        if way == "qxtend":
            erp = await company.qxtend(qxtend_template().replace(', status = "DDocumentStatus"', ""))
        else:
            erp = await company.erp(company.changed({"documents.receipt.key.status": None}))
        answer = await post(erp, command)
        assert (answer.no_entry, answer.read_back) == (NoEntry(status=""), True)
        found = await erp.find("receipt", command.reference)
        assert found is not None
        assert found.no_entry is None


SHOWN = {"house": ("originalAmount", "currencyCode"), "elsewhere": ("money.tcOriginalAmount", "money.tcCurrencyCode")}


@pytest.mark.parametrize("kind", ["invoice", "credit_note"])
@pytest.mark.parametrize("dialect", SHOWN)
async def test_an_answer_shows_the_total_that_qad_booked(dialect, kind, tmp_path):
    async with qad_company(tmp_path, dialect) as company:
        company.control.change_settings({"books": {"off_by": 0.01}})
        total, currency = SHOWN[dialect]
        negative = list(company.profile().documents[kind].negative)
        said = {"total": total, "currency": currency, "negative": negative}
        erp = await company.erp(
            company.changed({f"documents.{kind}.key.{word}": value for word, value in said.items()})
        )
        command = company.invoice("119.00") if kind == "invoice" else company.credit_note("40.00")
        answer = await post(erp, command)
        assert (answer.document.total, answer.document.currency) == (command.payload.total + Decimal("0.01"), "USD")
        assert company.document(command)["content"]["original_amount"] == answer.document.total


async def test_so_does_an_answer_of_qxtend(tmp_path):
    async with qad_company(tmp_path) as company:
        company.control.change_settings({"books": {"off_by": 0.01}})
        shown = 'voucher = "DInvoiceVoucher", total = "DInvoiceOriginalDebitTC", currency = "tcCurrencyCode" }'
        text = qxtend_template().replace('voucher = "DInvoiceVoucher" }', shown, 1)
        assert shown in text
        erp, command = await company.qxtend(text), company.invoice("119.00")
        answer = await post(erp, command)
        assert (answer.document.total, answer.document.currency) == (Decimal("119.01"), "USD")


async def test_read_back_is_asked_for_by_the_profile(way, tmp_path):
    async with speaking(way, tmp_path) as (company, _):
        command = company.invoice("119.00")
        if way == "qxtend":
            head = "[qxtend.documents.invoice]\n"
            erp = await company.qxtend(qxtend_template().replace(head, f"{head}read_back = true\n"))
        else:
            erp = await company.erp(company.changed({"documents.invoice.read_back": True}))
        assert (await post(erp, command)).read_back


BODY = {
    "submitResult": {"success": True},
    "customerInvoices": [{"postingYear": 2026, "daybookCode": "ZINV", "voucher": 7, "tax": "-19.005", "total": "x"}],
}


def judged(profile: Profile, **key: object) -> object:
    document = profile.documents["invoice"]
    document = msgspec.structs.replace(document, key=msgspec.structs.replace(document.key, **key))
    return judge_post(200, msgspec.json.encode(BODY), profile=profile, document=document)


async def test_tax_is_read_as_it_stands_and_an_amount_that_is_none_is_unknown(tmp_path):
    async with qad_company(tmp_path) as company:
        profile = company.profile()
        assert judged(profile, tax="tax", negative=("tax",)).tax == Decimal("19.005")
        with pytest.raises(OutcomeUnknown, match="no total that is an amount"):
            judged(profile, total="total")
        assert judged(profile, total="nowhere").document.total is None


POSTED, REFUSED = 'posted_when = ["Paid"]\n', 'refused_when = ["Cancelled"]\n'
COLUMN = 'allocated = "allocatedAmount"\nstatus = "status"\n'
WRONG = [
    ((COLUMN, 'allocated = "allocatedAmount"\n'), "names no column for status"),
    ((POSTED, ""), "posted_when is missing"),
    ((REFUSED, 'refused_when = ["PAID"]\n'), "stands in posted_when as well"),
    ((POSTED, "posted_when = []\n"), "posted_when is missing"),
]


@pytest.mark.parametrize(("change", "told"), WRONG)
@pytest.mark.parametrize("template", ["house", "qxtend"])
async def test_a_profile_whose_statuses_mean_nothing_is_refused(template, change, told, tmp_path):
    async with qad_company(tmp_path) as company:
        text = qxtend_template() if template == "qxtend" else company.profile_text()
        assert text.count(change[0]) == 1
        with pytest.raises(Misconfigured, match=told):
            company.profile(text.replace(*change))


async def test_reading_back_needs_a_look_up(tmp_path):
    async with qad_company(tmp_path) as company:
        head, find = "[documents.journal]\n", "[documents.journal.find]\n"
        before, _, after = company.profile_text().partition(find)
        text = before.replace(head, f"{head}read_back = true\n") + after.partition("\n\n")[2]
        with pytest.raises(Misconfigured, match=r"documents.journal\] read_back needs \[find\]"):
            company.profile(text)


def _key(company: QadCompany, command) -> DocumentKey:
    return DocumentKey(**company.document(command)["key"])
