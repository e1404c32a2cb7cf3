"""A shelf holds what a dictionary would, in less memory, and can be written down while more is put into it."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams import shelf
from streams.shelf import Rows, Shelf, shape_of
from tests.unit.keeping import restored


class Value(msgspec.Struct, array_like=True):
    """What is kept: it has ended, or has not."""

    text: str
    ended: bool


def new() -> Shelf[Value]:
    return Shelf(Value, ended=lambda value: value.ended)


NAMES = st.integers(0, 40).map(str)
PUTS = st.lists(st.tuples(NAMES, st.text(max_size=30), st.booleans()), max_size=120)


@given(PUTS)
@settings(max_examples=200, deadline=None)
def test_a_shelf_holds_what_a_dictionary_holds(puts):
    found, wanted = new(), {}
    for name, text, ended in puts:
        found.put(name, Value(text, ended))
        wanted[name] = Value(text, ended)
    assert {name: found.get(name) for name in map(str, range(41)) if name in found} == wanted
    assert len(found) == len(wanted)
    assert found.live == {name: value for name, value in wanted.items() if not value.ended}
    assert sorted(map(repr, found.values())) == sorted(map(repr, wanted.values()))


@given(PUTS, PUTS)
@settings(max_examples=100, deadline=None)
def test_what_was_written_down_is_what_was_there_then(before, after):
    found = new()
    for name, text, ended in before:
        found.put(name, Value(text, ended))
    then, parts = restored(found, new()), found.parts()
    assert then == found
    for name, text, ended in after:
        found.put(name, Value(text, ended))
    late = new()
    late.restore(iter([bytearray(b"".join(part.pieces())) for part in parts]))
    assert late == then
    for name, text, ended in after:
        late.put(name, Value(text, ended))
    assert late == found


def test_rows_grow_and_throw_out_what_was_replaced(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(shelf, "_COMPACT_BYTES_MIN", 1000)
    rows, wanted = Rows(), {}
    for turn in range(6):
        for number in range(3000):
            digest = number.to_bytes(16, "little")
            wanted[digest] = b"%d" % (number * turn)
            rows.put(digest, wanted[digest])
    assert dict(rows) == wanted
    assert len(rows) == 3000
    live = sum(20 + len(row) for row in wanted.values())
    assert rows.parts()[2].size <= 2 * live + 1000


def test_names_whose_digests_begin_alike_are_told_apart():
    rows = Rows()
    digests = [b"same day" + number.to_bytes(8, "little") for number in range(50)]
    for number, digest in enumerate(digests):
        rows.put(digest, b"%d" % number)
    assert [rows.get(digest) for digest in digests] == [b"%d" % number for number in range(50)]
    assert rows.get(b"same day" + bytes([99] * 8)) is None


def test_another_field_is_another_shape():
    class Longer(Value, array_like=True):
        more: int = 0

    assert shape_of(Value) == shape_of(Value)
    assert shape_of(Value) != shape_of(Longer)


def test_a_name_that_is_not_there_is_a_key_error():
    with pytest.raises(KeyError):
        _ = new()["a"]
