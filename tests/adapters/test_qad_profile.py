"""A QAD profile says what it means or is refused, with file and place; what is not confirmed is known by name."""

import tomllib
from pathlib import Path

import msgspec
import pytest
from jsonschema import Draft202012Validator

from adapters.qad.profiles.checks import load_profile
from adapters.qad.profiles.documents import DOCUMENT_KINDS, OPTIONAL_KINDS
from adapters.qad.profiles.lists import BROWSES
from adapters.qad.profiles.profile import Profile
from adapters.qad.profiles.refusals import CAPACITY, STOPS, TRANSIENT
from adapters.qad.profiles.schema import profile_schema
from schemas.errors import Misconfigured
from streams.mending import who_mends
from streams.sink.meanings import MEANINGS
from tests.adapters.qad_company import DIALECTS, profile_text

URL = "https://erp.example.com/clouderp"


@pytest.fixture
def load(tmp_path):
    """Load the template after one change; return the path with it."""
    path = tmp_path / "profile.toml"

    def loaded(was="", becomes=""):
        text = profile_text(URL)
        assert was in text
        path.write_text(text.replace(was, becomes, 1), encoding="utf-8")
        return load_profile(path)

    loaded.path = path
    return loaded


def test_the_template_loads_whole_and_confirmed(load):
    profile = load()
    assert set(profile.documents) == {*DOCUMENT_KINDS, *OPTIONAL_KINDS}
    assert set(profile.browses) == set(BROWSES)
    assert profile.unconfirmed == []


def test_every_class_is_in_the_table_for_whoever_writes_a_profile():
    """With whom it calls, as `parked` says it."""
    text = (Path(__file__).parents[2] / "docs" / "qad.md").read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("| `")]
    said = {name.strip("` "): row[2] for row in rows if len(row) == 4 for name in row[0].split(",")}
    assert said.keys() == {*MEANINGS, TRANSIENT, CAPACITY, *STOPS}
    assert {name: said[name] for name in MEANINGS} == {name: who_mends(name) for name in MEANINGS}


def test_every_class_that_the_sink_knows_is_in_the_template(load):
    assert {known.means for known in load().errors} == {*MEANINGS, "capacity", "permission", "workspace"}


def test_what_a_receipt_carries_is_a_column_of_receipts_alone(load):
    assert load().documents["receipt"].find.allocated == "allocatedAmount"
    assert load('allocated = "allocatedAmount"\n', "").documents["receipt"].find.allocated == ""
    invoices = 'prefix = "customerInvoice"\n'
    with pytest.raises(Misconfigured, match=r"documents.invoice\] find: allocated is a column of receipts alone"):
        load(invoices, f'{invoices}allocated = "allocatedAmount"\n')


def test_the_hash_names_the_content_and_nothing_else(load):
    assert load().content_hash == load().content_hash
    assert load("page_size = 500", "page_size = 499").content_hash != load().content_hash
    assert load("# -- documents", "# -- other words").content_hash == load().content_hash


@pytest.mark.parametrize(
    ("was", "becomes", "place", "line"),
    [
        ('grant = "password"', 'grant = "password"\nsecret = "x"', "auth: the key 'secret' is not known", True),
        ("timeout_s = 4.0", 'timeout_s = "4"', "limits.timeout_s", True),
        ("concurrency = 8", "concurrency = 8.5", "limits.concurrency", True),
        ("definite = [429]", 'definite = "429"', "definite", True),
        ('grant = "password"', 'grant = "magic"', "auth.grant", True),
        ('under = "postingLines"', 'unter = "postingLines"', "documents", False),
        ('prefix = "customerV2"', 'praefix = "customerV2"', "browses", True),
        ('means = "duplicate"', 'meaning = "duplicate"', "errors", True),
        (f'base_url = "{URL}"', f'base_urls = "{URL}"', "base_urls", True),
        ("[open_items.find]", "[open_items.finds]", "open_items", False),
        ('voucher = "voucher" }', "voucher = 5 }", "documents", False),
        ('codes = ["RATE_MISSING"]', "codes = [7]", "errors[4].codes[0]", False),
    ],
)
def test_what_is_not_known_or_wrong_is_said_with_its_place(load, was, becomes, place, line):
    with pytest.raises(Misconfigured) as refused:
        load(was, becomes)
    sentence = str(refused.value)
    assert sentence.startswith(str(load.path))
    assert place in sentence
    assert "\n" not in sentence
    if line:
        number = load.path.read_text(encoding="utf-8").split("\n").index(becomes.split("\n")[-1]) + 1
        assert f", line {number}:" in sentence


