"""The acts by name, each with the JSON that the control API takes for it.

An act is a function of a tenant and keywords. Its signature is the contract: parameters without a default must be
given, unknown ones are refused, amounts are read as Decimal. An act whose one parameter is called `request` takes the
fields of that structure. Each act runs as one transaction of the tenant, also when it is called from Python.
"""

import functools
import inspect
import typing
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, TypeVar

import msgspec

from sandbox.zuora.tenant import Tenant

P = ParamSpec("P")
R = TypeVar("R")


class Act(msgspec.Struct, frozen=True):
    """One act: its name, what it does in a sentence, the structure of its JSON, and the function."""

    name: str
    summary: str
    request: type[msgspec.Struct]
    whole: bool
    function: Callable[..., Any]

    def run(self, tenant: Tenant, body: bytes) -> Any:
        """Do the act with the keywords that the JSON holds.

        Raises:
            msgspec.ValidationError: The JSON does not fit the act.
            Refused: Zuora would refuse it.
        """
        request = msgspec.json.decode(body or b"{}", type=self.request)
        if self.whole:
            return self.function(tenant, request=request)
        return self.function(tenant, **{name: getattr(request, name) for name in request.__struct_fields__})


ACTS: dict[str, Act] = {}


def act(function: Callable[Concatenate[Tenant, P], R]) -> Callable[Concatenate[Tenant, P], R]:
    """Register a function as an act and let it run as one transaction."""
    name = function.__name__

    @functools.wraps(function)
    def in_transaction(tenant: Tenant, /, *args: P.args, **keywords: P.kwargs) -> R:
        with tenant.act(name):
            return function(tenant, *args, **keywords)

    request, whole = _request_of(function)
    summary = (function.__doc__ or "").strip().partition("\n")[0]
    ACTS[name] = Act(name=name, summary=summary, request=request, whole=whole, function=in_transaction)
    return in_transaction


def _request_of(function: Callable[..., Any]) -> tuple[type[msgspec.Struct], bool]:
    hints = typing.get_type_hints(function)
    parameters = [p for p in inspect.signature(function).parameters.values() if p.kind is p.KEYWORD_ONLY]
    if [parameter.name for parameter in parameters] == ["request"]:
        return hints["request"], True
    fields: list[Any] = [
        (p.name, hints[p.name]) if p.default is p.empty else (p.name, hints[p.name], p.default) for p in parameters
    ]
    title = "".join(word.capitalize() for word in function.__name__.split("_"))
    return msgspec.defstruct(title, fields, kw_only=True, forbid_unknown_fields=True), False
