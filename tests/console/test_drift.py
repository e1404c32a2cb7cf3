"""Drift watch: what changed in QAD is named with the documents that are going to fail at it, before one does."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import msgspec
import pytest
import structlog

from adapters.kafka.reader import LogRecord
from adapters.store.readmodel import Hits, ReadModel
from console.watching.drift import Drift, DriftWatch, drifts
from console.watching.metrics import Metrics
from schemas.codec import Event, encode
from schemas.outcomes import Document, Posted
from schemas.references import Customer, Daybook, GlAccount, Period, QadCurrency
from schemas.topics import Topic
from tests.unit import builders as zuora
from tests.unit.world import World, world

PARTITIONS = {zuora.CONNECTION: 3}
NOTHING = Hits(documents=0, value={})
APRIL = {"invoiceDate": "2026-04-02", "dueDate": "2026-05-02"}


class Watched:
    """A read model of what the ledger has decided, into which QAD shows more."""

    def __init__(self, site: World, model: ReadModel) -> None:
        self.site, self.model = site, model
        self._next = 100_000
        # Topics are read in no order between them.
        for topic in reversed(Topic):
            for offset, value in enumerate(site.log[topic]):
                self.take(topic, value, offset)

    def take(self, topic: Topic, value: bytes, offset: int) -> None:
        self.model.take([(3, LogRecord(topic, offset, 1_000, b"k", value))])

    def show(self, event: Event, topic: Topic = Topic.QAD_REFERENCE) -> None:
        self._next += 1
        self.take(topic, encode(event), self._next)

    def found(self) -> list[Drift]:
        return drifts(self.model, PARTITIONS)

    def one(self) -> Drift:
        [drift] = self.found()
        return drift

    def post_all(self) -> None:
        """Let the sink say that everything is in QAD."""
        for posting in self.site.postings:
            self.show(_posted(posting), Topic.OUTCOMES)


def _posted(posting):
    return Posted(
        connection=zuora.CONNECTION,
        stage="sink",
        subject=posting.id,
        document=posting.document,
        origin=0,
        attempt=1,
        customer="C1",
        currency="EUR",
        total=Decimal(1),
        qad=Document(year=2026, daybook="ZINV", voucher=1),
        how="answer",
    )


@pytest.fixture
def watched(tmp_path) -> Iterator[Watched]:
    """Two invoices of March and one of April, on their way."""
    site = world().put(zuora.simple_invoice("100.00"), zuora.simple_invoice("40.00", name="inv2"))
    site.put(zuora.simple_invoice("7.00", name="inv3", **APRIL))
    assert [posting.content.total for posting in site.postings] == [Decimal(100), Decimal(40), Decimal(7)]
    with ReadModel(tmp_path / "readmodel.sqlite", write=True) as model:
        yield Watched(site, model)


def hits(documents: int, amount: str) -> Hits:
    return Hits(documents=documents, value={"EUR": Decimal(amount)})


def test_nothing_has_drifted(watched):
    assert watched.found() == []


def test_an_account_of_the_mapping_that_is_deactivated_is_named_with_what_is_on_its_way(watched):
    watched.show(GlAccount(code="4000", active=False))
    drift = watched.one()
    assert (drift.what, drift.why) == ("gl_account 4000", "is not active")
    assert drift.on_their_way == drift.last_month == hits(3, "147.00")
    assert "before the next bill run" in drift.next_step


def test_what_is_posted_is_no_longer_on_its_way_and_tells_what_is_to_come(watched):
    watched.post_all()
    watched.show(GlAccount(code="4000", active=False))
    drift = watched.one()
    assert drift.on_their_way == NOTHING
    assert drift.last_month == hits(3, "147.00")


def test_what_was_posted_before_its_posting_was_read_is_not_on_its_way(tmp_path):
    site = world().put(zuora.simple_invoice("100.00"))
    with ReadModel(tmp_path / "readmodel.sqlite", write=True) as model:
        model.take([(3, LogRecord(Topic.OUTCOMES, 500, 1, b"k", encode(_posted(site.postings[0]))))])
        watched = Watched(site, model)
        watched.show(GlAccount(code="4000", active=False))
        assert watched.one().on_their_way == NOTHING


def test_an_account_that_nothing_has_used_yet_is_named_where_the_mapping_names_it(watched):
    watched.show(GlAccount(code="6800", active=True, gone=True))
    drift = watched.one()
    assert (drift.what, drift.why) == ("gl_account 6800", "is not in QAD any more")
    assert (drift.on_their_way, drift.last_month) == (NOTHING, NOTHING)


def test_an_account_that_nobody_uses_is_nobodys_business(watched):
    watched.show(GlAccount(code="9999", active=False))
    assert watched.found() == []


@pytest.mark.parametrize("asked", ["sub_account", "cost_centre", "project"])
def test_an_account_that_asks_for_more_analysis_than_the_mapping_gives(watched, asked):
    watched.show(GlAccount(code="4100", active=True, **{f"{asked}_required": True}))
    assert watched.one().why.startswith("asks for a ")
    watched.show(zuora.published(2, lines=()), Topic.DECISIONS)
    assert watched.found() == [], "the newest mapping does not name it, and nothing uses it"


def test_a_posting_that_is_built_anew_uses_what_it_names_now(watched):
    moved = tuple(
        msgspec.structs.replace(row, account="4100") if row.account == "4000" else row for row in zuora.lines()
    )
    before = len(watched.site.log[Topic.POSTINGS])
    watched.site.put(zuora.published(2, lines=moved), zuora.replayed("invoice:inv1"))
    for offset, value in enumerate(watched.site.log[Topic.POSTINGS]):
        if offset >= before:
            watched.take(Topic.POSTINGS, value, offset)
    watched.show(GlAccount(code="4000", active=False))
    assert watched.one().on_their_way == hits(2, "47.00")


def test_a_customer_that_is_blocked(watched):
    watched.show(Customer(code="C2", active=False, currency="EUR"))
    assert watched.found() == [], "nobody posts to it"
    for changed, why in (({"held": True}, "is on credit hold"), ({"active": False}, "is not active")):
        watched.show(zuora.customer(**changed))
        drift = watched.one()
        assert (drift.what, drift.why, drift.on_their_way) == ("customer C1", why, hits(3, "147.00"))


def test_a_daybook_and_a_currency(watched):
    watched.show(Daybook(code="ZINV", active=False))
    watched.show(QadCurrency(code="EUR", decimals=2, active=False))
    assert [drift.what for drift in watched.found()] == ["daybook ZINV", "currency EUR"]


def test_a_period_that_closes_over_documents_that_are_on_their_way(watched):
    watched.show(zuora.period(1, is_open=False))
    assert watched.found() == [], "nothing is dated in it"
    watched.show(zuora.period(3, is_open=False))
    drift = watched.one()
    assert (drift.what, drift.why) == ("period 2026-03", "is closed")
    assert (drift.on_their_way, drift.last_month) == (hits(2, "140.00"), NOTHING)
    watched.post_all()
    assert watched.found() == [], "what is in QAD is not hit"


def test_a_period_that_was_cut_anew_in_qad_is_no_period_that_closed(watched):
    watched.show(msgspec.structs.replace(zuora.period(3, is_open=False), gone=True))
    assert watched.found() == []


def test_the_period_of_the_newest_documents_closes_although_nothing_is_on_its_way(watched):
    watched.post_all()
    watched.show(zuora.period(4, is_open=False))
    drift = watched.one()
    assert (drift.what, drift.on_their_way) == ("period 2026-04", NOTHING)
    assert drift.last_month.documents == 3


def test_it_is_said_once_and_once_more_when_it_is_mended(watched):
    watch = DriftWatch()
    with structlog.testing.capture_logs() as said:
        watch.take(watched.found())
        watched.show(GlAccount(code="4000", active=False))
        watch.take(watched.found())
        watch.take(watched.found())
        watched.show(GlAccount(code="4000", active=True))
        watch.take(watched.found())
    assert [(line["log_level"], line["what"]) for line in said] == [
        ("warning", "gl_account 4000"),
        ("info", "gl_account 4000"),
    ]
    assert said[0]["on_their_way"] == 3


def test_the_metric_counts_by_kind_and_names_no_code(watched):
    metrics = Metrics()
    watched.show(zuora.customer(held=True))
    metrics.update_drifts(watched.found())
    text = metrics.text().decode()
    assert f'ml_connector_drifted{{connection="{zuora.CONNECTION}",kind="customer"}} 1.0' in text
    assert "C1" not in text
    metrics.update_drifts([])
    assert 'kind="customer"' not in metrics.text().decode()


def test_a_connection_without_a_mapping_has_nothing_that_could_drift(tmp_path):
    with ReadModel(tmp_path / "readmodel.sqlite", write=True) as model:
        watched = Watched(World(), model)
        watched.show(Period(code="2026-03", year=2026, period=3, first_day=date.min, last_day=date.max, open=False))
        assert watched.found() == []
