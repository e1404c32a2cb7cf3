"""A stage that is killed anywhere and begun anew from the log ends where one that never was killed ends.

And at any moment: what a stage remembers is what the log says; to begin anew adds nothing; the same log gives the same
bytes.
"""

import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from schemas.codec import Event, encode
from schemas.topics import Topic
from tests.unit import builders as zuora
from tests.unit.scripts import LATER, STORY, happenings
from tests.unit.world import AS_WRITTEN, OUTCOMES_FIRST, PRODUCT_FIRST, Crash, Lane, World, world

OUTPUTS = (Topic.MATCHED, Topic.POSTINGS, Topic.OUTCOMES)
property_of_stages = settings(max_examples=150, deadline=None)


def bare() -> World:
    found = World(bare=True)
    for event in (*zuora.references(), *zuora.codes()):
        found.append(event)
    found.settle()
    return found


def postings_of(found: World) -> dict[str, list[str]]:
    """Return the contents that were ever written of each posting, by its name."""
    contents: dict[str, list[str]] = {}
    for posting in found.postings:
        contents.setdefault(posting.id, []).append(posting.content_hash)
    return contents


def standings_of(found: World) -> dict[tuple[str, str], tuple[str, str]]:
    documents = {(outcome.stage, outcome.subject) for outcome in found.outcomes}
    standings = {(stage, document): found.standing(document, stage) for stage, document in documents}
    # Nothing said, and released, are the same: it goes on.
    return {key: value for key, value in standings.items() if value != ("released", "")}


def matched_of(found: World) -> dict[str, list[str]]:
    last: dict[str, list[str]] = {}
    for event in found.matched:
        last.setdefault(event.id, []).append(f"{event.customer} {event.record_id}")
    return last


def last_matched(found: World) -> dict[str, str]:
    return {document: values[-1] for document, values in matched_of(found).items()}


def told(events: Iterable[Event], *, victim: str = "", after: int = 0) -> tuple[World, bool]:
    """Tell a story; kill one stage after so many records of its own; return whether it came to that."""
    found = bare()
    lanes: dict[str, Lane] = {"match": found.match, "ledger": found.ledger}
    if victim:
        lanes[victim].write_at_most = after
    killed = False
    for event in events:
        found.append(event)
        try:
            found.settle()
        except Crash:
            killed = True
            lanes[victim].start()
            found.settle()
    return found, killed


@pytest.mark.parametrize("victim", ["match", "ledger"])
def test_a_stage_that_is_killed_after_any_record_ends_where_it_would_have_ended(victim):
    whole, _ = told(STORY)
    after, killed = 0, True
    while killed:
        found, killed = told(STORY, victim=victim, after=after)
        assert postings_of(found) == postings_of(whole), after
        assert standings_of(found) == standings_of(whole), after
        assert matched_of(found) == matched_of(whole), after
        after += 1
    assert after > 10


@pytest.mark.parametrize("victim", ["match", "ledger"])
def test_a_stage_that_is_killed_in_the_middle_of_a_run_ends_where_it_would_have_ended(victim):
    """All of it comes in one run: a part of its outputs is written, and the run comes again whole."""
    whole, _ = in_one_run(victim, None)
    after, killed = 0, True
    while killed:
        found, killed = in_one_run(victim, after)
        assert postings_of(found).keys() == postings_of(whole).keys(), after
        assert all(len(contents) == 1 for contents in postings_of(found).values()), after
        assert standings_of(found) == standings_of(whole), after
        assert last_matched(found) == last_matched(whole), after
        after += 1
    assert after > 10


def in_one_run(victim: str, after: int | None) -> tuple[World, bool]:
    found = bare()
    records = [event for event in STORY if event.__struct_config__.tag == "record"]
    lane = found.match if victim == "match" else found.ledger
    for event in (*(event for event in STORY if event not in records), *records):
        found.append(event)
    lane.write_at_most = after
    try:
        found.settle()
    except Crash:
        lane.start()
        found.settle()
        return found, True
    return found, False


def test_a_document_that_comes_in_from_ignored_is_released_even_if_the_stage_is_killed():
    found = world().put(zuora.simple_invoice(status="Draft"))
    found.match.write_at_most = 1
    found.append(zuora.simple_invoice(updated=LATER))
    with pytest.raises(Crash):
        found.settle()
    found.restart()
    assert (len(found.matched), found.standing("invoice:inv1", "match")) == (1, ("released", ""))


