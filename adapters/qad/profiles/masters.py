"""How a tenant's customers are made and changed: their records, their fields, and the template's fixed values."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from adapters.qad.places import put
from adapters.qad.profiles.part import Part, Value
from schemas.codec import canonical
from schemas.ids import hash_of
from streams.customers.wanted import CUSTOMER, OPERATIONS, PARTS, RELATION, WORDS


class Master(Part, frozen=True, kw_only=True):
    """One record of a customer: its business relation, itself, or its domain record.

    Attributes:
        path: Resource below the base URL.
        view_uri: `viewUri` of the calls.
        list: Name of the list in bodies.
        key: Field that holds its code; a call that asks for it says the last name of its place, as of the others.
        keys: The other key fields, with their fixed values, e.g. the shared set.
        fields: Field of the tenant by our word.
        constants: The template: further fields with fixed values, e.g. tax zone, profiles, site, daybook set.
    """

    path: str
    view_uri: str
    list: str
    key: str
    keys: dict[str, str] = msgspec.field(default_factory=dict)
    fields: dict[str, str] = msgspec.field(default_factory=dict)
    constants: dict[str, Value] = msgspec.field(default_factory=dict)


class Masters(Part, frozen=True, kw_only=True):
    """The records of a customer, in the order in which they are made.

    Attributes:
        countries: QAD's code by Zuora's country; one without a row is written as Zuora has it.
        lengths: What QAD holds of our words.
        concurrency: Field that says which version of a record was read.
        read_under: Under what the list of records stands where one is read by its key; "" at the top.
        yes: What a yes-or-no field says for yes.
        no: Likewise, for no.
        confirmed: The site has confirmed this part; until then no customer is made or changed, and documents go on.
    """

    relation: Master
    customer: Master
    operations: Master
    countries: dict[str, str] = msgspec.field(default_factory=dict)
    lengths: dict[str, int] = msgspec.field(default_factory=dict)
    concurrency: str = "concurrencyHash"
    read_under: str = "data"
    yes: Value = True
    no: Value = False
    confirmed: bool = True

    def of(self, part: str) -> Master:
        """Return a record by its name of ours."""
        return {RELATION: self.relation, CUSTOMER: self.customer, OPERATIONS: self.operations}[part]

    def written(self, value: Value) -> Value:
        """Return a value of ours as the tenant writes it."""
        return (self.yes if value else self.no) if isinstance(value, bool) else value

    def record(self, part: str, code: str, values: Mapping[str, Value]) -> dict[str, Any]:
        """Return a record as it is made, in the tenant's words."""
        master, record = self.of(part), dict[str, Any]()
        fields = {master.fields[word]: self.written(value) for word, value in values.items() if word in master.fields}
        for place, value in {**master.constants, **fields, **master.keys, master.key: code}.items():
            put(record, place, value)
        return record

    def content_hash(self, codes: Mapping[str, str], values: Mapping[str, Mapping[str, Value]]) -> str:
        """Return a hash of all that is written: what another profile would write has another."""
        return hash_of(canonical([self.record(part, codes[part], values.get(part, {})) for part in PARTS]))

    def problems(self) -> Iterator[str]:
        """Say what is wrong with it."""
        needed: Mapping[str, frozenset[str]] = {
            RELATION: frozenset({"name", "search_name"}),
            CUSTOMER: frozenset({"relation", "currency", "zuora_account"}),
            OPERATIONS: frozenset(),
        }
        for part in PARTS:
            fields = self.of(part).fields
            yield from (
                f"[customers.{part}] fields: no field is named for {word!r}" for word in needed[part] - {*fields}
            )
            yield from (f"[customers.{part}] fields: {word!r} is no word of ours" for word in {*fields} - WORDS[part])
        if self.yes == self.no:
            yield "[customers] yes and no say the same: whether a customer is active could not be told"
        known = {"code", "relation"}.union(*WORDS.values())
        yield from (f"[customers] lengths: {word!r} is no word of ours" for word in self.lengths if word not in known)
