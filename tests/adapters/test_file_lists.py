"""A site's lists: read as QAD's browses are, and never half; and the profile that names them."""

from datetime import date

import pytest

from adapters.files.lists import SiteLists
from adapters.files.profile import is_file_profile, load_file_profile
from adapters.qad.profiles.lists import BROWSES
from schemas.errors import Misconfigured, Transient
from schemas.references import Customer, Daybook, GlAccount, Period, QadCurrency
from tests.ports.files import Site

GOOD = {
    "customers": [("code", "currency", "active", "zuora_account", "more"), ("C0001", "USD", "yes", "A-1", "x")],
    "gl_accounts": [("code", "active", "cost_centre_required"), ("4100", "TRUE", "no")],
    "daybooks": [("code",), ("ZINV",)],
    "periods": [
        ("year", "period", "first_day", "last_day", "status"),
        ("2026", "3", "2026-03-01", "2026-03-31", "Open"),
    ],
    "currencies": [("code", "decimals"), ("JPY", "0")],
}


@pytest.fixture
def site(tmp_path):
    site = Site(tmp_path)
    for name, rows in GOOD.items():
        site.write_list(name, *rows)
    return site


@pytest.fixture
def profile(tmp_path):
    def load(text="", *, directory="site"):
        path = tmp_path / "profile.toml"
        path.write_text(f'surface = "file"\ndirectory = "{directory}"\n{text}', encoding="utf-8")
        return load_file_profile(path)

    return load


async def read(site, name, profile=None):
    lists = SiteLists(site.path, profile or site.profile)
    return [one async for page in lists.read(name) for one in page]


async def test_each_list_is_read(site):
    assert set(GOOD) == set(BROWSES)
    found = {name: (await read(site, name))[0] for name in GOOD}
    assert found == {
        "customers": Customer(code="C0001", active=True, currency="USD", zuora_account="A-1"),
        "gl_accounts": GlAccount(code="4100", active=True),
        "daybooks": Daybook(code="ZINV", active=True),
        "periods": Period(
            code="2026-03", year=2026, period=3, first_day=date(2026, 3, 1), last_day=date(2026, 3, 31), open=True
        ),
        "currencies": QadCurrency(code="JPY", decimals=0),
    }


async def test_a_site_may_call_its_columns_and_write_its_dates_otherwise(site, profile):
    chosen = profile(
        'delimiter = ";"\ndate_format = "%d.%m.%Y"\ntrue_values = ["ja"]\n'
        '[lists.periods.columns]\nyear = "Jahr"\nfirst_day = "von"\nlast_day = "bis"\nopen_for_sales = "Debitoren"\n'
    )
    path = site.write_list("periods")
    path.write_text("Jahr;period;von;bis;status;Debitoren\r\n2026;3;01.03.2026;31.03.2026;open;ja\r\n", "utf-8-sig")
    site.age(path)
    [period] = await read(site, "periods", chosen)
    assert (period.first_day, period.last_day, period.open) == (date(2026, 3, 1), date(2026, 3, 31), True)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "no column 'code' for code"),
        ("code,currency\n", "has no rows"),
        ("name\nx\n", "no column 'code' for code: export one, or name it in the profile"),
        ("code,currency\nC1,USD\nC2\n", "row 3: 1 columns where the header has 2"),
        ('code,currency\nC1,"US', "let the site export it again"),
        ("code,currency\n,USD\n", "no column gives 'code'"),
        ("code;currency\nC1;USD\n", "no column 'code'"),
    ],
)
async def test_a_list_that_is_cut_off_or_another_is_said_and_nothing_of_it_counts(site, content, words):
    path = site.write_list("customers")
    path.write_text(content)
    site.age(path)
    with pytest.raises(Misconfigured, match=words) as told:
        await read(site, "customers")
    assert str(path) in str(told.value)


async def test_a_list_in_another_encoding_is_said(site):
    path = site.write_list("customers")
    path.write_bytes("code\nMüller\n".encode("latin-1"))
    site.age(path)
    with pytest.raises(Misconfigured, match="not written in UTF-8"):
        await read(site, "customers")


async def test_a_list_that_is_missing_or_old_is_said_with_what_to_do(site):
    path = site.write_list("customers", *GOOD["customers"], age_s=40 * 3600)
    with pytest.raises(Misconfigured, match="40 hours old: let the site export it again"):
        await read(site, "customers")
    path.unlink()
    with pytest.raises(Misconfigured, match="is not there: let the site export it"):
        await read(site, "customers")


async def test_a_list_that_is_being_written_is_read_later(site):
    site.write_list("customers", *GOOD["customers"], age_s=0)
    with pytest.raises(Transient, match="is being written"):
        await read(site, "customers")


async def test_an_old_list_of_open_items_still_tells_of_an_opening(site):
    site.load_opening("OLD-1", kind="invoice")
    site.age(site.path / "lists" / "open_items.csv", 400 * 3600)
    assert SiteLists(site.path, site.profile).opening(number="OLD-1", item_kind="invoice", currency="USD") is not None


async def test_a_debit_memo_is_called_as_an_invoice_is(site, profile):
    chosen = profile('[open_items.types]\ninvoice = "INVOICE"\n')
    site.load_opening("OLD-1", kind="INVOICE")
    lists = SiteLists(site.path, chosen)
    assert lists.opening(number="OLD-1", item_kind="debit_memo", currency="USD") is not None
    with pytest.raises(Misconfigured, match="what the site calls a payment"):
        lists.opening(number="OLD-1", item_kind="payment", currency="USD")
    assert SiteLists(site.path, profile()).opening(number="OLD-1", item_kind="invoice", currency="USD") is None


# -- the profile -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("directry = 'x'", "the key 'directry' is not known"),
        ("[limits]\nsettle_s = 6\nage_s = 2", "settle_s must be above age_s"),
        ("date_format = '%B'", "does not write dates"),
        ("delimiter = '::'", "delimiter"),
        ("[lists.suppliers]", r"\[lists.suppliers\] is none of customers"),
        ("[lists.customers.columns]\nkode = 'x'", "'kode' is no word of ours"),
        ("[open_items.columns]\nnumero = 'x'", "'numero' is no word of ours"),
        ("[open_items.types]\nrefund = 'x'", "'refund' is none of"),
    ],
)
def test_a_profile_says_nothing_that_is_not_known(profile, text, words):
    with pytest.raises(Misconfigured, match=words):
        profile(text)


def test_a_profile_is_told_by_its_surface(tmp_path, profile):
    assert profile().directory == "site"
    assert is_file_profile(tmp_path / "profile.toml")
    other = tmp_path / "other.toml"
    for text in ("base_url = 'x'", 'surface = "files"', "= broken"):
        other.write_text(text)
        assert not is_file_profile(other)
    assert not is_file_profile(tmp_path / "none.toml")
