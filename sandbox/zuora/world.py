"""The master data of a tenant as one strict JSON document: who it is, its codes, periods, accounts and callouts.

Example: {"tenant_id": "12270", "accounting_codes": [{"name": "Subscription Revenue", "type": "SalesRevenue"}],
"accounts": [{"name": "Acme", "currency": "EUR", "custom": {"QADCustomer__c": "C0001"}}]}. Names are Python's, amounts
are JSON numbers, dates are YYYY-MM-DD; an unknown name is refused. Documents are not part of a world: acts make them.
"""

from typing import Literal

import msgspec

from sandbox.zuora.acts import (
    NewAccount,
    NewAccountingCode,
    NewAccountingPeriod,
    create_account,
    create_accounting_code,
    create_accounting_period,
)
from sandbox.zuora.callouts.configuration import CalloutConfiguration, EventTrigger
from sandbox.zuora.settings import Settings
from sandbox.zuora.tenant import Tenant

CustomObject = Literal[
    "Account",
    "Contact",
    "Invoice",
    "InvoiceItem",
    "Payment",
    "CreditMemo",
    "CreditMemoItem",
    "DebitMemo",
    "DebitMemoItem",
    "Refund",
]


class Client(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An OAuth client: the id has 36 characters, the secret at most 42."""

    client_id: str = "7d8a1c52-30f4-4b1e-9c55-0f6f3b1d2a10"
    client_secret: str = "sandbox+secret/only=for-the-stand-in"  # noqa: S105 - opens nothing but the stand-in.


class CustomField(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A custom field of an object, such as QADCustomer__c; only an indexed one can be filtered on."""

    object: CustomObject
    name: str
    indexed: bool = True


class World(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a tenant holds before anything is billed.

    Attributes:
        tenant_id: Shown in the scope of every token.
        entity_id: Shown there as well.
        clients: Who may ask for tokens.
        settings: Switches that differ from the default.
        custom_fields: Defined beyond those that the accounts below use.
        accounts: In an order in which parents come before their children.
        event_triggers: Custom events beyond the four that every tenant has.
        callouts: What is delivered where.
    """

    tenant_id: str = "12270"
    entity_id: str = "11e643f4-a3ee-8bad-b061-0025904c57d6"
    clients: list[Client] = msgspec.field(default_factory=lambda: [Client()])
    settings: Settings = Settings()
    custom_fields: list[CustomField] = []
    accounting_codes: list[NewAccountingCode] = []
    accounting_periods: list[NewAccountingPeriod] = []
    accounts: list[NewAccount] = []
    event_triggers: list[EventTrigger] = []
    callouts: list[CalloutConfiguration] = []


def read_world(text: bytes | str) -> World:
    """Return the world that a JSON document describes.

    Raises:
        msgspec.DecodeError: It is no JSON, or does not fit.
    """
    return msgspec.json.decode(text, type=World)


def load_master_data(tenant: Tenant, world: World) -> None:
    """Create what the world holds, in addition to what the tenant has already; all of it or nothing."""
    with tenant.act("load_world"):
        for custom in world.custom_fields:
            tenant.define_custom_field(custom.object, custom.name, indexed=custom.indexed)
        for code in world.accounting_codes:
            create_accounting_code(tenant, request=code)
        for period in world.accounting_periods:
            create_accounting_period(tenant, request=period)
        for account in world.accounts:
            create_account(tenant, request=account)
