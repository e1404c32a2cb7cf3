"""What `ml-connector init` writes: each file loads, and says what is still to be filled in."""

import json
import re
import stat
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from adapters.credentials.keys import read_ring
from adapters.files.profile import FileProfile, load_file_profile
from adapters.qad.profiles.checks import load_profile
from adapters.qad.profiles.documents import DOCUMENT_KINDS, OPTIONAL_KINDS
from adapters.qad.profiles.lists import BROWSES
from adapters.qad.profiles.wording import DEFAULTS
from adapters.settings import load_settings
from console.cli import main
from console.config import load_site
from console.publishing import problems_of
from schemas.errors import Misconfigured
from schemas.mapping import Mapping

ROOT = Path(__file__).parents[2]


def run(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture
def written(tmp_path):
    def init(tenant="acme", connection="acme-main"):
        result = run("init", tmp_path / "site", "--tenant", tenant, "--connection", connection)
        assert result.exit_code == 0, result.output
        return tmp_path / "site"

    return init


def filled_in(path, word="10US"):
    """Fill in every blank of a file; return its path."""
    path.write_text(re.sub(r"<[A-Z]+>", word, path.read_text()))
    return path


@pytest.mark.parametrize(
    ("tenant", "connection"), [("acme", "acme-main"), ("t", "c"), ("tenant", "connection"), ("a-1", "profile")]
)
def test_the_configuration_loads_under_any_names(written, tenant, connection):
    site = load_site(written(tenant, connection) / "ml-connector.toml")
    assert list(site.config.tenants) == [tenant]
    assert list(site.config.connections) == [connection]
    assert site.connections_of(tenant) == [connection]
    assert site.path(site.config.connections[connection].profile).is_file()


def test_what_is_commented_out_can_be_let_in(written):
    path = written() / "ml-connector.toml"
    text = re.sub(r"(?m)^# (?=\[|path|field|values|cron|zone)", "", path.read_text())
    assert text != path.read_text()
    path.write_text(text.replace("AT-LEAST-22-RANDOM-CHARACTERS", "mV8b2T0xQkz5nR4wY7cJ1d"))
    site = load_site(path)
    assert site.config.tenants["acme"].callouts is not None
    assert site.config.connections["acme-main"].accounts.field == "Entity__c"


def test_the_profile_loads_and_every_part_waits_to_be_confirmed(written):
    profile = load_profile(filled_in(written() / "profile-acme-main.toml"))
    parts = [
        *(f"documents.{kind}" for kind in (*DOCUMENT_KINDS, *OPTIONAL_KINDS)),
        *(f"browses.{name}" for name in BROWSES),
    ]
    assert sorted(profile.unconfirmed) == sorted(
        [*parts, "open_items", "balances", "gl_transactions", "adjustment_lines"]
    )


@pytest.fixture
def through_qxtend(tmp_path):
    path = tmp_path / "profile.toml"
    result = run("qad", "profile", "init", path, "--qxtend")
    assert result.exit_code == 0, result.output
    return path


def test_a_profile_through_qxtend_loads_and_every_part_waits_to_be_confirmed(through_qxtend):
    with pytest.raises(Misconfigured, match="is still <HOST>"):
        load_profile(through_qxtend)
    profile = load_profile(filled_in(through_qxtend))
    parts = [
        "qxtend",
        *(f"qxtend.documents.{kind}" for kind in (*DOCUMENT_KINDS, *OPTIONAL_KINDS)),
        *(f"browses.{name}" for name in BROWSES),
    ]
    assert sorted(profile.unconfirmed) == sorted(
        [*parts, "open_items", "balances", "gl_transactions", "adjustment_lines"]
    )
    assert profile.errors == DEFAULTS
    assert profile.concurrency == 1


def with_tax_rows(template):
    """Return a profile for QXtend with what it has for tax rows let in."""
    text, count = re.subn(r'(?m)^# (\[+qxtend\..*|\w+ = ".*")$', r"\1", template)
    assert count == 2 * 17
    return text.replace(", DInvoiceIsTaxable = false }", " }")


def test_what_is_written_for_qxtend_is_what_the_stand_in_is_spoken_to_with(through_qxtend):
    """The stand-in's is tried by every test: the template must not become another."""
    ours = tomllib.loads((ROOT / "sandbox" / "world" / "qxtend.toml").read_text())["qxtend"]
    template = tomllib.loads(with_tax_rows(through_qxtend.read_text()))["qxtend"]
    assert template.pop("confirmed") is False
    assert {kind: part.pop("confirmed") for kind, part in template["documents"].items()} == dict.fromkeys(
        ours["documents"], False
    )
    assert template["documents"] == ours["documents"]
    assert template.keys() == ours.keys()


def test_the_profile_begins_with_the_words_that_are_known(written):
    profile = load_profile(filled_in(written() / "profile-acme-main.toml"))
    assert profile.errors == DEFAULTS


def test_the_mapping_loads_and_contradicts_itself_nowhere(written):
    mapping = load_settings(filled_in(written() / "mapping-acme-main.toml"), Mapping)
    assert problems_of(mapping) == []
    assert mapping.policy.suspense is None


def test_the_suspense_row_can_be_let_in(written):
    path = filled_in(written() / "mapping-acme-main.toml")
    path.write_text(path.read_text().replace("# suspense", "suspense"))
    assert load_settings(path, Mapping).policy.suspense.account == "1999"


def test_the_key_is_private_and_good(written):
    site = written()
    assert stat.S_IMODE((site / "credentials.key").stat().st_mode) == 0o400
    assert read_ring(site / "credentials.key").active.id


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


@pytest.mark.parametrize(
    ("part", "blanks"),
    [
        ("profile", ["base_url is still <TENANT>", "workspace is still <DOMAIN>", "entity is still <ENTITY>"]),
        (
            "profile",
            ["documents.invoice.constants.entityCode is still <ENTITY>", "balances.filter[0] is still <ENTITY>"],
        ),
        ("mapping", ["policy.deferral_system is still <SYSTEM>"]),
    ],
)
def test_what_is_still_to_be_filled_in_is_said_by_its_place(written, part, blanks):
    load = load_profile if part == "profile" else lambda path: load_settings(path, Mapping)
    with pytest.raises(Misconfigured) as refused:
        load(written() / f"{part}-acme-main.toml")
    assert [blank for blank in blanks if blank not in str(refused.value)] == []


def test_no_blank_is_one_that_a_person_would_not_see(written):
    """Whatever init writes in capitals of a template is a blank in brackets, or is named after what was given."""
    for path in written().glob("*.toml"):
        assert re.findall(r"(?<![<A-Z_])(?:TENANT|CONNECTION|DOMAIN|ENTITY)(?![>A-Z_])", uncommented(path)) == []


def uncommented(path):
    return "\n".join(line for line in path.read_text().splitlines() if not line.startswith("#"))


@pytest.mark.parametrize(
    "names", [("Acme Inc", "acme-main"), ("acme", "Main Book"), ("acme", "../other"), ("a]b", "c")]
)
def test_a_name_that_cannot_be_is_refused_before_anything_is_written(tmp_path, names):
    result = run("init", tmp_path / "site", "--tenant", names[0], "--connection", names[1])
    assert result.exit_code == 2
    assert not (tmp_path / "site").exists() or not list((tmp_path / "site").iterdir())


def test_a_mapping_that_nobody_could_read_is_said_in_json_as_well(written):
    site = written()
    filled_in(site / "profile-acme-main.toml")
    configuration = site / "ml-connector.toml"
    text = configuration.read_text()
    # Nobody listens there, on any machine.
    configuration.write_text(text.replace('bootstrap = "localhost:9092"', 'bootstrap = "127.0.0.1:1"'))
    checked = CliRunner().invoke(
        main, ["qad", "profile", "check", "--json"], env={"ML_CONNECTOR_CONFIG": str(configuration)}
    )
    assert checked.exit_code == 3, checked.output
    assert "no Kafka answers at 127.0.0.1:1" in json.loads(checked.stdout)["mapping_not_read"]


@pytest.fixture
def into_files(tmp_path):
    result = run("init", tmp_path / "site", "--connection", "books", "--files")
    assert result.exit_code == 0, result.output
    assert f"mkdir -p {tmp_path / 'site' / 'books-files'}/done" in result.output
    return tmp_path / "site"


def test_a_profile_of_files_loads_as_it_is_and_says_what_is_there_without_it(into_files):
    profile = load_file_profile(into_files / "profile-books.toml")
    assert profile == FileProfile(surface="file", directory="books-files")


def test_what_is_commented_out_in_a_profile_of_files_can_be_let_in(into_files):
    path = into_files / "profile-books.toml"
    path.write_text(re.sub(r"(?m)^# (?=\[|code =|types|negative|open =)", "", path.read_text()))
    profile = load_file_profile(path)
    assert profile.lists["customers"].columns == {"code": "Customer No"}
    assert (profile.open_items.type_of("credit_memo"), profile.open_items.sign_of("PRE")) == ("CRN", -1)


def test_a_site_of_files_is_checked_and_its_directory_asked_for(into_files):
    known = {"ML_CONNECTOR_CONFIG": str(into_files / "ml-connector.toml")}
    checked = CliRunner().invoke(main, ["qad", "profile", "check", "-c", "books", "--json"], env=known)
    assert checked.exit_code == 0, checked.output
    (into_files / "profile-books.toml").write_text('surface = "file"\ndirectory = "x"\nlimits = { settle_s = 3 }\n')
    refused = CliRunner().invoke(main, ["qad", "profile", "check", "-c", "books"], env=known)
    assert isinstance(refused.exception, Misconfigured) or "settle_s must be above" in refused.output
    assert refused.exit_code != 0


def test_a_profile_of_files_alone_is_the_same(into_files, tmp_path):
    assert run("qad", "profile", "init", tmp_path / "one.toml", "-c", "books", "--files").exit_code == 0
    assert (tmp_path / "one.toml").read_text() == (into_files / "profile-books.toml").read_text()
    both = run("qad", "profile", "init", tmp_path / "two.toml", "--files", "--qxtend")
    assert (both.exit_code, "--qxtend or --files" in both.output) == (2, True)
