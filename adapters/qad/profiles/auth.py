"""How a tenant's token is had."""

from typing import Annotated, Literal

import msgspec

from adapters.qad.profiles.part import Part


class Auth(Part, frozen=True, kw_only=True):
    """How a token is had.

    Attributes:
        path: Below the base URL.
        grant: OAuth grant.
        extra: Further form fields.
        renew_before_s: How long before its end a token is renewed.
        lifetime_s: How long a token lives when the answer does not say.
    """

    path: str = "/oauth/token"
    grant: Literal["password", "client_credentials"] = "password"
    extra: dict[str, str] = msgspec.field(default_factory=dict)
    renew_before_s: Annotated[int, msgspec.Meta(ge=0)] = 60
    lifetime_s: Annotated[int, msgspec.Meta(ge=1)] = 1800
