"""A site with a connection whose documents go into files: what its profile chooses, and what says that it cannot."""

import json
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from adapters.credentials.keys import make_key_file
from adapters.files.lists import SiteLists
from adapters.files.port import FileErp
from adapters.qad.profiles.lists import BROWSES
from console.config import load_site
from console.customers.linking import _open_items
from console.wiring import Wiring
from schemas.errors import Misconfigured
from tests.adapters.qad_company import post
from tests.adapters.test_file_lists import GOOD
from tests.console.test_linking import matched
from tests.ports.files import PROFILE, Site

ROOT = Path(__file__).resolve().parents[2]
CONFIGURATION = """
[kafka]
bootstrap = "127.0.0.1:1"

[tenants.acme]
base_url = "http://127.0.0.1:1"
poll = { start = 2026-01-01T00:00:00Z, interval_s = 60 }

[connections.acme-main]
tenant = "acme"
profile = "files.toml"
"""


@pytest.fixture
def site(tmp_path):
    (tmp_path / "ml-connector.toml").write_text(CONFIGURATION)
    (tmp_path / "files.toml").write_text(PROFILE)
    site = Site(tmp_path)
    for name, rows in GOOD.items():
        site.write_list(name, *rows)
    return site


@pytest.fixture
def wiring(site):
    return Wiring(load_site(site.path.parent / "ml-connector.toml"))


async def test_port_and_lists_are_those_of_the_directory_and_no_secret_is_asked_for(site, wiring):
    async with wiring.sink("acme-main") as erp, wiring.references("acme-main") as references:
        assert isinstance(erp, FileErp)
        assert isinstance(references, SiteLists)
        await post(erp, site.commands.invoice())
        counts = {name: len([one async for page in references.read(name) for one in page]) for name in BROWSES}
    assert (len(site.files()), counts) == (1, dict.fromkeys(BROWSES, 1))


def test_what_asks_qad_says_that_there_is_none(wiring):
    with pytest.raises(Misconfigured, match="acme-main go into files"):
        wiring.profile("acme-main")


async def test_what_a_link_affects_is_what_the_list_of_open_items_shows(site, wiring):
    header = ("number", "type", "year", "daybook", "voucher", "customer", "currency", "total", "open")
    rows = [
        (f"INV-{n}", "invoice", 2026, "ZINV", n, "C0001", "USD", "70.00", left)
        for n, left in enumerate((0, "30.00"), 1)
    ]
    other = ("INV-2", "invoice", 2026, "ZINV", 9, "C0002", "USD", "70.00", "70.00")
    site.write_list("open_items", header, *rows, other)
    found = await _open_items(wiring, "acme-main", [matched("INV-1"), matched("inv-2")])
    assert found == [("USD", Decimal("30.00"))]


def test_a_wrong_word_in_the_profile_is_said_with_its_place(site, wiring):
    (site.path.parent / "files.toml").write_text('surface = "file"\ndirectry = "site"\n')
    with pytest.raises(Misconfigured, match=r"files.toml, line 2: at the top: the key 'directry' is not known"):
        wiring.files("acme-main")


def test_the_secrets_that_are_needed_are_those_of_zuora(site):
    directory = site.path.parent
    make_key_file(directory / "credentials.key")
    command = [sys.executable, "-m", "console", "credentials", "check", "--json"]
    environment = {**os.environ, "ML_CONNECTOR_CONFIG": str(directory / "ml-connector.toml")}
    answer = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert answer.stdout, answer.stderr
    told = json.dumps(json.loads(answer.stdout))
    assert ("zuora/acme" in told, "qad/acme-main" in told) == (True, False)
