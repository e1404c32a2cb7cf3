"""The control API under /control: acts, books, clock, settings, faults, callouts, journal, reset.

JSON in and out with Python's names, except that Zuora objects are written as Object Query writes them. No
authentication: the stand-in is for one machine. GET /control lists what there is.
"""

from datetime import datetime
from typing import Any

import msgspec
from aiohttp import web

from sandbox.zuora import books
from sandbox.zuora.acts import ACTS
from sandbox.zuora.callouts.configuration import CalloutConfiguration
from sandbox.zuora.control.answers import ControlHandler, answering, write_result
from sandbox.zuora.faults import FAULTS, Fault
from sandbox.zuora.sandbox import Sandbox
from sandbox.zuora.settings import merge_settings
from sandbox.zuora.world import World, read_world

# What one answer carries at most, so that a large tenant is read in pieces.
_MOST_ROWS = 5000


class ClockSetting(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Where to set the clock, and whether it runs on from there; without a time it follows the machine again."""

    at: datetime | None = None
    running: bool = True


class Advance(msgspec.Struct, forbid_unknown_fields=True):
    """By how much to move the clock."""

    seconds: float


class Redelivery(msgspec.Struct, forbid_unknown_fields=True):
    """Which callouts to send again."""

    notification_ids: list[str]


class Control:
    """The handlers, over one sandbox."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def add_routes(self, app: web.Application) -> None:
        """Add the control API to an application."""
        routes: list[tuple[str, str, ControlHandler]] = [
            ("GET", "", self.index),
            ("GET", "/settings", self.get_settings),
            ("PATCH", "/settings", self.change_settings),
            ("POST", "/world", self.load_world),
            ("GET", "/world/schema", self.get_world_schema),
            ("POST", "/reset", self.reset),
            ("GET", "/acts", self.list_acts),
            ("POST", "/acts/{act}", self.do_act),
            ("GET", "/books", self.get_summary),
            ("GET", "/books/{kind}", self.get_book),
            ("GET", "/chronicle", self.get_chronicle),
            ("GET", "/clock", self.get_clock),
            ("PUT", "/clock", self.set_clock),
            ("POST", "/clock/advance", self.advance_clock),
            ("GET", "/faults", self.list_faults),
            ("POST", "/faults", self.arm_fault),
            ("DELETE", "/faults", self.disarm_all),
            ("DELETE", "/faults/{id}", self.disarm),
            ("GET", "/callouts", self.list_callouts),
            ("PUT", "/callouts", self.set_callouts),
            ("GET", "/callouts/traffic", self.get_traffic),
            ("GET", "/callouts/history", self.get_history),
            ("POST", "/callouts/redeliver", self.redeliver),
            ("GET", "/requests", self.list_requests),
            ("GET", "/requests/counts", self.count_requests),
            ("POST", "/tokens/revoke", self.revoke_tokens),
        ]
        self._index = [f"{method} /control{path}" for method, path, _ in routes]
        for method, path, handler in routes:
            app.router.add_route(method, f"/control{path}", answering(handler))
        app.router.add_route("*", "/control/{tail:.*}", answering(self.find_nothing))

    def _json(self, value: Any) -> bytes:
        return self._sandbox.renderer.encode(value)

    async def index(self, _request: web.Request) -> bytes:
        """Say what there is, and how a client gets in."""
        world, client = self._sandbox.world, self._sandbox.world.clients[0]
        return self._json(
            {
                "tenant_id": world.tenant_id,
                "client_id": client.client_id,
                "client_secret": client.client_secret,
                "endpoints": self._index,
            }
        )

    async def find_nothing(self, request: web.Request) -> bytes:
        """Say of what is not there where to look: a path under /control is no business of Zuora's gateway."""
        raise KeyError(f"{request.method} {request.path}: GET /control lists what there is")

    # Settings, world, reset.

    async def get_settings(self, _request: web.Request) -> bytes:
        """Return the switches in force."""
        return self._json(self._sandbox.tenant.settings)

    async def change_settings(self, request: web.Request) -> bytes:
        """Change the switches that are named."""
        changes = msgspec.json.decode(await request.read(), type=dict[str, Any])
        self._sandbox.use(merge_settings(self._sandbox.tenant.settings, changes))
        return self._json(self._sandbox.tenant.settings)

    async def load_world(self, request: web.Request) -> bytes:
        """Become a tenant that holds this world and nothing else."""
        await self._sandbox.reset(read_world(await request.read()))
        return self._json({"accounts": len(self._sandbox.tenant.accounts)})

    async def get_world_schema(self, _request: web.Request) -> bytes:
        """Return the JSON Schema of a world."""
        return self._json(msgspec.json.schema(World))

    async def reset(self, _request: web.Request) -> bytes:
        """Become what the stand-in was at its start."""
        await self._sandbox.reset()
        return self._json({"accounts": len(self._sandbox.tenant.accounts)})

    # Acts and what came of them.

    async def list_acts(self, _request: web.Request) -> bytes:
        """Return every act with its summary and the JSON Schema of its keywords."""
        acts = [
            {"name": act.name, "summary": act.summary, "schema": msgspec.json.schema(act.request)}
            for act in ACTS.values()
        ]
        return self._json(acts)

    async def do_act(self, request: web.Request) -> bytes:
        """Do an act."""
        name = request.match_info["act"]
        if name not in ACTS:
            raise KeyError(f"act {name}: GET /control/acts lists them")
        result = ACTS[name].run(self._sandbox.tenant, await request.read())
        return write_result(self._sandbox.renderer, result)

    async def get_summary(self, _request: web.Request) -> bytes:
        """Return counts and totals of what is posted."""
        return self._json(books.summary(self._sandbox.tenant))

    async def get_book(self, request: web.Request) -> bytes:
        """Return posted documents of one kind, in pieces."""
        kind = request.match_info["kind"]
        after, limit = _piece(request)
        return books.write_page(self._sandbox.tenant, self._sandbox.renderer, kind, after=after, limit=limit)

    async def get_chronicle(self, request: web.Request) -> bytes:
        """Return deeds, in pieces."""
        after, limit = _piece(request)
        deeds = self._sandbox.tenant.chronicle[after : after + limit]
        following = after + limit if after + limit < len(self._sandbox.tenant.chronicle) else None
        return self._json({"rows": deeds, "next": following})

    # Clock.

    async def get_clock(self, _request: web.Request) -> bytes:
        """Return the time."""
        clock = self._sandbox.clock
        return self._json({"at": clock.stamp().utc(), "running": clock.running})

    async def set_clock(self, request: web.Request) -> bytes:
        """Set the time."""
        setting = msgspec.json.decode(await request.read(), type=ClockSetting)
        if setting.at is None:
            self._sandbox.clock.reset()
        else:
            self._sandbox.clock.set(setting.at, running=setting.running)
        return await self.get_clock(request)

    async def advance_clock(self, request: web.Request) -> bytes:
        """Move the time."""
        self._sandbox.clock.advance(msgspec.json.decode(await request.read(), type=Advance).seconds)
        return await self.get_clock(request)

    # Faults.

    async def list_faults(self, _request: web.Request) -> bytes:
        """Return all faults that there are, and all that were armed, with their counts."""
        return self._json({"known": FAULTS, "armed": self._sandbox.faults.all})

    async def arm_fault(self, request: web.Request) -> bytes:
        """Put a fault in force."""
        return self._json(self._sandbox.faults.arm(msgspec.json.decode(await request.read(), type=Fault)))

    async def disarm_all(self, _request: web.Request) -> bytes:
        """Take all faults out of force."""
        return self._json({"disarmed": self._sandbox.faults.disarm()})

    async def disarm(self, request: web.Request) -> bytes:
        """Take one fault out of force."""
        return self._json({"disarmed": self._sandbox.faults.disarm(int(request.match_info["id"]))})

    # Callouts.

    async def list_callouts(self, _request: web.Request) -> bytes:
        """Return what is configured."""
        callouts = self._sandbox.callouts
        return self._json({"configurations": callouts.configurations, "triggers": callouts.triggers})

    async def set_callouts(self, request: web.Request) -> bytes:
        """Configure these callouts and no others."""
        configurations = msgspec.json.decode(await request.read(), type=list[CalloutConfiguration])
        self._sandbox.callouts.configurations = configurations
        return await self.list_callouts(request)

    async def get_traffic(self, _request: web.Request) -> bytes:
        """Return how many callouts are where; all is delivered when queued, in_flight and waiting are 0."""
        return self._json(self._sandbox.callouts.traffic)

    async def get_history(self, request: web.Request) -> bytes:
        """Return attempts, in pieces."""
        after, limit = _piece(request)
        attempts = list(self._sandbox.callouts.history)
        following = after + limit if after + limit < len(attempts) else None
        return self._json({"rows": attempts[after : after + limit], "next": following})

    async def redeliver(self, request: web.Request) -> bytes:
        """Send callouts again."""
        asked = msgspec.json.decode(await request.read(), type=Redelivery)
        return self._json({"redelivered": self._sandbox.callouts.redeliver(asked.notification_ids)})

    # What arrived.

    async def list_requests(self, request: web.Request) -> bytes:
        """Return the requests after a sequence number."""
        after, limit = _piece(request)
        entries = self._sandbox.journal.after(after, limit)
        return self._json({"rows": entries, "next": entries[-1].sequence if len(entries) == limit else None})

    async def count_requests(self, _request: web.Request) -> bytes:
        """Return how many requests there were by method, path and status, and the most in flight at once."""
        journal, most = self._sandbox.journal, self._sandbox.concurrency.most
        return self._json({"requests": journal.counts, "most_in_flight": most})

    async def revoke_tokens(self, _request: web.Request) -> bytes:
        """End all tokens."""
        return self._json({"revoked": self._sandbox.tokens.revoke()})


def _piece(request: web.Request) -> tuple[int, int]:
    after = int(request.query.get("after", "0"))
    limit = int(request.query.get("limit", "1000"))
    return max(0, after), min(max(1, limit), _MOST_ROWS)
