"""Values of QAD's rows: what is a whole number, an amount or a date, and what is something else."""

from datetime import date
from decimal import Decimal

import pytest

from adapters.qad.values import amount, can_write_days, day, whole
from schemas.errors import Misconfigured

DAY = date(2026, 2, 3)


@pytest.mark.parametrize("value", [7, "7", "007", Decimal(7), Decimal("7.0"), "7.00"])
def test_a_whole_number_is_written_in_several_ways(value):
    assert whole(value, what="voucher") == 7


@pytest.mark.parametrize(
    "value", [None, "", "x", True, -1, "-1", "1.5", Decimal("1E+3"), "1e3", "\u0667", "1 ", [], 10**9]
)
def test_what_is_no_whole_number_is_said_with_its_name(value):
    with pytest.raises(Misconfigured, match="voucher"):
        whole(value, what="voucher")


@pytest.mark.parametrize("value", [None, "x", "", [], {}, True, "NaN", "Infinity", "1e999"])
def test_what_is_no_amount_is_said(value):
    with pytest.raises(Misconfigured, match="amount"):
        amount(value)


@pytest.mark.parametrize(
    ("date_format", "text"),
    [
        ("%Y-%m-%d", "2026-02-03"),
        ("%Y-%m-%d", "2026-02-03T00:00:00.000Z"),
        ("%Y-%m-%dT00:00:00.000Z", "2026-02-03"),
        ("%Y-%m-%dT00:00:00.000Z", "2026-02-03T23:30:00+02:00"),
        ("%d.%m.%Y", "03.02.2026"),
        ("%m/%d/%y", "02/03/26"),
        ("%Y-%d-%m", "2026-03-02"),
        ("%Y%m%d", "20260203"),
        ("%d-%b-%Y", "03-Feb-2026"),
    ],
)
def test_a_date_is_read_as_it_is_written(date_format, text):
    assert can_write_days(date_format)
    assert day(text, date_format) == DAY


@pytest.mark.parametrize("value", [None, ""])
def test_no_date_is_none(value):
    assert day(value, "%Y-%m-%d") is None


@pytest.mark.parametrize(
    ("date_format", "text"),
    [
        ("%Y-%m-%d", "03.02.2026"),
        ("%Y-%m-%d", "2026-02-30"),
        ("%Y-%m-%d", "2026-02"),
        ("%d.%m.%y", "03.02.2026"),
        ("%Y%m%d", "202602031"),
        ("%d.%m.%Y", "2026-02-03"),
    ],
)
def test_a_date_that_is_written_in_another_way_is_said_and_never_guessed(date_format, text):
    with pytest.raises(Misconfigured, match="date"):
        day(text, date_format)