@pytest.mark.parametrize(
    ("was", "becomes", "sentence"),
    [
        ("settle_s = 7.0", "settle_s = 6.0", "settle_s must be above"),
        (f'base_url = "{URL}"', 'base_url = "http://erp.example.com"', "https://"),
        (f'base_url = "{URL}"', 'base_url = "ftp://erp.example.com"', "https://"),
        (f'base_url = "{URL}"', 'base_url = ""', "https://"),
        ("[browses.periods]", "[browses.period]", "[browses.periods] is missing"),
        (
            'reference = "customShort0"\nnumber = "reference"\ncustomer',
            'referenz = "a"\ncustomer',
            "'referenz' is no word",
        ),
        ('reference = "customShort0"\nnumber = "reference"\ncustomer', "customer", "machine reference"),
        ('sequence = "sequence"', 'sequenz = "sequence"', "'sequenz' is no word"),
    ],
)
def test_what_cannot_be_is_said(load, was, becomes, sentence):
    with pytest.raises(Misconfigured, match=r"profile\.toml") as refused:
        load(was, becomes)
    assert sentence in str(refused.value)


@pytest.mark.parametrize(
    ("was", "becomes", "sentence"),
    [
        ("settle_s = 7.0", "settle_s = 6.0", "[limits] settle_s must"),
        (f'base_url = "{URL}"', 'base_url = "ftp://erp.example.com"', "base_url must"),
        ('sequence = "sequence"', 'sequenz = "sequence"', "[documents.invoice] lines fields: 'sequenz' is no word"),
        ('means = "period_closed"', 'means = "perod_closed"', "[errors[0]] means 'perod_closed'"),
    ],
)
def test_what_cannot_be_is_said_with_its_line(load, was, becomes, sentence):
    with pytest.raises(Misconfigured) as refused:
        load(was, becomes)
    line = load.path.read_text(encoding="utf-8").split("\n").index(becomes) + 1
    assert f"line {line}: {sentence}" in str(refused.value)


@pytest.mark.parametrize(
    ("was", "becomes", "sentence"),
    [
        # Words that mean nothing would be met when a document is on its way, or never.
        ('entity = "10USACO"', 'entity = ""', "entity is empty"),
        ('path = "/api/erp/customerInvoices"', 'path = "@erp.example.com/x"', "[documents.invoice] path '@erp"),
        ('path = "/api/erp/customerInvoices"', 'path = "/x?y=1"', "must begin with / and have no query"),
        ('path = "/oauth/token"', 'path = ""', "[auth] path '' must begin with /"),
        ('tax_code = "taxCode"\n', "", "[documents.invoice] tax_rows: no field is named for tax_code"),
        ('base = "baseAmount"\n', "", "tax_rows: no field is named for base"),
        (
            'tax = "taxAmount"\n\n[documents.invoice.find]',
            "\n[documents.invoice.find]",
            "no field is named for tax:",
        ),
        ("[auth]\n", 'yes = "J"\nno = "J"\n\n[auth]\n', "yes and no are the same"),
        ('list = "customerInvoices"', 'list = ""', "[documents.invoice] list is empty"),
        ('voucher = "voucher" }', 'voucher = "" }', "key voucher is empty"),
        ('reference = "customShort0"', "reference = []", "no field is named for the machine reference"),
        ('number = "reference"', "number = []", "'number' names no field"),
        ('posting_date = "postingDate"\n', "", "no field is named for posting_date: QAD would take"),
        ('currency = "currencyCode"\n', "", "no field is named for currency"),
        ('account = "glAccountCode"\n', "", "its GL lines would not be sent"),
        ('debit = "debitAmount"\n', "", "a side that is not named would not be sent"),
        (
            '"customerInvoice"\nreference = "customShort0"',
            '"customerInvoice"\nreference = ""',
            "find: reference is empty",
        ),
        ('columns = { code = "customerCode"', 'columns = { code = ""', "the column for 'code' is empty"),
        ('codes = ["RATE_MISSING"]', 'codes = ["RATE_MISSING", ""]', "an empty text is in every message"),
        ("[auth]\n", '[headers]\nX-Site = "a\\nb"\n[auth]\n', "[headers] X-Site: no call takes"),
        ("[auth]\n", '[headers]\nauthorization = "x"\n[auth]\n', "Authorization is ours to send"),
        ("[auth]\n", "[envelope]\nno = []\n[auth]\n", "success needs values of yes and of no"),
        ("[auth]\n", '[envelope]\nrecords = "a.b"\nempty = ["a"]\n[auth]\n', "the records stand under a"),
        # A profile that would write one field twice, or a value where another has objects.
        ('due_date = "dueDate"', 'due_date = "postingDate"', "postingDate is written 2 times"),
        ('due_date = "dueDate"', 'due_date = "postingDate.due"', "stands inside postingDate"),
        ('due_date = "dueDate"', 'due_date = "due..date"', "'due..date' is no field"),
        ('debit = "debitAmount"\n', 'debit = "debitAmount"\nsigned = "amount"\n', "signed is debit and credit in one"),
        ('under = "postingLines"', 'under = "postingLines"\nnegative = ["text"]', "'text' is no amount"),
        ("definite = [429]", "definite = [429]\nlengths = { descripton = 40 }", "'descripton' is no word of ours"),
        ("definite = [429]", 'definite = [429]\nheaders = { x = "{entitiy}" }', "{entitiy} is none of"),
        ("[auth]", '[browsing]\ncondition = "{column},{value}"\n\n[auth]', "does not say {operator}"),
        ("[auth]", "[envelope]\nno = [true]\n\n[auth]", "a value in common"),
        ("[auth]", "[numbers]\ndecimals = 11\n\n[auth]", "numbers.decimals"),
        ("[auth]", '[browsing]\npage = ""\n\n[auth]', "browsing.page"),
        ("[browses.currencies]\n", '[browses.currencies]\nvalues = { active = { J = "yes" } }\n', "for 'active'"),
    ],
)
def test_what_would_not_be_what_it_says_is_refused(load, was, becomes, sentence):
    with pytest.raises(Misconfigured) as refused:
        load(was, becomes)
    assert sentence in str(refused.value)


