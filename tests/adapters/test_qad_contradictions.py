"""A profile that contradicts itself, or leaves out what a document cannot do without, is refused when it is read."""

import pytest

from adapters.qad.profiles.checks import load_profile
from adapters.qad.profiles.wording import DEFAULTS, as_toml
from schemas.errors import Misconfigured
from tests.adapters.ground import given
from tests.adapters.qad_company import profile_text, qxtend_template
from tests.loopback import LOOPBACK

URL = "https://erp.example.com/clouderp"
SERVICE = "https://qad.example.com/qxi/services/QdocWebService"

DAYBOOK, LOCKED = '[[errors]]\nmeans = "daybook"\n', '[[errors]]\nmeans = "locked"\n'


@pytest.fixture
def refused(tmp_path):
    """Load a template after one change, and return the sentence that refuses it with the line that it names."""
    path = tmp_path / "profile.toml"

    def sentence(template, was, becomes):
        text = profile_text(URL, template, qxtend_url=SERVICE)
        given(was in text, f"the template says {was!r}")
        path.write_text(text.replace(was, becomes, 1), encoding="utf-8")
        with pytest.raises(Misconfigured) as error:
            load_profile(path, LOOPBACK.private_hosts)
        return str(error.value)

    return sentence


@pytest.mark.parametrize(
    ("was", "becomes", "says"),
    [
        # One name for two things.
        ('credit_memo = "CREDITNOTE"', 'credit_memo = "INVOICE"', "invoice and credit_memo are both called 'INVOICE'"),
        ('payment = "PREPAYMENT"', 'payment = "INVOICE"', "debit_memo and payment are both called 'INVOICE'"),
        ("[open_items]\n", '[open_items]\nnegative = ["invoice"]\n', "all must stand there, or none"),
        ("[auth]\n", '[browsing]\nfilter = "page"\n[auth]\n', "page and filter are both called 'page'"),
        ("[auth]\n", '[browsing]\npage_size = "page"\n[auth]\n', "page and page_size are both called 'page'"),
        ("[auth]\n", '[envelope]\ncode = "message"\n[auth]\n', "code and message are both called"),
        (
            'total = "originalAmount"\nposting_date = "postingDate"\ntax = "taxAmount"',
            'total = "taxAmount"\ntax = "taxAmount"',
            "total and tax",
        ),
        (
            'open_amount = "openAmount"',
            'open_amount = "originalAmount"',
            "total and open_amount are both called 'originalAmount'",
        ),
        (
            'debit = "debitAmount", credit = "creditAmount" }',
            'debit = "amount", credit = "amount" }',
            "debit and credit",
        ),
        (
            'active = "isActive", held = "isLockedCreditLimit"',
            'active = "isActive", held = "isActive"',
            "active and held",
        ),
        ('voucher = "voucher" }', 'voucher = "postingYear" }', "[documents.invoice] key year and voucher"),
        (
            'invoiceType = "CREDITNOTE"',
            'invoiceType = "INVOICE"',
            "[documents.credit_note] is made in the words of invoice",
        ),
        ('direction = "IN"', 'direction = "OUT"', "[documents.refund_reversal] is made in the words of refund"),
        ('status = "Bounced"', 'status = "Paid"', "[documents.bounce] is made in the words of receipt"),
        # The same header twice, or one of ours.
        ("[auth]\n", '[headers]\nX-Site = "a"\nx-site = "b"\n[auth]\n', "[headers] x-site is sent already"),
        ("[auth]\n", '[headers]\nX-QAD-Workspace-Id = "a"\n[auth]\n', "[headers] X-QAD-Workspace-Id is sent already"),
        ("[auth]\n", '[headers]\ncontent-type = "a"\n[auth]\n', "[headers] content-type is ours to send"),
        ('grant = "password"', 'grant = "password"\nextra = { password = "x" }', "extra: password is a secret"),
        # What can never mean anything.
        ("[auth]\n", "[lengths]\nreference = 19\n[auth]\n", "[lengths] reference must be 20 at least"),
        (
            "[documents.invoice]\n",
            "[documents.invoice]\nlengths = { reference = 12 }\n",
            "reference must be 20 at least",
        ),
        ("[auth]\n", "[browsing]\nmore_values = []\n[auth]\n", "would end with its first page"),
        ("[browses.customers]\n", "[browses.customers]\ntrue_values = []\n", "nothing in it would ever be a yes"),
        ('allocated = "allocatedAmount"', 'negative = ["allocated"]', "negative: no column is named for 'allocated'"),
        ("[[errors]]\n", '[[errors]]\nmeans = "daybook"\n\n[[errors]]\n', "[errors[0]] names no code, field or word"),
        (
            "[[errors]]\n",
            '[[errors]]\nmeans = "daybook"\ncodes = ["RATE_MISSING"]\n\n[[errors]]\n',
            "means daybook already",
        ),
        (
            "[[errors]]\n",
            f'{DAYBOOK}words = ["in"]\n{LOCKED}words = ["Is In use"]\n[[errors]]\n',
            "[errors[1]] words: what holds 'Is In use' holds 'in', and means daybook already",
        ),
        (
            "[[errors]]\n",
            f'{DAYBOOK}fields = ["Code"]\n{LOCKED}fields = ["code"]\n[[errors]]\n',
            "[errors[1]] fields: 'code' means daybook already",
        ),
        # What is not named is not sent.
        (
            "[documents.receipt.allocations.fields]\nitem_year",
            "[documents.receipt.allocations.fields]\nsequence",
            "item_year",
        ),
        (
            'amount = "amount"\n\n[documents.receipt.find]',
            "\n[documents.receipt.find]",
            "allocations: no field is named for amount",
        ),
        ('item_voucher = "itemVoucher"\ndebit', "debit", "lines: no field is named for item_voucher"),
        (
            'fields = { customer = "customerCode", credit = "creditAmount" }',
            'fields = { customer = "customerCode" }',
            "opens",
        ),
    ],
)
def test_what_contradicts_itself_over_rest_is_said_with_its_line(refused, was, becomes, says):
    sentence = refused("", was, becomes)
    assert says in sentence
    assert "line " in sentence


