"""One sealed secret: it opens where and as it was sealed, and nowhere else; not a bit of it may change."""

import base64

import msgspec
import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st

from adapters.credentials.envelope import Sealed, seal, unseal
from adapters.credentials.keys import Key, make_key_file
from schemas.errors import Misconfigured

WORD = "canary-secret-2f81"
KEY = Key("k1", b"\x01" * 32)
BINARY = ("wrapped_key", "wrapped_nonce", "nonce", "sealed")


def sealed(text=WORD, *, key=KEY, **changes):
    known = {"store": "s1", "owner": "zuora/acme", "field": "client_secret", "version": 3}
    return seal(text, key=key, **{**known, **changes})


@drawn(st.text())
def test_what_is_sealed_opens_again(text):
    assert unseal(sealed(text), store="s1", key=KEY) == text


def test_the_same_secret_never_looks_the_same():
    many = [sealed() for _ in range(100)]
    for field in BINARY:
        assert len({getattr(one, field) for one in many}) == 100


def test_nothing_of_the_secret_stands_in_what_is_written():
    written = msgspec.json.encode(sealed())
    for form in (WORD.encode(), base64.b64encode(WORD.encode()), WORD.encode().hex().encode()):
        assert form not in written
    assert WORD not in repr(sealed())


@pytest.mark.parametrize("field", BINARY)
def test_a_bit_that_changes_anywhere_is_noticed(field):
    good = sealed()
    content = getattr(good, field)
    for place in range(len(content)):
        for bit in (1, 128):
            bad = content[:place] + bytes([content[place] ^ bit]) + content[place + 1 :]
            refused(msgspec.structs.replace(good, **{field: bad}))


@pytest.mark.parametrize("field", BINARY)
def test_a_part_that_is_cut_or_longer_is_noticed(field):
    good = sealed()
    content = getattr(good, field)
    for bad in (b"", content[:-1], content[1:], content + b"\x00", content * 40):
        refused(msgspec.structs.replace(good, **{field: bad}))


@pytest.mark.parametrize(
    "changes",
    [
        {"owner": "zuora/other"},
        {"owner": "zuora/acm"},
        {"owner": ""},
        {"field": "client_id"},
        {"field": ""},
        {"version": 2},
        {"version": 4},
        {"version": 0},
        # Parts that would run together without their lengths.
        {"owner": "zuora/acmeclient_secre", "field": "t"},
        {"owner": "zuora/acmeclient_secret", "field": ""},
    ],
    ids=str,
)
def test_a_record_that_is_relabelled_does_not_open(changes):
    refused(msgspec.structs.replace(sealed(), **changes))


def test_a_record_of_another_store_does_not_open():
    refused(sealed(), store="s2")


@pytest.mark.parametrize("algorithm", ["", "none", "A128GCM", "a256gcm"])
def test_a_record_that_names_another_algorithm_does_not_open(algorithm):
    try:
        opened = unseal(msgspec.structs.replace(sealed(), algorithm=algorithm), store="s1", key=KEY)
    except Misconfigured:
        opened = ""
    assert opened == ""


@pytest.mark.parametrize("parts", [BINARY[:2], BINARY[2:], BINARY[:1], BINARY[3:]], ids=str)
def test_parts_of_two_records_do_not_mix(parts):
    one, other = sealed(), sealed("another", field="client_id")
    refused(msgspec.structs.replace(one, **{part: getattr(other, part) for part in parts}))


def test_the_two_layers_are_not_exchangeable():
    one = sealed()
    swapped = {
        "wrapped_key": one.sealed,
        "sealed": one.wrapped_key,
        "nonce": one.wrapped_nonce,
        "wrapped_nonce": one.nonce,
    }
    refused(msgspec.structs.replace(one, **swapped))


def test_a_wrong_key_is_named_before_it_is_used(tmp_path):
    right, wrong = make_key_file(tmp_path / "a.key"), make_key_file(tmp_path / "b.key")
    with pytest.raises(Misconfigured) as error:
        unseal(sealed(key=right), store="s1", key=wrong)
    assert right.id in str(error.value)
    assert wrong.id in str(error.value)
    assert "zuora/acme client_secret" in str(error.value)
    assert WORD not in str(error.value)


def test_a_wrong_key_under_the_right_name_does_not_open():
    refused(sealed(), key=Key("k1", b"\x02" * 32))


def refused(record: Sealed, *, store="s1", key=KEY):
    with pytest.raises(Misconfigured) as error:
        unseal(record, store=store, key=key)
    assert WORD not in str(error.value)
    assert error.value.__cause__ is None
