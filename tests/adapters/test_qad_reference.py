"""What QAD shows of its reference data: five lists, every page, in the tenant's columns; what is missing is said."""

from datetime import date

import msgspec
import pytest

from adapters.qad.profiles.lists import BROWSES
from sandbox.qad.books.master import PeriodStatus
from schemas.codec import encode
from schemas.errors import ConnectorError, Misconfigured, Refused, Transient
from schemas.references import Customer, Daybook, GlAccount, Period, QadCurrency
from tests.adapters.qad_company import ENTITY


async def read(references, name):
    return [one async for page in references.read(name) for one in page]


async def test_the_customers(qad):
    qad.control.set_customer("CORP", "C0003", is_active=False)
    qad.control.set_customer("CORP", "C0002", is_locked_credit_limit=True)
    shown = {one.code: one for one in await read(await qad.references(), "customers")}
    assert set(shown) == {"C0001", "C0002", "C0003", "C0004", "C0005"}
    assert shown["C0001"] == Customer(
        code="C0001",
        active=True,
        held=False,
        currency="USD",
        terms="NET30",
        zuora_account="A-00000001",
        name="Alder Analytics Inc.",
        search_name="Alder Analytics Inc.",
        city="Boston",
        postal_code="02110",
        email_domain="",
        tax_id="",
    )
    assert (shown["C0002"].held, shown["C0003"].active) == (True, False)


async def test_of_an_e_mail_address_its_domain_alone_is_kept(qad):
    relation = qad.server.installation.books.master.business_relations["BR0002"]
    relation.email = "Erika.Muster@Birke.EXAMPLE"
    shown = {one.code: one for one in await read(await qad.references(), "customers")}
    assert shown["C0002"].email_domain == "birke.example"
    assert b"rika" not in encode(shown["C0002"])


async def test_what_a_browse_has_no_column_for_is_not_said(qad):
    """What stands in the log of such a site is what stood there before these columns were known."""
    profile = qad.profile()
    columns = {word: profile.browses["customers"].columns[word] for word in ("code", "currency")}
    spec = msgspec.structs.replace(profile.browses["customers"], columns=columns)
    references = await qad.references(browses={**profile.browses, "customers": spec})
    shown = {one.code: one for one in await read(references, "customers")}
    assert encode(shown["C0001"]) == (
        b'{"type":"customer","v":1,"code":"C0001","active":true,"currency":"USD","held":false,"terms":"",'
        b'"zuora_account":"","gone":false}'
    )


async def test_the_accounts(qad):
    shown = {one.code: one for one in await read(await qad.references(), "gl_accounts")}
    assert shown["4000"] == GlAccount(
        code="4000",
        active=True,
        description="Subscription revenue",
        account_type="STANDARD",
        sub_account_required=True,
    )
    assert not shown["4900"].active
    assert shown["1200"].account_type == "CUSTOMER_CONTROL"


async def test_the_daybooks(qad):
    shown = {one.code: one for one in await read(await qad.references(), "daybooks")}
    assert shown["ZINV"] == Daybook(code="ZINV", active=True, daybook_type="CUSTOMER_INVOICE")
    assert not shown["OLDINV"].active


async def test_the_periods(qad):
    qad.control.set_period(ENTITY, 2026, 1, status=PeriodStatus.LOCKED)
    qad.control.set_period(ENTITY, 2026, 2, is_open_for_sales=False)
    shown = {one.code: one for one in await read(await qad.references(), "periods")}
    assert len(shown) == 36
    assert shown["2026-03"] == Period(
        code="2026-03", year=2026, period=3, first_day=date(2026, 3, 1), last_day=date(2026, 3, 31), open=True
    )
    assert not shown["2026-01"].open
    assert not shown["2026-02"].open
    assert shown["2027-02"].last_day == date(2027, 2, 28)


