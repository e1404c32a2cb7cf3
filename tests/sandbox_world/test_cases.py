"""Every declared case is what it says it is; a case without a fact fails."""

from pathlib import Path

import pytest

from tests.sandbox_world.facts import billing, cash, trouble  # noqa: F401 - facts are declared as they are read
from tests.sandbox_world.facts.asking import FACTS

STREAMS = Path(__file__).resolve().parents[2] / "streams"
SOURCES_OF_RULES = (
    "match/reasons.py",
    "match/rules.py",
    "ledger/stopping/reasons.py",
    "ledger/stopping/lacking.py",
    "sink/answers.py",
    "sink/meanings.py",
    "sink/steps.py",
)


@pytest.mark.parametrize("name", sorted(FACTS))
def test_a_case_is_what_it_says(told, name):
    if name.startswith("external_") and not any(name in site.cases for site in told.sites.values()):
        pytest.skip("by chance nobody paid by transfer")
    for site, case in told.cases(name):
        FACTS[name](told, site, case)


def test_every_case_has_a_fact(told):
    declared = {name for site in told.sites.values() for name in site.cases}
    assert declared <= set(FACTS)


def test_only_what_is_special_twice_is_declared_twice(told):
    """A document may have several cases that end well, and at most one that holds it."""
    for site in told.sites.values():
        held = [
            number
            for case in site.cases.values()
            if case.fate not in ("posted", "ignored") and case.rule != "waits_for_posting"
            for number in case.documents
        ]
        assert len(set(held)) == len(held)


def test_rules_are_the_products(told):
    """Each rule that a case names is one that the product's reasons know by that word."""
    text = "".join((STREAMS / source).read_text(encoding="utf-8") for source in SOURCES_OF_RULES)
    for site in told.sites.values():
        for case in site.cases.values():
            for rule in (case.rule, case.or_rule, case.rule_seen_late):
                assert not rule or f'"{rule}"' in text, rule
            assert bool(case.rule) is (case.fate in ("parked", "waiting", "ignored"))


def test_what_does_not_stay_has_a_way_out(told):
    """Everything parked is mended, follows something that is, or is the one that this version cannot carry."""
    staying = {("emea", "other_decimals")}
    for site in told.sites.values():
        for case in site.cases.values():
            if case.fate in ("parked", "waiting"):
                assert case.is_mended is ((site.name, case.name) not in staying), case.name
            if case.follows:
                assert site.cases[case.follows].fix is not None
            if case.fix is not None:
                assert case.fix.act or case.fix.commands
                assert set(case.fix.after) <= set(site.cases)


def test_of_each_reason_to_park_one_is_mended(told):
    cases = [case for site in told.sites.values() for case in site.cases.values() if case.fate == "parked"]
    mended = {case.rule for case in cases if case.fix is not None}
    assert mended == {case.rule for case in cases}
    assert len(mended) == 13
