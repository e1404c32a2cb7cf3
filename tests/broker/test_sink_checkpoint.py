"""The sink's checkpoint on a real broker: nothing is posted twice, whatever became of the file between two starts."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from adapters.kafka import checkpoint as checkpoints
from adapters.kafka.checkpoint import Checkpoint
from adapters.kafka.cluster import Cluster
from schemas.outcomes import Intended, Posted, RejectedByQad
from schemas.topics import Topic
from streams.sink.spec import STAGE
from streams.sink.state import SinkState
from tests.broker.erps import CONNECTION, Qad, allocation, invoice, posting_set, receipt, running_qad
from tests.broker.lanes import read_records
from tests.broker.sinks import outcomes, running_sink
from tests.broker.test_checkpoints import NOT_USED, cut, garbled, of


@pytest.fixture
async def qad(tmp_path: Path) -> AsyncIterator[Qad]:
    async with running_qad(tmp_path) as found:
        yield found
        found.check_books()


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(checkpoints, "RECORDS_NEWER", 3)
    return tmp_path / "checkpoints" / "sink.0"


def kept_in(path: Path, cluster: Cluster) -> Checkpoint:
    return Checkpoint(path, cluster=cluster, stage=STAGE, connection=CONNECTION, partition=0)


async def post(cluster: Cluster, qad: Qad, path: Path, eventually) -> None:
    """Bring three invoices into QAD, and wait for the file."""
    checkpoint = kept_in(path, cluster)
    async with running_sink(cluster, qad, checkpoint=checkpoint) as sink:
        await sink.give(*(posting_set(invoice(f"INV{number}")) for number in range(3)))
        await eventually(sink.acknowledged, within_s=60)
        await checkpoint.written()
    assert is_there(path)
    assert qad.documents() == 3


def is_there(path: Path) -> bool:
    return path.exists()


async def state_of(cluster: Cluster) -> SinkState:
    found = SinkState()
    for outcome in await outcomes(cluster):
        found.take(outcome)
    return found


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        pytest.param(lambda path: None, "", id="as it was"),
        pytest.param(Path.unlink, "", id="deleted"),
        pytest.param(cut, "cut off or garbled", id="cut"),
        pytest.param(garbled, "cut off or garbled", id="garbled"),
        pytest.param(of(partition=1), "partition 1", id="of another partition"),
        pytest.param(of(positions={"outcomes": 1000}), "outcomes ends at", id="ahead of the log"),
    ],
)
async def test_what_is_in_qad_is_known_whatever_became_of_the_checkpoint(
    cluster: Cluster, qad: Qad, path: Path, eventually, spoil: Callable[[Path], None], why: str
):
    await post(cluster, qad, path, eventually)
    spoil(path)
    with capture_logs() as said:
        async with running_sink(cluster, qad, checkpoint=kept_in(path, cluster)) as sink:
            sink.take(await read_records(cluster, Topic.POSTINGS))
            await eventually(sink.acknowledged, within_s=60)
            assert sink.lane._state == await state_of(cluster)
    assert qad.documents() == 3
    whys = [entry["why"] for entry in said if entry["event"] == NOT_USED]
    none = [entry for entry in said if entry["event"].startswith("no checkpoint")]
    assert (len(whys), len(none)) == (bool(why), spoil is Path.unlink)
    assert all(why in one for one in whys)


async def test_an_invoice_known_from_the_checkpoint_alone_is_paid(cluster: Cluster, qad: Qad, path: Path, eventually):
    """The receipt asks for what a posting that has ended is in QAD: its key and its customer."""
    first = invoice("INV1")
    checkpoint = kept_in(path, cluster)
    async with running_sink(cluster, qad, checkpoint=checkpoint) as sink:
        await sink.give(posting_set(first), posting_set(invoice("INV2")))
        await eventually(sink.acknowledged, within_s=60)
        await checkpoint.written()
    async with running_sink(cluster, qad, checkpoint=kept_in(path, cluster)) as sink:
        assert first.id not in sink.lane._state.postings.live
        paid = receipt("PAY1", total="100.00")
        await sink.give(posting_set(paid, allocation("PAY1", "INV1", "40.00")))
        await eventually(sink.acknowledged, within_s=60)
    kinds = [type(outcome) for outcome in await outcomes(cluster)]
    assert kinds.count(Posted) == 4
    assert RejectedByQad not in kinds
    assert kinds.count(Intended) == 4
