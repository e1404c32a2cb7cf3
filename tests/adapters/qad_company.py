"""A company in QAD for tests: the stand-in on loopback, the template profile that speaks to it, documents for it."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from adapters.clock import boot_time_s
from adapters.credentials.secret import Secret
from adapters.qad.asking.client import Credentials, QadClient
from adapters.qad.profiles.checks import load_profile
from adapters.qad.profiles.profile import Profile
from adapters.qad.qxtend.client import QxtendClient
from adapters.qad.qxtend.messages import Login
from adapters.qad.qxtend.port import QxtendQad
from adapters.qad.reading.reference import QadReferences
from adapters.qad.rest.port import RestQad
from sandbox.qad.calls import Call
from sandbox.qad.elsewhere import ELSEWHERE
from sandbox.qad.faults import Armed, Fault
from sandbox.qad.house import HOUSE
from sandbox.qad.server import QadServer
from streams.ports import Accepted, Command, Erp
from tests.adapters.commands import FEBRUARY, JANUARY, Commands
from tests.loopback import LOOPBACK

_PROFILES = Path(__file__).parents[2] / "sandbox" / "world"
TEMPLATE = _PROFILES / "profile.toml"
# Each dialect of the stand-in with the profile that speaks it.
DIALECTS = {"house": (HOUSE, TEMPLATE), "elsewhere": (ELSEWHERE, _PROFILES / "profile-elsewhere.toml")}
QXTEND = _PROFILES / "qxtend.toml"
ENTITY, DOMAIN = "10USACO", "10USA"
USER, WORD = "connector", "connector-word"
__all__ = ["ENTITY", "FEBRUARY", "JANUARY", "QadCompany", "post", "profile_text", "qad_company"]


def qxtend_template() -> str:
    """Return the template profile with its QXtend in the place of its documents over REST."""
    return through_qxtend(TEMPLATE.read_text(encoding="utf-8"))


def through_qxtend(profile: str) -> str:
    """Return a profile's text with QXtend in the place of its documents over REST."""
    before, _, rest = profile.partition("# -- documents --")
    after = rest[rest.index("# -- open items") :]
    return before + QXTEND.read_text(encoding="utf-8") + "\n" + after


def profile_text(base_url: str, template: str = "", *, qxtend_url: str = "") -> str:
    """Return the template profile, or another, filled in for this company."""
    filled = template or TEMPLATE.read_text(encoding="utf-8")
    for name, value in (
        ("BASE_URL", base_url),
        ("WORKSPACE", f"{DOMAIN}_{ENTITY}"),
        ("DOMAIN", DOMAIN),
        ("ENTITY", ENTITY),
        ("QXTEND_URL", qxtend_url),
        ("SHARED_SET", "CORP"),
    ):
        filled = filled.replace(f"@{name}@", value)
    return filled


class QadCompany(Commands):
    """The stand-in, its books, and adapters that post to them."""

    def __init__(self, server: QadServer, directory: Path, stack: AsyncExitStack, template: Path) -> None:
        self.server = server
        self.control = server.control
        self.directory = directory
        self._stack = stack
        self._template = template

    def profile_text(self) -> str:
        """Return the profile that speaks the company's dialect, to be changed in words."""
        return self._template.read_text(encoding="utf-8")

    def changed(self, changes: Mapping[str, Any]) -> Profile:
        """Return the company's profile with other settings at these places, as `documents.invoice.find.total`.

        None takes one out.
        """
        said = msgspec.to_builtins(self.profile())
        for place, value in changes.items():
            *above, last = place.split(".")
            table = said
            for name in above:
                table = table[name]
            if value is None:
                del table[last]
            else:
                table[last] = value
        return msgspec.convert(said, Profile)

    # -- the adapters ------------------------------------------------------------------------------------------------

    def profile(self, template: str = "", *, limits: dict[str, Any] | None = None, **changes: Any) -> Profile:
        """Load the profile of this company from a file, and change parts of it."""
        path = self.directory / "profile.toml"
        text = profile_text(self.server.url, template or self.profile_text(), qxtend_url=self.server.qxtend_url)
        path.write_text(text, encoding="utf-8")
        profile = load_profile(path)
        changed = msgspec.structs.replace(profile.limits, **(limits or {}))
        return msgspec.structs.replace(profile, limits=changed, **changes)

    async def client(
        self, profile: Profile | None = None, *, username: str = USER, password: str = WORD, **more: str
    ) -> QadClient:
        """Return a client, closed with the test."""
        credentials = Credentials(
            client_id=Secret("ml-connector"),
            username=Secret(username) if username else None,
            password=Secret(password) if password else None,
            **{name: Secret(text) for name, text in more.items()},
        )
        return await self._stack.enter_async_context(QadClient(profile or self.profile(), credentials, LOOPBACK))

    async def erp(self, profile: Profile | None = None, **changes: Any) -> RestQad:
        """Return the sink's port to this company; it is signed in, so that the next call is the first that counts."""
        chosen = profile or self.profile(**changes)
        client = await self.client(chosen)
        await client.token.get()
        return RestQad(client, chosen)

    async def qxtend(
        self, template: str = "", *, username: str = USER, password: str = WORD, url: str = "", **changes: Any
    ) -> QxtendQad:
        """Return the port over QXtend; its half over REST is signed in. What is changed is QXtend's."""
        profile = self.profile(template or qxtend_template())
        assert profile.qxtend is not None
        changed = msgspec.structs.replace(profile.qxtend, url=url or profile.qxtend.url, **changes)
        profile = msgspec.structs.replace(profile, qxtend=changed)
        browses = await self.client(profile)
        await browses.token.get()
        login = Login(username=Secret(username), password=Secret(password))
        calls = await self._stack.enter_async_context(QxtendClient(profile, changed, login, LOOPBACK))
        return QxtendQad(calls, browses, profile, changed)

    async def references(self, template: str = "", **changes: Any) -> QadReferences:
        """Return a reader of reference data."""
        chosen = self.profile(template, **changes)
        return QadReferences(await self.client(chosen), chosen)

    # -- what happened -----------------------------------------------------------------------------------------------

    def arm(self, name: str, **more: Any) -> Armed:
        """Arm a fault; its `fired` must be looked at."""
        return self.control.arm(Fault(name=name, **more))

    def requests(self, kind: str = "") -> list[Call]:
        """Return the requests of a kind, oldest first."""
        return [call for call in self.control.requests() if kind in ("", call.kind)]

    def documents(self) -> list[dict[str, Any]]:
        """Return everything in the books, oldest first."""
        return self.control.documents(ENTITY)

    def document(self, command: Command) -> dict[str, Any]:
        """Return the one document that carries a command's reference."""
        [found] = self.control.find(command.reference)
        return found


async def post(erp: Erp, command: Command, *, age_s: float = 2.0) -> Accepted:
    """Post a command whose intent may still age so many seconds."""
    return await erp.post(command, not_after=boot_time_s() + age_s)


@asynccontextmanager
async def qad_company(directory: Path, speaks: str = "house", **server: Any) -> AsyncIterator[QadCompany]:
    """Serve a company that speaks one of `DIALECTS`, or another, while the body runs."""
    dialect, template = DIALECTS[speaks]
    async with AsyncExitStack() as stack:
        running = await stack.enter_async_context(QadServer(**{"dialect": dialect, **server}))
        yield QadCompany(running, directory, stack, template)