READ = '{ does = "read", path = "/api/x", params = { code = "{customer}" }, take = { a = "data.a" } }'
CHECK = '{ does = "validate", path = "/api/check" }'
COMMIT = '{ does = "commit" }'


def test_reads_and_validations_come_before_the_one_commit(load):
    profile = with_steps(load, READ, CHECK, COMMIT)
    assert [step.does for step in profile.documents["invoice"].steps] == ["read", "validate", "commit"]


@pytest.mark.parametrize(
    ("steps", "sentence"),
    [
        ((COMMIT, COMMIT), "exactly one commits, and it is the last"),
        ((COMMIT, CHECK), "exactly one commits, and it is the last"),
        ((READ, CHECK), "exactly one commits, and it is the last"),
        (('{ does = "validate" }', COMMIT), "a validate needs a path"),
        (('{ does = "commit", path = "/api/x" }',), "the commit is the document's own call"),
        ((CHECK.replace(" }", ', take = { a = "b" } }'), COMMIT), "only a read gives something to take"),
        ((READ.replace("{ a =", "{ originalAmount ="), COMMIT), "originalAmount is written 2 times"),
        ((READ.replace("{ a =", '{ "postingLines.0.text" ='), COMMIT), "stands inside postingLines"),
        ((READ, READ, COMMIT), "a is written 2 times"),
        ((READ.replace("{customer}", "{custmer}"), COMMIT), "{custmer} is no word of ours"),
        (('{ does = "post", path = "/api/x" }', COMMIT), "does"),
    ],
)
def test_steps_that_could_commit_twice_or_mean_nothing_are_refused(load, steps, sentence):
    with pytest.raises(Misconfigured) as refused:
        with_steps(load, *steps)
    assert sentence in str(refused.value)


def test_the_call_that_commits_is_no_validation(load):
    document = load().documents["invoice"]
    step = f'{{ does = "validate", path = "{document.path}", view_uri = "{document.view_uri}" }}'
    with pytest.raises(Misconfigured, match="the call that commits, and no validation"):
        with_steps(load, step, COMMIT)


def with_steps(load, *steps):
    return load("[documents.invoice]\n", f"[documents.invoice]\nsteps = [{', '.join(steps)}]\n")


def test_domain_entity_and_workspace_are_filled_in_everywhere(load):
    workspace = f'workspace = "{load().workspace}"'
    profile = load(workspace, 'workspace = "{entity}/{domain}"\nheaders = { x-site = "{workspace}" }')
    assert profile.headers == {"x-site": "10USACO/10USA"}
    filled = load('entityCode = "10USACO"', 'entityCode = "{entity}"').documents["invoice"].constants
    assert filled == load().documents["invoice"].constants


def test_the_schema_in_docs_is_what_the_types_say(load):
    kept = Path(__file__).parents[2] / "docs" / "qad-profile.json"
    made = msgspec.json.decode(msgspec.json.encode(profile_schema()))
    assert msgspec.json.decode(kept.read_bytes()) == made, (
        "run: ml-connector qad profile describe docs/qad-profile.json"
    )
    Draft202012Validator.check_schema(profile_schema())


