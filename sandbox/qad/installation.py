"""One installation of the ERP: its world, books, sessions, settings, clock, faults and log, in one dialect.

It is what the server serves and what the control acts on; loading a world anew starts everything but settings and
clock afresh.
"""

from hmac import compare_digest

import msgspec

from sandbox.qad.books.books import Books
from sandbox.qad.calls import CallLog
from sandbox.qad.clock import Clock
from sandbox.qad.dialect import Dialect
from sandbox.qad.faults import FaultBoard
from sandbox.qad.settings import Settings
from sandbox.qad.visibility import Visibility
from sandbox.qad.wire.columns import View
from sandbox.qad.wire.tokens import Sessions
from sandbox.qad.world import User, World, load_world


class Installation:
    """Everything that a server of this stand-in holds.

    Attributes:
        views: the books as each workspace sees them.
        workspaces: those by what the dialect calls them.
        violations: what the books refused because they would have contradicted themselves; empty, or a fault of
            ours.
        drafts: what was stored as a draft; it is in no book.
    """

    books: Books
    sessions: Sessions
    faults: FaultBoard
    log: CallLog
    visibility: Visibility

    def __init__(self, *, world: World, dialect: Dialect, settings: Settings, clock: Clock) -> None:
        self.dialect = dialect
        self.settings = settings
        self.clock = clock
        self.load(world)

    def load(self, world: World | None = None) -> None:
        """Start afresh with a world, or with the one that was loaded last."""
        if world is not None:
            # The books change their master data, so the world is kept as it was.
            self._world = msgspec.json.encode(world)
        fresh = load_world(self._world)
        self.world = fresh
        self.books = Books(fresh.master(), self.settings.books)
        self._users = {one.name: one for one in fresh.users}
        self.sessions = Sessions(
            users=self._users,
            clients={one.client_id: one for one in fresh.clients},
            settings=self.settings.session,
            clock=self.clock,
        )
        self.faults = FaultBoard()
        self.log = CallLog(self.settings.calls.requests_kept)
        self.visibility = Visibility()
        self.views = {one.workspace: View(self.books, one.entity_code) for one in fresh.entities}
        self.workspaces = {
            self.dialect.workspace_of(one.domain_code, one.entity_code): one.workspace for one in fresh.entities
        }
        self.violations: list[str] = []
        self.drafts: list[object] = []

    def user_of(self, name: str, password: str) -> User | None:
        """Return the user of this name and password, None where they are nobody's."""
        user = self._users.get(name)
        return user if user is not None and compare_digest(user.password.encode(), password.encode()) else None

    def default_workspace(self, user: User) -> str:
        """Return the workspace that a user works in without naming one."""
        first = user.workspaces[0]
        return next(iter(self.views)) if first == "*" else first

    def may_enter(self, user: User, workspace: str) -> bool:
        """Say whether a workspace is there and open to a user."""
        return workspace in self.views and bool({"*", workspace} & set(user.workspaces))
