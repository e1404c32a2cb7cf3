"""Worlds are strict: what does not fit, or points nowhere, is named; what fits is loaded as it is."""

import datetime as dt
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from sandbox import qad
from sandbox.qad.books.master import Catalogue, ExchangeRate, SharedSet
from sandbox.qad.sample import sample_world
from sandbox.qad.world import World, WorldError, load_world


def sample():
    return msgspec.json.decode(msgspec.json.encode(sample_world()))


def test_a_world_is_the_same_as_json_as_dicts_and_from_a_file(tmp_path):
    path = tmp_path / "world.json"
    path.write_bytes(msgspec.json.encode(sample_world()))
    assert load_world(sample()) == load_world(msgspec.json.encode(sample())) == load_world(path) == sample_world()


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("colour",), "red", "unknown field `colour`"),
        (("format",), "2", "Invalid enum value"),
        (("entities", 0, "shared_set_code"), "NONE", "shared set NONE is not there"),
        (("entities", 0, "base_currency_code"), "XXX", "base currency XXX is not there"),
        (("entities", 0, "rounding_gl_account_code"), "4000", "asks for analysis"),
        (("entities", 1, "domain_code"), "10USA", "several base currencies"),
        (("entities", 0, "periods", 1, "first_day"), "2025-01-31", "overlap"),
        (("entities", 1, "entity_code"), "10USACO", "entity 10USACO is there twice"),
        (("shared_sets", 0, "control_profiles", 0, "gl_account_code"), "4100", "needs a customer control account"),
        (("shared_sets", 0, "customers", 0, "credit_terms_code"), "NONE", "customer C0001 names"),
        (("shared_sets", 0, "customers", 1, "customer_code"), "C0001", "customer C0001 is there twice"),
        (("shared_sets", 0, "exchange_rates", 0, "rate"), 0, "is not positive"),
        (("shared_sets", 0, "gl_accounts", 0, "account_type"), "CASH", "Invalid enum value"),
        (("users", 0, "workspaces"), ["10USA_NONE"], "workspaces"),
        (("users", 0, "workspaces"), [], "workspaces"),
    ],
)
def test_what_does_not_fit_is_named(path, value, message):
    world = sample()
    place = world
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    with pytest.raises(WorldError, match=message):
        load_world(world)


def test_all_gaps_are_named_at_once():
    world = sample()
    world["entities"][0]["base_currency_code"] = "XXX"
    world["users"][0]["workspaces"] = ["none"]
    with pytest.raises(WorldError) as error:
        load_world(world)
    assert len(str(error.value).splitlines()) >= 2


def test_a_world_has_a_schema_that_can_be_shown():
    assert "shared_sets" in str(msgspec.json.schema(World))


def test_the_latest_rate_that_covers_the_day_counts():
    def rate(value, start, till=None, kind="ACCOUNTING"):
        return ExchangeRate(
            from_currency_code="EUR",
            to_currency_code="USD",
            valid_from=start,
            valid_till=till,
            rate=Decimal(value),
            rate_type=kind,
        )

    day = dt.date(2026, 1, 1)
    catalogue = Catalogue(
        SharedSet(
            shared_set_code="S",
            exchange_rates=[
                rate("1.3", day + dt.timedelta(20), day + dt.timedelta(25)),
                rate("1.1", day),
                rate("1.2", day + dt.timedelta(10)),
                rate("9.9", day, kind="BUDGET"),
            ],
        )
    )
    found = [catalogue.rate("EUR", "USD", day + dt.timedelta(shift)) for shift in (-1, 0, 9, 10, 20, 25, 26)]
    expected = (None, "1.1", "1.1", "1.2", "1.3", "1.3", "1.2")
    assert found == [value and Decimal(value) for value in expected]
    assert catalogue.rate("USD", "USD", day) == 1
    assert catalogue.rate("USD", "EUR", day) is None
    catalogue.add_rate(rate("1.15", day))
    assert catalogue.rate("EUR", "USD", day) == Decimal("1.15")


def test_the_world_of_the_readme_can_be_loaded():
    readme = (Path(qad.__file__).parent / "README.md").read_bytes()
    example = readme.split(b"```json\n")[1].split(b"```")[0]
    assert load_world(example).entities[0].workspace == "10USA_10USACO"
