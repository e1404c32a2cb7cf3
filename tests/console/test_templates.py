"""What `ml-connector init` writes: each file loads, and says what is still to be filled in."""

import re
import stat

import pytest
from click.testing import CliRunner

from adapters.credentials.keys import read_key
from adapters.qad.profile import BROWSES, DOCUMENT_KINDS, load_profile, unconfirmed
from adapters.settings import load_settings
from console.cli import main
from console.config import load_site
from console.publishing import problems_of
from console.schedule import check_schedule
from schemas.errors import Misconfigured
from schemas.mapping import Mapping
from tests.adapters.defects import defect


def run(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture
def written(tmp_path):
    def init(tenant="acme", connection="acme-main"):
        result = run("init", tmp_path / "site", "--tenant", tenant, "--connection", connection)
        assert result.exit_code == 0, result.output
        return tmp_path / "site"

    return init


@pytest.mark.parametrize(
    ("tenant", "connection"), [("acme", "acme-main"), ("t", "c"), ("tenant", "connection"), ("a-1", "profile")]
)
def test_the_configuration_loads_under_any_names(written, tenant, connection):
    site = load_site(written(tenant, connection) / "ml-connector.toml")
    assert list(site.config.tenants) == [tenant]
    assert list(site.config.connections) == [connection]
    assert site.connections_of(tenant) == [connection]
    check_schedule(site.config.tenants[tenant].poll, "tenants")
    assert site.path(site.config.connections[connection].profile).is_file()


def test_what_is_commented_out_can_be_let_in(written):
    path = written() / "ml-connector.toml"
    text = re.sub(r"(?m)^# (?=\[|path|field|values)", "", path.read_text())
    assert text != path.read_text()
    path.write_text(text.replace("AT-LEAST-22-RANDOM-CHARACTERS", "mV8b2T0xQkz5nR4wY7cJ1d"))
    site = load_site(path)
    assert site.config.tenants["acme"].callouts is not None
    assert site.config.connections["acme-main"].accounts.field == "Entity__c"


def test_the_profile_loads_and_every_part_waits_to_be_confirmed(written):
    path = written() / "profile-acme-main.toml"
    path.write_text(path.read_text().replace("https://TENANT/", "https://erp.example.com/").replace("ENTITY", "10US"))
    profile = load_profile(path)
    parts = [*(f"documents.{kind}" for kind in DOCUMENT_KINDS), *(f"browses.{name}" for name in BROWSES)]
    assert sorted(unconfirmed(profile)) == sorted(parts)


def test_the_mapping_loads_and_contradicts_itself_nowhere(written):
    mapping = load_settings(written() / "mapping-acme-main.toml", Mapping)
    assert problems_of(mapping) == []
    assert mapping.policy.suspense is None


def test_the_suspense_row_can_be_let_in(written):
    path = written() / "mapping-acme-main.toml"
    path.write_text(path.read_text().replace("# suspense", "suspense"))
    assert load_settings(path, Mapping).policy.suspense.account == "1999"


def test_the_key_is_private_and_good(written):
    site = written()
    assert stat.S_IMODE((site / "credentials.key").stat().st_mode) == 0o400
    assert read_key(site / "credentials.key").id


@pytest.mark.parametrize(
    "name", ["ml-connector.toml", "profile-acme-main.toml", "mapping-acme-main.toml", "credentials.key"]
)
def test_nothing_is_written_over(tmp_path, name):
    (tmp_path / name).write_text("mine")
    result = run("init", tmp_path)
    assert result.exit_code == 2
    assert name in result.output
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "mine"


def test_no_secret_stands_in_what_is_written(written):
    site = written()
    key = (site / "credentials.key").read_text().strip()
    for path in site.glob("*.toml"):
        assert key not in path.read_text()
        assert "password = " not in path.read_text().replace('grant = "password"', "")


@defect(
    "adapters/qad/profile.py, console/config.py: TENANT, DOMAIN_ENTITY, ENTITY and `ask` are taken as they stand; a "
    "person is told by a name that does not resolve. A placeholder that is left should be said by name"
)
@pytest.mark.parametrize("part", ["profile", "mapping"])
def test_what_is_still_to_be_filled_in_is_said(written, part):
    site = written()
    try:
        if part == "profile":
            profile = load_profile(site / "profile-acme-main.toml")
            said = " ".join(unconfirmed(profile))
        else:
            said = " ".join(problems_of(load_settings(site / "mapping-acme-main.toml", Mapping)))
    except Misconfigured as error:
        said = str(error)
    assert ("base_url" in said or "TENANT" in said) if part == "profile" else "deferral_system" in said


@defect(
    "console/commands/setup.py init: a name that the configuration will not take is written all the same; the files do "
    "not load, and a second init refuses because they are there"
)
@pytest.mark.parametrize(
    "names", [("Acme Inc", "acme-main"), ("acme", "Main Book"), ("acme", "../other"), ("a]b", "c")]
)
def test_a_name_that_cannot_be_is_refused_before_anything_is_written(tmp_path, names):
    result = run("init", tmp_path / "site", "--tenant", names[0], "--connection", names[1])
    assert result.exit_code == 2
    assert not (tmp_path / "site").exists() or not list((tmp_path / "site").iterdir())
