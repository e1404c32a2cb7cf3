"""A GL mapping says what it means or is refused, with file and place, before anybody can publish it."""

from datetime import date

import msgspec
import pytest

from adapters.qad.profiles.checks import load_profile
from adapters.qad.profiles.qxtend import QDocument
from adapters.settings import load_settings
from console.customers.allowed import problems_of_align
from console.golive.checklist import walk
from console.publishing import problems_of, problems_of_tax_rows, problems_of_write_back
from schemas.errors import Misconfigured
from schemas.mapping import CustomerRules, Mapping
from streams.mark.marks import WriteBack
from tests.adapters.qad_company import DIALECTS, profile_text, qxtend_template
from tests.unit import builders

GOOD = """
first_document_date = 2026-02-01
cut_over = 2026-01-01

[policy]
deferral_system = "QAD"
suspense = { account = "1999" }

[daybooks]
invoice = "ZINV"
credit_note = "ZCRN"
receipt = "ZPAY"
adjustment = "ZADJ"

[terms]
"Net 30" = "NET30"

[[lines]]
code = "Subscription Revenue"
account = "4000"
revenue = "by_service_period"

[[lines]]
code = "Subscription Revenue"
processing = "Discount"
account = "4090"

[[tax]]
account = "2300"

[[banks]]
currency = "EUR"
account = "1010"
"""


@pytest.fixture
def load(tmp_path):
    path = tmp_path / "mapping.toml"

    def loaded(was="", becomes="", *, more=""):
        assert was in GOOD
        path.write_text(GOOD.replace(was, becomes, 1) + more, encoding="utf-8")
        return load_settings(path, Mapping)

    loaded.path = path
    return loaded


def test_a_good_one_has_no_problems(load):
    mapping = load()
    assert problems_of(mapping) == []
    assert mapping.cut_over == date(2026, 1, 1)
    assert mapping.terms == {"Net 30": "NET30"}
    assert mapping.policy.suspense.account == "1999"


@pytest.mark.parametrize(
    ("was", "becomes", "said"),
    [
        ('account = "4000"\n', "", "lines[0]: Object missing required field `account`"),
        ('account = "4090"\n', "", "lines[1]: Object missing required field `account`"),
        ('[[tax]]\naccount = "2300"\n', "[[tax]]\n", "tax[0]: Object missing required field `account`"),
        ('currency = "EUR"\n', "", "banks[0]: Object missing required field `currency`"),
        ('account = "4000"\n', 'acount = "4000"\n', "lines[0]: the key 'acount' is not known"),
        ('account = "4000"', "account = 4000", "lines[0].account: Expected `str`, got `int`"),
        ('revenue = "by_service_period"', 'revenue = "later"', "lines[0].revenue"),
        ('deferral_system = "QAD"', "", "policy"),
        ('deferral_system = "QAD"', 'deferral_system = "QAD"\nreceipt = "allocated"', "the key 'receipt' is not known"),
        ('deferral_system = "QAD"', 'deferral_system = "QAD"\ngl = "journal"', "clearing = { account"),
        ('deferral_system = "QAD"', 'deferral_system = "QAD"\ntax = "none"', "policy.tax"),
        ('{ account = "1999" }', "{ acount = 1 }", "policy.suspense"),
        ('invoice = "ZINV"', "", "daybooks: Object missing required field `invoice`"),
        ('invoice = "ZINV"', 'invoices = "ZINV"', "daybooks"),
        ("cut_over = 2026-01-01", "", "Object missing required field `cut_over`"),
        ("cut_over = 2026-01-01", 'cut_over = "yesterday"', "cut_over"),
        ("cut_over = 2026-01-01", "cut_over = 2026-13-01", "line 3"),
        (
            "[[banks]]",
            '[customers]\nalign = ["name", "adress"]\n\n[[banks]]',
            "customers.align[1]: Invalid enum value 'adress'",
        ),
        ("[[banks]]", "[[bank]]", "the key 'bank' is not known"),
        ('"Net 30" = "NET30"', '"Net 30" = 30', "terms"),
        ('"Net 30" = "NET30"', '"Net 30" = "A"\n"Net 30" = "B"', "line"),
    ],
)
def test_what_is_not_known_or_missing_is_refused_with_its_place(load, was, becomes, said):
    with pytest.raises(Misconfigured) as refused:
        load(was, becomes)
    sentence = str(refused.value)
    assert sentence.startswith(str(load.path))
    assert said in sentence
    assert "\n" not in sentence


@pytest.mark.parametrize(
    ("was", "becomes", "more", "said"),
    [
        ('processing = "Discount"', 'processing = "Discout"', "", "'Discout' is none of"),
        ('processing = "Discount"', "", "", "as Charge: 2 rows have the same keys"),
        ("", "", '[[tax]]\naccount = "2301"\n', '[[tax]] code "": 2 rows have the same keys'),
        ("", "", '[[banks]]\ncurrency = "EUR"\naccount = "1020"\n', "[[banks]] EUR: 2 rows have the same keys"),
        ('currency = "EUR"', 'currency = "EURO"', "", "'EURO' is not in ISO 4217"),
        ('currency = "EUR"', 'currency = "XAU"', "", "'XAU' has no minor unit"),
        ("", "", '[[lines]]\ncode = "A"\naccount = "1"\ncurrency = "DM"\n', "'DM' is not in ISO 4217"),
        ("first_document_date = 2026-02-01", "first_document_date = 2025-12-31", "", "before cut_over"),
    ],
)
def test_what_contradicts_itself_is_said(load, was, becomes, more, said):
    problems = problems_of(load(was, becomes, more=more))
    assert len(problems) == 1
    assert said in problems[0]