@pytest.mark.parametrize(
    ("was", "becomes", "says"),
    [
        ('posting_date = "DDocumentPostingDate"\n', "", "no element is named for posting_date: QAD would take"),
        ('customer = "tcDebtorCode"\n', "", "no element is named for customer"),
        ('currency = "tcCurrencyCode"\n', "", "no element is named for currency"),
        ('account = "tcGLCode"\n', "", "its GL lines would not be sent"),
        ('credit = "PostingLineCreditTC"\n', "", "no element is named for credit: a side that is not named"),
        (
            'rows = "lines"\nparent = "tApiPostingDIJE"',
            'rows = "gl_lines"\nparent = "tApiPostingDIJE"',
            "for the account",
        ),
        ('amount = "DDocumentInvoiceXrefAlloTC"\n', "", "allocations: no element is named for amount"),
        ('item_voucher = "OIAdjustLnInvVoucher"\n', "", "lines: no element is named for item_voucher"),
        (', credit = "OIAdjustLnCreditTC" }', " }", "opens: no element is named for credit"),
        (
            'amount = "BankStateAllocAmountTC"\n',
            "",
            "[qxtend.documents.refund] allocations: no element is named for amount",
        ),
        ('total = "BankStateLineAmountTC"\n', "", "[qxtend.documents.refund] fields: no element is named for total"),
        ('text = "PostingLineText"', 'signed = "PostingLineText"', "signed is for REST"),
        ('terms = "tcNormalPaymentConditionCode"', 'terms = "tcJournalCode"', "tcJournalCode is written 2 times"),
        ('BankStateLineInOut = "+"', 'BankStateLineInOut = "-"', "is made in the words of refund"),
        ('DDocumentStatus = "Bounced"', 'DDocumentStatus = "Paid"', "is made in the words of receipt"),
        ('decimalSeparator = "."', 'decimalSeparator = ","', "decimalSeparator must be '.'"),
        ('timeoutLimit = "3"', 'timeoutLimit = "0"', "timeoutLimit must be whole seconds"),
        ('timeoutLimit = "3"', 'timeoutLimit = "4"', "timeoutLimit must be whole seconds"),
        ('voucher = "DInvoiceVoucher" }', 'voucher = "tcJournalCode" }', "daybook and voucher are both called"),
        ("[qxtend.documents.invoice]\n", '[qxtend.documents.invoice]\nnegative = ["total"]\n', "negative"),
    ],
)
def test_what_contradicts_itself_over_qxtend_is_said_with_its_line(refused, was, becomes, says):
    sentence = refused(qxtend_template(), was, becomes)
    assert says in sentence
    assert "line " in sentence


def test_the_words_that_a_new_profile_begins_with_do_not_take_each_others_refusals(tmp_path):
    path, text = tmp_path / "profile.toml", profile_text(URL)
    path.write_text(text[: text.index("[[errors]]")] + as_toml(), encoding="utf-8")
    assert load_profile(path).errors == DEFAULTS
