"""Which events an act fires, and for which of the configured callouts.

Standard events follow the deeds of an act, custom events the changes of its rows. What the sources leave open
(external payments, a bill run posted by hand, balances of an account) is decided by the tenant's settings.
"""

from collections.abc import Iterator, Sequence

import msgspec

from sandbox.zuora.callouts.configuration import STANDARD_EVENTS, CalloutConfiguration, EventTrigger
from sandbox.zuora.callouts.message import Event
from sandbox.zuora.chronicle import Change, Deed
from sandbox.zuora.objects import Account, Payment
from sandbox.zuora.tenant import Tenant


def events_for(
    tenant: Tenant,
    configuration: CalloutConfiguration,
    triggers: Sequence[EventTrigger],
    *,
    changes: Sequence[Change],
    deeds: Sequence[Deed],
) -> Iterator[Event]:
    """Yield the events of one act that a callout is configured for, in the order in which they happened."""
    if not configuration.active:
        return
    events = (
        _standard_events(tenant, configuration, deeds)
        if configuration.event in STANDARD_EVENTS
        else _custom_events(tenant, [one for one in triggers if one.name == configuration.event], changes)
    )
    profile = configuration.communication_profile_id
    for event in events:
        if profile is None or getattr(event.row, "communication_profile_id", profile) == profile:
            yield event


def _standard_events(tenant: Tenant, configuration: CalloutConfiguration, deeds: Sequence[Deed]) -> Iterator[Event]:
    verb, kind, category = STANDARD_EVENTS[configuration.event]
    for deed in deeds:
        if (deed.verb, deed.kind) != (verb, kind):
            continue
        row = tenant.table_named(kind).latest[deed.id]
        if deed.variant is not None and deed.variant not in configuration.variants:
            continue
        is_external = isinstance(row, Payment) and row.type == "External"
        if not is_external or tenant.settings.payment_processed_for_external:
            yield Event(configuration.event, category, row)


def _custom_events(tenant: Tenant, triggers: Sequence[EventTrigger], changes: Sequence[Change]) -> Iterator[Event]:
    for trigger in triggers:
        for change in changes if trigger.active else ():
            if _fires(trigger, change, on_balance=tenant.settings.balance_fires_account_event):
                yield Event(trigger.name, f"user.notification:{trigger.name}", change.row)


def _fires(trigger: EventTrigger, change: Change, *, on_balance: bool) -> bool:
    row = change.row
    if type(row).__name__ != trigger.base_object or change.type not in trigger.change_types:
        return False
    if isinstance(row, Account) and change.type == "UPDATE" and change.balance_only:
        return on_balance
    if trigger.field is None:
        return True
    wanted = trigger.field.lower()
    name = next(column.name for column in msgspec.structs.fields(row) if column.encode_name.lower() == wanted)
    before, after = getattr(change.before, name, None), getattr(change.after, name, None)
    if trigger.leaves is not None:
        return before != after and str(before) == trigger.leaves
    return before != after and str(after) == trigger.becomes
