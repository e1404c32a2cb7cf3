"""The bodies around records: what a success, a business failure, a refusal by the gateway and a page look like.

A business failure says so in its body, not by its status. Money is written as JSON numbers, never through float.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from sandbox.qad.books.errors import BusinessError, Code
from sandbox.qad.dialect import Dialect
from sandbox.qad.settings import CallSettings
from sandbox.qad.wire.codec import RecordCodec
from sandbox.qad.wire.forms import path_of, put

_ENCODER = msgspec.json.Encoder(decimal_format="number")


_NO_HEADERS: Mapping[str, str] = MappingProxyType({})


class Answer(NamedTuple):
    """A response before it is sent."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: Mapping[str, str] = _NO_HEADERS


class Warned(Struct, frozen=True, kw_only=True):
    """Something that the ERP says beside a success."""

    code: str
    message: str


def encode(body: Any) -> bytes:
    """Write a body as JSON."""
    return _ENCODER.encode(body)


class Envelopes:
    """Builds the bodies of one dialect."""

    def __init__(self, dialect: Dialect, settings: CallSettings) -> None:
        self._dialect = dialect
        self._envelope = dialect.envelope
        self._settings = settings

    def saved(self, list_name: str, records: Sequence[Mapping[str, Any]], warnings: Sequence[Warned] = ()) -> Answer:
        """Answer that records were stored, with the records as they are now."""
        body = self._list(list_name, records)
        put(body, path_of(self._envelope.success), self._envelope.yes)
        if warnings:
            self._put_messages(body, warnings)
        return Answer(200, encode(body))

    def judged(self) -> Answer:
        """Answer that a record would be stored."""
        body: dict[str, Any] = {}
        put(body, path_of(self._envelope.success), self._envelope.yes)
        return Answer(200, encode(body))

    def refused(
        self,
        codec: RecordCodec,
        refusals: Mapping[int, Sequence[BusinessError]],
        *,
        saved: Sequence[Mapping[str, Any]] = (),
        count: int = 1,
    ) -> Answer:
        """Answer that records were refused; `saved` are those of the same call that were stored all the same."""
        body = self._list(codec.resource.list_name, saved) if saved else {}
        put(body, path_of(self._envelope.success), self._envelope.no)
        errors = []
        for position, found in sorted(refusals.items()):
            for error in found:
                item = self._business_error(codec, error)
                if count > 1:
                    item[self._envelope.error_position] = position
                errors.append(item)
        put(body, path_of(self._envelope.errors), errors)
        return Answer(self._settings.business_failure_status, encode(body))

    def gateway(
        self, status: int, message: str, *, field: str = "", headers: Mapping[str, str] = _NO_HEADERS
    ) -> Answer:
        """Answer that the request did not reach the business at all."""
        envelope = self._envelope
        error = {
            envelope.error_severity: 1,
            envelope.error_code: str(status),
            envelope.error_message: message,
            envelope.error_field: field,
        }
        body: dict[str, Any] = {}
        put(body, path_of(envelope.gateway_errors), [error])
        return Answer(status, encode(body), headers=headers)

    def read(self, list_name: str, records: Sequence[Any]) -> Answer:
        """Answer a reading by key; no record is an empty list."""
        body: dict[str, Any] = {}
        put(body, (*path_of(self._envelope.data), list_name), records)
        return Answer(200, encode(body))

    def page(self, rows: Sequence[Mapping[str, Any]], *, has_more: bool) -> Answer:
        """Answer one page of a browse."""
        body: dict[str, Any] = {}
        put(body, path_of(self._envelope.rows), rows)
        put(body, path_of(self._envelope.has_more), self._envelope.more_yes if has_more else self._envelope.more_no)
        return Answer(200, encode(body))

    def _list(self, list_name: str, records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        body: dict[str, Any] = {}
        put(body, (*path_of(self._envelope.records_under), list_name), records)
        return body

    def _put_messages(self, body: dict[str, Any], warnings: Sequence[Warned]) -> None:
        envelope = self._envelope
        messages = [
            {envelope.error_severity: 3, envelope.error_code: one.code, envelope.error_message: one.message}
            for one in warnings
        ]
        put(body, path_of(envelope.messages), messages)

    def _business_error(self, codec: RecordCodec, error: BusinessError) -> dict[str, Any]:
        envelope, dialect = self._envelope, self._dialect
        field = codec.wire_name(error.field) if error.field else ""
        if error.code == Code.FIELD_TOO_LONG and dialect.capitalises_length_fields:
            field = field[:1].upper() + field[1:]
        return {
            envelope.error_field: field,
            envelope.error_message: error.message,
            envelope.error_value: error.value,
            envelope.error_code: dialect.codes.get(error.code, error.code),
        }
