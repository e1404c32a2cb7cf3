"""What a site may ask of a tenant, and how its processes share it: the sum of their parts is never more."""

from typing import Annotated, Literal

import msgspec

# The processes that ask Zuora; `command` is whatever a person starts.
Process = Literal["poll", "read", "mark", "backfill", "command"]

_Percent = Annotated[int, msgspec.Meta(ge=1, le=100)]
_Count = Annotated[int, msgspec.Meta(ge=1)]


class Shares(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Each process's part, in percent.

    Attributes:
        poll: What changed.
        read: What callouts hint at.
        mark: What is written back, where that is on.
        backfill: What a cut-over needs; it stands back behind the others.
        command: Whatever else a person starts, all of it together: ping, reconcile, verify.
    """

    poll: _Percent = 40
    read: _Percent = 25
    mark: _Percent = 5
    backfill: _Percent = 25
    command: _Percent = 5


class Allowance(msgspec.Struct, frozen=True, kw_only=True):
    """What one process may ask of a tenant.

    Attributes:
        per_minute: Calls in any sixty seconds; None for as many as Zuora lets through.
        of_tenant: What all processes together may; None where this one is alone.
        concurrency: Calls in flight, Object Query apart.
        object_query: Calls of Object Query in flight.
    """

    per_minute: int | None = None
    of_tenant: int | None = None
    concurrency: int = 8
    object_query: int = 8


class BudgetSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What this site may ask of a tenant; the tenant's own limits are shared with everything else that asks there.

    A production tenant takes 50,000 calls a minute, 40 at once, and 80 at once of Object Query.

    Attributes:
        per_minute: Calls in any sixty seconds.
        concurrency: Calls at once, Object Query apart.
        object_query: Calls of Object Query at once.
        shares: How the processes share them.
    """

    per_minute: Annotated[int, msgspec.Meta(ge=60)] = 20_000
    concurrency: _Count = 10
    object_query: _Count = 20
    shares: Shares = Shares()

    def of(self, process: Process) -> Allowance:
        """Return a process's part; every process can make one call at once."""
        percent = getattr(self.shares, process)
        return Allowance(
            per_minute=max(1, self.per_minute * percent // 100),
            of_tenant=self.per_minute,
            concurrency=max(1, self.concurrency * percent // 100),
            object_query=max(1, self.object_query * percent // 100),
        )

    def problem(self) -> str:
        """Return what is wrong with it, "" where nothing is."""
        percents = msgspec.structs.astuple(self.shares)
        if sum(percents) > 100:
            return f"shares are {sum(percents)} percent together: at most 100"
        for name in ("concurrency", "object_query"):
            all_of_it = getattr(self, name)
            needed = sum(max(1, all_of_it * percent // 100) for percent in percents)
            if needed > all_of_it:
                return f"{name} is {all_of_it}: these shares, each at least one call at once, need {needed}"
        return ""
