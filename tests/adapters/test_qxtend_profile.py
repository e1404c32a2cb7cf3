"""The [qxtend] of a profile says what it means or is refused, with its place; what is not confirmed has a name."""

import msgspec
import pytest

from adapters.qad.profiles.checks import load_profile
from adapters.qad.profiles.documents import DOCUMENT_KINDS, OPTIONAL_KINDS
from schemas.errors import Misconfigured
from tests.adapters.qad_company import profile_text, qxtend_template
from tests.loopback import LOOPBACK

URL = "https://qad.example.com/clouderp"
SERVICE = "https://qad.example.com/qxi/services/QdocWebService"
API = '[qxtend.documents.invoice]\napi = "bdinvoicejournalentry"'
SETTLE = "timeout_s = 4.0\nconcurrency = 4"


@pytest.fixture
def load(tmp_path):
    """Load the template after one change."""
    path = tmp_path / "profile.toml"

    def loaded(was="", becomes=""):
        text = profile_text(URL, qxtend_template(), qxtend_url=SERVICE)
        assert was in text
        path.write_text(text.replace(was, becomes, 1), encoding="utf-8")
        return load_profile(path, LOOPBACK.private_hosts)

    return loaded


def test_the_template_loads_whole_and_confirmed(load):
    profile = load()
    assert set(profile.posted) == set(profile.finds) == {*DOCUMENT_KINDS, *OPTIONAL_KINDS}
    assert profile.documents == {}
    assert profile.unconfirmed == []
    assert profile.concurrency == profile.qxtend.concurrency == 4
    assert {document.references for document in profile.posted.values()} == {("CustomShort0",)}


def test_a_profile_over_rest_is_what_it_was(tmp_path):
    """Its hash stands in the log: what it never said must not change it."""
    path = tmp_path / "profile.toml"
    path.write_text(profile_text(URL), encoding="utf-8")
    profile = load_profile(path, LOOPBACK.private_hosts)
    assert "qxtend" not in msgspec.to_builtins(profile)
    assert profile.concurrency == profile.limits.concurrency


def test_a_part_that_is_not_confirmed_is_known_by_name(load):
    assert load("[qxtend]\n", "[qxtend]\nconfirmed = false\n").unconfirmed == ["qxtend"]
    part = "[qxtend.documents.receipt]\n"
    assert load(part, f"{part}confirmed = false\n").unconfirmed == ["qxtend.documents.receipt"]


def test_a_part_may_have_no_look_up(load):
    profile = load()
    documents = profile.qxtend.documents
    blind = documents | {"journal": msgspec.structs.replace(documents["journal"], find=None)}
    profile = msgspec.structs.replace(profile, qxtend=msgspec.structs.replace(profile.qxtend, documents=blind))
    assert profile.finds["journal"] is None
    assert profile.finds["invoice"] is not None


@pytest.mark.parametrize(
    ("was", "becomes", "says"),
    [
        (SERVICE, "http://qad.example.com/qxi", "[qxtend] url"),
        (SERVICE, "https://me:secret@qad.example.com/qxi", "[qxtend] url"),
        ('domain = "10USA"', 'domain = ""', "domain is missing"),
        (SETTLE, "timeout_s = 40.0\nconcurrency = 4", "settle_s must be above [qxtend] timeout_s + age_s"),
        (SETTLE, 'date_format = "%d.%m"\n' + SETTLE, "does not write dates"),
        ('mnemonicsRaw = "false"', 'scopeTransaction = "false"', "scopeTransaction is said by the connector alone"),
        (API, '[qxtend.documents.invoice]\napi = "b d"', "'b d' is no name of an element"),
        ('table = "tDDocument"', 'table = "1DDocument"', "'1DDocument' is no name of an element"),
        ('terms = "tcNormalPaymentConditionCode"', 'terms = "a<b"', "'a<b' is no name of an element"),
        ('terms = "tcNormalPaymentConditionCode"', 'termes = "x"', "'termes' is no word of ours"),
        ('text = "PostingLineText"', 'texts = "x"', "'texts' is no word of ours"),
        ('rows = "lines"', 'rows = "line"', "line"),
        ('reference = "CustomShort0"\n', "", "no element is named for the machine reference"),
        ('parent = "tApiDInvoiceDIJE"', 'parent = "tOther"', "parent 'tOther' is no table above it"),
        ('parent = "tApiDInvoiceDIJE"', "", "parent '' is no table above it"),
        ('parent = "tApiPostingDIJE"', 'parent = "tApiPostingLineDIJE"', "parent 'tApiPostingLineDIJE'"),
        ("[qxtend.documents.adjustment", "[qxtend.documents.adjustments", "adjustments"),
        ('prefix = "customerInvoice"\n', 'prefix = "customerInvoice"\nallocated = "x"\n', "allocated is a column of"),
        ("[qxtend]\n", '[qxtend]\npassword = "x"\n', "password"),
        ('tax_code = "tcVatCode"\n', "", "[qxtend.documents.invoice] tax_rows: no element is named for tax_code"),
        ('base = "PostingVatBaseCreditTC"\n', "", "tax_rows: no element is named for base"),
        (
            'tax = "PostingVatTaxDebitTC"\n',
            "",
            "tax_rows: no element is named for tax: it would",
        ),
        ('rows = "allocations"', 'rows = "tax_rows"', "tax_rows: only invoices and credit notes have them"),
    ],
)
def test_what_cannot_be_is_refused_with_its_place(load, was, becomes, says):
    with pytest.raises(Misconfigured) as refused:
        load(was, becomes)
    assert says in str(refused.value)


def test_documents_over_rest_beside_qxtend_are_refused(load):
    rest = '[documents.invoice]\npath = "/x"\nlist = "x"\nfields = { reference = "r" }\n'
    key = 'key = { year = "y", daybook = "d", voucher = "v" }\n\n'
    with pytest.raises(Misconfigured, match=r"\[documents\] is for REST"):
        load("[qxtend]\n", f"{rest}{key}[qxtend]\n")
