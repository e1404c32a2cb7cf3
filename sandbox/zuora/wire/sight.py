"""What a request sees of a tenant with several entities or organizations: accounts, and all that belongs to them.

An account lies in one entity; a request sees those of the entity that `Zuora-Entity-Ids` names, else of the tenant's
main one. `Zuora-Org-Ids` narrows that to accounts of these organizations. What belongs to no account (codes, periods,
bill runs, money whose payer is not known) is seen by all. Without a source: what a request without the header sees, and
the code of the refusal.
"""

from dataclasses import dataclass
from typing import Any

from sandbox.zuora.objects import Account, Record
from sandbox.zuora.refusal import Category, Refused
from sandbox.zuora.tenant import Tenant
from sandbox.zuora.wire.call import Call

# By which fields a row that names no account names its parent.
_PARENTS = (
    "invoice_id",
    "credit_memo_id",
    "debit_memo_id",
    "payment_id",
    "refund_id",
    "invoice_item_id",
    "credit_memo_item_id",
    "debit_memo_item_id",
)


@dataclass(frozen=True)
class Sight:
    """What one request sees.

    Attributes:
        entity: Entity whose accounts it sees.
        organizations: Organizations whose accounts it sees; none for all.
    """

    tenant: Tenant
    main: str
    entity: str
    organizations: frozenset[str]

    def sees(self, row: Record) -> bool:
        """Return whether a row is shown."""
        account = self._account_of(row)
        if account is None:
            return True
        if self.tenant.entities.get(account.id, self.main) != self.entity:
            return False
        return not self.organizations or account.organization_id in self.organizations

    @property
    def narrowed(self) -> bool:
        """Whether there is anything that this request may not see."""
        return bool(self.tenant.entities or self.organizations)

    @property
    def key(self) -> tuple[Any, ...]:
        """Return what tells this sight from another."""
        return (self.entity, self.organizations)

    def _account_of(self, row: Record) -> Account | None:
        if isinstance(row, Account):
            return row
        account = getattr(row, "account_id", None)
        if account:
            return self.tenant.accounts.latest.get(account)
        for name in _PARENTS:
            key = getattr(row, name, None)
            if key:
                parent = self.tenant.table_named(_kind_named(name)).latest.get(key)
                return self._account_of(parent) if parent is not None else None
        return None


def sight_of(call: Call) -> Sight:
    """Return what a request sees.

    Raises:
        Refused: It names an entity or organization that the user has no access to.
    """
    tenant, main = call.sandbox.tenant, call.sandbox.world.entity_id
    entity = call.headers.get("zuora-entity-ids", main)
    if entity not in (main, *tenant.entities.values()):
        raise Refused(Category.PERMISSION, f"The user has no access to entity {entity}")
    asked = call.headers.get("zuora-org-ids", "")
    organizations = frozenset(name.strip() for name in asked.split(",") if name.strip())
    if organizations:
        known = {account.organization_id for account in tenant.accounts.latest.values()}
        if not organizations <= known:
            raise Refused(Category.PERMISSION, f"The user has no access to organization {min(organizations - known)}")
    return Sight(tenant, main, entity, organizations)


def _kind_named(field: str) -> str:
    return "".join(word.capitalize() for word in field.removesuffix("_id").split("_"))
