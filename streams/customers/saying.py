"""What a billing account says of the fields that may flow to its customer.

What Zuora leaves out says nothing: neither that a name is empty, nor an address. Source: ACCOUNTING 5; zuora.md.
"""

from collections.abc import Mapping

from schemas.mapping import AlignField
from schemas.parties import Party
from streams.customers.comparing import FIELDS, Said, State
from streams.customers.wanted import CUSTOMER, RELATION, Rules, Value, Wanted, wanted_of

# A Draft is neither: nothing follows from it.
_ACTIVE: Mapping[str, bool] = {"active": True, "canceled": False, "cancelled": False}
_NOTHING = Said(state=State.NOT_SAID)


def stated(party: Party | None, rules: Rules) -> dict[AlignField, Said]:
    """Return what an account says of each field; nothing of any where its record cannot be read."""
    if party is None:
        return dict.fromkeys(FIELDS, _NOTHING)
    wanted = wanted_of(party, rules)
    active = _ACTIVE.get(party.status.casefold())
    return {
        "name": _said(wanted, RELATION, "name"),
        "search_name": _said(wanted, RELATION, "search_name"),
        "address": _address(wanted),
        "terms": _said(wanted, CUSTOMER, "terms"),
        "status": _NOTHING if active is None else Said(values={"active": active}),
    }


def _said(wanted: Wanted, part: str, word: str) -> Said:
    if word in wanted.problems:
        return Said(state=State.NOT_HELD, why=wanted.problems[word])
    value = wanted.values[part].get(word)
    return _NOTHING if value is None else Said(values={word: value})


def _address(wanted: Wanted) -> Said:
    _, words = FIELDS["address"]
    values: dict[str, Value] = {word: wanted.values[RELATION].get(word, "") for word in words}
    problems = [wanted.problems[word] for word in words if word in wanted.problems]
    if problems:
        return Said(state=State.NOT_HELD, why="; ".join(problems))
    return Said(values=values) if any(values.values()) else _NOTHING
