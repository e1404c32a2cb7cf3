"""How a tenant's token is had."""

from typing import Annotated, Literal

import msgspec

from adapters.qad.profiles.part import Part


class Auth(Part, frozen=True, kw_only=True):
    """How a token is had.

    Attributes:
        path: Below the base URL.
        grant: OAuth grant; `basic` for none: user and password go with each call, where a tenant takes that.
        extra: Further form fields.
        renew_before_s: How long before its end a token is renewed.
        lifetime_s: How long a token lives when the answer does not say.
        limits_path: Where QAD says how long sessions live, by age and standing idle; "" for nowhere.
    """

    path: str = "/oauth/token"
    grant: Literal["password", "client_credentials", "basic"] = "password"
    extra: dict[str, str] = msgspec.field(default_factory=dict)
    renew_before_s: Annotated[int, msgspec.Meta(ge=0)] = 60
    lifetime_s: Annotated[int, msgspec.Meta(ge=1)] = 1800
    limits_path: str = "/api/qracore/securityControl"
