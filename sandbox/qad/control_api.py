"""The control over HTTP: JSON under `/control`, the same acts as on the object, with unknown keys refused.

200 is done; 400 a body or parameter that does not fit; 404 what is not there; 409 what the ERP's own rules refuse,
with the errors.
"""

from collections.abc import Awaitable, Callable
from datetime import date, datetime
from typing import Any, Protocol, TypeVar

import msgspec
from aiohttp import web
from msgspec import Raw, Struct

from sandbox.qad.books.documents import CONTENT_OF, DocumentKey, Kind
from sandbox.qad.books.errors import Refused
from sandbox.qad.books.master import Currency, ExchangeRate, PeriodStatus
from sandbox.qad.books.reversals import Reversal
from sandbox.qad.control import Control
from sandbox.qad.faults import Fault, UnknownFault
from sandbox.qad.wire.envelopes import encode
from sandbox.qad.world import WorldError, load_world

# One page of the books at most; 1,000 documents with their entries are some 2 MB.
_LIMIT_MAX = 10_000


class Listening(Protocol):
    """A server whose ERP can stop listening."""

    control: Control

    async def listen(self) -> None:
        """Listen again."""

    async def refuse_connections(self) -> None:
        """Stop listening."""


class Asked(Struct, kw_only=True, forbid_unknown_fields=True):
    """The body of an act."""


class PeriodChange(Asked, kw_only=True):
    """Open or lock a period."""

    entity_code: str
    year: int
    period: int
    status: PeriodStatus | None = None
    is_open_for_sales: bool | None = None


class CustomerSwitch(Asked, kw_only=True):
    """Activate, hold or relink a customer."""

    shared_set_code: str
    customer_code: str
    is_active: bool | None = None
    is_locked_credit_limit: bool | None = None
    custom_short_0: str | None = None


class AccountSwitch(Asked, kw_only=True):
    """Activate or deactivate a GL account."""

    shared_set_code: str
    gl_account_code: str
    is_active: bool


class DaybookSwitch(Asked, kw_only=True):
    """Activate or deactivate a daybook."""

    shared_set_code: str
    daybook_code: str
    is_active: bool


class RateAddition(Asked, kw_only=True):
    """Add a rate."""

    shared_set_code: str
    rate: ExchangeRate


class CurrencySetting(Asked, kw_only=True):
    """Set a currency up, or change it."""

    currency: Currency


class Posting(Asked, kw_only=True):
    """Key a document by hand; `content` has the books' own names."""

    entity_code: str
    kind: Kind
    content: Raw
    user: str


class KeyParts(Asked, kw_only=True):
    """The key of a document."""

    entity_code: str
    posting_year: int
    daybook_code: str
    voucher: int

    def key(self) -> DocumentKey:
        """Return it as the books have it."""
        return DocumentKey(self.entity_code, self.posting_year, self.daybook_code, self.voucher)


class Undoing(Asked, kw_only=True):
    """Reverse a document by hand."""

    key: KeyParts
    user: str
    posting_date: date | None = None
    custom_short_0: str = ""
    description: str = ""


class Paying(Asked, kw_only=True):
    """Set a payment to Paid, or to Cancelled."""

    key: KeyParts
    user: str


class Changes(Asked, kw_only=True):
    """What may be changed of a document by hand."""

    description: str | None = None
    reference: str | None = None
    payment_reference: str | None = None
    custom_short_0: str | None = None
    credit_terms_code: str | None = None
    due_date: date | None = None


class Amending(Asked, kw_only=True):
    """Change a document by hand."""

    key: KeyParts
    user: str
    changes: Changes


class ClockChange(Asked, kw_only=True):
    """Set the clock."""

    now: datetime | None = None
    advance_s: float = 0
    is_real: bool = False


class NetworkChange(Asked, kw_only=True):
    """Take the ERP down: `listening` false refuses connections, `is_down` accepts and cuts them."""

    listening: bool | None = None
    is_down: bool | None = None


class Disarming(Asked, kw_only=True):
    """Disarm by id, by name, or all."""

    id: int | None = None
    name: str | None = None


class Resetting(Asked, kw_only=True):
    """Start afresh, with another world where one is given."""

    world: Raw = Raw(b"")


_Body = TypeVar("_Body", bound=Asked | Fault)
Handler = Callable[[web.Request], Awaitable[web.Response]]


def add_control_routes(app: web.Application, server: Listening) -> None:
    """Add every route under /control."""
    router, control = app.router, server.control
    shown, acts = _shown(control), _acts(server)
    for path, show in shown.items():
        router.add_get(f"/control/{path}", _showing(show))
    for path, handler in acts.items():
        router.add_post(f"/control/{path}", handler)
    endpoints = [*(f"GET /control/{path}" for path in shown), *(f"POST /control/{path}" for path in acts)]
    for path in ("/control", "/control/"):
        router.add_get(path, _showing(lambda _get: {"endpoints": endpoints}))
    router.add_route("*", "/control/{tail:.*}", _find_nothing)


async def _find_nothing(request: web.Request) -> web.Response:
    error = f"There is no {request.method} {request.path}: GET /control lists what there is"
    return _answer(404, {"error": error})


