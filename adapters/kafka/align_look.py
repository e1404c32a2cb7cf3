"""One customer looked at in QAD beside what its accounts say: read and compared, and nothing written.

Of a business relation that other customers share nothing is written: their name and address would change as well.
"""

from collections.abc import Mapping

import msgspec

from schemas.errors import Misconfigured
from schemas.mapping import AlignField
from streams.customers.comparing import FIELDS, Base, Line, Said, State, compare
from streams.customers.wanted import CUSTOMER, RELATION, Value
from streams.ports import CustomerBooks, HeldRecord


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """What was found.

    Attributes:
        lines: How each field stands.
        codes: Code of each record that was read, by part.
        records: The records, by part.
    """

    lines: list[Line]
    codes: dict[str, str]
    records: dict[str, HeldRecord]

    def writes(self, part: str) -> dict[str, Value]:
        """Return what is to be written to a record, by word."""
        return {
            word: value
            for line in self.lines
            if line.part == part and line.state is State.WRITE
            for word, value in line.writes.items()
        }


async def look_at(books: CustomerBooks, customer: str, said: Mapping[AlignField, Said], base: Base) -> Look | None:
    """Return how a customer stands; None where QAD has no such record any more.

    Args:
        books: Its QAD.
        customer: Its code.
        said: What its accounts say of each field that may flow.
        base: What is known from before.

    Raises:
        ConnectorError: Nobody can say now, or the profile is wrong.
    """
    held = await books.read(CUSTOMER, customer)
    if held is None:
        return None
    codes, records = {CUSTOMER: customer}, {CUSTOMER: held}
    if any(FIELDS[field][0] == RELATION for field in said):
        code = str(held.values.get("relation", "")).rstrip()
        relation = await books.read(RELATION, code) if code else None
        if relation is None:
            return None
        codes[RELATION], records[RELATION] = code, relation
    lines = [compare(customer, field, one, records[FIELDS[field][0]].values, base) for field, one in said.items()]
    for part in {line.part for line in lines if line.state is State.WRITE}:
        if not records[part].version:
            raise Misconfigured(
                f"QAD shows no version of {part} {codes[part]}: a change could go over somebody else's. Name the field "
                "in [customers] concurrency of the profile"
            )
    if any(line.part == RELATION and line.state is State.WRITE for line in lines):
        stop = await _sharing(books, codes[RELATION], customer)
        if stop is not None:
            lines = [_stopped(line, stop) for line in lines]
    return Look(lines=lines, codes=codes, records=records)


async def _sharing(books: CustomerBooks, relation: str, customer: str) -> State | None:
    """Return why a business relation may not be written, None where it is this customer's alone."""
    under = await books.under(relation)
    if under is None or not under:
        return State.NOT_TOLD
    return None if {code.casefold() for code in under} == {customer.casefold()} else State.SHARED


def _stopped(line: Line, state: State) -> Line:
    if line.part != RELATION or line.state is not State.WRITE:
        return line
    return msgspec.structs.replace(line, state=state, writes={})
