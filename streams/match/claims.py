"""Which connection a billing account belongs to: over all connections of a tenant, exactly one.

An account that none or two claim is parked by name in the first connection of the tenant; in the others it is
ignored by name.
"""

import msgspec

from schemas.codec import canonical
from schemas.ids import hash_of
from schemas.records import ZuoraRecord
from schemas.zuora import field_of


class Claim(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a connection states about the accounts that are its own.

    Attributes:
        connection: Whose claim it is.
        field: A field of the account, any spelling of its first letter; "" claims every account.
        values: Values of that field that make an account its own.
    """

    connection: str = ""
    field: str = ""
    values: tuple[str, ...] = ()


def claimed_by(account: ZuoraRecord, claims: tuple[Claim, ...]) -> tuple[str, ...]:
    """Return the connections of the tenant that claim this account, in the tenant's order."""
    return tuple(
        claim.connection for claim in claims if not claim.field or field_of(account.parent, claim.field) in claim.values
    )


def claims_hash(claims: tuple[Claim, ...]) -> str:
    """Return which claims these are: an account that was asked by others is asked again. "" where one claims all."""
    return "" if len(claims) == 1 and not claims[0].field else hash_of(canonical(claims))


def owner_elsewhere(claimed: tuple[str, ...], *, claims: tuple[Claim, ...], connection: str) -> str:
    """Return the other connection that an account is for; "" where it is ours, or a person here must say whose it is.

    What none or two claim is for a person in the first connection of the tenant.
    """
    first = claims[0].connection if claims else connection
    owner = claimed[0] if len(claimed) == 1 else first
    return "" if owner == connection else owner
