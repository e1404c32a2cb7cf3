"""The sink's port over QAD's REST interface: a command becomes one record by the profile.

One call commits one document. What it is called, how it is written and what comes before it is the profile's; nothing
of a tenant stands here.
"""

from typing import Any

from adapters.qad.asking.answers import judge_post
from adapters.qad.reading.look_ups import LookUps
from adapters.qad.rest.calls import Calls
from adapters.qad.rest.record import record_of
from adapters.qad.words import in_words, kind_of, read_back
from schemas.errors import Rejected, Transient
from streams.ports import Accepted, Command
from streams.sink.meanings import NO_SUCH_KIND


class RestQad(LookUps):
    """One connection's QAD."""

    async def post(self, command: Command, *, not_after: float) -> Accepted:
        """Make one document; see streams/ports.py for what it raises."""
        self._profile.require_confirmed()
        kind = kind_of(command)
        if kind not in self._profile.documents:
            raise Rejected(NO_SUCH_KIND, (f"the profile has no [documents.{kind}]",))
        document = self._profile.documents[kind]
        words = in_words(command)
        calls = Calls(self._client, self._profile, document, record_of(words, self._profile, document))
        await calls.prepare(words.head, not_after=not_after)
        reply = await calls.commit(not_after=not_after)
        try:
            secrets = self._client.token.secrets
            made = judge_post(reply.status, reply.body, profile=self._profile, document=document, secrets=secrets)
        except Transient as error:
            error.retry_after_s = reply.retry_after_s
            raise
        self._took(kind, command.reference)
        return read_back(made, command)

    def record(self, command: Command) -> dict[str, Any]:
        """Return the record of a command, in the tenant's words."""
        return record_of(in_words(command), self._profile, self._profile.documents[kind_of(command)])
