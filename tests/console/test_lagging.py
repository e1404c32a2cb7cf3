"""What lag and metrics say of re-reads."""

from adapters.store.readmodel import ReadModel
from console.watching.lagging import reread_row
from console.watching.metrics import Metrics
from tests.adapters.logbook import little_log, reread


def test_a_re_read_is_shown_with_how_much_of_its_turn_is_proved():
    assert reread_row(reread(rows=200))[:8] == ("acme", "invoice", "25%", "3", "200", "1", "0", "2")


def test_what_only_a_re_read_found_is_a_metric(tmp_path):
    metrics = Metrics()
    with ReadModel(tmp_path / "readmodel.sqlite", write=True) as model:
        model.take(little_log().records)
        metrics.update([], model)
    text = metrics.text().decode()
    assert 'ml_connector_reread_found{connection="acme",kind="invoice",what="late"} 1.0' in text
    assert 'ml_connector_reread_found{connection="acme",kind="invoice",what="deleted"} 2.0' in text
    assert 'ml_connector_reread_rows{connection="acme",kind="invoice"} 200.0' in text
    assert 'ml_connector_reread_turns{connection="acme",kind="invoice"} 3.0' in text
