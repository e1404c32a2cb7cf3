"""The calls that one document takes: reads and validations of the profile's, then the one that commits.

Nothing before the commit changes anything, so whatever fails there certainly did not happen. The commit is sent once,
and only while its intent is young enough, however long the calls before it took.
"""

from datetime import date
from typing import Any

import msgspec

from adapters.qad.asking.answers import judge_step
from adapters.qad.asking.client import QadClient, Reply
from adapters.qad.places import below, pick, put
from adapters.qad.profiles.calls import fill
from adapters.qad.profiles.documents import Document, Step
from adapters.qad.profiles.profile import Profile
from adapters.qad.words import Words
from schemas.errors import OutcomeUnknown, Rejected, Transient
from streams.sink.meanings import UNCLASSIFIED

_encode = msgspec.json.Encoder(decimal_format="number").encode


class Calls:
    """What is called for one record."""

    def __init__(self, client: QadClient, profile: Profile, document: Document, record: dict[str, Any]) -> None:
        self._client = client
        self._profile = profile
        self._document = document
        self._record = record

    async def prepare(self, words: Words, *, not_after: float) -> None:
        """Make the calls before the commit.

        Raises:
            Rejected: A validation says no, or what a read should give is not there.
            Transient: One of them was not answered.
            Refused: The user may not make one of them, or it is not there.
        """
        for step in self._document.steps:
            if step.does == "read":
                self._take(step, await self._read(step, words))
            elif step.does == "validate":
                await self._validate(step, words, not_after=not_after)

    async def commit(self, *, not_after: float) -> Reply:
        """Make the call that commits; raises as `QadClient.post` does."""
        document = self._document
        params = self._view(document.view_uri)
        return await self._client.post(document.path, params, self._body(), not_after=not_after)

    async def _read(self, step: Step, words: Words) -> dict[str, Any]:
        reply = await self._client.get(step.path, self._params(step, words))
        return self._judged(step, reply)

    async def _validate(self, step: Step, words: Words, *, not_after: float) -> None:
        try:
            reply = await self._client.post(step.path, self._params(step, words), self._body(), not_after=not_after)
        except OutcomeUnknown as error:
            raise Transient(f"{step.path} was not answered: nothing was sent to be posted") from error
        self._judged(step, reply)

    def _judged(self, step: Step, reply: Reply) -> dict[str, Any]:
        try:
            secrets = self._client.token.secrets
            return judge_step(reply.status, reply.body, profile=self._profile, step=step, secrets=secrets)
        except Transient as error:
            error.retry_after_s = reply.retry_after_s
            raise

    def _take(self, step: Step, answer: dict[str, Any]) -> None:
        for field, place in step.take.items():
            taken = pick(answer, place)
            if taken is None or isinstance(taken, dict | list):
                raise Rejected(UNCLASSIFIED, (f"{step.path} shows no value at {place}: {field} has none",), (field,))
            put(self._record, field, taken)

    def _params(self, step: Step, words: Words) -> list[tuple[str, str]]:
        said = {word: self._written(value) for word, value in words.items()}
        return [*((name, fill(form, said)) for name, form in step.params.items()), *self._view(step.view_uri)]

    def _written(self, value: Any) -> str:
        return value.strftime(self._profile.date_format) if isinstance(value, date) else str(value)

    def _view(self, view_uri: str) -> list[tuple[str, str]]:
        return [(self._profile.view_parameter, view_uri)] if view_uri and self._profile.view_parameter else []

    def _body(self) -> bytes:
        envelope = self._profile.envelope
        body: dict[str, Any] = {}
        for place in envelope.empty:
            put(body, place, [])
        put(body, below(envelope.records, self._document.list), [self._record])
        return _encode(body)
