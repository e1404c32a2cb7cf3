"""Faults by name: armed by count, by share or until disarmed, and counted whenever they fire.

A fault that did not fire proves nothing, so counts stay readable after a fault is used up or disarmed. Shares are
drawn from a seed. Which fault fires is decided here; what it does to the conversation is done by the server.
"""

import random
from collections.abc import Iterable
from enum import Enum, auto
from typing import NamedTuple

from msgspec import Struct

from sandbox.qad.calls import Call


class Stage(Enum):
    """When in a call a fault acts."""

    ARRIVAL = auto()
    BEFORE_COMMIT = auto()
    RECORD = auto()
    COMMIT = auto()
    PAGE = auto()
    REPLY = auto()


class Scope(Enum):
    """Which calls a fault concerns where it was armed without a kind."""

    WRITES = auto()
    ERP = auto()
    TOKENS = auto()
    QDOCS = auto()
    EVERYTHING = auto()


class Trait(NamedTuple):
    """When a fault acts, and on what by default."""

    stage: Stage
    scope: Scope


CATALOGUE = {
    "down": Trait(Stage.ARRIVAL, Scope.EVERYTHING),
    "token_5xx": Trait(Stage.ARRIVAL, Scope.TOKENS),
    "slow": Trait(Stage.ARRIVAL, Scope.ERP),
    "too_many_requests": Trait(Stage.ARRIVAL, Scope.ERP),
    "unauthorized": Trait(Stage.ARRIVAL, Scope.ERP),
    "forbidden": Trait(Stage.ARRIVAL, Scope.ERP),
    "html_login": Trait(Stage.ARRIVAL, Scope.ERP),
    "http_500_before_commit": Trait(Stage.BEFORE_COMMIT, Scope.WRITES),
    "http_503_before_commit": Trait(Stage.BEFORE_COMMIT, Scope.WRITES),
    "reset_before_commit": Trait(Stage.BEFORE_COMMIT, Scope.WRITES),
    "soap_fault": Trait(Stage.BEFORE_COMMIT, Scope.QDOCS),
    "business_error": Trait(Stage.RECORD, Scope.WRITES),
    "commit_late": Trait(Stage.COMMIT, Scope.WRITES),
    "late_visibility": Trait(Stage.COMMIT, Scope.WRITES),
    "warning": Trait(Stage.COMMIT, Scope.WRITES),
    "row_shift": Trait(Stage.PAGE, Scope.ERP),
    "commit_then_reset": Trait(Stage.REPLY, Scope.WRITES),
    "commit_then_500": Trait(Stage.REPLY, Scope.WRITES),
    "commit_then_502": Trait(Stage.REPLY, Scope.WRITES),
    "commit_then_504": Trait(Stage.REPLY, Scope.WRITES),
    "commit_then_hang": Trait(Stage.REPLY, Scope.WRITES),
    "commit_then_login_page": Trait(Stage.REPLY, Scope.WRITES),
    "commit_then_no_content": Trait(Stage.REPLY, Scope.WRITES),
    "commit_then_other_shape": Trait(Stage.REPLY, Scope.WRITES),
    "commit_then_no_key": Trait(Stage.REPLY, Scope.WRITES),
    "commit_then_gzip_cut": Trait(Stage.REPLY, Scope.WRITES),
    "commit_then_chunks_cut": Trait(Stage.REPLY, Scope.WRITES),
    "commit_then_soap_fault": Trait(Stage.REPLY, Scope.QDOCS),
    "empty_body": Trait(Stage.REPLY, Scope.ERP),
    "truncated_json": Trait(Stage.REPLY, Scope.ERP),
}


KINDS = frozenset(
    {
        "invoice",
        "payment",
        "adjustment",
        "banking",
        "journal",
        "customer",
        "business_relation",
        "operations",
        "read",
        "validate",
        "browse",
        "platform",
        "token",
        "unknown",
    }
)


