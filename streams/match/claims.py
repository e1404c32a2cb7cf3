"""Which connection a billing account belongs to: over all connections of a tenant, exactly one.

An account that none or two claim is parked by name in the first connection of the tenant; in the others it is
ignored by name.
"""

import msgspec

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
