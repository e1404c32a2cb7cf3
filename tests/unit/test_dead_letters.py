"""Dead letters: what could not be read, whole, as far as a topic takes it."""

from schemas.codec import encode
from schemas.topics import MESSAGE_BYTES_MAX, RECORD_BYTES_MAX
from streams.match.spec import SPEC
from streams.outcomes import dead_letter
from streams.stage import Input


def letter_of(size: int):
    return dead_letter(Input(7, 0, b"k", b"\xff" * size), connection="c", spec=SPEC, reason="no JSON")


def test_a_letter_holds_the_bytes_whole():
    letter = letter_of(RECORD_BYTES_MAX // 2)
    assert (len(letter.value), letter.reason) == (RECORD_BYTES_MAX // 2, "no JSON")
    assert len(encode(letter)) < MESSAGE_BYTES_MAX


def test_bytes_too_many_for_a_letter_stay_where_they_stand_and_stop_nobody():
    letter = letter_of(RECORD_BYTES_MAX)
    assert (letter.value, letter.topic, letter.offset) == (b"", SPEC.source.value, 7)
    assert f"{RECORD_BYTES_MAX} bytes" in letter.reason
    assert len(encode(letter)) < MESSAGE_BYTES_MAX
