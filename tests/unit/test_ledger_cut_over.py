"""The cut-over: what others loaded is found in QAD by its number, what nobody loaded parks (ACCOUNTING 7)."""

import pytest

from tests.unit import builders as zuora
from tests.unit.erp import Sink
from tests.unit.world import World, world

INVOICE, MEMO, PAYMENT = "invoice:inv1", "credit_memo:cm1", "payment:pay1"
OLD = {"invoiceDate": "2025-12-15", "postedDate": "2025-12-15T10:00:00Z"}
OLD_PAYMENT = {"effectiveDate": "2025-12-20"}
# What nobody has touched since the cut-over.
OLD_STAMP = "2025-12-31T12:00:00Z"


def on(day: int) -> str:
    return f"2026-03-{day}T10:00:00Z"


def kinds(found: World) -> list[str]:
    return [f"{posting.document} {posting.content.__struct_config__.tag}" for posting in found.postings]


@pytest.mark.parametrize(
    ("record", "document"),
    [
        (zuora.simple_invoice(**OLD), INVOICE),
        (zuora.memo(zuora.memo_item("5.00"), memoDate="2025-12-15", postedOn="2025-12-15T10:00:00Z"), MEMO),
        (zuora.payment(updated=OLD_STAMP, **OLD_PAYMENT), PAYMENT),
    ],
)
def test_what_is_from_before_the_cut_over_is_ignored_by_name(record, document):
    """The first mapping counts from the cut-over on, as in the template: what is older needs no version of its own."""
    found = world().put(record)
    assert (found.standing(document), found.postings) == (("ignored", "before_cut_over"), [])


@pytest.mark.parametrize("day", ["2026-01-01", "2026-01-02"])
def test_the_day_of_the_cut_over_is_ours(day):
    found = world().put(
        zuora.invoice(zuora.item("5.00", serviceEndDate=None), invoiceDate=day, postedDate=f"{day}T10:00:00Z")
    )
    assert kinds(found) == ["invoice:inv1 invoice"]


def test_what_is_dated_before_and_posted_after_parks():
    found = world().put(zuora.simple_invoice(invoiceDate="2025-12-31", postedDate="2026-01-02T10:00:00Z"))
    assert found.standing(INVOICE) == ("parked", "posted_after_cut_over")


@pytest.mark.parametrize(
    ("posted", "standing"),
    [
        ("2026-01-01T00:30:00+01:00", ("parked", "posted_after_cut_over")),
        ("2025-12-31T23:30:00-08:00", ("ignored", "before_cut_over")),
    ],
)
def test_the_night_of_the_cut_over_is_judged_in_the_tenants_zone(posted, standing):
    found = world().put(zuora.simple_invoice(invoiceDate="2025-12-31", postedDate=posted))
    assert found.standing(INVOICE) == standing


def test_a_posted_date_without_a_time_is_a_date():
    found = world().put(zuora.simple_invoice(invoiceDate="2025-12-31", postedDate="2026-01-02"))
    assert found.standing(INVOICE) == ("parked", "posted_after_cut_over")


def test_a_payment_that_was_entered_after_the_cut_over_and_dated_before_parks():
    found = world().put(zuora.payment(createdDate="2026-01-05T10:00:00Z", **OLD_PAYMENT))
    assert found.standing(PAYMENT)[0] == "parked"


def test_a_later_application_finds_the_opening_invoice_by_its_number():
    found = world().put(zuora.simple_invoice(**OLD), zuora.payment("100.00", zuora.row("100.00")))
    assert kinds(found) == ["payment:pay1 receipt", "invoice:inv1 opening", "payment:pay1 allocation"]
    opening = found.contents("opening")[0]
    assert (opening.number, opening.currency, opening.item_kind) == ("INV1", "EUR", "invoice")
    sink = Sink(found)
    sink.books.opening("INV1", "100.00", owed=True)
    sink.run()
    assert (sink.open_of(INVOICE), sink.open_of(PAYMENT), sink.stuck) == (0, 0, [])


def test_an_opening_invoice_that_is_read_after_its_application_is_found_as_well():
    found = world().put(zuora.payment("100.00", zuora.row("100.00")), zuora.simple_invoice(**OLD))
    assert kinds(found) == ["payment:pay1 receipt", "payment:pay1 allocation", "invoice:inv1 opening"]
    found.put(zuora.simple_invoice(**OLD, updated=on(12), comments="x"))
    assert len(found.postings) == 3


