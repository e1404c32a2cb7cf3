"""The configuration is right or is refused at start, with file and place; no process finds out later."""

from datetime import UTC, datetime, timedelta

import pytest

from adapters.zuora.finding.schedule import Timetable, next_round_s
from console.config import load_site
from schemas.errors import Misconfigured

GOOD = """
[kafka]
bootstrap = "localhost:9092"

[tenants.acme]
base_url = "https://rest.eu.zuora.com"

[tenants.acme.poll]
interval_s = 300
start = 2026-01-01T00:00:00Z

[tenants.acme.callouts]
path = "/callouts/mV8b2T0xQkz5nR4wY7cJ1d"

[connections.acme-main]
tenant = "acme"
profile = "profile.toml"

[connections.acme-main.accounts]
field = "Entity__c"
values = ["EU"]

[connections.acme-us]
tenant = "acme"
profile = "profile-us.toml"
"""


@pytest.fixture
def load(tmp_path):
    path = tmp_path / "ml-connector.toml"

    def loaded(was="", becomes="", *, more=""):
        assert was in GOOD
        path.write_text(GOOD.replace(was, becomes, 1) + more, encoding="utf-8")
        return load_site(path)

    loaded.path = path
    return loaded


def test_a_good_one_loads(load):
    site = load()
    assert site.connections_of("acme") == ["acme-main", "acme-us"]
    assert [claim.connection for claim in site.claims_of("acme")] == ["acme-main", "acme-us"]
    assert site.claims_of("acme")[0].values == ("EU",)
    assert site.path("x.toml") == load.path.parent / "x.toml"
    assert site.config.tenants["acme"].poll.lag_s == 120
    assert site.config.kafka.replicas == 3


@pytest.mark.parametrize(
    ("was", "becomes", "said"),
    [
        ("[kafka]", "[kafkas]", "kafka"),
        ('bootstrap = "localhost:9092"', "", "bootstrap"),
        ("interval_s = 300", 'interval_s = "300"', "interval_s"),
        ("interval_s = 300", "intervall_s = 300", "intervall_s"),
        ("interval_s = 300", 'interval_s = 300\ncron = "* * * * *"', "either interval_s or cron"),
        ("interval_s = 300", "", "either interval_s or cron"),
        ("interval_s = 300", "interval_s = 0", "interval_s"),
        ("start = 2026-01-01T00:00:00Z", "", "start"),
        ("start = 2026-01-01T00:00:00Z", "start = 2026-01-01", "start"),
        ('tenant = "acme"', 'tenant = "acm"', "[tenants.acm]"),
        ("[connections.acme-us]", "[connections.Acme]", "lower-case"),
        ("[connections.acme-us]", '[connections."acme us"]', "lower-case"),
        ("[connections.acme-us]", "[connections.1st]", "lower-case"),
        ("[connections.acme-us]", f"[connections.{'a' * 32}]", "at most 31"),
        ('base_url = "https:', 'base_url = "http:', "https://"),
        ('path = "/callouts/mV8b2T0xQkz5nR4wY7cJ1d"', 'path = "/callouts"', "callouts.path"),
        ('path = "/callouts/mV8b2T0xQkz5nR4wY7cJ1d"', 'path = "callouts/mV8b2T0xQkz5nR4wY7cJ1d"', "callouts.path"),
        ('path = "/callouts/mV8b2T0xQkz5nR4wY7cJ1d"', 'path = "/callouts/mV8b2T0xQkz5nR4wY7c?1d"', "callouts.path"),
        ("[connections.acme-main]", '[tenants.acme.write_back]\nnumber = "A__c"\n\n[connections.acme-main]', "number"),
        (
            "[connections.acme-main]",
            '[tenants.acme.write_back]\ncustomer_code = "Balance"\n\n[connections.acme-main]',
            "write_back: 'Balance' is no custom field",
        ),
        (
            "[connections.acme-main]",
            '[tenants.acme.write_back]\ncustomer_code = "Q__c"\ndocument_number = "q__c"\n\n[connections.acme-main]',
            "are one field",
        ),
        (
            "[connections.acme-main]",
            '[tenants.acme.write_back]\ncustomer_code = "entity__c"\n\n[connections.acme-main]',
            "write_back writes into its field",
        ),
        ('field = "Entity__c"', 'feld = "Entity__c"', "feld"),
        ('values = ["EU"]', 'values = "EU"', "values"),
        ("[tenants.acme]", '[receiver]\nproxies = ["proxy.example"]\n\n[tenants.acme]', "receiver.proxies"),
        ("[tenants.acme]", '[receiver]\nproxies = ["10.1.0.1/24"]\n\n[tenants.acme]', "receiver.proxies"),
    ],
)
def test_what_cannot_be_is_refused_with_its_place(load, was, becomes, said):
    with pytest.raises(Misconfigured) as refused:
        load(was, becomes)
    sentence = str(refused.value)
    assert sentence.startswith(str(load.path))
    assert said in sentence
    assert "\n" not in sentence


