"""Each topic has its events in the table, and reads those alone."""

import pytest

from schemas.codec import encode
from schemas.errors import Unreadable
from schemas.events import EVENTS
from schemas.topics import Topic
from tests.golden.record import OUTPUTS, read_log

RECORDED = [(line.topic, bytes(line.event)) for line in read_log()] + [
    (topic, line) for topic, path in OUTPUTS.items() for line in path.read_bytes().splitlines()
]


def test_every_topic_has_its_events():
    assert list(EVENTS) == list(Topic)


def test_what_was_recorded_is_read_by_its_topic_and_written_the_same():
    for topic, value in RECORDED:
        assert encode(EVENTS[topic](value)) == value


@pytest.mark.parametrize("topic", Topic)
def test_no_topic_reads_an_event_of_another(topic):
    others = [value for other, value in RECORDED if other is not topic]
    assert len(others) >= 50
    for value in others:
        with pytest.raises(Unreadable):
            EVENTS[topic](value)
