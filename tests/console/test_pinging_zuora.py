"""What `ping` tries at Zuora: every call that the product will make, each by itself, and what to do where one fails."""

from contextlib import asynccontextmanager
from types import SimpleNamespace

import pytest

from adapters.credentials.keys import make_key_file
from adapters.credentials.store import CredentialStore
from adapters.zuora.reading.kinds import kinds_of
from adapters.zuora.reading.settlement import Settlement
from adapters.zuora.receiving.doors import HmacRule
from console.config import Callouts, Tenant
from console.pinging.site import _tenant
from streams.match.claims import Claim
from tests.adapters.zuora_tenant import START, zuora_tenant

POLL = {"interval_s": 300, "start": START}
PERMISSION = 50000010
PATH = "/callouts/0123456789abcdef0123456789"


@pytest.fixture
async def zuora():
    async with zuora_tenant() as tenant:
        invoice = tenant.invoice(taxes=1)
        tenant.payment(invoice)
        tenant.credit_memo(tenant.invoice())
        tenant.debit_memo()
        tenant.later(minutes=5)
        yield tenant


class Wired:
    """One tenant, as the composition root gives it."""

    def __init__(self, zuora, credentials=None, **settings):
        self.credentials = credentials
        self._zuora = zuora
        self._settings = Tenant(base_url=zuora.url, **{"poll": POLL, **settings})
        claims = (Claim(connection="acme-main"),)
        self.site = SimpleNamespace(
            config=SimpleNamespace(tenants={"acme": self._settings}), claims_of=lambda _tenant: claims
        )

    @asynccontextmanager
    async def zuora(self, _tenant):
        yield await self._zuora.client()

    def settlement(self, client, tenant):
        return Settlement(client, tenant, self._settings.invoice_settlement)


@pytest.fixture
def credentials(tmp_path):
    make_key_file(tmp_path / "credentials.key")
    return CredentialStore(tmp_path / "credentials.json", tmp_path / "credentials.key")


async def found(zuora, credentials=None, **settings):
    return {one.what: one async for one in _tenant(Wired(zuora, credentials, **settings), "acme")}


@pytest.mark.parametrize("settled", [True, False])
async def test_one_object_of_every_kind_is_read_whole(zuora, settled):
    zuora.use(invoice_settlement=settled)
    told = await found(zuora)
    # The stand-in's clock stands at a day of March.
    assert [what for what, one in told.items() if not one.ok] == ["clock"]
    assert {what.removeprefix("reading ") for what in told if what.startswith("reading ")} == set(
        kinds_of(settled=settled)
    )
    assert told["reading invoice"].found == "read whole"
    assert zuora.requests("^/object-query/invoice-items$"), "a posted one, with its items"


async def test_what_the_user_may_not_read_is_named_and_nothing_else_is_kept_from_being_tried(zuora):
    every = set(await found(zuora))
    closed = ("^/object-query/payments", "^/v1/debit-memos/[^/]+/items$", "^/v1/accounting-codes$")
    refused = [zuora.arm("success_false", path, code=PERMISSION) for path in closed]
    told = await found(zuora)
    assert [one.fault.path for one in refused if not one.fired] == []
    assert set(told) == every
    wrong = {what: one.next_step for what, one in told.items() if not one.ok and what != "clock"}
    assert set(wrong) == {"reading payment", "reading debit_memo", "accounting codes"}
    assert "/object-query/payments" in wrong["reading payment"]
    assert "role" in wrong["reading payment"]
    assert "/items" in wrong["reading debit_memo"]


async def test_what_there_is_none_of_is_said_so(zuora):
    assert (await found(zuora))["reading refund"].found == "there is none to look at"


@pytest.mark.parametrize("callouts", [None, Callouts(path=PATH)])
async def test_where_callouts_come_in_those_that_failed_are_asked_for(zuora, credentials, callouts):
    zuora.arm("success_false", "^/v1/notification-history/callout$", code=PERMISSION)
    told = await found(zuora, credentials, callouts=callouts)
    assert ("callouts that failed" in told) is (callouts is not None)
    if callouts is not None:
        assert not told["callouts that failed"].ok
        assert "role" in told["callouts that failed"].next_step


@pytest.mark.parametrize("rule", [None, HmacRule()])
async def test_secrets_of_callouts_that_are_not_set_are_each_named_with_the_command_that_sets_them(
    zuora, credentials, rule
):
    callouts = Callouts(path=PATH, hmac=rule)
    needed = ["callout_user", "callout_password", *(["hmac_secret"] if rule else [])]
    for count, field in enumerate(needed):
        told = (await found(zuora, credentials, callouts=callouts))["secrets of callouts"]
        assert not told.ok
        asked = [f"ml-connector credentials set zuora/acme {name}" in told.next_step for name in needed]
        assert asked == [place >= count for place in range(len(needed))]
        credentials.set("zuora/acme", field, "canary-word-31")
    told = (await found(zuora, credentials, callouts=callouts))["secrets of callouts"]
    assert (told.ok, told.found) == (True, f"{', '.join(needed)} can be opened")


async def test_secrets_of_callouts_are_looked_at_where_zuora_does_not_answer(zuora, credentials):
    zuora.arm("success_false", "^/oauth/token$", code=PERMISSION)
    told = await found(zuora, credentials, callouts=Callouts(path=PATH))
    assert [(one.what, one.ok) for one in told.values()] == [("secrets of callouts", False), ("Zuora", False)]


async def test_without_a_token_nothing_else_is_tried(zuora):
    zuora.arm("success_false", "^/oauth/token$", code=PERMISSION)
    told = await found(zuora)
    assert [(one.what, one.ok) for one in told.values()] == [("Zuora", False)]
    assert zuora.requests("^/(object-query|v1)/") == []


async def test_of_another_tenant_it_says_what_to_do(zuora):
    told = await found(zuora, tenant_id="999")
    assert list(told) == ["Zuora token"]
    assert not told["Zuora token"].ok
    assert "credentials set zuora/acme client_id" in told["Zuora token"].next_step
    assert "tenant_id in [tenants.acme]" in told["Zuora token"].next_step
