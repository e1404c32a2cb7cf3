"""What QAD shows is written to a real broker in parts: what a part that failed leaves behind is written next time."""

from collections.abc import Sequence

import pytest

from adapters.kafka.feed import ReferenceFeed
from adapters.kafka.publishing import Publication, Publisher
from adapters.kafka.reader import read_whole
from schemas.errors import Transient
from schemas.events import read_qad_reference
from schemas.references import Customer
from schemas.topics import Topic

COUNT = 2_500


class Failing(Publisher):
    """A publisher whose broker is away for one of its calls."""

    fails_at = 0
    calls = 0

    async def publish(self, publications: Sequence[Publication]) -> None:
        self.calls += 1
        if self.calls == self.fails_at:
            raise Transient("Kafka is away")
        await super().publish(publications)


def customers(count: int, name: str = "") -> list[Customer]:
    return [Customer(code=f"{number:05}", active=True, currency="USD", name=name) for number in range(count)]


@pytest.fixture
async def publisher(cluster):
    async with Failing(cluster) as found:
        yield found


async def written(cluster, *, after: int = 0) -> list[Customer]:
    found = [read_qad_reference(record.value) for record in await read_whole(cluster, 0, [Topic.QAD_REFERENCE])]
    return found[after:]


async def test_a_long_list_that_could_not_be_written_whole_goes_on_where_it_ended(cluster, publisher):
    feed = ReferenceFeed(cluster, publisher, "c", 0)
    publisher.fails_at = 2
    with pytest.raises(Transient):
        await feed.write_list("customer", customers(COUNT))
    begun = len(await written(cluster))
    assert 0 < begun < COUNT
    assert await feed.write_list("customer", customers(COUNT)) == COUNT - begun
    assert await written(cluster) == customers(COUNT)
    assert await feed.write_list("customer", customers(COUNT)) == 0


async def test_what_is_gone_is_said_once_and_what_comes_back_is_said_again(cluster, publisher):
    feed = ReferenceFeed(cluster, publisher, "c", 0)
    await feed.write_list("customer", customers(COUNT))
    publisher.fails_at = publisher.calls + 2
    with pytest.raises(Transient):
        await feed.write_list("customer", [])
    said = await written(cluster, after=COUNT)
    assert said
    assert all(one.gone for one in said)
    back = customers(COUNT)
    await feed.write_list("customer", back[:1])
    codes = [one.code for one in await written(cluster, after=COUNT) if one.gone]
    assert len(codes) == len(set(codes))
    assert set(codes) | {back[0].code} == {one.code for one in back}
    assert await feed.write_list("customer", back) == COUNT - 1
    # A new one knows by the log alone.
    again = ReferenceFeed(cluster, publisher, "c", 0)
    await again.load()
    assert await again.write_list("customer", back) == 0
