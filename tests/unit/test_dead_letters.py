"""Dead letters: what could not be read, whole."""

import pytest

from schemas.codec import encode
from schemas.events import read_dead_letter
from schemas.topics import LETTER_MESSAGE_BYTES_MAX, MESSAGE_BYTES_MAX, OVERHEAD_BYTES
from streams.match.spec import SPEC
from streams.outcomes import dead_letter
from streams.stage import Input


@pytest.mark.parametrize("key_bytes", [1, MESSAGE_BYTES_MAX // 2, MESSAGE_BYTES_MAX - 1])
def test_a_letter_of_the_largest_record_holds_its_bytes_whole_and_fits_its_topic(key_bytes):
    item = Input(7, 0, b"k" * key_bytes, b"\xff" * (MESSAGE_BYTES_MAX - key_bytes))
    letter = dead_letter(item, connection="c", spec=SPEC, reason="no JSON")
    written = encode(letter)
    assert len(written) + len(item.key) <= LETTER_MESSAGE_BYTES_MAX - OVERHEAD_BYTES
    read = read_dead_letter(written)
    assert (read.key, read.value, read.reason) == (item.key, item.value, "no JSON")
