"""Customers over QAD's REST interface: read by key, made, changed; who holds a Zuora account number.

One call commits one record. A record is made under a code that we name, so QAD's own key keeps it from being made
twice; it is changed whole, as it was read, with the hash that says so: nobody else's change is written over unseen.
"""

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from adapters.clock import boot_time_s
from adapters.qad.asking.answers import judge_saved, read_object
from adapters.qad.asking.client import QadClient
from adapters.qad.places import below, pick, put
from adapters.qad.profiles.masters import Master, Masters
from adapters.qad.profiles.profile import Profile
from adapters.qad.reading.browse import column
from adapters.qad.reading.filtered import Filtered
from schemas.errors import Misconfigured, Refused, Transient
from streams.customers.wanted import YES_OR_NO, Value
from streams.ports import HeldRecord

_encode = msgspec.json.Encoder(decimal_format="number").encode


class RestCustomers:
    """One connection's customers in QAD."""

    def __init__(self, client: QadClient, profile: Profile) -> None:
        """Speak through this client, in this tenant's words.

        Raises:
            Misconfigured: The profile does not say how customers are made.
        """
        if profile.customers is None:
            raise Misconfigured("the profile has no [customers]: it does not say how a customer is made")
        self._client = client
        self._profile = profile
        self._masters: Masters = profile.customers
        self._filtered = Filtered(client, profile)

    def template(self, part: str) -> Mapping[str, Value]:
        """Return the fixed values of a record, by the tenant's fields."""
        return {name: _plain(value) for name, value in self._masters.of(part).constants.items()}

    def content_hash(self, codes: Mapping[str, str], values: Mapping[str, Mapping[str, Value]]) -> str:
        """Return a hash of all that would be written."""
        return self._masters.content_hash(codes, values)

    async def read(self, part: str, code: str) -> HeldRecord | None:
        """Return a record by its code, None where QAD has none.

        Raises:
            Transient: Nobody can say now.
            Refused: The user may not.
            Misconfigured: The profile's path, view or key is wrong.
        """
        master = self._masters.of(part)
        reply = await self._client.get(master.path, [*self._keys(master, code), *self._view(master)])
        answer = read_object(reply.body) or {}
        if reply.status == 403:
            raise Refused(f"QAD does not let this user read {master.path}")
        if reply.status in (400, 404, 405):
            raise Misconfigured(
                f"QAD reads no {master.path} by this key (HTTP {reply.status}): look at [customers.{part}]"
            )
        rows = pick(answer, below(self._masters.read_under, master.list))
        if reply.status >= 300 or not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise Transient(f"QAD gave no {master.path} (HTTP {reply.status})", retry_after_s=reply.retry_after_s)
        if not rows:
            return None
        shown = str(pick(rows[0], master.key) or "").rstrip()
        if shown.casefold() != code.casefold():
            raise Misconfigured(f"QAD was asked for {code} and showed another record: look at [customers.{part}] key")
        return HeldRecord(
            values={word: self._read(word, pick(rows[0], place)) for word, place in master.fields.items()},
            fixed={place: _plain(pick(rows[0], place)) for place in master.constants},
            version=str(pick(rows[0], self._masters.concurrency) or ""),
            record=rows[0],
        )

    async def holders(self, account_number: str) -> Sequence[str]:
        """Return the codes of the customers that hold a Zuora account number; raises as `read` does."""
        found = await self._with("zuora_account", account_number)
        if found is None:
            raise Misconfigured("[browses.customers] names no column for zuora_account: who holds it cannot be told")
        return found

    async def under(self, relation: str) -> Sequence[str] | None:
        """Return the codes of the customers of a relation, None where no column says; raises as `read` does."""
        return await self._with("relation", relation)

    async def _with(self, word: str, value: str) -> Sequence[str] | None:
        """Return the codes of the customers that have a value in the column of a word, None where it has no column."""
        spec = self._profile.browses["customers"]
        code, field = spec.columns["code"], spec.columns.get(word)
        if field is None:
            return None
        pages = self._filtered.equal(spec, field, value, known=code)
        return [str(column(row, code, browse_id=spec.browse_id)) async for page in pages for row in page]

    async def make(self, part: str, code: str, values: Mapping[str, Value]) -> None:
        """Make a record; raises as streams/ports.py says."""
        await self._send(part, [], self._masters.record(part, code, values))

    async def change(self, part: str, code: str, held: HeldRecord, changes: Mapping[str, Value]) -> None:
        """Change fields of a record that was read; raises as streams/ports.py says.

        Args:
            part: Which record.
            code: Its code.
            held: As it was read.
            changes: By our words, and by the tenant's fields where they are the template's.
        """
        master = self._masters.of(part)
        record = copy.deepcopy(dict(held.record))
        for word, value in changes.items():
            put(record, master.fields.get(word, word), self._masters.written(value))
        await self._send(part, self._keys(master, code), record)

    async def _send(self, part: str, keys: Sequence[tuple[str, str]], record: Mapping[str, Any]) -> None:
        if not self._masters.confirmed:
            raise Refused("[customers] of the profile is not confirmed: ml-connector ping says what to do")
        master, envelope = self._masters.of(part), self._profile.envelope
        body: dict[str, Any] = {}
        for place in envelope.empty:
            put(body, place, [])
        put(body, below(envelope.records, master.list), [record])
        params, not_after = [*keys, *self._view(master)], boot_time_s() + self._profile.limits.timeout_s
        reply = await self._client.post(master.path, params, _encode(body), not_after=not_after)
        judge_saved(reply.status, reply.body, profile=self._profile, path=master.path, list_name=master.list)

    def _keys(self, master: Master, code: str) -> list[tuple[str, str]]:
        """Return the key as a query says it, where nothing is nested."""
        return [(place.rpartition(".")[2], value) for place, value in [*master.keys.items(), (master.key, code)]]

    def _read(self, word: str, value: Any) -> Value:
        return value == self._masters.yes if word in YES_OR_NO and value is not None else _plain(value)

    def _view(self, master: Master) -> list[tuple[str, str]]:
        name = self._profile.view_parameter
        return [(name, master.view_uri)] if name and master.view_uri else []


def _plain(value: Any) -> Value:
    if value is None:
        return ""
    return value if isinstance(value, bool) else str(value)