class Fault(Struct, kw_only=True, forbid_unknown_fields=True):
    """What to arm.

    Attributes:
        name: one of the catalogue.
        kind: the only kind of call that it concerns, one of `KINDS`; else what the catalogue says.
        count: how often it fires; None for any number.
        share: how many of the calls that it concerns it fires on, from 0 to 1.
        after: calls that it lets pass first.
        seed: of the draw for the share.
        ms: for slow: how much longer.
        seconds: for commit_late and late_visibility: how much later.
        status: for token_5xx.
        retry_after_s: for too_many_requests: the header; None sends none.
        code: for business_error and warning; for soap faults Client, Server, or an exception as ProcessException009.
        field: for business_error: the books' name of the field.
        message: for business_error, warning and soap faults.
    """

    name: str
    kind: str = ""
    count: int | None = None
    share: float = 1.0
    after: int = 0
    seed: int = 0
    ms: int = 1000
    seconds: float = 1.0
    status: int = 503
    retry_after_s: int | None = None
    code: str = "RECORD_LOCKED"
    field: str = ""
    message: str = "The record is locked by another user."


class Armed(Struct, kw_only=True):
    """A fault that was armed, and how it fared."""

    id: int
    fault: Fault
    is_armed: bool = True
    met: int = 0
    fired: int = 0


class UnknownFault(Exception):
    """A fault cannot be armed: none of this name is in the catalogue, or it could never fire."""


class FaultBoard:
    """Holds the armed faults and decides which of them fire."""

    def __init__(self) -> None:
        self._all: list[Armed] = []
        self._armed: list[Armed] = []
        self._draws: dict[int, random.Random] = {}

    def arm(self, fault: Fault) -> Armed:
        """Arm a fault.

        Raises:
            UnknownFault: where its name or kind is not known, or it could never fire.
        """
        if fault.name not in CATALOGUE:
            raise UnknownFault(f"There is no fault {fault.name}; there are {', '.join(sorted(CATALOGUE))}.")
        if fault.kind and fault.kind not in KINDS:
            raise UnknownFault(f"There is no kind {fault.kind}; there are {', '.join(sorted(KINDS))}.")
        if fault.count is not None and fault.count < 1:
            raise UnknownFault(f"Fault {fault.name} would never fire with a count of {fault.count}.")
        armed = Armed(id=len(self._all) + 1, fault=fault)
        self._all.append(armed)
        self._armed.append(armed)
        self._draws[armed.id] = random.Random(fault.seed)  # noqa: S311 - a repeatable draw, no secret
        return armed

    def disarm(self, *, id: int | None = None, name: str | None = None) -> int:  # noqa: A002 - the caller's word
        """Disarm by id, by name, or all; return how many were armed."""
        found = [one for one in self._armed if id in (None, one.id) and name in (None, one.fault.name)]
        for one in found:
            self._lay_down(one)
        return len(found)

    def list(self) -> list[Armed]:
        """Return all that were ever armed, with their counts."""
        return list(self._all)

    def fired(self, name: str) -> int:
        """Return how often faults of a name have fired."""
        return sum(one.fired for one in self._all if one.fault.name == name)

    def draw(self, stage: Stage, call: Call, names: Iterable[str] = ()) -> Fault | None:
        """Return the first fault of a stage that fires on this call, and count it.

        Args:
            stage: where the call stands.
            call: the call; the name of the fault is noted on it.
            names: only these faults of the stage.
        """
        wanted = frozenset(names)
        for armed in tuple(self._armed):
            fault = armed.fault
            if CATALOGUE[fault.name].stage is not stage or not _concerns(fault, call):
                continue
            if (not wanted or fault.name in wanted) and self._fires(armed):
                call.faults = (*call.faults, fault.name)
                return fault
        return None

    def _fires(self, armed: Armed) -> bool:
        fault = armed.fault
        armed.met += 1
        if armed.met <= fault.after:
            return False
        if fault.share < 1 and self._draws[armed.id].random() >= fault.share:
            return False
        armed.fired += 1
        if fault.count is not None and armed.fired >= fault.count:
            self._lay_down(armed)
        return True

    def _lay_down(self, armed: Armed) -> None:
        armed.is_armed = False
        self._armed.remove(armed)


def _concerns(fault: Fault, call: Call) -> bool:
    scope = CATALOGUE[fault.name].scope
    if scope is Scope.QDOCS and not call.api:
        return False
    if fault.kind:
        return fault.kind == call.kind
    if scope in (Scope.WRITES, Scope.QDOCS):
        return call.is_write
    if scope is Scope.TOKENS:
        return call.kind == "token"
    return scope is Scope.EVERYTHING or call.kind != "token"
