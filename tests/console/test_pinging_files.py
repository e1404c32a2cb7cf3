"""`ping` where documents go into files: what a newcomer has to mend is said, thing by thing."""

import pytest

from console.pinging.files import try_files
from tests.adapters.qad_company import post
from tests.adapters.test_file_lists import GOOD
from tests.ports.files import Site


@pytest.fixture
def site(tmp_path):
    site = Site(tmp_path)
    for name, rows in GOOD.items():
        site.write_list(name, *rows)
    return site


async def tried(site):
    return {trial.what: trial for trial in await try_files(site.path, site.profile)}


async def test_what_is_in_order_is_counted(site):
    erp = await site.port()
    for _ in range(2):
        await post(erp, site.commands.invoice())
    site.files()[0].rename(site.path / "done" / site.files()[0].name)
    found = await tried(site)
    assert [what for what, trial in found.items() if not trial.ok] == []
    assert found[f"directory {site.path}"].found == "1 to be taken, 1 in done"
    assert found["list of customers"].found == "1 rows"
    assert found["documents refused by the site's import"].found == "none"


async def test_lists_of_the_books_are_tried_where_they_are_and_said_where_they_are_not(site):
    site.write_list("balances", ("account", "currency", "debit", "credit"), ("1200", "EUR", "1.00", "0"))
    site.write_list("documents", ("year",), ("2026",))
    found = await tried(site)
    assert (found["list of balances"].ok, found["list of balances"].found) == (True, "1 rows")
    assert not found["list of documents"].ok
    assert "no column 'currency'" in found["list of documents"].next_step
    left_out = found["list of adjustment_lines"]
    assert (left_out.ok, left_out.found.startswith("not there: reconcile leaves out allocations")) == (True, True)


async def test_each_thing_that_is_missing_is_said_and_keeps_no_other_from_being_tried(site):
    site.write_list("customers", ("name",), ("x",))
    (site.path / "lists" / "daybooks.csv").unlink()
    site.write_list("periods", *GOOD["periods"], age_s=100 * 3600)
    (site.path / "refused").rmdir()
    wrong = {what: trial.next_step for what, trial in (await tried(site)).items() if not trial.ok}
    assert set(wrong) == {
        f"directory {site.path}",
        *(f"list of {name}" for name in ("customers", "daybooks", "periods")),
    }
    assert "mount or make it" in wrong[f"directory {site.path}"]
    assert "no column 'code'" in wrong["list of customers"]
    assert "is not there" in wrong["list of daybooks"]
    assert "100 hours old" in wrong["list of periods"]


async def test_what_the_site_has_refused_is_named_with_its_reason(site):
    erp = await site.port()
    await post(erp, site.commands.invoice())
    [path] = site.files()
    refused = path.rename(site.path / "refused" / path.name)
    refused.with_name(f"{refused.name}.reason.txt").write_text("no such account")
    trial = (await tried(site))["documents refused by the site's import"]
    assert (trial.ok, trial.found) == (False, f"{path.name} (no such account); 1 in all")