def test_an_opening_that_qad_does_not_have_parks():
    found = world().put(zuora.simple_invoice(**OLD), zuora.payment("100.00", zuora.row("100.00")))
    sink = Sink(found).run()
    assert "document" in sink.parked
    assert sink.stuck == ["document", "allocate:r1"]


def test_a_later_application_of_an_opening_payment_finds_it_by_its_number():
    found = world().put(zuora.simple_invoice(), zuora.payment(**OLD_PAYMENT))
    found.put(zuora.payment("100.00", zuora.row("60.00"), updated=on(11), **OLD_PAYMENT))
    assert kinds(found)[1:] == ["payment:pay1 opening", "payment:pay1 allocation"]


PAYERS = [
    (zuora.payment("100.00", zuora.row("60.00"), **OLD_PAYMENT), PAYMENT),
    (
        zuora.memo(
            zuora.memo_item("100.00"),
            rows=[zuora.row("60.00")],
            memoDate="2025-12-15",
            postedOn="2025-12-15T10:00:00Z",
        ),
        MEMO,
    ),
]


@pytest.mark.parametrize(("payer", "document"), PAYERS, ids=["payment", "memo"])
def test_an_opening_payer_that_is_first_read_with_its_application_is_found(payer, document):
    found = world().put(zuora.simple_invoice(), payer)
    assert kinds(found)[1:] == [f"{document} opening", f"{document} allocation"]


def test_an_opening_payment_is_applied_more_than_once():
    found = world().put(zuora.simple_invoice(), zuora.payment(**OLD_PAYMENT))
    rows = [zuora.row("60.00"), zuora.row("40.00", "r2")]
    found.put(zuora.payment("100.00", rows[0], updated=on(11), **OLD_PAYMENT))
    found.put(zuora.payment("100.00", *rows, updated=on(12), **OLD_PAYMENT))
    assert [posting.step for posting in found.postings][-1] == "allocate:r2"


@pytest.mark.parametrize(
    "row",
    [zuora.row("60.00", effectiveDate="2026-06-02"), zuora.row("60.00", invoiceId=None)],
    ids=["period", "nothing"],
)
def test_an_application_of_an_opening_payment_that_cannot_go_says_so(row):
    found = world().put(*(zuora.period(month, is_open=month < 6) for month in range(1, 13)))
    found.put(zuora.simple_invoice(), zuora.payment("100.00", row, **OLD_PAYMENT))
    assert found.standing(PAYMENT)[0] in {"waiting", "parked"}


def test_applications_from_before_the_cut_over_are_in_the_opening_balances():
    before = zuora.row("60.00", effectiveDate="2025-12-31")
    payment = zuora.payment("100.00", before, updated=OLD_STAMP, **OLD_PAYMENT)
    found = world().put(zuora.simple_invoice(**OLD), payment)
    assert found.postings == []


def test_what_undoes_an_application_from_before_the_cut_over_parks():
    before = zuora.row("60.00", effectiveDate="2025-12-31", created="2025-12-31T10:00:00Z")
    payment = zuora.payment("100.00", before, updated=OLD_STAMP, **OLD_PAYMENT)
    found = world().put(zuora.simple_invoice(**OLD), payment)
    found.put(zuora.payment("100.00", before, zuora.row("-60.00", "r2"), updated=on(11), **OLD_PAYMENT))
    assert found.postings == []
    assert found.standing(PAYMENT)[0] == "parked"


@pytest.mark.parametrize("applied", [False, True], ids=["untouched", "applied since"])
def test_an_opening_invoice_that_is_unposted_later_parks(applied):
    found = world().put(zuora.simple_invoice(**OLD))
    if applied:
        found.put(zuora.payment("100.00", zuora.row("100.00")))
    found.put(zuora.draft(updated=on(12), invoiceDate="2025-12-15"))
    assert found.standing(INVOICE)[0] == "parked"


def test_an_opening_payment_that_is_cancelled_later_parks():
    found = world().put(zuora.payment(**OLD_PAYMENT), zuora.payment(status="Canceled", updated=on(12), **OLD_PAYMENT))
    assert found.standing(PAYMENT)[0] == "parked"


def test_every_posting_names_the_mapping_that_built_it():
    found = world().put(zuora.payment("100.00", zuora.row("100.00")), zuora.simple_invoice(**OLD))
    assert [event.mapping_version for event in found.sets] == [1, 1]