def test_nothing_is_written_back_unless_it_is_said(load):
    assert not load().write_back_of("acme-main").on
    said = '[tenants.acme.write_back]\ntransferred = true\ndocument_number = "QADDocument__c"\n'
    settings = load("[connections.acme-main]", said + "\n[connections.acme-main]").write_back_of("acme-us")
    assert (settings.on, settings.transferred, settings.fields) == (True, True, ("QADDocument__c",))


def test_two_tenants_share_no_door(load):
    second = "[tenants.acme]" + GOOD.split("[tenants.acme]")[1].split("[connections.", maxsplit=1)[0]
    with pytest.raises(Misconfigured, match=r"share one callouts\.path"):
        load(more=second.replace("tenants.acme", "tenants.other"))


def test_several_problems_are_told_at_once(load):
    with pytest.raises(Misconfigured) as refused:
        load('base_url = "https:', 'base_url = "http:', more='[connections.B]\ntenant = "nobody"\nprofile = "p"\n')
    assert str(refused.value).count(";") >= 2


def test_a_callout_may_be_signed(load):
    path = 'path = "/callouts/mV8b2T0xQkz5nR4wY7cJ1d"'
    site = load(path, f'{path}\nhmac = {{ header = "X-S", algorithm = "sha512", output = "base64" }}')
    assert site.config.tenants["acme"].callouts.hmac.algorithm == "sha512"
    with pytest.raises(Misconfigured, match="algorithm"):
        load(path, f'{path}\nhmac = {{ algorithm = "md5" }}')


def test_a_start_without_a_zone_is_refused(load):
    with pytest.raises(Misconfigured):
        load("start = 2026-01-01T00:00:00Z", "start = 2026-01-01T00:00:00")


@pytest.mark.parametrize(
    "becomes", ["interval_s = -5", "interval_s = 300\noverlap_s = -1", "interval_s = 300\nlag_s = -1"]
)
def test_a_time_that_can_never_be_is_refused(load, becomes):
    with pytest.raises(Misconfigured):
        load("interval_s = 300", becomes)


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ('base_url = "https', 'budget.concurrency = 0\nbase_url = "https'),
        ('base_url = "https', 'budget.concurrency = -2\nbase_url = "https'),
        ('base_url = "https', 'budget.per_minute = 59\nbase_url = "https'),
        ('base_url = "https', 'budget.shares.poll = 0\nbase_url = "https'),
        ('bootstrap = "localhost:9092"', 'bootstrap = "localhost:9092"\npartitions = 0'),
        ('bootstrap = "localhost:9092"', 'bootstrap = "localhost:9092"\nreplicas = 0'),
        ('bootstrap = "localhost:9092"', 'bootstrap = ""'),
        ('tenant = "acme"', 'tenant = "acme"\nreference_interval_s = -1'),
        ("[kafka]", "[receiver]\nport = 70000\n[kafka]"),
        ("[kafka]", "[receiver]\nport = -1\n[kafka]"),
    ],
)
def test_a_number_that_can_never_work_is_refused(load, was, becomes):
    with pytest.raises(Misconfigured):
        load(was, becomes)


@pytest.mark.parametrize("claim", ['values = ["EU"]', 'field = "Entity__c"'])
def test_half_a_claim_is_refused(load, claim):
    with pytest.raises(Misconfigured):
        load('field = "Entity__c"\nvalues = ["EU"]', claim)


def test_a_tenant_that_no_connection_uses_is_refused(load):
    poll = "[tenants.idle.poll]\ninterval_s = 300\nstart = 2026-01-01T00:00:00Z\n"
    with pytest.raises(Misconfigured):
        load(more=f'[tenants.idle]\nbase_url = "https://rest.na.zuora.com"\n{poll}')


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost.example.com",
        "http://127.0.0.1.example.com",
        "http://127.0.0.1@example.com",
        "https://",
        "https://user:word@rest.eu.zuora.com",
    ],
)
def test_an_address_that_only_begins_like_this_machine_is_refused(load, url):
    with pytest.raises(Misconfigured):
        load("https://rest.eu.zuora.com", url)


# -- the schedule ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cron", ["every day", "* * * *", "61 * * * *", "0 0 31 2 *", "* * * * * * *", "a b c d e"])
def test_a_schedule_that_never_comes_is_refused_with_its_place(load, cron):
    with pytest.raises(Misconfigured, match=r"tenants\.acme\.poll\.cron"):
        load("interval_s = 300", f'cron = "{cron}"')


