"""The sink's port over QAD's REST interface: a command becomes one record by the profile.

One call commits one document. What a field is called and how dates are written is the profile's; nothing of a tenant
stands here.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

import msgspec

from adapters.qad.asking.answers import judge_post
from adapters.qad.profiles.documents import Lines
from adapters.qad.reading.look_ups import LookUps
from adapters.qad.words import Words, in_words, kind_of
from schemas.errors import Refused, Rejected, Transient
from streams.ports import Accepted, Command
from streams.sink.answers import NO_SUCH_KIND

_encode = msgspec.json.Encoder(decimal_format="number").encode


class RestQad(LookUps):
    """One connection's QAD."""

    async def post(self, command: Command, *, not_after: float) -> Accepted:
        """Make one document; see streams/ports.py for what it raises."""
        waiting = self._profile.unconfirmed
        if waiting:
            raise Refused(f"the profile is not confirmed ({', '.join(waiting)}): ml-connector ping says what to do")
        kind = kind_of(command)
        if kind not in self._profile.documents:
            raise Rejected(NO_SUCH_KIND, (f"the profile has no [documents.{kind}]",))
        document = self._profile.documents[kind]
        body = _encode({"supplementaryMessages": [], document.list: [self.record(command)]})
        reply = await self._client.post(document.path, [("viewUri", document.view_uri)], body, not_after=not_after)
        try:
            return judge_post(reply.status, reply.body, profile=self._profile, document=document)
        except Transient as error:
            error.retry_after_s = reply.retry_after_s
            raise

    def record(self, command: Command) -> dict[str, Any]:
        """Return the record of a command, in the tenant's words."""
        document = self._profile.documents[kind_of(command)]
        words = in_words(command)
        record: dict[str, Any] = dict(document.constants)
        self._place(record, document.fields, words.head)
        for part, lines in (
            (document.lines, words.lines),
            (document.allocations, words.allocations),
            (document.opens, words.opens),
            (document.gl_lines, words.gl_lines),
        ):
            if part is not None:
                # Two parts may stand under one name: a transfer uses one item up and makes another.
                record.setdefault(part.under, []).extend(self._line(part, line) for line in lines)
        return record

    def _line(self, part: Lines, words: Words) -> dict[str, Any]:
        line: dict[str, Any] = dict(part.constants)
        self._place(line, part.fields, words)
        return line

    def _place(self, record: dict[str, Any], fields: Mapping[str, Any], words: Words) -> None:
        for word, targets in fields.items():
            value = words.get(word)
            if value is None or value == "":
                continue
            written = value.strftime(self._profile.date_format) if isinstance(value, date) else value
            for target in (targets,) if isinstance(targets, str) else targets:
                record[target] = written
