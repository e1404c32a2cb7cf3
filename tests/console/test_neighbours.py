"""Connections that have the same customers are told apart from those that only look alike."""

from types import SimpleNamespace

import pytest

from console.customers.neighbours import same_customers
from schemas.errors import Misconfigured


def connection(base_url="https://qad.example/erp", shared_set="CORP", **more):
    customers = SimpleNamespace(customer=SimpleNamespace(keys={"sharedSetCode": shared_set}))
    return SimpleNamespace(**{"base_url": base_url, "customers": customers, **more})


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (connection(), True),
        (connection(base_url="https://qad.example/erp/"), True),
        (connection(customers=None), True),
        (connection(shared_set="OTHER"), False),
        (connection(base_url="https://qad.example/other"), False),
        (None, False),
    ],
)
def test_the_same_qad_and_the_same_shared_set(other, same):
    profiles = {"mine": connection(), "theirs": other}
    wiring = SimpleNamespace(
        site=SimpleNamespace(config=SimpleNamespace(connections=profiles)),
        profile=profiles.__getitem__,
        files=lambda name: None if profiles[name] else "a site of files",
    )
    assert same_customers(wiring, "mine") == (["theirs"] if same else [])


def test_a_connection_that_is_being_set_up_may_have_the_same_customers_and_ends_nothing():
    def profile(name):
        if name == "theirs":
            raise Misconfigured("is to be filled in")
        return connection()

    connections = {"mine": None, "theirs": None}
    site = SimpleNamespace(config=SimpleNamespace(connections=connections))
    wiring = SimpleNamespace(site=site, profile=profile, files=lambda _name: None)
    assert same_customers(wiring, "mine") == ["theirs"]
