"""The page and the metrics: read-only, on loopback, every text escaped, no script."""

import asyncio
import html
from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import structlog
from aiohttp import web

from adapters.store.readmodel import ReadModel, Standing
from console.output import duration, is_figure, moment, worth
from console.reports import last_reports
from console.watching.budgets import budget_uses
from console.watching.drift import DRIFT_COLUMNS, Drift, DriftWatch, drift_row, drifts
from console.watching.handed_over import FILE_COLUMNS, HandedOver, handed_over, handed_over_rows
from console.watching.lagging import Lag, lags
from console.watching.metrics import Metrics
from console.wiring import Wiring
from schemas.errors import ConnectorError
from schemas.money import shown
from streams.mending import who_mends

log = structlog.get_logger(__name__)

# How often lag is asked for: each time is a few calls to the broker.
_EVERY_S = 5.0
_ROWS_MAX = 500

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
_STYLE = """body{font:15px/1.4 system-ui,sans-serif;margin:2rem;color:#1a1a1a}
table{border-collapse:collapse;margin:.5rem 0 2rem}
th,td{text-align:left;padding:.25rem .8rem;border-bottom:1px solid #ddd;vertical-align:top}th{font-weight:600}
td.n{text-align:right;font-variant-numeric:tabular-nums}.old{color:#a00}.good{color:#060}"""


class Page:
    """What the page shows, kept up to date beside it."""

    def __init__(self, wiring: Wiring, model: ReadModel) -> None:
        """Show this site, from this read model."""
        self._wiring = wiring
        self._model = model
        self._metrics = Metrics()
        self._lags: list[Lag] = []
        self._drifts: list[Drift] = []
        self._files: list[HandedOver] = []
        self._watch = DriftWatch()
        self._trouble = ""

    async def keep(self) -> None:
        """Ask for the lag now and then, until cancelled."""
        while True:
            try:
                self._lags = await lags(self._wiring, self._model)
                self._metrics.update(self._lags, self._model)
                self._metrics.update_budgets(budget_uses(self._wiring.data))
                partitions = await self._wiring.partitions()
                # All that QAD shows is read for it: beside the loop, which follows the log and answers the page.
                self._drifts = await asyncio.to_thread(drifts, self._model, partitions)
                self._watch.take(self._drifts)
                self._metrics.update_drifts(self._drifts)
                self._files = await asyncio.to_thread(handed_over, self._wiring)
                self._metrics.update_files(self._files)
                self._trouble = ""
            except ConnectorError as error:
                self._trouble = str(error)
                log.error("lag could not be read", reason=self._trouble)
            await asyncio.sleep(_EVERY_S)

    def application(self) -> web.Application:
        """Return the server."""
        application = web.Application()
        application.router.add_get("/", self._page)
        application.router.add_get("/metrics", self._metrics_text)
        application.router.add_get("/ready", self._ready)
        return application

    async def _metrics_text(self, request: web.Request) -> web.Response:
        return web.Response(body=self._metrics.text(), headers={"Content-Type": "text/plain; version=0.0.4"})

    async def _ready(self, request: web.Request) -> web.Response:
        ready = not self._trouble and self._model.age_s() < 6 * _EVERY_S
        return web.json_response({"ready": ready}, status=200 if ready else 503)

    async def _page(self, request: web.Request) -> web.Response:
        standings = self._model.standings(statuses=("parked", "waiting"))
        age_s = self._model.age_s()
        parts = [
            f"<p class={'old' if age_s > 3 * _EVERY_S else 'good'}>as of {duration(age_s)} ago</p>",
            f"<p class=old>{html.escape(self._trouble)}</p>" if self._trouble else "",
            "<h2>How far behind</h2>",
            _table(("connection", "stage", "records", "oldest", "value"), [_lag_row(lag) for lag in self._lags]),
            "<h2>What has changed in QAD and is going to fail</h2>",
            _table(DRIFT_COLUMNS, [drift_row(drift) for drift in self._drifts]),
            *self._handed_over(),
            "<h2>What stands still, by reason</h2>",
            _table(("connection", "status", "rule", "documents", "value", "who", "next step"), _by_rule(standings)),
            "<h2>Documents</h2>",
            _table(
                ("number", "connection", "stage", "status", "since", "value", "why"),
                [_standing_row(standing) for standing in standings[:_ROWS_MAX]],
            ),
            "<h2>Dead letters</h2>",
            _table(
                ("connection", "where", "stage", "reason"),
                [
                    (letter.connection, f"{letter.topic}@{letter.offset}", letter.stage, letter.reason)
                    for letter in self._model.dead_letters()[:_ROWS_MAX]
                ],
            ),
            *self._reconciliations(),
        ]
        body = f"<!doctype html><title>ml-connector</title><style>{_STYLE}</style><h1>ml-connector</h1>{''.join(parts)}"
        return web.Response(text=body, content_type="text/html", headers=_HEADERS)

    def _handed_over(self) -> list[str]:
        if not self._files:
            return []
        rows = [row for one in self._files for row in handed_over_rows(one)]
        return ["<h2>Files that the site's import has not taken, or has refused</h2>", _table(FILE_COLUMNS, rows)]

    def _reconciliations(self) -> list[str]:
        parts = []
        for report in last_reports(self._wiring.data):
            parts.append(f"<h2>Last reconciliation of {html.escape(report.connection)}, {html.escape(report.at)}</h2>")
            rows = [
                (
                    line.kind,
                    line.currency,
                    *(shown(amount, line.currency) for amount in line.amounts()),
                )
                for line in report.sums
            ]
            columns = ("kind", "currency", "Zuora", "in QAD", "in flight", "parked", "ignored", "timing", "unexplained")
            parts.append(_table(columns, rows))
            parts += [f"<p class=old>not compared: {html.escape(one.what)}</p>" for one in report.not_compared]
        return parts


def _table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    if not rows:
        return "<p>none</p>"
    head = "".join(f"<th>{html.escape(column)}</th>" for column in columns)
    body = "".join("<tr>" + "".join(_cell(cell) for cell in row) + "</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{body}</table>"


def _cell(value: Any) -> str:
    text = str(value)
    return f"<td{' class=n' if is_figure(text) else ''}>{html.escape(text)}</td>"


def _lag_row(lag: Lag) -> tuple[Any, ...]:
    value = worth(lag.value)
    return (lag.connection, lag.stage, lag.records, duration(lag.oldest_s), value)


def _by_rule(standings: list[Standing]) -> list[tuple[Any, ...]]:
    groups: defaultdict[tuple[str, str, str], list[Standing]] = defaultdict(list)
    for standing in standings:
        groups[standing.row.connection, standing.row.status, standing.row.rule].append(standing)
    rows: list[tuple[Any, ...]] = []
    for (connection, status, rule), members in sorted(groups.items()):
        total: defaultdict[str, Decimal] = defaultdict(Decimal)
        for member in members:
            if member.row.value is not None:
                total[member.row.currency] += abs(member.row.value)
        rows.append(
            (connection, status, rule, len(members), worth(total), who_mends(rule) or "", members[0].row.next_step)
        )
    return rows


def _standing_row(standing: Standing) -> tuple[Any, ...]:
    row = standing.row
    value = worth({row.currency: row.value}) if row.value is not None else ""
    return (row.number, row.connection, row.stage, row.status, moment(standing.since_ms), value, row.message)