def _shown(control: Control) -> dict[str, Callable[[Callable[[str, str], str]], Any]]:
    """Return what can be read; each gets a function that returns a query parameter or its default."""

    def page(get: Callable[[str, str], str]) -> dict[str, int]:
        return {"offset": int(get("offset", "0")), "limit": min(int(get("limit", "1000")), _LIMIT_MAX)}

    def documents(get: Callable[[str, str], str]) -> Any:
        if reference := get("custom_short_0", ""):
            return control.find(reference)
        kind = get("kind", "")
        return control.documents(get("entity_code", ""), kind=Kind(kind) if kind else None, **page(get))

    return {
        "state": lambda _get: control.state(),
        "counts": lambda _get: control.counts(),
        "duplicates": lambda _get: control.duplicates(),
        "audit": lambda _get: control.audit(),
        "faults": lambda _get: control.faults(),
        "documents": documents,
        "items": lambda get: control.items(get("entity_code", ""), **page(get)),
        "balances": lambda get: control.balances(get("entity_code", "")),
        "trial-balance": lambda get: control.trial_balance(get("entity_code", "")),
        "requests": lambda get: control.requests(
            after=int(get("after", "0")), limit=min(int(get("limit", "1000")), _LIMIT_MAX)
        ),
    }


def _acts(server: Listening) -> dict[str, Handler]:
    """Return what can be done."""
    control = server.control

    async def network(asked: NetworkChange) -> Any:
        if asked.is_down is not None:
            control.set_down(is_down=asked.is_down)
        if asked.listening is not None:
            await (server.listen() if asked.listening else server.refuse_connections())
        return {}

    async def reset(asked: Resetting) -> Any:
        await control.reset(load_world(bytes(asked.world)) if bytes(asked.world) else None)
        await server.listen()
        return control.state()

    async def settings(body: bytes) -> Any:
        return control.change_settings(msgspec.json.decode(body, type=dict[str, dict[str, Raw]]))

    def post(asked: Posting) -> Any:
        content = msgspec.json.decode(asked.content, type=CONTENT_OF[asked.kind])
        return control.post_by_hand(asked.entity_code, content, user=asked.user)

    def reverse(asked: Undoing) -> Any:
        reversal = Reversal(
            posting_date=asked.posting_date, custom_short_0=asked.custom_short_0, description=asked.description
        )
        return control.reverse_by_hand(asked.key.key(), reversal, user=asked.user)

    def amend(asked: Amending) -> Any:
        changes = {name: value for name, value in msgspec.structs.asdict(asked.changes).items() if value is not None}
        return control.amend_by_hand(asked.key.key(), changes, user=asked.user)

    return {
        "periods": _acting(PeriodChange, lambda asked: control.set_period(**msgspec.structs.asdict(asked))),
        "customers": _acting(CustomerSwitch, lambda asked: control.set_customer(**msgspec.structs.asdict(asked))),
        "accounts": _acting(AccountSwitch, lambda asked: control.set_account(**msgspec.structs.asdict(asked))),
        "daybooks": _acting(DaybookSwitch, lambda asked: control.set_daybook(**msgspec.structs.asdict(asked))),
        "rates": _acting(RateAddition, lambda asked: control.add_rate(asked.shared_set_code, asked.rate)),
        "currencies": _acting(CurrencySetting, lambda asked: control.set_currency(asked.currency)),
        "hand/post": _acting(Posting, post),
        "hand/reverse": _acting(Undoing, reverse),
        "hand/pay": _acting(Paying, lambda asked: control.pay_by_hand(asked.key.key(), user=asked.user)),
        "hand/cancel": _acting(Paying, lambda asked: control.cancel_by_hand(asked.key.key(), user=asked.user)),
        "hand/amend": _acting(Amending, amend),
        "faults": _acting(Fault, control.arm),
        "faults/disarm": _acting(Disarming, lambda asked: {"disarmed": control.disarm(id=asked.id, name=asked.name)}),
        "clock": _acting(
            ClockChange,
            lambda asked: {"now": control.set_clock(now=asked.now, advance_s=asked.advance_s, is_real=asked.is_real)},
        ),
        "sessions/end": _acting(Asked, lambda _asked: {"ended": control.end_sessions()}),
        "settings": _handled(settings),
        "network": _awaiting(NetworkChange, network),
        "reset": _awaiting(Resetting, reset),
    }


def _showing(show: Callable[[Callable[[str, str], str]], Any]) -> Handler:
    async def handle(request: web.Request) -> web.Response:
        async def act(_body: bytes) -> Any:
            return show(request.query.get)

        return await _handled(act)(request)

    return handle


def _acting(body_type: type[_Body], act: Callable[[_Body], Any]) -> Handler:
    async def handle(body: bytes) -> Any:
        return act(msgspec.json.decode(body or b"{}", type=body_type))

    return _handled(handle)


def _awaiting(body_type: type[_Body], act: Callable[[_Body], Awaitable[Any]]) -> Handler:
    async def handle(body: bytes) -> Any:
        return await act(msgspec.json.decode(body or b"{}", type=body_type))

    return _handled(handle)


def _handled(act: Callable[[bytes], Awaitable[Any]]) -> Handler:
    """Turn an act into a handler that answers errors as such."""

    async def handle(request: web.Request) -> web.Response:
        try:
            return _answer(200, await act(await request.read()))
        except Refused as refused:
            return _answer(409, {"errors": refused.errors})
        except msgspec.MsgspecError as error:
            return _answer(400, {"error": f"The body does not fit: {error}"})
        except (UnknownFault, WorldError, ValueError) as error:
            return _answer(400, {"error": str(error)})

    return handle


def _answer(status: int, body: Any) -> web.Response:
    return web.Response(status=status, body=encode(body), content_type="application/json")
