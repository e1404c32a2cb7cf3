"""Marks in Zuora: what stands on objects, read by Object Query, and what is set on them, by the one update there is.

A name of a call becomes its idempotency key. A key under which Zuora itself answered a failure is burnt: it would be
told that failure for a day, so the next try of the same call takes another key; a call that came to no answer keeps its
own. What may be set is decided in posts.py alone.
"""

from collections.abc import AsyncIterator, Mapping, Sequence

import msgspec

from adapters.zuora.asking.answers import Answered, NotFound, decoded
from adapters.zuora.asking.client import ZuoraClient
from adapters.zuora.asking.ids import checked, is_id, quoted
from schemas.errors import Misconfigured, Refused, Transient, Unreadable
from streams.ports import MarkAnswer, Stands

_OBJECTS = {"Account": "accounts", "Invoice": "invoices", "Payment": "payments", "Refund": "refunds"}
# No source says that these can be filtered by id: each is read by its key.
_BY_KEY = frozenset({"refunds"})
# Codes of Actions that another try may cure (zuora.md 5.5, and the list of error codes of Zuora's older API).
_MAY_PASS = frozenset(
    {
        "LOCK_COMPETITION",
        "REQUEST_EXCEEDED_RATE",
        "SERVER_UNAVAILABLE",
        "TRANSACTION_FAILED",
        "TRANSACTION_TERMINATED",
        "TRANSACTION_TIMEOUT",
        "UNKNOWN_ERROR",
    }
)

_row = msgspec.json.Decoder(dict[str, msgspec.Raw])
_text = msgspec.json.Decoder(str | bool | int | float | None)


class ZuoraMarks:
    """Marks of one tenant."""

    def __init__(self, client: ZuoraClient) -> None:
        """Read and set through this client."""
        self._client = client
        self._burnt: dict[str, int] = {}

    async def read(self, type_name: str, ids: Sequence[str], fields: Sequence[str]) -> Mapping[str, Stands]:
        """Return what stands on objects, by their ids; those that Zuora does not have are left out.

        Raises:
            Transient: It cannot be told now.
            Refused: The user may not.
            Misconfigured: Zuora does not take the question.
        """
        asked, objects = [one for one in ids if is_id(one)], _OBJECTS[type_name]
        found: dict[str, Stands] = {}
        async for raw in self._rows(objects, asked):
            row = {name.casefold(): value for name, value in _rowed(raw, objects).items()}
            found[_said(row, "id")] = Stands(
                stamp=_said(row, "updateddate"),
                values={field: _said(row, field.casefold()) for field in fields},
            )
        return found

    async def _rows(self, objects: str, ids: Sequence[str]) -> AsyncIterator[msgspec.Raw]:
        if objects in _BY_KEY:
            for one in ids:
                try:
                    yield msgspec.Raw((await self._client.get(f"/object-query/{objects}/{quoted(one)}")).body)
                except NotFound:
                    continue
        elif ids:
            asked = ",".join(checked(one) for one in ids)
            async for page in self._client.object_query_pages(objects, [("filter[]", f"id.IN:[{asked}]")]):
                for raw in page.rows:
                    yield raw

    async def write(self, type_name: str, objects: Sequence[Mapping[str, str]], name: str) -> Sequence[MarkAnswer]:
        """Set fields, and return what became of each object, in their order.

        Raises:
            Transient: No answer says what became of it.
            Refused: The user may not.
            Misconfigured: Zuora takes no such call.
        """
        try:
            answers = await self._client.mark(type_name, objects, self._key(name))
        except (Refused, Misconfigured):
            # Also a missing right stays under the key, longer than it takes to give it.
            self._burn(name)
            raise
        except Answered as error:
            self._burn(name)
            return [MarkAnswer(ok=False, may_pass=True, said=str(error))] * len(objects)
        if not all(answer.ok for answer in answers):
            self._burn(name)
        else:
            self._burnt.pop(name, None)
        return [
            MarkAnswer(
                ok=answer.ok,
                may_pass=not answer.ok and _may_pass(answer.code, answer.message),
                said=f"{answer.message or 'no reason given'} ({answer.code or 'no code'})" if not answer.ok else "",
            )
            for answer in answers
        ]

    def _burn(self, name: str) -> None:
        """Take another key for the next try: under this one the same would be told for a day."""
        self._burnt[name] = self._burnt.get(name, 0) + 1

    def _key(self, name: str) -> str:
        return f"{name}.{self._burnt.get(name, 0)}"


def _may_pass(code: str, message: str) -> bool:
    codes = {one.strip() for one in code.split(",")}
    return bool(codes & _MAY_PASS) or "lock competition" in message.lower()


def _rowed(raw: msgspec.Raw, what: str) -> dict[str, msgspec.Raw]:
    try:
        return decoded(raw, _row, what)
    except Unreadable as error:
        raise Transient(str(error)) from None


def _said(row: Mapping[str, msgspec.Raw], name: str) -> str:
    """Return a field as text; "" where it is absent, null, or nothing that we would write."""
    try:
        value = _text.decode(row[name])
    except (KeyError, msgspec.DecodeError):
        return ""
    return "" if value is None else str(value)
