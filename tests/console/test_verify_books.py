"""The judge over a stand-in's own books: each contradiction between what it booked and our log is named."""

import copy
from decimal import Decimal

import pytest

from console.verification.books import judge_books
from console.verification.report import Findings
from schemas.postings import AllocationContent
from schemas.topics import Topic
from tests.console.court import in_order

USER = "connector"


def booked(court):
    """Return the books that agree with a court, as the stand-in's control shows them."""
    return [_document(posting, court.qad.documents[posting.reference]) for posting in court.made.values()]


def _document(posting, shown):
    total = str(shown.total)
    entry = [_line(debit=total), _line(credit=total)]
    key = {"posting_year": shown.key.year, "daybook_code": shown.key.daybook, "voucher": shown.key.voucher}
    content = {"custom_short_0": posting.reference, "currency_code": "EUR"}
    if isinstance(posting.content, AllocationContent):
        kind, content["lines"] = "adjustment", [{"debit_amount": total}, {"debit_amount": "0"}]
    elif posting.step == "document" and shown.key.daybook == "ZPAY":
        kind, content["amount"] = "payment", total
    else:
        kind, content["original_amount"] = "invoice", total
    return {"kind": kind, "key": key, "content": content, "created_by": USER, "entry": entry}


def _line(*, debit="0", credit="0"):
    return {
        "currency_code": "EUR",
        "debit_amount": debit,
        "credit_amount": credit,
        "base_debit_amount": debit,
        "base_credit_amount": credit,
    }


@pytest.fixture
def court():
    return in_order()


def judged(court, books):
    return [(one.invariant, one.number) for one in judge_books(court.log(Findings("acme")), books, user=USER)]


def test_books_that_agree(court):
    assert judged(court, booked(court)) == []


def test_a_doubled_document(court):
    books = booked(court)
    second = copy.deepcopy(books[0])
    second["key"]["voucher"] = 999
    [found] = judge_books(court.log(Findings("acme")), [*books, second], user=USER)
    assert (found.invariant, found.number) == ("I2", "INV0")
    assert found.evidence == ("QAD 2026/ZINV/1", "QAD 2026/ZINV/999")


def test_a_lost_document(court):
    assert judged(court, booked(court)[:-1]) == [("I1", "P-3")]


def test_a_changed_amount(court):
    books = booked(court)
    books[0]["content"]["original_amount"] = "100.01"
    assert judged(court, books) == [("I2", "INV0")]


@pytest.mark.parametrize("kind", ["journal", "adjustment"])
def test_what_moves_money_by_its_lines_is_held_by_them(court, kind):
    """A journal has its currency on its lines; what makes an open item out of an account has two lists of them."""
    books = booked(court)
    for total, found in (("100.00", []), ("99.00", [("I2", "INV0")])):
        books[0]["kind"], content = kind, {"custom_short_0": books[0]["content"]["custom_short_0"]}
        lines = [{"debit_amount": total, "currency_code": "EUR"}]
        if kind == "journal":
            content["lines"] = lines
        else:
            content |= {"currency_code": "EUR", "lines": [{"debit_amount": "0"}], "gl_lines": lines}
        books[0]["content"] = content
        assert judged(court, books) == found


@pytest.mark.parametrize("side", ["debit_amount", "base_credit_amount"])
def test_an_entry_that_does_not_balance(court, side):
    books = booked(court)
    books[1]["entry"][0][side] = str(Decimal(books[1]["entry"][0][side]) + Decimal("0.01"))
    assert judged(court, books) == [("I3", "QAD 2026/ZINV/2")]


def test_an_allocation_booked_before_its_invoice(court):
    books = booked(court)
    allocation = next(document for document in books if document["kind"] == "adjustment")
    books.remove(allocation)
    [found] = judge_books(court.log(Findings("acme")), [allocation, *books], user=USER)[:1]
    assert (found.invariant, found.number) == ("I5", "CM2")


def test_a_post_without_intent(court):
    books = booked(court)
    del court.topics[Topic.OUTCOMES][:2]
    assert judged(court, books)[0] == ("I6", "INV0")


def test_a_document_that_no_posting_has(court):
    books = booked(court)
    stranger = copy.deepcopy(books[0])
    stranger["content"]["custom_short_0"], stranger["key"]["voucher"] = "A" * 20, 999
    assert judged(court, [*books, stranger]) == [("I6", "QAD 2026/ZINV/999")]


def test_what_people_keyed_must_balance_and_is_else_their_own(court):
    books = booked(court)
    theirs = copy.deepcopy(books[0])
    theirs["created_by"] = "eve"
    assert judged(court, [*books, theirs]) == []
    theirs["entry"][0]["debit_amount"] = "1"
    assert judged(court, [*books, theirs]) == [("I3", "QAD 2026/ZINV/1")]