@pytest.mark.parametrize(
    ("cron", "now", "wait_s"),
    [
        ("*/5 * * * *", "2026-03-15T12:00:00+00:00", 300),
        ("*/5 * * * *", "2026-03-15T12:04:59+00:00", 1),
        ("0 6 * * *", "2026-03-15T07:00:00+02:00", 3600),
        ("0 0 29 2 *", "2026-03-15T00:00:00+00:00", 716 * 86400),
        # The night in which summer time begins in Europe: the schedule is in UTC.
        ("0 2 * * *", "2026-03-29T01:30:00+00:00", 1800),
        ("30 23 31 12 *", "2026-12-31T23:30:00+00:00", 365 * 86400),
    ],
)
def test_a_schedule_is_in_utc_wherever_one_sits(load, cron, now, wait_s):
    settings = load("interval_s = 300", f'cron = "{cron}"').config.tenants["acme"].poll
    assert next_round_s(settings, datetime.fromisoformat(now)) == wait_s


@pytest.mark.parametrize(
    ("cron", "now", "wait_s"),
    [
        # Berlin leaves 02:00 to 03:00 out: what would run then runs at three, and once.
        ("30 2 * * *", "2026-03-29T00:30:00+00:00", 1800),
        ("30 2 * * *", "2026-03-29T01:00:00+00:00", 23.5 * 3600),
        # 02:00 to 03:00 comes twice: a named moment runs in the first of the two, every half hour in both.
        ("30 2 * * *", "2026-10-25T00:00:00+00:00", 1800),
        ("30 2 * * *", "2026-10-25T00:30:00+00:00", 25 * 3600),
        ("*/30 * * * *", "2026-10-25T00:30:00+00:00", 1800),
        ("*/30 * * * *", "2026-10-25T01:00:00+00:00", 1800),
    ],
)
def test_a_schedule_in_a_zone_passes_the_nights_in_which_its_clocks_change(load, cron, now, wait_s):
    settings = load("interval_s = 300", f'cron = "{cron}"\nzone = "Europe/Berlin"').config.tenants["acme"].poll
    assert next_round_s(settings, datetime.fromisoformat(now)) == wait_s


def test_a_zone_that_is_none_is_refused_with_its_place(load):
    with pytest.raises(Misconfigured, match=r"tenants\.acme\.poll\.zone: 'Europe/Bonn'"):
        load("interval_s = 300", 'cron = "0 2 * * *"\nzone = "Europe/Bonn"')


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("[tenants.acme.poll.kinds.invoices]\ninterval_s = 60", r"poll\.kinds\.invoices: nothing of that name is read"),
        ("[tenants.acme.poll.kinds.invoice]", r"poll\.kinds\.invoice\.interval_s: say either"),
        ('[tenants.acme.poll.kinds.invoice]\ncron = "daily"', r"poll\.kinds\.invoice\.cron: 'daily'"),
    ],
)
def test_a_schedule_of_a_kind_is_checked_like_the_tenants(load, table, said):
    with pytest.raises(Misconfigured, match=said):
        load(more=table)


@pytest.fixture
def timetable(load):
    slow = "[tenants.acme.poll.kinds.account]\ninterval_s = 86400\n"
    nightly = '[tenants.acme.poll.kinds.payment]\ncron = "0 2 * * *"\nzone = "America/Los_Angeles"\n'
    settings = load(more=slow + nightly).config.tenants["acme"].poll
    return Timetable(settings, ("account", "invoice", "payment"))


NIGHT = datetime(2026, 3, 15, 8, 59, tzinfo=UTC)


def test_each_kind_follows_its_own_schedule_and_the_tenants_where_it_has_none(timetable):
    assert timetable.due(1000) == {"account", "invoice", "payment"}
    timetable.ran(timetable.due(1000), failed=frozenset(), at_s=1000, now=NIGHT)
    assert (timetable.due(1059), timetable.pause_s(1000)) == (set(), 60)
    assert timetable.due(1060) == {"payment"}
    timetable.ran(("payment",), failed=frozenset(), at_s=1060, now=NIGHT + timedelta(minutes=1))
    assert timetable.due(1300) == {"invoice"}
    timetable.ran(("invoice",), failed=frozenset(), at_s=1300, now=NIGHT + timedelta(minutes=5))
    assert timetable.due(1060 + 86_400) == {"account", "invoice", "payment"}


def test_what_failed_is_tried_again_soon_however_slow_its_schedule(timetable):
    timetable.ran(timetable.due(1000), failed=frozenset({"account"}), at_s=1000, now=NIGHT)
    assert timetable.due(1059) == set()
    assert "account" in timetable.due(1060)


def test_a_pause_is_a_pause(load):
    assert next_round_s(load().config.tenants["acme"].poll, datetime.now(UTC)) == 300