@pytest.mark.parametrize(
    "row",
    [
        'product = "SKU-1"',
        'charge = "Setup"',
        'currency = "USD"',
        "excluded = true",
        'processing = "Prepayment"',
    ],
)
def test_a_narrower_row_is_no_repetition(load, row):
    assert problems_of(load(more=f'[[lines]]\ncode = "Subscription Revenue"\naccount = "4001"\n{row}\n')) == []


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ('account = "4000"', 'account = ""'),
        ('account = "4000"', 'account = "400000000"'),
        ('account = "4000"', 'account = "4000"\nsub_account = "123456789"'),
        ('account = "4000"', 'account = "4000"\ncost_centre = "12345"'),
        ('code = "Subscription Revenue"\naccount', 'code = ""\naccount'),
        ('invoice = "ZINV"', 'invoice = ""'),
        ('invoice = "ZINV"', 'invoice = "ZINVOICES"'),
        ('invoice = "ZINV"', 'invoice = "ZINV"\njournal = "ZJOURNALS"'),
        ('{ account = "1999" }', '{ account = "" }'),
        ('{ account = "1999" }', '{ account = "1999", project = "123456789" }'),
    ],
)
def test_what_no_qad_can_hold_is_said_without_asking_it(load, was, becomes):
    assert problems_of(load(was, becomes)) != []


@pytest.mark.parametrize(("asked", "wrong"), [("qADCode__c", True), ("QADCustomer__c", False), ("", False)])
def test_the_field_that_is_asked_is_none_that_we_write(load, asked, wrong):
    mapping = load()
    rules = msgspec.structs.replace(mapping.customers, account_field=asked)
    mapping = msgspec.structs.replace(mapping, customers=rules)
    problems = problems_of_write_back(mapping, WriteBack(customer_code="QADCode__c"))
    assert [("account_field is QADCode__c" in problem) for problem in problems] == [True] * wrong
    assert problems_of_write_back(mapping, WriteBack(transferred=True)) == []


@pytest.mark.parametrize(
    ("template", "table"),
    [(DIALECTS["house"][1].read_text, "documents"), (qxtend_template, "qxtend.documents")],
    ids=["rest", "qxtend"],
)
def test_tax_rows_need_a_place_in_the_profile_before_anything_is_posted(load, tmp_path, template, table):
    path = tmp_path / "profile.toml"
    path.write_text(profile_text("https://erp.example.com", template(), qxtend_url="https://erp.example.com/qxi"))
    profile = load_profile(path)
    asking = load('deferral_system = "QAD"', 'deferral_system = "QAD"\ntax = "qad_tax_rows"')
    assert problems_of_tax_rows(asking, profile) == []
    kinds = {
        kind: msgspec.structs.replace(document, **without_tax_rows(document))
        for kind, document in profile.posted.items()
    }
    if profile.qxtend is None:
        profile = msgspec.structs.replace(profile, documents=kinds)
    else:
        profile = msgspec.structs.replace(profile, qxtend=msgspec.structs.replace(profile.qxtend, documents=kinds))
    said = problems_of_tax_rows(asking, profile)
    for kind, one in zip(("invoice", "credit_note"), said, strict=True):
        assert f"the profile has no place for tax rows in [{table}.{kind}]" in one
    assert len(problems_of_tax_rows(asking, None)) == 1, "nor has a directory"
    assert problems_of_tax_rows(load(), profile) == [], "nobody asks for them"


def without_tax_rows(document):
    """Return what changes a kind of document so that it has no place for tax rows."""
    if isinstance(document, QDocument):
        return {"tables": tuple(table for table in document.tables if table.rows != "tax_rows")}
    return {"tax_rows": None}


# Of the customer's record, not of the list of customers.
TERMS = ('terms = "creditTermsCode", zuora_account = "customShort0", active', 'zuora_account = "customShort0", active')


@pytest.fixture
def profile(tmp_path):
    path = tmp_path / "profile.toml"

    def profile(was="", becomes=""):
        text = profile_text("http://127.0.0.1:1")
        assert was in text
        path.write_text(text.replace(was, becomes, 1), encoding="utf-8")
        return load_profile(path)

    return profile


def aligning(*fields):
    return builders.mapping(customers=CustomerRules(align=fields))


def test_what_may_flow_and_the_profile_cannot_write_is_said(profile):
    everything = aligning("name", "search_name", "address", "terms", "status")
    assert problems_of_align(everything, profile()) == []
    [problem] = problems_of_align(everything, profile(*TERMS))
    assert problem == "customers.align: terms has no field in [customers.customer] fields of the profile"
    blind = profile('relation = "businessRelationCode", name =', "name =")
    [problem] = problems_of_align(everything, blind)
    assert "name, search_name, address stand in the business relation" in problem
    assert problems_of_align(aligning("terms", "status"), blind) == []
    none = msgspec.structs.replace(profile(), customers=None)
    assert ["no profile says" in one for one in problems_of_align(everything, none)] == [True]
    assert problems_of_align(everything, None) == problems_of_align(everything, none)
    assert problems_of_align(aligning(), none) == []


@pytest.mark.parametrize(
    ("fields", "changes", "state", "told"),
    [
        (("name",), ("", ""), "confirm", "name flow to those that are there"),
        (("name",), ("[customers]\n", "[customers]\nconfirmed = false\n"), "open", "set [customers] confirmed = true"),
        (("terms",), TERMS, "open", "terms has no field"),
    ],
)
def test_the_list_before_going_live_knows_it(profile, fields, changes, state, told):
    [item] = [one for one in walk(profile(*changes), aligning(*fields)) if one.title == "How customers are found"]
    assert (item.state, told in item.found) == (state, True)
