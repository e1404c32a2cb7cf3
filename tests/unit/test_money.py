"""Amounts are carried: guarded before any arithmetic, never rounded, split to the last unit."""

from decimal import ROUND_FLOOR, Decimal

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from schemas.money import ZERO, MoneyError, amount_of, plain, scale_of, split, sum_of, total_of

SCALES = {"EUR": 2, "JPY": 0, "KWD": 3, "CLF": 4}
currencies = st.sampled_from(sorted(SCALES))
minor_units = st.integers(-(10**14), 10**14)
property_of_money = settings(max_examples=150, deadline=None)

# What arithmetic must never see: some would take minutes or all memory.
MONSTERS = ["NaN", "sNaN", "-Infinity", "Infinity", "1e15", "-1e15", "1e1000000000", "0e1000000000", "0e-31", "1e-31"]


def units(amount: int, currency: str) -> Decimal:
    return Decimal(amount).scaleb(-SCALES[currency])


@pytest.mark.parametrize(("currency", "scale"), SCALES.items())
def test_the_scale_is_that_of_iso_4217(currency, scale):
    assert scale_of(currency) == scale


@pytest.mark.parametrize("currency", ["", "eur", "EURO", "XAU", "XTS", "XXX", "EUR ", "\u0415UR"])
def test_what_is_no_currency_with_a_minor_unit_is_refused(currency):
    with pytest.raises(MoneyError, match="ISO 4217"):
        scale_of(currency)


@pytest.mark.parametrize("text", MONSTERS)
def test_what_cannot_be_carried_is_refused_before_arithmetic(text):
    for read in (amount_of, plain, lambda value: total_of(value, "EUR")):
        with pytest.raises(MoneyError):
            read(Decimal(text))


def test_the_largest_and_the_finest_amount_are_carried():
    assert amount_of(Decimal("999999999999999.99999999")) == Decimal("999999999999999.99999999")
    assert amount_of(Decimal("-0.00000001")) == Decimal("-0.00000001")
    with pytest.raises(MoneyError, match="8 decimals"):
        amount_of(Decimal("0.000000001"))
    with pytest.raises(MoneyError, match="out of range"):
        amount_of(Decimal("1000000000000000"))


def test_zeros_behind_the_eighth_decimal_are_nothing():
    assert amount_of(Decimal("1.0000000000")) == 1


@pytest.mark.parametrize("text", ["-0", "-0.00", "0", "0.00", "0e5"])
def test_there_is_no_negative_zero(text):
    zero = amount_of(Decimal(text))
    assert (zero, zero.is_signed()) == (ZERO, False)
    assert plain(Decimal(text)) == "0"
    assert str(total_of(Decimal(text), "EUR")) == "0.00"


@given(st.decimals())
@property_of_money
def test_an_amount_is_carried_as_it_is_or_refused(value):
    try:
        carried = amount_of(value)
    except MoneyError:
        return
    assert carried == value
    assert abs(carried) < 10**15
    assert carried * 10**8 == int(carried * 10**8)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=8, min_value=-(10**14), max_value=10**14))
@property_of_money
def test_one_amount_is_written_in_one_way(value):
    assert plain(value) == plain(value.normalize()) == plain(value + Decimal("0E-8"))
    assert Decimal(plain(value)) == value
    assert "E" not in plain(value)


@given(minor_units, currencies)
@property_of_money
def test_a_total_has_the_decimals_of_its_currency(amount, currency):
    total = total_of(units(amount, currency), currency)
    assert total == units(amount, currency)
    assert total.as_tuple().exponent == -SCALES[currency]


@given(minor_units, currencies, st.integers(1, 9))
@property_of_money
def test_a_total_with_more_decimals_is_refused_never_rounded(amount, currency, tenth):
    finer = units(amount, currency) + Decimal(tenth).scaleb(-SCALES[currency] - 1)
    with pytest.raises(MoneyError, match="more decimals"):
        total_of(finer, currency)


@given(st.lists(st.integers(-(10**12), 10**12), max_size=60), currencies)
@property_of_money
def test_a_sum_is_exact(amounts, currency):
    total = sum_of((units(amount, currency) for amount in amounts), currency)
    assert total == units(sum(amounts), currency)
    assert not isinstance(total, float)


def test_cents_that_floats_cannot_add():
    assert sum_of([Decimal("0.1")] * 3, "EUR") == Decimal("0.30")
    with pytest.raises(MoneyError):
        total_of(Decimal.from_float(0.1), "EUR")  # a tenth that went through a float is none


weights_of = st.lists(st.decimals(0, 10**9, places=4), min_size=1, max_size=12).filter(lambda weights: sum(weights) > 0)


@given(minor_units, weights_of, currencies)
@example(1, [Decimal(1)] * 3, "EUR")
@example(-100, [Decimal(1), Decimal(1), Decimal(0)], "JPY")
@example(10**15 - 1, [Decimal("999999999.9999"), Decimal("0.0001"), Decimal("333333333.3333")], "JPY")
@property_of_money
def test_a_split_sums_exactly(total, weights, currency):
    whole = units(total, currency)
    parts = split(whole, weights, currency)
    assert sum(parts, ZERO) == whole
    assert len(parts) == len(weights)
    unit = Decimal(1).scaleb(-SCALES[currency])
    for part, weight in zip(parts, weights, strict=True):
        assert part * whole >= 0
        assert total_of(part, currency) == part
        share = int((weight * abs(total) / sum(weights)).to_integral_value(ROUND_FLOOR))
        assert abs(part) / unit - share in {-1, 0, 1, 2}
        if not weight:
            assert not part


def test_a_split_goes_by_the_largest_remainder_and_ties_to_the_earlier():
    assert split(Decimal("0.05"), [Decimal(1)] * 3, "EUR") == [Decimal("0.02"), Decimal("0.02"), Decimal("0.01")]
    assert split(Decimal(10), [Decimal(1), Decimal(2)], "JPY") == [3, 7]
    assert split(Decimal("-0.01"), [Decimal(1), Decimal(3)], "EUR") == [0, Decimal("-0.01")]


@pytest.mark.parametrize("weights", [[], [ZERO], [Decimal(1), Decimal(-1)], [Decimal(2), Decimal(-1)]])
def test_a_split_by_nothing_is_refused(weights):
    with pytest.raises(MoneyError, match="weights"):
        split(Decimal(1), weights, "EUR")


def test_a_split_of_what_the_currency_does_not_have_is_refused():
    with pytest.raises(MoneyError, match="more decimals"):
        split(Decimal("1.005"), [Decimal(1), Decimal(1)], "EUR")


@pytest.mark.parametrize("text", MONSTERS)
def test_what_cannot_be_carried_is_neither_summed_nor_split(text):
    with pytest.raises(MoneyError):
        sum_of([Decimal(1), Decimal(text)], "EUR")
    with pytest.raises(MoneyError):
        split(Decimal(text), [Decimal(1)], "EUR")
    with pytest.raises(MoneyError):
        split(Decimal(1), [Decimal(1), Decimal(text)], "EUR")
