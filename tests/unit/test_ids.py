"""Names of things: stable for ever, and different wherever the thing is different."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.ids import PostingId, document_key, document_parts, hash_of, machine_reference, posting_id, record_id

THING = {"connection": "acme-de", "kind": "invoice", "zuora_id": "8a1", "act": "post", "n": 1, "step": "document"}
words = st.text(max_size=12)


def name_of(**changes) -> PostingId:
    fields = {**THING, **changes}
    return posting_id(fields.pop("connection"), **fields)


def test_a_posting_has_the_name_that_it_always_had():
    """These letters stand in QAD. If this test fails, what is posted already is posted once more."""
    assert name_of() == "4d9dc40c227192b43c0513e884af6892"
    assert machine_reference(name_of()) == "JWO4IDBCOGJLIPAFCPUI"


def test_a_record_has_the_name_that_it_always_had():
    assert record_id("acme-de", kind="invoice", zuora_id="8a1", content=b"{}") == "2f5d7763105b77559f3a31385d748672"


@pytest.mark.parametrize(
    "change",
    [{"connection": "b"}, {"kind": "payment"}, {"zuora_id": "8a2"}, {"act": "reverse"}, {"n": 2}, {"step": "inverse"}],
)
def test_whatever_makes_it_another_thing_makes_it_another_name(change):
    assert name_of(**change) != name_of()


@given(st.lists(words, max_size=4), st.lists(words, max_size=4))
def test_parts_do_not_run_together(left, right):
    encoded = [[part.encode() for part in parts] for parts in (left, right)]
    assert (hash_of(*encoded[0]) == hash_of(*encoded[1])) == (left == right)


@given(words, words, words, words, st.integers(1, 99), words)
def test_a_reference_fits_qads_field(connection, kind, zuora_id, act, n, step):
    name = posting_id(connection, kind=kind, zuora_id=zuora_id, act=act, n=n, step=step)
    assert re.fullmatch(r"[0-9a-f]{32}", name)
    assert re.fullmatch(r"[A-Z2-7]{20}", machine_reference(name))


def test_references_differ_where_names_do():
    names = {name_of(zuora_id=str(number)) for number in range(5000)}
    assert len({machine_reference(name) for name in names}) == len(names) == 5000


@given(st.from_regex(r"[a-z_]{1,12}", fullmatch=True), words)
def test_a_document_key_can_be_taken_apart(kind, zuora_id):
    assert document_parts(document_key(kind, zuora_id)) == (kind, zuora_id)