@given(happenings)
@property_of_stages
def test_what_a_stage_remembers_is_what_the_log_says(events):
    remembers_the_log(bare().put(*events), AS_WRITTEN)


@given(happenings, st.sampled_from([PRODUCT_FIRST, OUTCOMES_FIRST]))
@settings(property_of_stages, derandomize=True, max_examples=100, phases=(Phase.generate,))
def test_what_a_stage_remembers_does_not_depend_on_which_topic_is_read_first(events, order):
    remembers_the_log(bare().put(*events), order)


def remembers_the_log(found: World, order: str) -> None:
    for lane in (found.match, found.ledger):
        assert lane.folded(order)._state == lane.core._state


def test_an_outcome_that_is_missing_is_missed_whichever_topic_is_read_first():
    found = world().put(zuora.simple_invoice("0.00"))
    assert found.standing("invoice:inv1") == ("ignored", "zero")
    found.ledger.write_at_most = 1
    found.append(zuora.simple_invoice("5.00", updated=LATER, postedDate=LATER))
    with pytest.raises(Crash):
        found.settle()
    found.restart(PRODUCT_FIRST)
    assert (len(found.postings), found.standing("invoice:inv1")) == (1, ("released", ""))


@given(happenings)
@property_of_stages
def test_to_begin_anew_adds_nothing(events):
    """But what a changed reference makes of a document that did not wait for it: that is said once."""
    found = bare().put(*events)
    found.restart()
    before = {topic: list(found.log[topic]) for topic in OUTPUTS}
    found.restart()
    assert {topic: found.log[topic] for topic in OUTPUTS} == before


@given(happenings)
@property_of_stages
def test_inputs_that_come_again_add_nothing(events):
    """Where nothing else has changed since: what people and QAD say comes first here, then accounts, then documents."""
    order = {"account": 1, "invoice": 2, "credit_memo": 2, "payment": 2}
    found = bare().put(*sorted(events, key=lambda event: order.get(getattr(event, "kind", ""), 0)))
    before = {topic: list(found.log[topic]) for topic in OUTPUTS}
    found.match.taken = found.ledger.taken = 0
    found.settle()
    assert {topic: found.log[topic] for topic in OUTPUTS} == before


@given(happenings)
@property_of_stages
def test_the_same_log_gives_the_same_bytes(events):
    first, second = bare().put(*events), bare().put(*events)
    assert {topic: first.log[topic] for topic in OUTPUTS} == {topic: second.log[topic] for topic in OUTPUTS}


@given(happenings)
@property_of_stages
def test_one_posting_has_one_source_and_counts_up(events):
    """Whatever happens: ids are unique to (document, act, n, step), n goes up by one, and every posting checks."""
    found = bare().put(*events)
    names: dict[str, tuple[object, ...]] = {}
    posted: dict[str, int] = {}
    for posting in found.postings:
        posting.check()
        what = (posting.document, posting.act, posting.n, posting.step)
        assert names.setdefault(posting.id, what) == what
        if posting.step == "document":
            assert posting.n - posted.get(posting.document, 0) in {0, 1}
            posted[posting.document] = posting.n


SCRIPT = """
import hashlib
from tests.unit.scripts import STORY
from tests.unit.test_crashes import OUTPUTS, told
found, _ = told(STORY)
print(hashlib.sha256(b"".join(value for topic in OUTPUTS for value in found.log[topic])).hexdigest())
"""


def test_no_byte_depends_on_the_order_of_a_set():
    """Python shuffles the hashes of texts anew in each process: two processes must write the same bytes."""
    root = Path(__file__).resolve().parents[2]
    said = set()
    for seed in ("1", "2", "77"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(root)}
        ended = subprocess.run(
            [sys.executable, "-c", SCRIPT], env=environment, cwd=root, capture_output=True, text=True, check=False
        )
        assert ended.returncode == 0, ended.stderr
        said.add(ended.stdout)
    assert len(said) == 1


@pytest.mark.parametrize("stage", ["match", "ledger"])
def test_no_byte_depends_on_which_side_topic_was_read_first(stage):
    found = world().put(zuora.simple_invoice())
    lane = found.match if stage == "match" else found.ledger
    written = []
    for sides in (lane.spec.sides, lane.spec.sides[::-1]):
        core = lane.make_core()
        for topic in sides:
            for offset, value in enumerate(found.log[topic]):
                core.learn(topic, offset, value)
        outputs = [one for index in range(lane.taken) for one in core.decide(lane.input(index))]
        written.append(b"\n".join(encode(output.event) for output in outputs))
    assert written[0] == written[1]
