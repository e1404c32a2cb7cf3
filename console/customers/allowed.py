"""What of a mapping's `[customers] align` a profile cannot do: said before it is published, and on the go-live list."""

from adapters.qad.profiles.profile import Profile
from schemas.mapping import Mapping
from streams.customers.comparing import FIELDS
from streams.customers.wanted import RELATION


def problems_of_align(mapping: Mapping, profile: Profile | None) -> list[str]:
    """Return what would not flow whatever changes, a sentence each; a site of files has no profile."""
    fields = mapping.customers.align
    masters = profile.customers if profile is not None else None
    if not fields:
        return []
    if profile is None or masters is None:
        return ["customers.align names fields, and no profile says in [customers] how they are written"]
    problems = [
        f"customers.align: {field} has no field in [customers.{part}] fields of the profile"
        for field in fields
        for part, words in [FIELDS[field]]
        if not any(word in masters.of(part).fields for word in words)
    ]
    shared = [field for field in fields if FIELDS[field][0] == RELATION]
    if shared and "relation" not in profile.browses["customers"].columns:
        problems.append(
            f"customers.align: {', '.join(shared)} stand in the business relation, and [browses.customers] of the "
            "profile names no column for relation: who shares it cannot be told, so nothing of it is written"
        )
    return problems