@pytest.mark.parametrize("name", DIALECTS)
def test_the_schema_takes_what_the_product_takes(name):
    text = profile_text(URL, DIALECTS[name][1].read_text(encoding="utf-8"))
    assert list(Draft202012Validator(profile_schema()).iter_errors(tomllib.loads(text))) == []


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ("timeout_s = 4.0", 'timeout_s = "4"'),
        ('prefix = "customerV2"', 'praefix = "customerV2"'),
        ('sequence = "sequence"', 'sequenz = "sequence"'),
        ("[documents.receipt]", "[documents.payment]"),
    ],
)
def test_the_schema_refuses_what_the_product_refuses(was, becomes):
    text = profile_text(URL).replace(was, becomes, 1)
    assert list(Draft202012Validator(profile_schema()).iter_errors(tomllib.loads(text)))


@pytest.mark.parametrize("url", ["http://127.0.0.1:8090/clouderp", "http://localhost:8090", "https://erp.example.com"])
def test_a_plain_address_is_for_this_machine_alone(load, url):
    assert load(URL, url).base_url == url


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost.example.com/clouderp",
        "http://127.0.0.1.example.com",
        "http://127.0.0.1@erp.example.com",
        "http://localhost@erp.example.com",
        "https://",
        "https://user:word@erp.example.com",
    ],
)
def test_an_address_that_only_begins_like_this_machine_is_refused(load, url):
    with pytest.raises(Misconfigured):
        load(URL, url)


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ('active = "isActive", held', 'activ = "isActive", held'),
        ('held = "isLockedCreditLimit"', 'holded = "isLockedCreditLimit"'),
        ('sub_account_required = "hasSubAccount"', 'subaccount_required = "hasSubAccount"'),
        ('code = "customerCode"', 'cod = "customerCode"'),
        ('means = "period_closed"', 'means = "perod_closed"'),
        ('types = { invoice = "INVOICE"', 'types = { invoce = "INVOICE"'),
        ('open_for_sales = "isOpenForSales"', 'open_for_sale = "isOpenForSales"'),
        ('status = "status", open', "open"),
        ('debit = "debitAmount", credit = "creditAmount" }', 'debit = "debitAmount", kredit = "creditAmount" }'),
        ("[documents.receipt]", "[documents.payment]"),
    ],
)
def test_a_misspelt_word_is_refused(load, was, becomes):
    with pytest.raises(Misconfigured):
        load(was, becomes)


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ("concurrency = 8", "concurrency = 0"),
        ("concurrency = 8", "concurrency = -1"),
        ("timeout_s = 4.0", "timeout_s = 0"),
        ("timeout_s = 4.0", "timeout_s = -4.0"),
        ("timeout_s = 4.0", "timeout_s = nan"),
        ("page_size = 500", "page_size = 0"),
        ("age_s = 2.0", "age_s = -1.0"),
        ("settle_s = 7.0", "settle_s = nan"),
        ("lifetime_s = 1500", "lifetime_s = 0"),
        ('date_format = "%Y-%m-%dT00:00:00.000Z"', 'date_format = "%H:%M"'),
        ("definite = [429]", "definite = [429, 500]"),
        ("definite = [429]", "definite = [200]"),
        ("definite = [429]", "definite = [408]"),
        ("definite = [429]", "definite = [504]"),
        ("timeout_s = 4.0", "timeout_s = inf"),
        ("settle_s = 7.0", "settle_s = inf"),
        ('date_format = "%Y-%m-%dT00:00:00.000Z"', 'date_format = "%d.%m."'),
        ('date_format = "%Y-%m-%dT00:00:00.000Z"', 'date_format = "%d %B %Y"'),
        ('date_format = "%Y-%m-%dT00:00:00.000Z"', 'date_format = ""'),
        ('date_format = "%Y-%m-%dT00:00:00.000Z"', 'date_format = "%Q"'),
    ],
)
def test_a_number_that_can_never_work_is_refused(load, was, becomes):
    with pytest.raises(Misconfigured):
        load(was, becomes)


@pytest.mark.parametrize(
    "part",
    [
        *(f"documents.{kind}" for kind in (*DOCUMENT_KINDS, *OPTIONAL_KINDS)),
        *(f"browses.{b}" for b in BROWSES),
        "open_items",
        "balances",
    ],
)
def test_a_part_that_is_not_confirmed_is_known_by_name(load, part):
    assert load(f"[{part}]\n", f"[{part}]\nconfirmed = false\n").unconfirmed == [part]


def test_the_types_hold_what_the_template_says(load):
    again = msgspec.convert(msgspec.to_builtins(load()), Profile)
    assert again == load()
