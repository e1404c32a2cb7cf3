"""The peer kit's documents as postings: nothing of one is lost on the way, and an account's come one after another."""

import json

import msgspec
import pytest

from benchmarks.peer_documents import KitDocument, document_of, posting_set_of
from schemas.codec import encode
from schemas.events import read_postings
from streams.sink.freezing import freeze
from streams.sink.state import SinkState

DOCUMENT = {"id": "D0000041", "account": "A000007", "seq": 3, "text": "x" * 900}


def value(**other) -> bytes:
    return json.dumps(DOCUMENT | other).encode()


def test_what_is_sent_is_the_document_that_came():
    (posting,) = read_postings(encode(posting_set_of(value(), offset=5))).postings
    posting.check()
    command = freeze(posting, state=SinkState()).command
    assert msgspec.structs.asdict(document_of(command.number, command.payload)) == DOCUMENT
    assert command.reference == posting.reference


def test_a_document_that_is_fed_twice_is_the_same_posting():
    first, again = posting_set_of(value(), offset=5), posting_set_of(value(), offset=5)
    assert first == again


def test_a_document_comes_after_the_one_before_it_of_its_account():
    first, second, third = (posting_set_of(value(seq=seq), offset=seq).postings[0] for seq in (1, 2, 3))
    other = posting_set_of(value(account="A000008", seq=2), offset=9).postings[0]
    assert (first.after, second.after, third.after) == ((), (first.id,), (second.id,))
    assert first.id not in other.after


def test_what_is_no_document_is_refused():
    with pytest.raises(msgspec.DecodeError):
        posting_set_of(b'{"id": "D1"}', offset=0)


def test_the_kits_documents_have_these_fields_and_no_others():
    assert KitDocument.__struct_fields__ == tuple(DOCUMENT)
