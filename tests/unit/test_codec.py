"""Events become bytes and bytes become events: exactly, or not at all."""

from datetime import UTC, datetime
from decimal import Decimal

import msgspec
import pytest

from schemas.codec import Decoder, Event, canonical, encode
from schemas.errors import Unreadable
from schemas.outcomes import AnyOutcome, Parked
from schemas.reasons import Reason
from schemas.records import ZuoraRecord
from schemas.references import QadReference
from tests.unit import builders as zuora
from tests.unit.world import posting_sets, world

references: Decoder[QadReference] = Decoder(QadReference)
records: Decoder[ZuoraRecord] = Decoder(ZuoraRecord)
outcomes: Decoder[AnyOutcome] = Decoder(AnyOutcome)


class Priced(Event, frozen=True, kw_only=True, tag="priced"):
    amount: Decimal
    at: datetime


priced: Decoder[Priced] = Decoder(Priced)


def parked(**changes) -> Parked:
    reason = Reason(rule="unmapped_code", message="INV-1: no row", waits_for=("mapping",))
    fields = {"connection": "c", "stage": "ledger", "subject": "invoice:1", "document": "invoice:1", "origin": 3}
    return Parked(**{**fields, "reason": reason, "currency": "EUR", "value": Decimal("10.10"), **changes})


def test_an_amount_is_a_string_and_comes_back_to_the_digit():
    event = Priced(amount=Decimal("0.10000000000000000000001"), at=datetime(2026, 3, 1, tzinfo=UTC))
    assert b'"amount":"0.10000000000000000000001"' in encode(event)
    assert str(priced(encode(event)).amount) == "0.10000000000000000000001"


def test_an_amount_that_is_a_json_number_does_not_pass_a_float():
    value = b'{"type":"priced","amount":1234567890123.10,"at":"2026-03-01T00:00:00Z"}'
    assert str(priced(value).amount) == "1234567890123.10"


def test_what_was_written_is_read_the_same_and_written_the_same():
    everything = world().put(
        zuora.invoice(zuora.item("100.00", taxes=[zuora.tax("19.00")])),
        zuora.payment("119.00", zuora.row("119.00")),
        zuora.simple_invoice(name="inv2", status="Draft"),
    )
    for event in (*everything.sets, *everything.matched, *everything.outcomes, *zuora.references(), parked()):
        kind = Decoder(type(event))
        assert kind(encode(event)) == event
        assert encode(kind(encode(event))) == encode(event)
    assert len(posting_sets(everything.log)) == 2


def test_zuoras_bytes_are_kept_to_the_letter():
    parent = b'{"id":"1","amount":10.50,"amount":1E2, "n":null,"x":"\\u00e9"}'
    record = msgspec.structs.replace(zuora.simple_invoice(), parent=msgspec.Raw(parent))
    assert bytes(records(encode(record)).parent) == parent


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"null",
        b"[]",
        b"5",
        b'"invoice"',
        b"{",
        b"\x00\x01",
        b"\xff\xfe{}",
        b'{"type":"period"}',
        b'{"type":"period","code":"\xc3(","year":2026}',
        b'{"type":"period","code":"a","year":"2026","period":1,"first_day":"2026-01-01"}',
        b'{"type":"customer","code":"C1","active":1,"currency":"EUR"}',
        b'{"code":"C1","active":true,"currency":"EUR"}',
        b'{"type":"customer","code":"C1","active":true,"currency":"EUR"} trailing',
    ],
)
def test_bytes_that_are_no_event_of_the_topic_are_unreadable(value):
    with pytest.raises(Unreadable, match="not an event of this topic"):
        references(value)


def test_a_record_without_a_value_is_unreadable():
    with pytest.raises(Unreadable, match="no value"):
        references(None)


def test_an_unknown_kind_is_unreadable_and_named():
    with pytest.raises(Unreadable, match="warehouse"):
        references(b'{"type":"warehouse","code":"W1"}')


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_deep_nesting_is_refused_without_a_crash(opening):
    deep = opening * 200_000
    for kind, value in (
        (references, deep),
        (references, b'{"type":"customer","more":' + deep),
        (records, encode(zuora.account()).replace(b'"parent":{', b'"parent":' + deep + b"{")),
    ):
        with pytest.raises(Unreadable):
            kind(value)


def test_deep_nesting_that_is_closed_is_refused_as_well():
    deep = b"[" * 5000 + b"]" * 5000
    with pytest.raises(Unreadable):
        records(encode(zuora.account()).replace(b'"parent":{', b'"parent":{"x":' + deep + b","))


@pytest.mark.parametrize(
    "value",
    [
        encode(msgspec.structs.replace(zuora.period(1), v=2)),
        b'{"type":"period","v":2,"code":{"entity":"10"}}',
        b'{"type":"fiscal_period","v":7}',
    ],
    ids=["readable", "changed", "new kind"],
)
def test_a_newer_version_is_never_guessed_at(value):
    with pytest.raises(Unreadable, match=r"newer version .*upgrade it"):
        references(value)


def test_new_optional_fields_do_not_raise_the_version():
    value = b'{"new":[1,{"a":null}],"type":"customer","code":"C1","active":true,"currency":"EUR"}'
    assert references(value) == zuora.customer("C1", currency="EUR", zuora_account="")


def test_a_process_reads_what_it_knows_and_older():
    newer: Decoder[QadReference] = Decoder(QadReference, version=2)
    period = zuora.period(1)
    assert newer(encode(period)) == period
    assert newer(encode(msgspec.structs.replace(period, v=2))) == msgspec.structs.replace(period, v=2)
    with pytest.raises(Unreadable, match="v3, this process knows v2"):
        newer(encode(msgspec.structs.replace(period, v=3)))


def test_a_version_that_is_no_number_is_unreadable():
    with pytest.raises(Unreadable):
        references(b'{"type":"customer","v":"2","code":"C1","active":true,"currency":"EUR"}')


def test_canonical_bytes_do_not_depend_on_the_order_of_keys():
    assert canonical({"b": Decimal("1.0"), "a": {"d": 1, "c": 2}}) == canonical(
        {"a": {"c": 2, "d": 1}, "b": Decimal("1.0")}
    )
    assert canonical({"b": Decimal("1.0")}) == b'{"b":"1.0"}'


def test_the_pass_of_an_input_is_called_pass_on_the_wire():
    assert b'"pass":"release:2"' in encode(parked(input_pass="release:2"))
    assert outcomes(encode(parked(input_pass="release:2"))).input_pass == "release:2"
