"""Reads what is small and listed whole, or only looked at: accounting codes and periods, bill runs.

A row that is not as documented keeps no other from being known.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import TypeVar

import msgspec
import structlog

from adapters.zuora.asking.answers import decoded
from adapters.zuora.asking.client import ZuoraClient
from adapters.zuora.reading.rows import Header
from schemas.errors import ConnectorError, Refused
from schemas.references import AccountingCode, AccountingPeriod, BillRun

log = structlog.get_logger(__name__)

Row = TypeVar("Row")


class _BillingRun(msgspec.Struct, rename="camel"):
    id: str
    billing_run_number: str | None = None
    status: str | None = None
    number_of_invoices: int | None = None
    number_of_credit_memos: int | None = None
    updated_date: str | None = None


class _Code(msgspec.Struct, rename="camel"):
    id: str
    name: str
    type: str | None = None
    status: str | None = None
    gl_account_number: str | None = None


class _Period(msgspec.Struct, rename="camel"):
    id: str
    name: str
    start_date: date
    end_date: date
    status: str | None = None


_period = msgspec.json.Decoder(_Period)
_billing_run = msgspec.json.Decoder(_BillingRun)
_code = msgspec.json.Decoder(_Code)


async def accounting_codes(client: ZuoraClient) -> list[AccountingCode]:
    """Return every accounting code.

    Raises:
        Transient: The list cannot be told whole now.
        Refused: The user may not.
    """
    rows = await client.v1_rows("/v1/accounting-codes", "accountingCodes")
    return [
        AccountingCode(
            id=code.id,
            name=code.name,
            code_type=code.type or "",
            active=(code.status or "Active") == "Active",
            gl_account_number=code.gl_account_number or "",
        )
        for code in _readable(rows, _code, "accounting code")
    ]


async def accounting_periods(client: ZuoraClient) -> list[AccountingPeriod]:
    """Return every accounting period; none where the tenant has no Zuora Finance, or the user may not see it.

    Raises:
        Transient: The list cannot be told whole now.
    """
    try:
        rows = await client.v1_rows("/v1/accounting-periods", "accountingPeriods")
    except Refused as error:
        log.info("Zuora's accounting periods are not known: what it has closed is not named", reason=str(error))
        return []
    return [
        AccountingPeriod(
            id=period.id,
            name=period.name,
            first_day=period.start_date,
            last_day=period.end_date,
            status=period.status or "",
        )
        for period in _readable(rows, _period, "accounting period")
    ]


def bill_runs(headers: Sequence[Header]) -> list[BillRun]:
    """Return the bill runs of a page."""
    return [
        BillRun(
            id=run.id,
            number=run.billing_run_number or "",
            status=run.status or "",
            invoices=run.number_of_invoices or 0,
            credit_memos=run.number_of_credit_memos or 0,
            updated=run.updated_date or "",
        )
        for run in _readable([header.raw for header in headers], _billing_run, "bill run")
    ]


def _readable(rows: Sequence[msgspec.Raw], decoder: "msgspec.json.Decoder[Row]", what: str) -> "Iterator[Row]":
    for raw in rows:
        try:
            yield decoded(raw, decoder, what)
        except ConnectorError as error:
            log.error("not known to us: a row cannot be read", what=what, reason=str(error))
