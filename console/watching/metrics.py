"""What Prometheus reads: how far behind, what stands still, what is used of Zuora. No number of a document, no name."""

from collections import Counter as Counted
from collections.abc import Sequence

from prometheus_client import CollectorRegistry, Gauge, generate_latest

from adapters.store.readmodel import ReadModel
from console.watching.budgets import BudgetUse
from console.watching.drift import Drift
from console.watching.handed_over import HandedOver
from console.watching.lagging import Lag


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
        by_process = ("tenant", "process", "slot")
        self._allowed = Gauge(
            "ml_connector_zuora_calls_allowed",
            "Calls of Zuora that a process may send in a minute",
            by_process,
            registry=self._registry,
        )
        self._used = Gauge(
            "ml_connector_zuora_calls", "Calls that it sent in the last minute", by_process, registry=self._registry
        )
        self._left = Gauge(
            "ml_connector_zuora_calls_left",
            "Calls that Zuora has left for the tenant, for all that ask there",
            by_process,
            registry=self._registry,
        )
        self._in_flight = Gauge(
            "ml_connector_zuora_in_flight", "Calls on their way", (*by_process, "kind"), registry=self._registry
        )
        self._in_line = Gauge(
            "ml_connector_zuora_waiting",
            "Calls that wait for their turn",
            (*by_process, "priority"),
            registry=self._registry,
        )
        self._refused = Gauge(
            "ml_connector_zuora_refused",
            "Answers of 429 since the process began",
            by_process,
            registry=self._registry,
        )
        self._tokens = Gauge(
            "ml_connector_zuora_tokens",
            "Tokens asked for since the process began",
            by_process,
            registry=self._registry,
        )
        self._found = Gauge(
            "ml_connector_reread_found",
            "What polls had missed and a re-read found: late rows, changes, deletions",
            ("connection", "kind", "what"),
            registry=self._registry,
        )
        self._rows = Gauge(
            "ml_connector_reread_rows", "Rows that re-reads compared", ("connection", "kind"), registry=self._registry
        )
        self._turns = Gauge(
            "ml_connector_reread_turns",
            "How often everything behind the cursor was proved",
            ("connection", "kind"),
            registry=self._registry,
        )
        self._drifted = Gauge(
            "ml_connector_drifted",
            "Accounts, daybooks, customers, periods of QAD that changed so that documents are going to fail",
            ("connection", "kind"),
            registry=self._registry,
        )
        by_standing = ("connection", "standing")
        self._files = Gauge(
            "ml_connector_files",
            "Documents in a directory that the site's import has not taken yet, or has refused",
            by_standing,
            registry=self._registry,
        )
        self._oldest_file = Gauge(
            "ml_connector_files_oldest_seconds", "Age of the oldest of them", by_standing, registry=self._registry
        )
        self._files_seen = Gauge(
            "ml_connector_files_seen",
            "Whether a connection's directory can be read where observe runs",
            ("connection",),
            registry=self._registry,
        )
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
        for told in model.rereads():
            for what, count in (("late", told.late), ("changed", told.changed), ("deleted", told.deleted)):
                self._found.labels(told.connection, told.kind, what).set(count)
            self._rows.labels(told.connection, told.kind).set(told.rows)
            self._turns.labels(told.connection, told.kind).set(told.turns)
        self._age.set(model.age_s())

    def update_budgets(self, uses: Sequence[BudgetUse]) -> None:
        """Take up what is used of the budgets of tenants; who does not tell any more is gone."""
        of_budgets = (
            self._allowed,
            self._used,
            self._left,
            self._in_flight,
            self._in_line,
            self._refused,
            self._tokens,
        )
        for gauge in of_budgets:
            gauge.clear()
        for use in uses:
            labels, usage = (use.tenant, use.process, use.slot), use.usage
            self._used.labels(*labels).set(usage.used)
            self._refused.labels(*labels).set(usage.refused)
            self._tokens.labels(*labels).set(use.tokens)
            if usage.per_minute is not None:
                self._allowed.labels(*labels).set(usage.per_minute)
            if usage.remaining is not None:
                self._left.labels(*labels).set(usage.remaining)
            for kind, count in usage.in_flight.items():
                self._in_flight.labels(*labels, kind).set(count)
            for priority, count in (("live", usage.waiting), ("backfill", usage.waiting_backfill)):
                self._in_line.labels(*labels, priority).set(count)

    def update_drifts(self, drifts: Sequence[Drift]) -> None:
        """Take up what has changed in QAD; what is mended is gone."""
        self._drifted.clear()
        for (connection, kind), count in Counted((drift.connection, drift.what.split()[0]) for drift in drifts).items():
            self._drifted.labels(connection, kind).set(count)

    def update_files(self, found: Sequence[HandedOver]) -> None:
        """Take up what stands in the directories of connections into files."""
        for gauge in (self._files, self._oldest_file):
            gauge.clear()
        for one in found:
            self._files_seen.labels(one.connection).set(not one.trouble)
            if one.trouble:
                continue
            for standing, files in (("waiting", one.waiting), ("refused", one.refused)):
                self._files.labels(one.connection, standing).set(len(files))
                self._oldest_file.labels(one.connection, standing).set(max((file.age_s for file in files), default=0))

    def text(self) -> bytes:
        """Return them as Prometheus reads them."""
        return generate_latest(self._registry)