async def test_the_currencies(qad):
    shown = {one.code: one for one in await read(await qad.references(), "currencies")}
    assert {code: one.decimals for code, one in shown.items()} == {"USD": 2, "EUR": 2, "GBP": 2, "JPY": 0, "KWD": 3}
    assert shown["USD"] == QadCurrency(code="USD", decimals=2, active=True)


@pytest.mark.parametrize("name", BROWSES)
@pytest.mark.parametrize("page_size", [1, 2])
async def test_every_list_is_read_to_its_last_page(qad, name, page_size):
    whole = await read(await qad.references(), name)
    before = len(qad.requests("browse"))
    paged = await read(await qad.references(limits={"page_size": page_size}), name)
    assert paged == whole
    assert len(qad.requests("browse")) - before == -(-len(whole) // page_size)


async def test_a_page_that_the_erp_cuts_shorter_than_asked_is_no_end(qad):
    """The stand-in cuts pages without a word; the next page goes on where it stopped."""
    assert qad.server.installation.dialect.page_size_max < 999_999
    shown = await read(await qad.references(limits={"page_size": 999_999}), "gl_accounts")
    assert len(shown) == len(qad.server.installation.books.master.catalogues["CORP"].gl_accounts)


COLUMNS = [
    ("customers", "code"),
    ("customers", "active"),
    ("customers", "held"),
    ("customers", "currency"),
    ("customers", "zuora_account"),
    ("gl_accounts", "code"),
    ("gl_accounts", "sub_account_required"),
    ("daybooks", "type"),
    ("periods", "status"),
    ("periods", "first_day"),
    ("periods", "open_for_sales"),
    ("currencies", "decimals"),
]


@pytest.mark.parametrize(("name", "word"), COLUMNS)
async def test_a_column_that_qad_does_not_show_is_said_and_not_guessed(qad, name, word):
    references = await qad.references(browses=qad.changed({f"browses.{name}.columns.{word}": "notThere"}).browses)
    with pytest.raises(Misconfigured, match="notThere"):
        await read(references, name)


@pytest.mark.parametrize(("name", "word"), [("customers", "code"), ("periods", "year"), ("currencies", "decimals")])
async def test_a_word_that_is_needed_and_not_mapped_is_said(qad, name, word):
    profile = qad.profile()
    columns = {key: column for key, column in profile.browses[name].columns.items() if key != word}
    spec = msgspec.structs.replace(profile.browses[name], columns=columns)
    with pytest.raises(Misconfigured, match=repr(word)):
        await read(await qad.references(browses={**profile.browses, name: spec}), name)


@pytest.mark.parametrize(
    ("fault", "family"),
    [
        ("too_many_requests", Transient),
        ("forbidden", Refused),
        ("html_login", Transient),
        ("truncated_json", Transient),
    ],
)
async def test_a_list_that_is_cut_in_the_middle_is_never_a_shorter_list(qad, fault, family):
    references = await qad.references(limits={"page_size": 2})
    armed = qad.arm(fault, kind="browse", after=1, count=1)
    with pytest.raises(ConnectorError) as raised:
        await read(references, "customers")
    assert type(raised.value) is family
    assert armed.fired == 1


async def test_a_browse_that_is_not_there_is_said(qad):
    profile = qad.changed({"browses.currencies.browse_id": "urn:browse:currenciez"})
    references = await qad.references(browses=profile.browses)
    with pytest.raises(Misconfigured, match="currenciez"):
        await read(references, "currencies")


async def test_the_filter_of_a_browse_is_the_profiles(qad):
    profile = qad.profile()
    year = profile.browsing.where(profile.browses["periods"].columns["year"], "eq", "2026")
    references = await qad.references(browses=qad.changed({"browses.periods.filter": [year]}).browses)
    assert len(await read(references, "periods")) == 12


async def test_decimals_that_are_no_number_are_said(qad):
    code = qad.profile().browses["currencies"].columns["code"]
    references = await qad.references(browses=qad.changed({"browses.currencies.columns.decimals": code}).browses)
    with pytest.raises(Misconfigured):
        await read(references, "currencies")
