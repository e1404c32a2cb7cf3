"""The world document: all that a stand-in knows before the first call, as strict JSON or the same as Python dicts.

Unknown keys are refused, and so is a world whose records point to what is not there: every such gap is named at
once. The README beside this module shows the format by example.
"""

from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import field

from sandbox.qad.books.master import (
    AccountType,
    BusinessRelation,
    CreditTerms,
    Currency,
    Entity,
    GlAccount,
    Master,
    Record,
    SharedSet,
)


class User(Record):
    """Someone who may sign in.

    Attributes:
        workspaces: what the user may enter; the first is the default. `*` stands for all.
        denied: names of resources that the user may read but not write.
    """

    name: str
    password: str
    workspaces: list[str]
    denied: list[str] = field(default_factory=list)


class Client(Record):
    """A client id; with a secret and a user it can also sign in by itself where the server allows that."""

    client_id: str
    client_secret: str = ""
    user: str = ""


class World(Record):
    """Everything that a server is loaded with."""

    format: Literal["ml-connector/sandbox/qad/1"]
    currencies: list[Currency]
    credit_terms: list[CreditTerms]
    business_relations: list[BusinessRelation]
    shared_sets: list[SharedSet]
    entities: list[Entity]
    users: list[User]
    clients: list[Client]

    def master(self) -> Master:
        """Build the master data."""
        return Master(
            currencies=self.currencies,
            credit_terms=self.credit_terms,
            business_relations=self.business_relations,
            shared_sets=self.shared_sets,
            entities=self.entities,
        )


class WorldError(Exception):
    """A world cannot be loaded; the message names every gap."""


def load_world(source: dict[str, Any] | bytes | Path) -> World:
    """Read and check a world.

    Raises:
        WorldError: where it does not fit the format or contradicts itself.
    """
    try:
        if isinstance(source, dict):
            world = msgspec.convert(source, World)
        else:
            world = msgspec.json.decode(source.read_bytes() if isinstance(source, Path) else source, type=World)
    except msgspec.ValidationError as error:
        raise WorldError(str(error)) from error
    gaps = list(_gaps(world))
    if gaps:
        raise WorldError("\n".join(gaps))
    return world


def _gaps(world: World) -> Iterator[str]:
    yield from _repeated("currency", (one.currency_code for one in world.currencies))
    yield from _repeated("business relation", (one.business_relation_code for one in world.business_relations))
    yield from _repeated("entity", (one.entity_code for one in world.entities))
    yield from _repeated("user", (one.name for one in world.users))
    shared_sets = {one.shared_set_code: one for one in world.shared_sets}
    for shared in world.shared_sets:
        yield from _gaps_of_shared_set(world, shared)
    for entity in world.entities:
        yield from _gaps_of_entity(world, entity, shared_sets.get(entity.shared_set_code))
    workspaces = {"*"} | {one.workspace for one in world.entities}
    for user in world.users:
        if not user.workspaces or not set(user.workspaces) <= workspaces:
            yield f"User {user.name}: workspaces {user.workspaces} are not all known."


def _gaps_of_shared_set(world: World, shared: SharedSet) -> Iterator[str]:
    name = f"Shared set {shared.shared_set_code}"
    accounts = {one.gl_account_code: one for one in shared.gl_accounts}
    profiles = {one.profile_code for one in shared.control_profiles}
    currencies = {one.currency_code for one in world.currencies}
    yield from _repeated(f"{name}: account", (one.gl_account_code for one in shared.gl_accounts))
    yield from _repeated(f"{name}: customer", (one.customer_code for one in shared.customers))
    yield from _repeated(f"{name}: daybook", (one.daybook_code for one in shared.daybooks))
    for profile in shared.control_profiles:
        account = accounts.get(profile.gl_account_code)
        if account is None or account.account_type != AccountType.CUSTOMER_CONTROL:
            yield f"{name}: profile {profile.profile_code} needs a customer control account."
    for rate in shared.exchange_rates:
        if rate.rate <= 0 or not {rate.from_currency_code, rate.to_currency_code} <= currencies:
            yield f"{name}: rate {rate.from_currency_code} to {rate.to_currency_code} is not positive or not known."
    relations = {one.business_relation_code for one in world.business_relations}
    terms = {one.credit_terms_code for one in world.credit_terms}
    for customer in shared.customers:
        used = {
            customer.invoice_control_gl_profile_code,
            customer.credit_note_control_gl_profile_code,
            customer.pre_payment_control_gl_profile_code,
        }
        if (
            not used <= profiles
            or customer.business_relation_code not in relations
            or customer.credit_terms_code not in terms
            or customer.currency_code not in currencies
        ):
            yield f"{name}: customer {customer.customer_code} names a relation, currency, terms or profile not known."


def _gaps_of_entity(world: World, entity: Entity, shared: SharedSet | None) -> Iterator[str]:
    name = f"Entity {entity.entity_code}"
    if shared is None:
        yield f"{name}: shared set {entity.shared_set_code} is not there."
        return
    if entity.base_currency_code not in {one.currency_code for one in world.currencies}:
        yield f"{name}: base currency {entity.base_currency_code} is not there."
    bases = {one.base_currency_code for one in world.entities if one.domain_code == entity.domain_code}
    if len(bases) > 1:
        yield f"{name}: domain {entity.domain_code} has several base currencies."
    accounts = {one.gl_account_code: one for one in shared.gl_accounts}
    for code in (
        entity.rounding_gl_account_code,
        entity.realised_gain_gl_account_code,
        entity.realised_loss_gl_account_code,
    ):
        if not _takes_differences(accounts.get(code)):
            yield f"{name}: account {code} of differences is missing or asks for analysis."
    periods = sorted(entity.periods, key=lambda one: one.first_day)
    for before, after in pairwise(periods):
        if after.first_day <= before.last_day:
            yield f"{name}: periods {before.year}/{before.period} and {after.year}/{after.period} overlap."


def _takes_differences(account: GlAccount | None) -> bool:
    return account is not None and not (account.has_sub_account or account.has_cost_centre or account.has_project)


def _repeated(name: str, codes: Iterable[str]) -> Iterator[str]:
    seen: set[str] = set()
    for code in codes:
        if code in seen:
            yield f"{name} {code} is there twice."
        seen.add(code)
