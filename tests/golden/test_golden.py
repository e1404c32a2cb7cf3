"""A recorded log becomes the postings that it always became, byte for byte: today, later, and after any restart.

Documents of years ago are decided again in every replay. What they become may change only where a person meant it to.
"""

from itertools import zip_longest

import pytest

from schemas.codec import encode
from schemas.topics import Topic
from tests.golden.record import LOG, OUTPUTS, documents, read_log, told
from tests.unit.world import World

WHAT_TO_DO = """
{path}, line {line}, is not what it was.

If you did not mean to change what a document becomes: the change is wrong. A replay of any site would now write other
postings for the same documents, and two people's books would differ by the day of the upgrade. Mend the code.

If a rule really changed:
  1. write in docs/decisions/ which rule, why, and what becomes of documents that are in QAD already;
  2. say it in CHANGELOG.md in the words of an accountant;
  3. .venv/bin/python -m tests.golden.record outputs
  4. read the difference of tests/golden/*.jsonl line by line: each line that changed must be one that you meant. An
     `id`, `reference` or `n` that changed is never meant: what is in QAD would be posted once more.

was: {was}
is:  {now}
"""


@pytest.fixture(scope="module")
def made() -> World:
    return told(read_log())


def hold(found: World, topic: Topic) -> None:
    path = OUTPUTS[topic]
    recorded = path.read_bytes().splitlines()
    for number, (was, now) in enumerate(zip_longest(recorded, found.log[topic]), start=1):
        if was != now:
            told_to = WHAT_TO_DO.format(
                path=path.name, line=number, was=(was or b"nothing").decode(), now=(now or b"nothing").decode()
            )
            pytest.fail(told_to, pytrace=False)


@pytest.mark.parametrize("topic", OUTPUTS)
def test_the_recorded_log_becomes_what_it_always_became(made, topic):
    hold(made, topic)


def test_a_stage_that_begins_anew_after_every_line_makes_the_same():
    found = told(read_log(), restarting=True)
    for topic in OUTPUTS:
        hold(found, topic)


def test_the_log_told_once_more_adds_nothing(made):
    before = {topic: list(made.log[topic]) for topic in OUTPUTS}
    made.restart()
    made.match.taken = made.ledger.taken = 0
    made.settle()
    assert {topic: made.log[topic] for topic in OUTPUTS} == before


def test_the_log_is_what_the_script_records():
    """New documents are added at its end: what was recorded is never recorded anew."""
    events = [encode(event) for event in documents()]
    assert [bytes(line.event) for line in read_log()] == events, f"{LOG.name}: python -m tests.golden.record log"
