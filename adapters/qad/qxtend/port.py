"""The sink's port over QXtend: a command becomes one dataset by the profile, and one call commits it whole.

QXtend is weak at reading (reference 6.4): what finds documents again is the browses over REST, as for the other port.
"""

from adapters.clock import boot_time_s
from adapters.qad.asking.client import QadClient, Reply
from adapters.qad.profiles.profile import Profile
from adapters.qad.profiles.qxtend import QDocument, Qxtend
from adapters.qad.qxtend.answers import judge_look, judge_post
from adapters.qad.qxtend.client import QxtendClient
from adapters.qad.qxtend.messages import Action
from adapters.qad.reading.look_ups import LookUps
from adapters.qad.words import in_words, kind_of, read_back
from schemas.errors import Rejected
from streams.ports import Accepted, Command
from streams.sink.meanings import NO_SUCH_KIND


class QxtendQad(LookUps):
    """One connection's QAD, called through QXtend."""

    def __init__(self, calls: QxtendClient, browses: QadClient, profile: Profile, qxtend: Qxtend) -> None:
        """Post through one client and look up through the other, in this tenant's words."""
        super().__init__(browses, profile)
        self._calls = calls
        self._qxtend = qxtend

    async def post(self, command: Command, *, not_after: float) -> Accepted:
        """Make one document; see streams/ports.py for what it raises."""
        document = self._document(command)
        reply = await self._call(command, document, action="save", not_after=not_after)
        made = judge_post(reply, profile=self._profile, document=document, secrets=self._calls.secrets)
        self._took(kind_of(command), command.reference)
        return read_back(made, command)

    async def validate(self, command: Command) -> tuple[str, ...]:
        """Let QAD judge a command without making anything, and return what it says beside its yes.

        Raises:
            Rejected: QAD would refuse it.
            Transient, Refused, OutcomeUnknown: As `post` does; what becomes of a look is of no consequence.
        """
        document = self._document(command)
        not_after = boot_time_s() + self._qxtend.timeout_s
        reply = await self._call(command, document, action="validate", not_after=not_after)
        return judge_look(reply, profile=self._profile, document=document, secrets=self._calls.secrets)

    def _document(self, command: Command) -> QDocument:
        self._profile.require_confirmed()
        kind = kind_of(command)
        if kind not in self._qxtend.documents:
            raise Rejected(NO_SUCH_KIND, (f"the profile has no [qxtend.documents.{kind}]",))
        return self._qxtend.documents[kind]

    async def _call(self, command: Command, document: QDocument, *, action: Action, not_after: float) -> Reply:
        return await self._calls.call(in_words(command), document, action=action, not_after=not_after)
