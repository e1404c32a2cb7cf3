"""How the server behaves around the books: sessions, traffic, calls. All of it can be changed while it runs."""

from typing import Literal

from msgspec import Struct, field

from sandbox.qad.books.policy import Policy


class SessionSettings(Struct, kw_only=True, forbid_unknown_fields=True):
    """How long one stays signed in, and which grants there are.

    Attributes:
        session_length_minutes: a token ends so long after it was issued.
        idle_minutes: or so long after its last use.
        refresh_minutes: a refresh token serves once, within so long.
        requires_client_secret: a client must name its secret.
        allows_client_credentials: a client with a secret may sign in by itself.
        allows_basic: a user and a password with the call are as good as a token.
        answers_expires_in: the answer to a token request says how long the token lives.
    """

    session_length_minutes: int = 480
    idle_minutes: int = 30
    refresh_minutes: int = 1440
    requires_client_secret: bool = False
    allows_client_credentials: bool = False
    allows_basic: bool = False
    answers_expires_in: bool = False


class TrafficSettings(Struct, kw_only=True, forbid_unknown_fields=True):
    """How fast and how much at once.

    Attributes:
        latency_ms: what every call to the ERP takes before anything happens.
        concurrency_max: calls at the same time; 0 is no limit.
        agents_max: calls of QXtend at the same time, each with a licensed agent; 0 is no limit.
        beyond: calls beyond wait in line, or are refused with 503.
        hang_s_max: a fault that never answers gives up, and drops the connection, after so long.
    """

    latency_ms: int = 0
    concurrency_max: int = 0
    agents_max: int = 0
    beyond: Literal["queue", "refuse"] = "refuse"
    hang_s_max: float = 120.0


class CallSettings(Struct, kw_only=True, forbid_unknown_fields=True):
    """How single calls are taken.

    Attributes:
        records_max: records in one call.
        each_record_by_itself: of several records the right ones are stored and the others refused; else all or
            none.
        refuses_unknown_fields: a field that the resource does not have makes the request bad; else it is ignored,
            and noted in the log.
        business_failure_status: HTTP status of a business failure; public knowledge does not say which.
        requests_kept: length of the request log.
    """

    records_max: int = 50
    each_record_by_itself: bool = False
    refuses_unknown_fields: bool = False
    business_failure_status: int = 200
    requests_kept: int = 200_000


class Settings(Struct, kw_only=True, forbid_unknown_fields=True):
    """All settings of a server."""

    books: Policy = field(default_factory=Policy)
    session: SessionSettings = field(default_factory=SessionSettings)
    traffic: TrafficSettings = field(default_factory=TrafficSettings)
    calls: CallSettings = field(default_factory=CallSettings)
