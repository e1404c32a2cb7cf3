"""What Prometheus reads: how far behind, what stands still, dead letters. No number of a document, no name."""

from collections import Counter as Counted

from prometheus_client import CollectorRegistry, Gauge, generate_latest

from adapters.store.readmodel import ReadModel
from console.lagging import Lag


class Metrics:
    """The gauges of one site."""

    def __init__(self) -> None:
        """Make them, all empty."""
        self._registry = CollectorRegistry()
        by_stage = ("connection", "stage")
        self._records = Gauge(
            "ml_connector_lag_records", "Inputs that a stage has not acknowledged", by_stage, registry=self._registry
        )
        self._oldest = Gauge(
            "ml_connector_lag_oldest_seconds", "Age of the oldest such input", by_stage, registry=self._registry
        )
        self._value = Gauge(
            "ml_connector_lag_value", "Worth of their documents", (*by_stage, "currency"), registry=self._registry
        )
        self._still = Gauge(
            "ml_connector_standing_still",
            "Documents and postings that wait or are parked",
            (*by_stage, "status", "rule"),
            registry=self._registry,
        )
        self._letters = Gauge("ml_connector_dead_letters", "Dead letters", ("connection",), registry=self._registry)
        self._age = Gauge(
            "ml_connector_read_model_age_seconds", "Since the log was last looked at", registry=self._registry
        )

    def update(self, lags: list[Lag], model: ReadModel) -> None:
        """Take up how things are."""
        self._value.clear()
        for lag in lags:
            self._records.labels(lag.connection, lag.stage).set(lag.records)
            self._oldest.labels(lag.connection, lag.stage).set(lag.oldest_s)
            for currency, amount in lag.value.items():
                # A gauge is a float: it is for alarms, never for books.
                self._value.labels(lag.connection, lag.stage, currency).set(float(amount))
        still = Counted(
            (row.row.connection, row.row.stage, row.row.status, row.row.rule)
            for row in model.standings(statuses=("waiting", "parked"))
        )
        self._still.clear()
        for labels, count in still.items():
            self._still.labels(*labels).set(count)
        self._letters.clear()
        for connection, count in Counted(letter.connection for letter in model.dead_letters()).items():
            self._letters.labels(connection).set(count)
        self._age.set(model.age_s())

    def text(self) -> bytes:
        """Return them as Prometheus reads them."""
        return generate_latest(self._registry)
