"""A call, as handlers get it: a request, and the stand-in that it was made to.

Handlers are plain functions from a call to an answer; only the gate knows HTTP. What the stand-in consists of knows
requests at the most: it must not import this module.
"""

from collections.abc import Callable
from dataclasses import dataclass

from sandbox.zuora.refusal import Refused
from sandbox.zuora.sandbox import Sandbox
from sandbox.zuora.wire.answers import Answer, Family, refusal
from sandbox.zuora.wire.request import Request


@dataclass(frozen=True, kw_only=True)
class Call(Request):
    """A request, and whom it was made to."""

    sandbox: Sandbox

    def refusal(self, family: Family, refused: Refused) -> Answer:
        """Return what this call is told when it is refused."""
        return refusal(family, refused, settings=self.sandbox.tenant.settings, request_id=self.request_id)


Handler = Callable[[Call], Answer]
