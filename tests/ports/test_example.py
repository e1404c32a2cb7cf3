"""What docs/adding-a-sink.md claims of its code. Under the contract it stands as one of the sinks."""

from adapters.kafka.cluster import Cluster
from schemas.topics import Topic
from tests.broker.erps import invoice, posting_set
from tests.broker.sinks import put
from tests.ports.tables import blocks, shown


def test_the_examples_have_less_than_a_hundred_lines_of_code():
    lines = [line for block in blocks() for line in block.splitlines() if line.strip()]
    assert 60 < len([line for line in blocks()[0].splitlines() if line.strip()]) < 100
    assert max(map(len, lines)) <= 120


async def test_a_group_of_its_own_copies_every_posting_and_goes_on_where_it_was(cluster: Cluster):
    copy, kept = shown(1).copy_postings, []
    first, second, third = (invoice(f"INV{number}") for number in range(3))
    await put(cluster, Topic.POSTINGS, posting_set(first), posting_set(second))
    await copy(cluster, kept.extend, until=lambda: len(kept) == 2)
    await put(cluster, Topic.POSTINGS, posting_set(third))
    await copy(cluster, kept.extend, until=lambda: len(kept) == 3)
    assert [posting.reference for posting in kept] == [one.reference for one in (first, second, third)]
