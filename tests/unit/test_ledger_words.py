"""Words of Zuora that this version does not know park the one document that has them, by name; the stream goes on."""

import pytest

from tests.unit import builders as zuora
from tests.unit.world import world

NEW = "SomethingNew"


def invoice(**more) -> zuora.ZuoraRecord:
    return zuora.simple_invoice(**more)


def item_of_invoice(**more) -> zuora.ZuoraRecord:
    return zuora.invoice(zuora.item("5.00", **more))


def memo(**more) -> zuora.ZuoraRecord:
    return zuora.memo(zuora.memo_item("5.00"), **more)


def item_of_memo(**more) -> zuora.ZuoraRecord:
    return zuora.memo(zuora.memo_item("5.00", **more))


def debit_memo(**more) -> zuora.ZuoraRecord:
    return zuora.debit_memo(zuora.memo_item("5.00"), **more)


def item_of_debit_memo(**more) -> zuora.ZuoraRecord:
    return zuora.debit_memo(zuora.memo_item("5.00", **more))


UNKNOWN = [
    (invoice, "sourceType"),
    (memo, "sourceType"),
    (debit_memo, "sourceType"),
    (item_of_invoice, "processingType"),
    (item_of_memo, "processingType"),
    (item_of_debit_memo, "processingType"),
    (item_of_invoice, "taxMode"),
    (item_of_memo, "taxMode"),
    (item_of_debit_memo, "taxMode"),
    (item_of_memo, "revenueImpacting"),
    (zuora.payment, "type"),
]


@pytest.mark.parametrize(("make", "field"), UNKNOWN, ids=lambda one: one if isinstance(one, str) else one.__name__)
def test_an_unknown_word_parks_one_document_by_name_and_the_next_goes_on(make, field):
    record = make(**{field: NEW})
    found = world().put(record, zuora.simple_invoice(name="inv2"))
    document = f"{record.kind}:{record.id}"
    assert found.standing(document) == ("parked", "unknown_value")
    reason = found.outcomes[-1].reason
    assert (reason.field, reason.value) == (field, NEW)
    assert field in reason.message
    assert NEW in reason.message
    assert [posting.number for posting in found.postings] == ["INV2"]


@pytest.mark.parametrize("make", [invoice, memo, debit_memo, zuora.payment])
def test_an_unknown_status_parks_one_document_by_name_and_the_next_goes_on(make):
    record = make(status=NEW)
    found = world().put(record, zuora.simple_invoice(name="inv2"))
    assert found.standing(f"{record.kind}:{record.id}", "match") == ("parked", "unreadable_record")
    assert NEW in next(outcome for outcome in found.outcomes if outcome.stage == "match").reason.message
    assert [posting.number for posting in found.postings] == ["INV2"]


def test_a_kind_of_record_that_this_version_does_not_know_parks_by_name():
    found = world().put(zuora.record("order", {"id": "o1"}), zuora.simple_invoice())
    assert found.standing("order:o1", "match") == ("parked", "unreadable_record")
    assert [posting.number for posting in found.postings] == ["INV1"]


@pytest.mark.parametrize("field", ["transferredToAccounting", "eInvoiceStatus", "taxStatus", "sourceId"])
def test_a_word_that_nothing_is_decided_by_is_not_looked_at(field):
    assert len(world().put(invoice(**{field: NEW})).postings) == 1


def test_a_document_that_stands_is_undone_whatever_it_says_by_then():
    found = world().put(invoice(), zuora.draft(updated="2026-03-11T10:00:00Z", sourceType=NEW))
    assert [posting.step for posting in found.postings] == ["document", "inverse", "settle"]


def test_what_is_absent_or_empty_is_no_unknown_word():
    assert len(world().put(invoice(sourceType=""), item_of_memo(taxMode=None)).postings) == 2
