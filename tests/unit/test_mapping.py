"""The mapping is strict: a misspelt rule never means "no rule", and what is not carried yet cannot be switched on."""

import copy
from datetime import date
from typing import Any

import msgspec
import pytest

from schemas.codec import canonical
from schemas.mapping import PROCESSING_TYPES, Mapping
from tests.unit import builders as zuora

FILE: dict[str, Any] = {
    "first_document_date": date(2026, 1, 1),
    "cut_over": date(2026, 1, 1),
    "policy": {"deferral_system": "QAD", "suspense": {"account": "1999"}},
    "daybooks": {"invoice": "ZINV", "credit_note": "ZCRN", "receipt": "ZPAY", "adjustment": "ZADJ"},
    "customers": {"account_field": "QADCustomer__c"},
    "terms": {"Net 30": "NET30"},
    "lines": [{"code": "Subscription Revenue", "account": "4000", "revenue": "by_service_period"}],
    "tax": [{"account": "2300"}],
    "banks": [{"currency": "EUR", "account": "1010", "payment_type": "External"}],
}
TABLES = [
    (),
    ("policy",),
    ("policy", "suspense"),
    ("daybooks",),
    ("customers",),
    ("lines", 0),
    ("tax", 0),
    ("banks", 0),
]


def read(file: dict[str, Any]) -> Mapping:
    return msgspec.convert(file, Mapping)


def changed(path: tuple[Any, ...], **keys: Any) -> dict[str, Any]:
    file = copy.deepcopy(FILE)
    table: Any = file
    for step in path:
        table = table[step]
    for key, value in keys.items():
        if value is None:
            del table[key]
        else:
            table[key] = value
    return file


def test_a_whole_file_is_read():
    mapping = read(FILE)
    assert mapping.lines[0].processing == "Charge"
    assert mapping.policy.suspense is not None


def test_the_defaults_are_those_of_accounting_10():
    policy = read(changed(("policy",), suspense=None)).policy
    assert (policy.gl, policy.tax, policy.receipts) == ("with_document", "liability_line", "allocated")
    assert (policy.closed_period, policy.zero_total, policy.suspense) == ("hold", "park", None)
    assert (policy.cash_waits, policy.external_payments) == (False, "in_scope")


@pytest.mark.parametrize("path", TABLES, ids=lambda path: ".".join(map(str, path)) or "top")
def test_an_unknown_key_is_refused_and_named(path):
    with pytest.raises(msgspec.ValidationError, match="acount"):
        read(changed(path, acount="x"))


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ((), "cut_over"),
        ((), "first_document_date"),
        ((), "lines"),
        ((), "banks"),
        (("policy",), "deferral_system"),
        (("daybooks",), "adjustment"),
        (("lines", 0), "account"),
        (("lines", 0), "code"),
        (("banks", 0), "currency"),
    ],
)
def test_what_must_be_said_must_be_said(path, key):
    with pytest.raises(msgspec.ValidationError, match=key):
        read(changed(path, **{key: None}))


@pytest.mark.parametrize(
    ("path", "key", "value"),
    [
        (("policy",), "gl", "both"),
        (("policy",), "tax", "none"),
        (("policy",), "zero_total", "ignore"),
        (("policy",), "closed_period", "never"),
        (("policy",), "receipts", "Allocated"),
        (("policy",), "cash_waits", "yes"),
        (("lines", 0), "revenue", "defer"),
        (("banks", 0), "payment_type", "Cheque"),
        ((), "cut_over", "soon"),
        (("lines", 0), "account", 4000),
    ],
)
def test_a_value_that_is_none_of_the_choices_is_refused(path, key, value):
    with pytest.raises(msgspec.ValidationError, match=key):
        read(changed(path, **{key: value}))


def test_a_closed_period_is_one_word_or_a_table_by_kind():
    one, table = "first_open", {"payment": "first_open", "application": "hold"}
    assert read(changed(("policy",), closed_period=one)).policy.in_closed("invoice") == "first_open"
    by_kind = read(changed(("policy",), closed_period=table)).policy
    kinds = ("payment", "application", "invoice")
    assert [by_kind.in_closed(kind) for kind in kinds] == ["first_open", "hold", "hold"]
    # What one word said before is the same bytes, and reads the same.
    assert b'"closed_period":"first_open"' in msgspec.json.encode(read(changed(("policy",), closed_period=one)))
    assert b"closed_period" not in msgspec.json.encode(read(changed(("policy",), closed_period="hold")))
    assert msgspec.json.decode(msgspec.json.encode(by_kind), type=type(by_kind)) == by_kind
    for wrong in ({"paymnt": "hold"}, {"payment": "never"}):
        with pytest.raises(msgspec.ValidationError, match="closed_period"):
            read(changed(("policy",), closed_period=wrong))


def test_the_journal_mode_needs_its_clearing_account():
    with pytest.raises(msgspec.ValidationError, match="clearing"):
        read(changed(("policy",), gl="journal"))


def test_a_journal_and_tax_rows_of_qad_are_refused_together():
    both = {"gl": "journal", "clearing": {"account": "1990"}, "tax": "qad_tax_rows"}
    assert read(changed(("policy",), **{**both, "tax": "liability_line"})).policy.gl == "journal"
    assert read(changed(("policy",), tax="qad_tax_rows")).policy.tax == "qad_tax_rows"
    with pytest.raises(msgspec.ValidationError, match="a journal carries no tax rows"):
        read(changed(("policy",), **both))


def test_a_mapping_survives_the_log_and_cannot_be_changed():
    mapping = read(FILE)
    assert msgspec.json.decode(canonical(mapping), type=Mapping) == mapping
    with pytest.raises(AttributeError):
        mapping.cut_over = date(2027, 1, 1)  # type: ignore[misc]


def test_the_same_mapping_has_the_same_bytes_whatever_the_order_of_its_keys():
    assert canonical(read(dict(reversed(FILE.items())))) == canonical(read(FILE))


def test_every_processing_type_of_zuora_needs_a_row_of_its_own():
    contract = (
        "Charge Discount Prepayment Tax Rounding Surcharge CommitmentTrueUp PrepaymentBilling PrepaymentApplication"
    )
    assert sorted(PROCESSING_TYPES) == sorted(contract.split())


def test_a_published_mapping_survives_the_log():
    decision = zuora.published(policy={"suspense": {"account": "1999"}})
    assert decision.mapping.cut_over == zuora.CUT_OVER
